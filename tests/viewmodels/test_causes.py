"""The tree of causes and effects."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.targets import GoToTransition
from am_dbg.viewmodels import causes
from am_dbg.viewmodels.causes import CauseTree
from am_telemetry.facts import SourceFact
from tests.support.memory_recording import MILLISECOND, START_NS, MemoryRecording


def relay() -> MemoryRecording:
    """gateway #1 → edge #1 → orders #1 → (orders #2 by itself, billing #1 whose clock is behind)."""
    recording = MemoryRecording()
    gateway = recording.machine("gateway", ["Online"])
    edge = recording.machine("edge", ["Linked"])
    orders = recording.machine("orders", ["Connected", "Ready"])
    billing = recording.machine("billing", ["Peer"])
    gateway.add("Online", at_ns=START_NS)
    edge.add("Linked", source=SourceFact("gateway", 1), at_ns=START_NS + 12 * MILLISECOND)
    orders.add("Connected", source=SourceFact("edge", 1), at_ns=START_NS + 111 * MILLISECOND)
    orders.add("Ready", auto=True, at_ns=START_NS + 130 * MILLISECOND)
    billing.add("Peer", source=SourceFact("orders", 1), at_ns=START_NS + 103 * MILLISECOND)
    recording.catch_up()
    return recording


def tree(recording: MemoryRecording, machine_id: int, number: int) -> list[str]:
    session = Session(recording, live=False)
    session.follow(GoToTransition(machine_id, number))
    record = session.current
    assert record is not None
    return ["".join(span.text for span in row.line) for row in CauseTree(session, record).rows]


def test_the_first_cause_stands_on_top_and_effects_below() -> None:
    assert tree(relay(), 3, 1) == [
        "gateway #1 add Online  22:13:20, no cause was recorded",
        "└─ edge #1 add Linked  +12 ms",
        "   └─ ▶ here: orders #1 add Connected  +99 ms",
        "      └─ billing #1 add Peer  -8.0 ms: the clocks differ",
        "      └─ orders #2 auto Ready  +19 ms",
    ]


def test_an_automatic_transition_comes_from_the_one_before_and_has_siblings() -> None:
    rows = tree(relay(), 3, 2)
    assert rows[0].startswith("gateway #1")
    assert [row.strip(" └─").removeprefix("▶ here: ").split()[0] for row in rows] == [
        "gateway",
        "edge",
        "orders",
        "billing",
        "orders",
    ]
    assert "▶ here: orders #2" in rows[-1]


def test_a_cause_that_was_not_recorded_is_named() -> None:
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Ready"])
    orders.add("Ready", source=SourceFact("elsewhere", 42))
    recording.catch_up()
    rows = tree(recording, 1, 1)
    assert rows[0] == "← elsewhere #42, which is not in this recording"
    assert rows[1].startswith("▶ here: orders #1")


def test_a_ring_of_causes_and_many_effects_come_to_an_end() -> None:
    recording = MemoryRecording()
    first, second = recording.machine("a", ["X"]), recording.machine("b", ["Y"])
    first.add("X", source=SourceFact("b", 1))
    second.add("Y", source=SourceFact("a", 1))
    for _ in range(causes.FAN_OUT + 20):
        second.add("Y", source=SourceFact("a", 1))
    recording.catch_up()
    rows = tree(recording, 1, 1)
    assert len(rows) <= causes.FAN_OUT + 5
    assert sum("▶ here" in row for row in rows) == 1
    assert any("more" in row for row in rows)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 12), st.booleans()), max_size=14))
@settings(max_examples=60, deadline=None)
def test_every_transition_has_a_tree_in_which_it_stands_once(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    recording = MemoryRecording()
    machines = [recording.machine(name, ["X"]) for name in "abc"]
    for owner, source, sequence, auto in rows:
        cause = SourceFact("abc"[source], sequence) if sequence else None
        machines[owner].mutate("add", ("X",), source=cause, auto=auto)
    recording.catch_up()
    session = Session(recording, live=False)
    for machine in recording.machines:
        for number in range(1, recording.timeline(machine.id).count + 1):
            session.clear_filters()
            session.follow(GoToTransition(machine.id, number))
            record = session.current
            assert record is not None
            found = CauseTree(session, record)
            assert [row.here for row in found.rows].count(True) == 1
            assert found.rows[found.here].target == GoToTransition(machine.id, number)
            assert found.rows[found.roots].target is not None
