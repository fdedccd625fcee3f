"""The machine list tells how every machine stood at the session's moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Mode, Session
from am_dbg.session.targets import SelectMachine
from am_dbg.viewmodels import machines
from am_dbg.viewmodels.spans import Role, line_text, line_width
from tests.support.memory_recording import MemoryRecording
from tests.support.random_recordings import recordings
from tests.support.sample_recordings import shop


def opened(number: int) -> Session:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.go_to_number(number)
    return session


def rows(session: Session, width: int = 30) -> list[str]:
    return [line_text(row.line) for row in machines.rows(session, 0, 99, width)]


def test_rows_show_nesting_connection_flags_and_counters_at_the_moment() -> None:
    assert rows(opened(3)) == [
        " ● audit                    0 ",
        " ● gateway           R      2 ",
        "   ○ billing                0+",
        "▸  ● orders          R      3+",
    ]


def test_moving_the_cursor_updates_every_row() -> None:
    assert rows(opened(8)) == [
        " ● audit                    0 ",
        " ● gateway           R      2 ",
        "   ○ billing         S      1+",
        "▸  ● orders         ES      8+",
    ]


def test_in_tail_mode_all_counters_are_complete() -> None:
    session = opened(1)
    session.set_mode(Mode.TAIL)
    assert not any("+" in row for row in rows(session))


def test_an_error_is_remembered_for_a_hundred_transitions() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    machine.add("Exception")
    machine.remove("Exception")
    for _ in range(60):
        machine.add("A")
        machine.remove("A")
    session = Session(recording, live=False)
    flags = {}
    for number in (1, 2, 100, 101, 122):
        session.go_to_number(number)
        flags[number] = machines.error_flag(recording.timeline(1), session.number)
    # Removing the error changes its tick, but is no new error.
    assert flags == {1: "E", 2: "e", 100: "e", 101: "", 122: ""}


def test_errors_differ_from_the_rest_by_letter_and_by_role() -> None:
    row = machines.rows(opened(8), 3, 1, 30)[0]
    assert {span.role for span in row.line if span.text.strip() == "E"} == {Role.ERROR}
    name = next(span for span in row.line if "orders" in span.text)
    assert (name.bold, name.underline, row.selected) == (True, True, True)


def test_the_title_counts_machines_and_sums_their_times() -> None:
    assert line_text(machines.title(opened(3))) == "Machines 4 · T 5"
    assert line_text(machines.title(Session(MemoryRecording()))) == "Machines"


def test_a_click_anywhere_in_a_row_selects_its_machine() -> None:
    for row in machines.rows(opened(1), 0, 9, 40):
        assert {span.target for span in row.line} == {SelectMachine(row.machine_id)}


@pytest.mark.parametrize("width", [16, 20, 24, 30, 60])
def test_rows_are_exactly_as_wide_as_the_pane_whatever_the_name(width: int) -> None:
    recording = MemoryRecording()
    for name in ("x" * 100, "日本" * 40, "[red]\x1b[31m", "a\u202eb", "\u0301", ""):
        recording.machine(name, ["A"])
    session = Session(recording, live=False)
    for row in machines.rows(session, 0, 99, width):
        assert line_width(row.line) == width
        assert "\x1b" not in line_text(row.line)


def test_only_the_rows_of_the_window_are_made() -> None:
    recording = MemoryRecording()
    for place in range(40):
        recording.machine(f"m{place}", ["A"])
    session = Session(recording, live=False)
    asked: list[int] = []
    original = recording.timeline
    recording.timeline = lambda machine_id: (asked.append(machine_id), original(machine_id))[1]  # type: ignore[method-assign]  # counts
    shown = machines.rows(session, 10, 5, 30)
    assert [line_text(row.line).split()[1] for row in shown] == ["m10", "m11", "m12", "m13", "m14"]
    assert set(asked) == {row.machine_id for row in shown}


@settings(max_examples=30)
@given(recording=recordings(), data=st.data())
def test_flags_agree_with_the_states_that_were_active(recording: MemoryRecording, data: st.DataObject) -> None:
    session = Session(recording, live=False)
    session.go_to_number(data.draw(st.integers(0, session.count)))
    for row in machines.rows(session, 0, 99, 40):
        timeline = recording.timeline(row.machine_id)
        position = session.position(row.machine_id)
        active = {timeline.schema.names[s] for s in timeline.active_states(position)}
        flags = line_text(row.line)[-11:-8]
        assert ("E" in flags) is bool(active & {"Exception", "ErrIO"})
        assert ("R" in flags) is ("Ready" in active)
        assert ("S" in flags) is ("Start" in active and "Ready" not in active)
