"""The rain shows, for each visible transition and each state, what the recording says about them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.filters import Filter
from am_dbg.viewmodels import rain, rain_lines
from am_dbg.viewmodels.rain import Drop, RainModel
from am_dbg.viewmodels.spans import Line, Role, line_text, line_width
from am_telemetry.facts import StateFact
from am_telemetry.store.timeline import Timeline
from tests.support.memory_recording import MemoryRecording
from tests.support.random_recordings import recordings
from tests.support.sample_recordings import shop


def opened(recording: MemoryRecording | None = None, machine: int = 2) -> Session:
    session = Session(shop() if recording is None else recording, live=False)
    session.select_machine(machine)
    session.clear_filters()
    return session


def drawn(session: Session, width: int, height: int, first: int = 0) -> tuple[list[Line], rain_lines.Frame]:
    model = RainModel(session)
    shape = rain_lines.frame(session, model.columns(), first, width, height)
    lines = rain_lines.header(session, shape, width)
    return lines + rain_lines.body(session, model, shape, 0, height - len(lines), width), shape


def signs(session: Session, number: int) -> str:
    model = RainModel(session)
    rank = next(place for place in range(model.length) if model.number(place) == number)
    return "".join(cell.drop.value for cell in model.rows(rank, 1, range(6))[0].cells)


def test_every_kind_of_change_has_its_sign() -> None:
    session = opened()
    # States: Exception, Start, Connected, Ready, Loading, ReadyToGo.
    assert signs(session, 0) == "......"
    assert signs(session, 1) == ".+...."
    assert signs(session, 2) == ".1*c.."  # refused because Connected is missing
    assert signs(session, 3) == ".1++.."
    assert signs(session, 4) == ".11|+."
    assert signs(session, 5) == ".11.~."
    assert signs(session, 6) == ".21.1."  # called, without effect
    assert signs(session, 7) == ".11.1c"
    assert signs(session, 8) == "!11.1."
    assert signs(session, 9) == "!11.1."  # a dry run


@settings(max_examples=60, deadline=None)
@given(recording=recordings(machines=2), hidden=st.sets(st.sampled_from(list(Filter))))
def test_a_cell_tells_what_the_transitions_add_up_to(recording: MemoryRecording, hidden: set[Filter]) -> None:
    session = Session(recording, live=False)
    session.set_filters(session.filters.cleared())
    for kind in hidden:
        session.toggle_filter(kind)
    for machine in recording.machines:
        session.select_machine(machine.id)
        timeline = recording.timeline(machine.id)
        size = len(timeline.schema.names)
        model = RainModel(session)
        rows = model.rows(0, model.length + 5, range(size))
        assert [row.number for row in rows] == [0, *session.visible]
        by_number = {row.number: row for row in rows}
        clock = list(machine.initial_clock) + [0] * (size - len(machine.initial_clock))
        for number in range(timeline.count + 1):
            before = list(clock)
            fact = timeline.pattern(number).fact if number else None
            for state, ticks in fact.deltas if fact is not None else ():
                clock[state] += ticks
            if number not in by_number:
                continue
            for state, cell in enumerate(by_number[number].cells):
                is_on, was_on = clock[state] % 2 == 1, before[state] % 2 == 1
                changed = clock[state] != before[state]
                assert (cell.drop in (Drop.ERROR, Drop.ADDED, Drop.AGAIN, Drop.TAKING_PART, Drop.ACTIVE)) == is_on
                assert cell.fresh == changed
                assert cell.called == (fact is not None and state in fact.called)
                if is_on and state not in timeline.schema.error_states:
                    assert (cell.drop is Drop.ADDED) == (not was_on)
                    assert (cell.drop is Drop.AGAIN) == (was_on and changed)
                assert (cell.drop is Drop.REMOVED) == (was_on and not is_on)
                if cell.drop is Drop.IN_VAIN:
                    assert number in timeline.canceled
                    assert cell.called


@settings(max_examples=40, deadline=None)
@given(recording=recordings(machines=1), width=st.integers(8, 140), height=st.integers(3, 50), untouched=st.booleans())
def test_lines_never_leave_their_room(recording: MemoryRecording, width: int, height: int, untouched: bool) -> None:
    session = Session(recording, live=False)
    session.untouched = untouched
    session.select_state("Ready")
    lines, shape = drawn(session, width, height)
    head, body = lines[: shape.head], lines[shape.head :]
    assert all(line_width(line) <= width for line in head)
    assert all(line_width(line) <= width - 1 for line in body), "there is a mark before these"
    assert len(head) == shape.head < max(3, height)


def test_where_there_is_room_words_say_what_happened() -> None:
    lines, _ = drawn(opened(), 110, 30)
    row = next(line_text(line) for line in lines if " 4 2" in line_text(line))
    assert row.startswith(". 1 1 | + .")
    assert "+Loading" in row
    assert "−Ready" in row


@pytest.mark.parametrize("width", [24, 40, 60, 90])
def test_however_narrow_numbers_and_all_states_are_there(width: int) -> None:
    lines, shape = drawn(opened(), width, 20)
    assert shape.column_at(0) is None
    assert [shape.column_at(1 + place * shape.pitch) for place in range(len(shape.columns))] == list(range(6))
    assert shape.column_at(1 + 6 * shape.pitch) is None
    assert [line_text(line).split() for line in lines if " 8" in line_text(line)]


def test_five_hundred_states_scroll_sideways() -> None:
    recording = MemoryRecording()
    machine = recording.machine("big", [f"State{n:03}" for n in range(500)])
    machine.add(*(f"State{n:03}" for n in range(0, 500, 2)))
    session = opened(recording, 1)
    model = RainModel(session)
    assert len(model.columns()) == 250, "states without any part are left out"
    session.toggle_untouched()
    assert len(model.columns()) == 500
    lines, shape = drawn(session, 100, 30, first=200)
    assert shape.columns[0] == 200
    assert 50 < len(shape.columns) < 100
    assert line_text(lines[shape.head - 1]).startswith("‹")
    assert "›" in line_text(lines[shape.head - 1])
    assert rain_lines.frame(session, model.columns(), 9_999, 100, 30).columns[-1] == 499


def test_a_selected_state_always_has_a_column_that_is_marked() -> None:
    recording = MemoryRecording()
    recording.machine("m", ["Exception", "A", "Never"]).add("A")
    session = opened(recording, 1)
    assert RainModel(session).columns() == (1,)
    session.select_state("Never")
    assert RainModel(session).columns() == (1, 2)
    lines, shape = drawn(session, 60, 20)
    ruler = line_text(lines[shape.head - 1])
    assert ruler[1 + shape.pitch] == rain_lines.SELECTED_SIGN
    band = [[span.text for span in line if span.band] for line in lines[shape.head :]]
    assert band == [[". "], [". "]]


def test_holes_are_told_where_they_are_even_behind_hidden_transitions() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A", "Heartbeat"])
    machine.add("A")
    recording.later(lambda: recording.timeline(machine.id).correct([0, 0, 0], 1234))
    machine.clock[1] = 0
    machine.add("Heartbeat")
    machine.add("A")
    recording.later(lambda: recording.timeline(machine.id).correct([0, 1, 1], 0))
    machine.remove("A")
    session = Session(recording, live=False)
    assert not session.filters.shows(Filter.HEALTH)
    rows = RainModel(session).rows(0, 9, range(3))
    assert [(row.number, row.lost, row.restored) for row in rows] == [
        (0, 0, False), (1, 0, False), (3, 1234, False), (4, 0, True),
    ]  # fmt: skip
    lines, shape = drawn(session, 100, 20)
    text = [line_text(line) for line in lines[shape.head :]]
    assert rain_lines.LOST_SIGN in text[2]
    assert "1,234 lost before" in text[2]
    assert rain_lines.RESTORED_SIGN in text[3]
    narrow = [line_text(line) for line in drawn(session, 30, 20)[0]]
    assert sum(rain_lines.LOST_SIGN in line for line in narrow) == 1


def test_states_keep_their_place_when_a_schema_grows_in_between() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", [StateFact("B"), StateFact("A")])
    machine.add("A")
    session = opened(recording, 1)
    timeline: Timeline = recording.timeline(1)
    assert signs_of(session, 1) == ".+"
    timeline.revise(type(timeline.schema)((StateFact("New"), *timeline.schema.states)))
    assert [timeline.schema.names[state] for state in RainModel(session).columns()] == ["A"]
    assert signs_of(session, 1) == ".+."


def signs_of(session: Session, rank: int) -> str:
    timeline = session.timeline
    assert timeline is not None
    row = RainModel(session).rows(rank, 1, range(len(timeline.schema.names)))[0]
    return "".join(cell.drop.value for cell in row.cells)


def test_the_cost_of_a_window_does_not_grow_with_the_recording() -> None:
    class Counting(RainModel):
        made = 0

        def _row(self, timeline: Timeline, number: int, before: int, columns: Sequence[int]) -> rain.Row:
            type(self).made += 1
            return super()._row(timeline, number, before, columns)

    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    for _ in range(3_000):
        machine.add("A")
        machine.remove("A")
    session = opened(recording, 1)
    model = Counting(session)
    rows = model.rows(5_000, 40, (0, 1))
    assert [row.number for row in rows] == list(range(5_000, 5_040))
    assert Counting.made == 40


def test_what_is_the_same_as_above_in_the_time_is_dim() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    machine.add("A")
    machine.remove("A")
    line = drawn(opened(recording, 1), 110, 30)[0][-1]
    dim = next(place for place, span in enumerate(line) if span.text.count(":") == 2)
    assert line[dim].role is Role.DIM
    assert line[dim].text.endswith(".0")
    assert (line[dim + 1].role, line[dim + 1].text) == (Role.TEXT, "20 000 000")
