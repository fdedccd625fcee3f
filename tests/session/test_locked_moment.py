"""The moment that all panes show: it never drifts, and can be locked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Mode, Session
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings

SECOND = 1_000_000_000


def three() -> Session:
    """a, b and c with a transition each second, b half a second later."""
    recording = MemoryRecording()
    for name, offset in (("a", 0), ("b", SECOND // 2), ("c", 0)):
        machine = recording.machine(name, ["Start", "Ready"], at_ns=START_NS)
        for second in range(10):
            machine.add("Ready", at_ns=START_NS + second * SECOND + offset)
    session = Session(recording, live=False)
    session.clear_filters()
    return session


@given(recordings(), st.data())
@settings(max_examples=60, deadline=None)
def test_switching_machines_forth_and_back_returns_to_the_same_transition(
    recording: MemoryRecording, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    ids = [machine.id for machine in recording.machines]
    session.select_machine(data.draw(st.sampled_from(ids)))
    session.go_to_number(data.draw(st.integers(0, session.count)))
    if data.draw(st.booleans()):
        session.toggle_lock()
    start = (session.machine_id, session.number, session.moment)
    for machine_id in data.draw(st.lists(st.sampled_from(ids), max_size=8)):
        session.select_machine(machine_id)
    assert start[0] is not None
    session.select_machine(start[0])
    assert (session.machine_id, session.number, session.moment) == start


@given(recordings(), st.data())
@settings(max_examples=60, deadline=None)
def test_no_move_changes_a_locked_moment(recording: MemoryRecording, data: st.DataObject) -> None:
    session = Session(recording, live=False)
    session.last()
    session.toggle_lock()
    moment = session.moment
    positions = {machine.id: session.position(machine.id) for machine in recording.machines}
    moves = [
        session.next, session.previous, session.first, session.last, session.jump_back, session.next_step,
        session.previous_step, session.next_machine, session.next_problem, session.go_back, session.clear_filters,
        lambda: session.go_to_number(2), lambda: session.go_to_time(START_NS + 5 * SECOND),
    ]  # fmt: skip
    for move in data.draw(st.lists(st.sampled_from(moves), max_size=12)):
        move()
        assert session.moment == moment
        assert {machine.id: session.position(machine.id) for machine in recording.machines} == positions
        assert session.number == 0 or session.number in session.visible


def test_selecting_any_machine_leads_back_to_the_locked_moment() -> None:
    session = three()
    session.go_to_number(5)
    session.toggle_lock()
    session.previous(3)
    assert (session.number, session.moment) == (2, START_NS + 4 * SECOND)
    session.next_machine()
    assert session.number == 4
    session.previous_machine()
    assert session.number == 5


def test_filters_do_not_take_the_cursor_away_from_where_it_is_aside() -> None:
    session = three()
    session.go_to_number(5)
    session.toggle_lock()
    session.previous(3)
    session.reset_filters()
    session.clear_filters()
    assert session.number == 2


def test_a_released_moment_comes_to_the_cursor() -> None:
    session = three()
    session.go_to_number(5)
    session.toggle_lock()
    session.previous(3)
    session.toggle_lock()
    assert (session.number, session.moment) == (2, START_NS + SECOND)
    session.next_machine()
    assert session.number == 1


def test_following_the_tail_releases_the_moment() -> None:
    session = three()
    session.toggle_lock()
    session.toggle_tail()
    assert (session.locked, session.mode, session.number) == (False, Mode.TAIL, 10)


def test_locking_while_following_the_tail_stays_at_the_newest_moment() -> None:
    session = three()
    session.toggle_tail()
    moment = session.moment
    session.toggle_lock()
    session.first()
    assert (session.mode, session.moment, session.number) == (Mode.PAUSED, moment, 0)
