"""The density strip: each cell is a run of visible transitions, and clicks land exactly."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.filters import Filter
from am_dbg.viewmodels import strip
from am_dbg.viewmodels.spans import Role, line_text, line_width
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings
from tests.support.sample_recordings import shop


def steady(count: int, gap_ns: int = 10_000_000) -> MemoryRecording:
    recording = MemoryRecording(step_ns=gap_ns)
    machine = recording.machine("m", ["Exception", "A"])
    for place in range(count):
        machine.mutate("add" if place % 2 == 0 else "remove", ["A"])
    return recording


@settings(max_examples=80)
@given(recording=recordings(machines=1, length=60), width=st.integers(1, 40), data=st.data())
def test_cells_and_transitions_map_to_each_other_exactly(
    recording: MemoryRecording, width: int, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    for kind in data.draw(st.sets(st.sampled_from(list(Filter)))):
        session.toggle_filter(kind)
    built = strip.build(session, width)
    numbers = list(session.visible)
    assert len(built.cells) == min(width, len(numbers))
    for cell in range(len(built.cells)):
        assert built.cell_of(built.number_of(cell)) == cell
    covered = [n for cell in built.cells for n in numbers if cell.first <= n <= cell.last]
    assert covered == numbers
    for number in numbers:
        place = built.cell_of(number)
        assert place is not None
        assert built.cells[place].first <= number <= built.cells[place].last
    assert built.cell_of(0) is None
    for number in [0, *numbers]:
        assert line_width(built.line(number)) == width


def test_the_first_and_the_last_transition_can_be_clicked() -> None:
    session = Session(steady(1_000), live=False)
    built = strip.build(session, 37)
    assert built.number_of(0) == 1
    assert built.number_of(36) == 1_000
    assert built.number_of(-5) == 1
    assert built.number_of(99) == 1_000


def test_errors_and_refusals_are_marked_and_a_click_leads_to_them() -> None:
    session = Session(shop(), live=False)
    session.select_machine(2)
    built = strip.build(session, 20)
    assert line_text(built.line(0)).rstrip()[1] == "c"
    assert [(cell.mark, cell.problem) for cell in built.cells if cell.mark] == [
        ("canceled", 2),
        ("canceled", 7),
        ("error", 8),
    ]
    narrow = strip.build(session, 2)
    assert [(cell.mark, narrow.number_of(place)) for place, cell in enumerate(narrow.cells)] == [
        ("canceled", 2),
        ("error", 8),
    ]


def test_hidden_problems_leave_no_mark() -> None:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.toggle_filter(Filter.CANCELED)
    assert [cell.mark for cell in strip.build(session, 20).cells if cell.mark] == ["error"]


def test_the_cursor_has_its_own_sign_and_keeps_marks_readable() -> None:
    session = Session(shop(), live=False)
    session.select_machine(2)
    built = strip.build(session, 20)
    assert line_text(built.line(3))[2] == "┃"
    marked = next(span for span in built.line(8) if span.reverse)
    assert (marked.text, marked.role) == ("✕", Role.ERROR)
    assert not any(span.reverse or span.role is Role.CURSOR for span in built.line(0))


def test_bursts_stand_higher_than_quiet_times() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A"])
    moment = START_NS
    for place in range(400):
        moment += 1_000_000_000 if place < 200 else 1_000
        machine.mutate("add" if place % 2 == 0 else "remove", ["A"], at_ns=moment)
    heights = [cell.height for cell in strip.build(Session(recording, live=False), 40).cells]
    assert set(heights[:20]) == {1}
    assert set(heights[-15:]) == {8}


def test_an_even_flow_is_flat() -> None:
    assert {cell.height for cell in strip.build(Session(steady(500), live=False), 50).cells} == {1}


def test_nothing_visible_makes_an_empty_strip() -> None:
    built = strip.build(Session(MemoryRecording()), 30)
    assert line_text(built.line(0)) == " " * 30
    assert built.number_of(3) == 0
    assert built.cell_of(3) is None


def test_a_hole_is_marked_where_the_recording_goes_on() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    for number in range(8):
        machine.mutate("add" if number % 2 == 0 else "remove", ["A"])
        if number in (2, 7):
            machine.lose(5)
    session = Session(recording, live=False)
    built = strip.build(session, 8)
    assert [cell.mark for cell in built.cells] == ["", "", "", "lost", "", "", "", "lost"]
    assert [built.number_of(cell) for cell in (3, 7)] == [4, 8]
    assert line_text(built.line(1))[3] == strip.LOST_MARK
    assert strip.build(session, 2).cells[0].problem == 4


def test_an_error_matters_more_than_a_hole_and_a_hole_more_than_a_refusal() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    machine.add("A")
    machine.lose(1)
    machine.add("A", accepted=False)
    machine.lose(1)
    machine.add("Exception")
    session = Session(recording, live=False)
    assert [cell.mark for cell in strip.build(session, 3).cells] == ["", "lost", "error"]
