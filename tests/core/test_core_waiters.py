"""When waiters end, for which reason, who shares them, and what they cost others."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from engine_setups import LONG, PLAIN, fail, in_thread, machine_of, record, veto

from am_core import (
    AmError,
    Event,
    Machine,
    UnknownStateError,
    Waiter,
)

# Scenarios


def test_scenario_72_when_all_states_are_active_at_the_same_time() -> None:
    """States that take turns do not count."""
    machine = machine_of(active=["A"])
    waiter = machine.when(["B", "C"])
    assert machine.when("A").done
    machine.add("B")
    machine.remove("B")
    machine.add("C")
    assert not waiter.done
    machine.add("B")
    assert (waiter.done, waiter.reason) == (True, "match")


def test_scenario_73_the_moments_at_which_waiters_end() -> None:
    """Those for arguments within the final phase, all others between the transition and the next one."""
    machine = Machine({"A": {}, "Z": {"auto": True, "require": ["A"]}}, handler_timeout=60)
    waiters = {
        "when": machine.when("A"),
        "ticks": machine.when_ticks("A", 1),
        "args": machine.when_args("A", {"x": 1}),
    }
    seen: dict[str, list[str]] = {}

    def look(e: Event) -> None:
        seen.setdefault(e.name, [name for name, waiter in waiters.items() if waiter.done])

    machine.bind({"AEnter": look, "AState": look, "AnyState": look, "ZEnter": look})
    machine.add("A", x=1)
    assert seen == {"AEnter": [], "AState": [], "AnyState": ["args"], "ZEnter": ["when", "ticks", "args"]}


def test_scenario_74_when_args_are_those_of_the_activation() -> None:
    """More of them are no obstacle, other values are."""
    machine = Machine({"B": {"multi": True}})
    waiter, wide = machine.when_args("B", {"foo": "bar"}), machine.when_args("B")
    machine.add("B", foo="foo")
    assert (waiter.done, wide.done) == (False, True)
    machine.add("B", foo="bar", n=1)
    assert waiter.reason == "match"


def test_scenario_75_when_time_latches_every_state() -> None:
    """Wrong lists are an error of the machine, and nothing to wait for."""
    machine = machine_of(active=["A", "B"])
    waiter = machine.when_time(["A", "B"], [5, 2])
    machine.remove(["A", "B"])
    machine.add(["A", "B"])
    assert not waiter.done
    machine.remove("A")
    assert not waiter.done
    machine.add("A")
    assert waiter.reason == "match"
    for states, times in ((["A"], [1, 2]), ([], [])):
        machine.remove("Exception")
        wrong = machine.when_time(states, times)
        assert (wrong.done, wrong.reason, machine.is_err()) == (True, "error", True)
        with pytest.raises(AmError, match="a time per state"):
            wrong.check()


def test_scenario_76_when_query_is_asked_after_transitions() -> None:
    """Not when it is created."""
    machine = machine_of(active=["A"])
    waiter = machine.when_query(lambda clock: clock["A"] > 4 * clock["B"])
    assert not waiter.done
    for step in (machine.add, "B"), (machine.remove, "A"), (machine.add, "A"), (machine.remove, "A"):
        step[0](step[1])
        assert not waiter.done
    machine.add("A")
    assert waiter.reason == "match"


def test_scenario_78_when_queue_ends_with_a_refused_mutation() -> None:
    """At the end of its own transition, before anything else happens."""
    machine = machine_of()
    seen: list[tuple[str, bool]] = []
    waiters: list[Waiter] = []

    def queue(e: Event) -> None:
        waiters.append(machine.when_queue(machine.add("B")))
        machine.add("C")

    machine.bind(
        {
            "AState": queue,
            "BEnter": veto,
            "CEnter": lambda e: seen.append(("C", waiters[0].done)),
            "BExit": lambda e: seen.append(("never", False)),
        }
    )
    machine.add("A")
    assert seen == [("C", True)]
    assert (waiters[0].reason, waiters[0].result) == ("match", 1)


def test_scenario_61_a_queued_mutation_can_be_waited_for_on_another_thread() -> None:
    """The thread that is told to wait gets its answer from the thread that executes."""
    machine = machine_of()
    inside, go = threading.Event(), threading.Event()

    def busy(_: Event) -> None:
        inside.set()
        go.wait(LONG)

    machine.bind({"AState": busy})
    worker = in_thread(lambda: machine.add("A"))
    assert inside.wait(LONG)
    result = machine.add("B")
    assert int(result) == 3
    waiter = machine.when_queue(result)
    assert not waiter.wait(0)
    go.set()
    assert waiter.wait(LONG)
    assert (machine.is_("B"), waiter.result) == (True, 0)
    worker.join(LONG)
    assert machine.when_queue(result).done


def test_scenario_65_a_broken_transition_still_ends_waits_for_what_it_changed() -> None:
    """And only those: what was switched off again is not active."""
    machine = machine_of()
    one, two, off = machine.when("A"), machine.when("B"), machine.when_ticks("C", 2)
    machine.bind({"BState": fail})
    assert machine.add(["A", "B", "C"]).canceled
    assert (one.reason, two.done, off.reason) == ("match", False, "match")


# States


def test_everything_that_holds_already_is_done_at_once() -> None:
    """Nothing is kept for it."""
    machine = machine_of(active=["A"])
    done = [
        machine.when("A"),
        machine.when([]),
        machine.when_not("B"),
        machine.when_not([]),
        machine.when_time("A", [1]),
        machine.when_time1("A", 0),
        machine.when_ticks("A", 0),
        machine.when_ticks("A", -3),
        machine.when_queue(machine.add("A")),
        machine.when_queue(1),
        machine.when_queue_ends(),
    ]
    assert [waiter.reason for waiter in done] == ["match"] * len(done)
    assert machine._subs is None


def test_when_not_waits_until_none_is_active() -> None:
    """One after the other will do."""
    machine = machine_of(active=["A", "B"])
    waiter = machine.when_not(["A", "B"])
    machine.remove("A")
    assert not waiter.done
    machine.remove("B")
    assert waiter.reason == "match"


def test_when_err_waits_for_an_exception() -> None:
    """Also for one of a handler."""
    machine = machine_of()
    waiter = machine.when_err()
    machine.bind({"AState": fail})
    machine.add("A")
    assert waiter.reason == "match"


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("multi", [False, True])
def test_when_next_active_does_not_count_the_present_activity(active: bool, multi: bool) -> None:
    """Another activation of a multi state does."""
    machine = Machine({"A": {"multi": multi}})
    if active:
        machine.add("A")
    waiter = machine.when_next_active("A")
    assert not waiter.done
    if active and not multi:
        machine.add("A")
        machine.remove("A")
        assert not waiter.done
    machine.add("A")
    assert waiter.reason == "match"


def test_when_ticks_of_a_multi_state_counts_its_instances() -> None:
    """Each is two ticks."""
    machine = Machine({"A": {"multi": True}})
    machine.add("A")
    waiter = machine.when_ticks("A", 4)
    machine.add("A")
    assert not waiter.done
    machine.add("A")
    assert waiter.reason == "match"


def test_waiters_see_what_is_between_transitions_and_not_what_is_within() -> None:
    """A state that a failure switches off again was never active."""
    machine = machine_of()
    waiter = machine.when("A")
    machine.bind({"AState": fail})
    machine.add("A")
    assert machine.tick("A") == 2
    assert not waiter.done


def test_what_holds_between_two_transitions_of_one_drain_is_noticed() -> None:
    """Even though it is over when the caller returns."""
    machine = machine_of()
    waiter = machine.when("A")
    machine.bind({"AState": lambda e: machine.remove("A")})
    machine.add("A")
    assert (machine.is_("A"), waiter.reason) == (False, "match")


def test_waiters_created_within_a_transition_count_from_its_switch_on() -> None:
    """In the final phase the states have changed already, in the negotiation they have not."""
    machine = machine_of()
    early: list[Waiter] = []
    late: list[Waiter] = []
    machine.bind(
        {"AEnter": lambda e: early.append(machine.when("A")), "AState": lambda e: late.append(machine.when("A"))}
    )
    machine.add("A")
    assert (early[0].reason, late[0].id) == ("match", 0)


def test_unknown_states_are_refused_whatever_else_holds() -> None:
    """With the nearest name, and also when the context has expired."""
    machine = Machine({"Ready": {}})
    over = machine.state_ctx("Ready")
    machine.add("Ready")
    calls: tuple[Callable[..., object], ...] = (
        machine.when,
        machine.when_not,
        lambda name, ctx=None: machine.when_time([name], [1], ctx),
        lambda name, ctx=None: machine.when_ticks(name, 1, ctx),
        machine.when_next_active,
        lambda name, ctx=None: machine.when_args(name, ctx=ctx),
    )
    for call in calls:
        with pytest.raises(UnknownStateError, match="Ready"):
            call("Redy")
        with pytest.raises(UnknownStateError):
            call("Redy", ctx=over)
    with pytest.raises(UnknownStateError):
        machine.state_ctx("Redy")


# Queue


def test_when_queue_ends_waits_for_the_last_of_them() -> None:
    """What was queued meanwhile included."""
    machine = machine_of()
    waiters: list[Waiter] = []

    def more(e: Event) -> None:
        waiters.append(machine.when_queue_ends())
        machine.add("B")

    order = record(machine, {"AState": more, "BState": lambda e: waiters.append(machine.when_queue_ends())})
    machine.add("A")
    assert "BState" in order
    assert waiters[0] is waiters[1]
    assert waiters[0].reason == "match"


def test_when_queue_is_about_the_mutation_and_not_about_its_start() -> None:
    """While its handlers run it has not ended, and with a number that is still to come it waits."""
    machine = machine_of()
    seen: list[bool] = []
    future = machine.when_queue(3)
    machine.bind({"BState": lambda e: seen.append(machine.when_queue(e.mutation.queue_tick).done)})
    machine.add("A")
    assert not future.done
    machine.add("B")
    assert (seen, future.reason) == ([False], "match")


def test_when_queue_ends_with_what_is_discarded_at_a_deadline() -> None:
    """The mutation is reported as canceled."""
    machine = Machine(PLAIN, runner="thread", handler_timeout=0.02, handler_deadline=0.02, handler_backoff=0.01)
    go = threading.Event()
    waiters: list[Waiter] = []

    def stuck(_: Event) -> None:
        waiters.append(machine.when_queue(machine.add("B")))
        go.wait(LONG)

    machine.bind({"AState": stuck})
    machine.add("A")
    go.set()
    assert waiters[0].wait(LONG)
    assert (waiters[0].reason, waiters[0].result, machine.is_("B")) == ("match", 1, False)


def test_duplicates_share_the_end_of_what_they_duplicate() -> None:
    """The second request is answered with the first one's queue tick."""
    machine = machine_of()
    waiters: list[Waiter] = []
    machine.bind({"AState": lambda e: waiters.extend(machine.when_queue(machine.add("B")) for _ in range(2))})
    machine.add("A")
    assert waiters[0] is waiters[1]
    assert waiters[0].reason == "match"
