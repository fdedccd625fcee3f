"""What is different on a machine between two of its moments."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.comparing import compare
from am_telemetry.store.records import WaitRecord
from am_telemetry.waits import WaitFact
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings


@given(recordings(machines=1), st.data())
@settings(max_examples=60, deadline=None)
def test_all_states_that_differ_are_told_in_whatever_order_the_moments_are_given(
    recording: MemoryRecording, data: st.DataObject
) -> None:
    timeline = recording.timeline(1)
    one, other = (data.draw(st.integers(0, timeline.count)) for _ in range(2))
    found = compare(recording, 1, one, other)
    assert found == compare(recording, 1, other, one)
    first, last = sorted((one, other))
    before, after = timeline.clock(first), timeline.clock(last)
    differing = {name for state, name in enumerate(timeline.schema.names) if before[state] != after[state]}
    assert {change.name for change in found.states} == differing
    assert found.later.machine_time - found.earlier.machine_time == sum(after) - sum(before)
    assert found.transitions == last - first
    assert found.errors == sum(n in timeline.errors or n in timeline.broken for n in range(first + 1, last + 1))
    for change in found.states:
        assert change.flipped == ((change.tick_before + change.tick_after) % 2 == 1)


def test_waits_that_are_pending_in_one_of_the_moments_only_are_told() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Ready", "Start"])
    for _ in range(4):
        machine.add("Start")
    recording.wait_records[1] = [
        WaitRecord(1, WaitFact("when", ("Ready",)), 1, START_NS, 3, START_NS),
        WaitRecord(2, WaitFact("when", ("Start",)), 3, START_NS),
        WaitRecord(3, WaitFact("when-not", ("Start",)), 1, START_NS),
    ]
    recording.catch_up()
    found = compare(recording, 1, 2, 4)
    assert [wait.ident for wait in found.ended] == [1]
    assert [wait.ident for wait in found.begun] == [2]
    assert not found.is_empty
    assert compare(recording, 1, 4, 4).is_empty


def test_the_mark_names_the_same_moment_on_every_machine() -> None:
    recording = MemoryRecording()
    one, two = (recording.machine(name, ["Start"], at_ns=START_NS) for name in ("one", "two"))
    for second in range(1, 5):
        one.add("Start", at_ns=START_NS + second * 10**9)
        two.add("Start", at_ns=START_NS + second * 10**9 + 5)
    session = Session(recording, live=False)
    session.clear_filters()
    assert session.marked_number() is None
    session.go_to_number(3)
    session.set_mark()
    session.last()
    assert session.marked_number() == 3
    session.next_machine()
    assert session.marked_number() == 2
