"""Mutations, ticks and results without relations. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import pytest
from engine_setups import PLAIN, machine_of, record, ticks

from am_core import Result, Time, TimeIndex, UnknownStateError
from am_core.clock import is_time_after, next_active, next_inactive


def test_scenario_1_set_then_add() -> None:
    """The newly called state comes first in the active order."""
    machine = machine_of()
    assert machine.states == ("A", "B", "C", "D", "Exception")
    assert machine.set("A") == Result.EXECUTED
    assert (machine.active, ticks(machine)) == (("A",), [1, 0, 0, 0])
    assert machine.add("B").executed
    assert (machine.active, ticks(machine)) == (("B", "A"), [1, 1, 0, 0])


def test_scenario_2_set_replaces_and_remove_takes_away() -> None:
    """Set switches everything else off; remove only what it names."""
    machine = machine_of(active="A")
    assert machine.set("B").executed
    assert (machine.active, ticks(machine)) == (("B",), [2, 1, 0, 0])
    machine = machine_of(active="BC")
    assert machine.remove("C").executed
    assert machine.active == ("B",)


def test_scenario_3_unknown_states_raise_and_change_nothing() -> None:
    """The error names the nearest known state."""
    machine = machine_of({"Alpha": {}}, active=["Alpha"])
    with pytest.raises(UnknownStateError, match="did you mean Alpha"):
        machine.set("Alpah")
    with pytest.raises(LookupError, match="missing states: X"):
        machine.add(["Alpha", "X"])
    assert machine.active == ("Alpha",)
    assert machine.queue_len() == 0
    assert machine.add("Alpha").executed


def test_scenario_4_multi_states_tick_twice_when_called_again() -> None:
    """Only called multi states are entered again."""
    machine = machine_of({**PLAIN, "B": {"multi": True}})
    calls = [
        ("add", "AB", [1, 1, 0, 0]),
        ("add", "AB", [1, 3, 0, 0]),
        ("add", "ABC", [1, 5, 1, 0]),
        ("set", "D", [2, 6, 2, 1]),
        ("add", "DC", [2, 6, 3, 1]),
        ("remove", "BC", [2, 6, 4, 1]),
        ("add", "AB", [3, 7, 4, 1]),
        ("add", "C", [3, 7, 5, 1]),
    ]
    for kind, states, expected in calls:
        assert getattr(machine, kind)(list(states)).executed
        assert ticks(machine) == expected
    assert machine.time().sum() == 16


def test_scenario_5_implied_multi_states_are_not_entered_again() -> None:
    """Being added along with another state is not a call."""
    machine = machine_of({"A": {"add": ["M"]}, "M": {"multi": True}})
    machine.add("M")
    machine.add("A")
    assert ticks(machine, "AM") == [1, 1]
    machine.remove("A")
    machine.add(["A", "M"])
    assert ticks(machine, "AM") == [3, 3]


def test_scenario_6_multi_states_with_set_and_remove() -> None:
    """Removing an inactive state is executed and ticks nothing."""
    machine = machine_of({"A": {}, "M": {"multi": True}})
    for states, expected in ((["M"], [0, 1]), (["M"], [0, 3]), (["M", "A"], [1, 5])):
        machine.set(states)
        assert ticks(machine, "AM") == expected
    assert machine.remove("M").executed
    assert machine.tick("M") == 6
    assert machine.remove("M").executed
    assert machine.tick("M") == 6


def test_scenario_7_toggle_adds_unless_all_are_active() -> None:
    """The decision is made from all states together."""
    machine = machine_of()
    for states, expected in (("AB", [1, 1]), ("A", [2, 1]), ("AB", [3, 1]), ("AB", [4, 2])):
        machine.toggle(list(states))
        assert ticks(machine, "AB") == expected


def test_scenario_8_empty_lists_are_legal() -> None:
    """They run the global handlers, and self and pair handlers of what stays active."""
    machine = machine_of(active="AB")
    assert machine.set([]).executed
    assert (machine.active, ticks(machine, "AB")) == ((), [2, 2])
    order = record(machine)
    assert machine.add([]).executed
    assert machine.remove([]).executed
    assert order == ["AnyEnter", "AnyState"] * 2
    assert ticks(machine, "AB") == [2, 2]


def test_scenario_9_comparing_clocks() -> None:
    """``is_clock`` wants equality, ``was_clock`` that the time has come."""
    machine = machine_of()
    clock = machine.clock(["A"])
    machine.add(["A", "B"])
    assert not machine.is_clock(clock)
    assert machine.was_clock(clock)
    clock["A"] += 1
    assert machine.is_clock(clock)
    assert machine.was_clock(clock)
    assert not machine.was_clock({"A": 2})


def test_scenario_10_queue_ticks() -> None:
    """A queued result is the tick at which the mutation starts."""
    machine = machine_of()
    assert machine.queue_tick() == 1
    machine.set("A")
    assert machine.queue_tick() == 2
    results: list[Result] = []
    machine.bind({"BEnter": lambda e: results.append(e.machine.add("C"))})
    machine.set("B")
    assert results == [Result(4)]
    assert (results[0].queued, results[0].tick, bool(results[0])) == (True, 4, True)
    assert machine.queue_tick() == 4


def test_result_truth_is_not_canceled() -> None:
    """Zero means executed, so the number's own truth value would mislead."""
    executed, canceled, queued = Result(0), Result(1), Result(7)
    assert [bool(r) for r in (executed, canceled, queued)] == [True, False, True]
    assert [str(r) for r in (executed, canceled, queued)] == ["executed", "canceled", "queued"]
    assert [r.tick for r in (executed, canceled, queued)] == [0, 0, 7]


def test_reading_unknown_and_empty_lists() -> None:
    """Every question has an answer for the odd cases."""
    machine = machine_of(active="A")
    assert machine.is_([])
    assert not machine.is_("X")
    assert machine.not_([])
    with pytest.raises(UnknownStateError):
        machine.not_("X")
    assert not machine.any()
    assert machine.any([])
    assert machine.any(["B"], ["A"])
    assert not machine.any(["A", "B"])
    assert machine.any1("B", "A")
    assert not machine.any1("X")
    assert machine.switch(["B", "A"], ["C"]) == "A"
    assert machine.switch(["B"]) == ""
    assert machine.active_states(["B", "A", "X"]) == ["A"]
    assert machine.index(["B", "X"]) == [1, -1]
    assert machine.has([])
    assert not machine.has(["A", "X"])
    assert machine.parse_states(["B", "X", "A", "B"]) == ["B", "A"]
    assert "A" in machine
    assert machine.tick("X") == 0


def test_times() -> None:
    """Tick vectors compare by every element."""
    time = Time([1, 2, 3])
    assert str(time) == "1 2 3"
    assert time.increment(1) == (1, 3, 3)
    assert time.increment(9) == time
    assert time.add([1, 1, 1]) == (2, 3, 4)
    assert time.add([1]) == time
    assert time.filter([2, 9]) == (3, 0)
    assert time.diff_since([1, 1, 1]) == (0, 1, 2)
    assert time.diff_since([1]) == (0, 0, 0)
    assert not time.after(False, [0, 2, 0])
    assert time.after(True, [1, 2, 0])
    assert time.before(False, [2, 3, 4])
    assert time.equal(False, [1, 2])
    assert not time.equal(True, [1, 2])
    assert (time.is_([]), time.not_([])) == (False, True)
    assert (time.is_([0, -1]), time.not_([-1, 1]), time.not1(-1)) == (False, True, False)
    assert time.active_states([1, 2]) == [2]
    assert is_time_after([1, 3], [1, 2])
    assert not is_time_after([1, 2], [1, 2])
    assert [next_active(1), next_active(2), next_inactive(1), next_inactive(2)] == [3, 3, 2, 4]
    index = TimeIndex([1, 0, 1], ["A", "B"])
    assert str(index) == "A unknown2"
    assert index.is_(["A"])
    assert not index.is_(["B"])
