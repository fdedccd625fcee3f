"""When waiters end, for which reason, who shares them, and what they cost others."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest
from engine_setups import PLAIN, fail, in_thread, machine_of, noted, record, until, veto
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import (
    AmError,
    DeadlockError,
    Event,
    Machine,
    MachineDisposed,
    StateCtx,
    StateExpired,
    Tracer,
    Transition,
    UnknownStateError,
    Waiter,
    all_of,
    any_of,
)
from am_core.waiting.signals import Combination

LONG = 10.0
"""Seconds after which a wait counts as one that never ends."""

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


# Arguments and queries


@pytest.mark.parametrize("wanted", [{"x": 1}, {"x": [1]}, {"x": [1], "y": 2}])
def test_waiters_for_arguments_are_shared_only_for_equal_ones(wanted: dict[str, Any]) -> None:
    """Fewer arguments are another question."""
    machine = machine_of()
    waiter = machine.when_args("A", wanted)
    assert machine.when_args("A", dict(reversed(wanted.items()))) is waiter
    assert machine.when_args("A") is not waiter
    assert machine.when_args("A", {**wanted, "z": 0}) is not waiter
    assert machine.when_args("B", wanted) is not waiter
    machine.add("A", {"x": 2})
    assert not waiter.done


class Odd:
    """Equal to everything of its number, and not hashable."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return self.number == other

    __hash__ = None  # type: ignore[assignment]  # this is what makes it odd


@pytest.mark.parametrize("given_value", [5, 5.0, Odd(5), True])
@pytest.mark.parametrize("wanted_value", [5, 1, Odd(5), Odd(1), [5]])
def test_arguments_match_whenever_they_are_equal(given_value: object, wanted_value: object) -> None:
    """Whatever their types are."""
    machine = machine_of()
    waiter = machine.when_args("A", n=wanted_value, m="m")
    other = machine.when_args("A", m="m")
    machine.add("A", n=given_value, m="m", more=[1])
    assert waiter.done == bool(given_value == wanted_value)
    assert other.done


def test_values_that_cannot_be_compared_concern_only_their_own_waiter() -> None:
    """The error is kept."""

    class Broken:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no comparison")

        __hash__ = None  # type: ignore[assignment]  # not needed here

    machine = machine_of()
    broken, fine = machine.when_args("A", x=Broken()), machine.when_args("A", x=1)
    machine.add("A", x=1)
    assert (broken.done, fine.reason, len(machine.internal_errors)) == (False, "match", 1)


def test_waiters_for_arguments_need_the_activation_to_succeed() -> None:
    """A handler that fails prevents them, and so does one that is not called because the state is active."""
    machine = machine_of(active=["B"])
    machine.bind({"AState": fail})
    failed, active = machine.when_args("A", x=1), machine.when_args("B", x=1)
    machine.add("A", x=1)
    machine.add("B", x=1)
    assert (failed.done, active.done) == (False, False)


def test_queries_that_raise_end_their_waiter_with_the_error() -> None:
    """The machine and other queries are not concerned."""
    machine = machine_of()
    broken, fine = machine.when_query(lambda clock: clock["nope"]), machine.when_query(lambda clock: clock["A"])
    machine.add("A")
    assert (broken.reason, fine.reason, machine.is_err()) == ("error", "match", False)
    with pytest.raises(KeyError):
        broken.check()


def test_queries_are_asked_without_a_lock() -> None:
    """They may look at the machine, and even change it."""
    machine = machine_of()
    waiter = machine.when_query(lambda clock: (machine.add("B"), machine.queue())[1])
    machine.add("A")
    assert (waiter.reason, machine.active) == ("match", ("B", "A"))


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


# Sharing, cancelling, contexts


def test_who_waits_for_the_same_gets_the_same_waiter() -> None:
    """The order of the states does not matter, the context does."""
    machine = machine_of()
    ctx = machine.state_ctx("D")
    pairs = (
        (machine.when(["A", "B"]), machine.when(["B", "A"])),
        (machine.when("A"), machine.when1("A")),
        (machine.when_time(["A", "B"], [1, 2]), machine.when_time(["B", "A"], [2, 1])),
        (machine.when_ticks("A", 1), machine.when_next_active("A")),
        (machine.when("A", ctx), machine.when("A", ctx=ctx)),
        (machine.when_queue(9), machine.when_queue(9)),
        (machine.when_disposed(), machine.when_disposed()),
    )
    for one, two in pairs:
        assert one is two
    assert len({id(one) for one, _ in pairs}) == len(pairs)
    assert machine.when_query(bool) is not machine.when_query(bool)


def test_a_shared_waiter_lasts_until_the_last_one_cancels() -> None:
    """Cancelling ends it like everything else."""
    machine = machine_of()
    waiter, _ = machine.when("A"), machine.when("A")
    waiter.cancel()
    assert (waiter.done, machine.waiters()) == (False, [waiter])
    waiter.cancel()
    assert (waiter.reason, machine.waiters()) == ("canceled", [])
    with pytest.raises(AmError, match="canceled: waiting for when A"):
        waiter.check()
    waiter.cancel()
    machine.when([]).cancel()
    assert machine.when("A") is not waiter


def test_leaving_a_with_block_cancels() -> None:
    """Nothing is left of waiters that nobody needs any more."""
    machine = machine_of()
    with machine.when_args("A", reply=7) as waiter:
        assert not waiter.wait(0)
    with machine.when("A") as second:
        machine.add("A")
    assert (waiter.reason, second.reason, machine.waiters(), machine._subs and machine._subs.args) == (
        "canceled",
        "match",
        [],
        {},
    )


EVERY_KIND: tuple[Callable[[Machine, Any], Waiter], ...] = (
    lambda m, ctx: m.when("A", ctx),
    lambda m, ctx: m.when_not("B", ctx),
    lambda m, ctx: m.when_err(ctx),
    lambda m, ctx: m.when_time("A", [9], ctx),
    lambda m, ctx: m.when_ticks("A", 9, ctx),
    lambda m, ctx: m.when_next_active("A", ctx),
    lambda m, ctx: m.when_args("A", ctx=ctx),
    lambda m, ctx: m.when_query(lambda clock: False, ctx),
    lambda m, ctx: m.when_queue(99, ctx),
    lambda m, ctx: m.when_disposed(ctx),
)


@pytest.mark.parametrize("wait", EVERY_KIND)
def test_the_end_of_the_context_ends_the_waiting_at_once(wait: Callable[[Machine, Any], Waiter]) -> None:
    """In the middle of the transition, before its final handlers; and there is nothing to wait for afterwards."""
    machine = machine_of(active=["B", "C"])
    ctx = machine.state_ctx("C")
    waiter = wait(machine, ctx)
    seen: list[str] = []
    machine.bind({"CEnd": lambda e: seen.append(waiter.reason)})
    machine.remove("C")
    assert seen == ["ctx"]
    with pytest.raises(StateExpired):
        waiter.check()
    late = wait(machine, ctx)
    assert (late.done, late.reason, machine.waiters()) == (True, "ctx", [])


def test_the_context_may_be_of_another_machine() -> None:
    """And the context forgets waiters that have ended."""
    machine, other = machine_of(), machine_of()
    ctx = other.state_ctx("A")
    for _ in range(3):
        machine.when("A", ctx).cancel()
    waiter = machine.when("A", ctx)
    assert len(ctx._callbacks or ()) == 1
    other.add("A")
    assert waiter.reason == "ctx"


@pytest.mark.parametrize("wait", EVERY_KIND)
def test_disposal_ends_every_waiting(wait: Callable[[Machine, Any], Waiter]) -> None:
    """And afterwards nothing can be waited for. Who waits for the disposal gets what he wanted."""
    machine = machine_of(active=["B"])
    waiter, kind = wait(machine, None), ""
    kind = waiter.kind
    machine.dispose_force()
    late = wait(machine, None)
    reason = "match" if kind == "whenDisposed" else "disposed"
    assert (waiter.reason, late.reason, machine.waiters()) == (reason, reason, [])
    if reason == "disposed":
        with pytest.raises(MachineDisposed):
            waiter.check()
    subs = machine._subs
    assert subs is not None
    assert not any((subs.states, subs.args, subs.queries, subs.ticks, subs.contexts, subs.pending))


def test_scenario_79_the_order_at_the_end_of_a_machine() -> None:
    """Waiters and state contexts end first, then those who asked are called, then the machine's own context ends."""
    machine = machine_of(active=["A"])
    ctx, state_ctx, waiter, disposed = machine.ctx, machine.state_ctx("A"), machine.when("B"), machine.when_disposed()
    seen: list[tuple[object, ...]] = []

    def note(ending: Machine, given_ctx: object) -> None:
        seen.append((ending is machine, given_ctx is ctx, waiter.done, state_ctx.expired, ctx.expired, disposed.done))

    machine.on_dispose(note)
    machine.on_dispose(note)
    machine.dispose_force()
    assert seen == [(True, True, True, True, False, False)] * 2
    assert (ctx.expired, disposed.reason) == (True, "match")
    machine.dispose_force()
    machine.dispose()
    assert (machine.add("A"), machine.active, machine.clock(), machine.string()) == (1, (), {}, "")
    assert (machine.state_ctx("A").expired, machine.ctx.expired, len(seen)) == (True, True, 2)


def test_disposing_in_a_handler_ends_what_waits_for_the_machine() -> None:
    """In the background, so the handler goes on."""
    machine = machine_of()
    waiter = machine.when("D")
    machine.bind({"AState": lambda e: machine.dispose()})
    machine.add("A")
    assert waiter.wait(LONG)
    assert machine.wait_disposed(LONG)
    assert waiter.reason == "disposed"


def test_a_machine_that_becomes_garbage_ends_what_waits_for_it() -> None:
    """Nothing can happen to it any more."""
    machine = machine_of()
    waiter, ctx = machine.when("A"), machine.state_ctx("A")
    told = threading.Event()
    waiter.add_done_callback(lambda _: told.set())
    del machine
    gc.collect()
    assert waiter.wait(LONG)
    assert told.wait(LONG)
    assert (waiter.reason, ctx.expired) == ("disposed", True)
    orphan = machine_of().when("A")
    assert orphan.wait(LONG)


def test_a_machine_may_become_garbage_while_its_lock_is_held() -> None:
    """As when a collection happens to start there."""
    machine = machine_of()
    waiter = machine.when("A")
    lock = machine._lock
    with lock:
        del machine
        gc.collect()
        assert not waiter.done
    assert waiter.wait(LONG)


# Schema


def test_waiters_and_contexts_follow_the_states_of_a_grown_schema() -> None:
    """Whatever index the states get."""
    machine = machine_of(active=["B"])
    waiters = {
        "when": machine.when(["A", "D"]),
        "when_not": machine.when_not("B"),
        "time": machine.when_time(["C", "D"], [1, 3]),
        "args": machine.when_args("C", x=1),
        "odd": machine.when_args("C", x=[1]),
        "query": machine.when_query(lambda clock: clock.get("New")),
    }
    contexts = {name: machine.state_ctx(name) for name in "AB"}

    def ended() -> list[str]:
        names = [name for name, waiter in waiters.items() if waiter.done]
        return names + [name for name, ctx in contexts.items() if ctx.expired]

    machine.set_schema({**PLAIN, "New": {}, "Aa": {}}, ["New", "D", "Aa", "C", "B", "A", "Exception"])
    assert ended() == []
    assert (machine.state_ctx("A"), machine.when("A", machine.state_ctx("B")).done) == (contexts["A"], False)
    machine.add("C", x=1)
    assert ended() == ["args"]
    machine.add("D", x=[1])
    machine.remove("B")
    assert ended() == ["when_not", "args", "B"]
    machine.add("A")
    assert ended() == ["when", "when_not", "args", "A", "B"]
    machine.remove(["C", "D"])
    machine.add("D")
    assert "time" in ended()
    machine.add("C", x=[1])
    machine.add("New")
    assert ended() == [*waiters, "A", "B"]


# Callbacks and threads


def test_callbacks_are_called_once_in_order_and_at_once_when_it_is_over() -> None:
    """Those taken back are not."""
    machine = machine_of()
    calls: list[str] = []
    waiter = machine.when("A")
    waiter.add_done_callback(lambda w: calls.append("one"))
    stop = waiter.add_done_callback(lambda w: calls.append("stopped"))
    waiter.add_done_callback(lambda w: calls.append(w.reason))
    stop()
    stop()
    machine.add("A")
    machine.remove("A")
    machine.add("A")
    waiter.add_done_callback(lambda w: calls.append("late"))
    assert calls == ["one", "match", "late"]


def test_failing_callbacks_keep_nobody_from_being_told() -> None:
    """Their errors are kept by the machine."""
    machine = machine_of()
    calls: list[str] = []

    def broken(_: Waiter) -> None:
        raise RuntimeError("broken callback")

    waiter = machine.when("A")
    waiter.add_done_callback(broken)
    waiter.add_done_callback(lambda w: calls.append("told"))
    machine.when_query(lambda clock: clock["A"]).add_done_callback(lambda w: calls.append("query"))
    assert machine.add("A").executed
    assert calls == ["told", "query"]
    assert [str(error.__cause__) for error in machine.internal_errors] == ["broken callback"]


def test_a_callback_may_mutate_wait_and_cancel() -> None:
    """No lock is held. What it queues comes after the transition it was told of."""
    machine = machine_of()
    others = [machine.when("B"), machine.when_not("C")]
    later: list[Waiter] = []

    def busy(_: Waiter) -> None:
        machine.add("B")
        later.append(machine.when("B"))
        others[1].cancel()

    machine.add("C")
    others[1] = machine.when_not("C")
    machine.when("A").add_done_callback(busy)
    machine.add("A")
    assert (others[0].reason, others[1].reason, later[0].reason) == ("match", "canceled", "match")


def test_a_callback_that_ends_the_program_reaches_the_caller_after_all_were_told() -> None:
    """The machine stays usable."""
    machine = machine_of()
    calls: list[str] = []

    def leave(_: Waiter) -> None:
        raise SystemExit(3)

    waiter = machine.when("A")
    waiter.add_done_callback(leave)
    waiter.add_done_callback(lambda w: calls.append("told"))
    with pytest.raises(SystemExit):
        machine.add("A")
    assert calls == ["told"]
    assert machine.add("B").executed


def test_waiting_on_a_thread_ends_with_the_event_or_the_time() -> None:
    """Strict waiting raises when it was for nothing."""
    machine = machine_of()
    waiter = machine.when("A")
    assert not waiter.wait(0.001)
    in_thread(lambda: machine.add("A"))
    assert waiter.wait(LONG, strict=True)
    gone = machine.when("B")
    in_thread(machine.dispose_force)
    assert gone.wait(LONG)
    with pytest.raises(MachineDisposed):
        gone.wait(LONG, strict=True)
    assert waiter._callbacks is None


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_waiting_in_a_handler_for_what_comes_after_it_is_refused(runner: Any) -> None:
    """It would never end; with a limit, or for something else, it may."""
    machine, other = Machine(PLAIN, runner=runner, handler_timeout=60), machine_of()
    errors: list[str] = []

    def impatient(_: Event) -> None:
        for wait in (
            machine.when("B").wait,
            machine.when_queue_ends().wait,
            machine.state_ctx("B").wait,
            any_of(machine.when("B"), machine.when_not("A")).wait,
            all_of(machine.when("B"), other.when("B")).wait,
        ):
            try:
                wait()
            except DeadlockError as error:
                errors.append(str(error))
        assert not machine.when("B").wait(0.001)
        in_thread(lambda: other.add("B"))
        assert other.when("B").wait()
        assert any_of(machine.when("B"), other.when("B")).wait()

    machine.bind({"AState": impatient})
    machine.add("A")
    assert machine.err() is None
    assert len(errors) == 5
    assert "inside a handler or callback of the same machine" in errors[0]
    assert "state" not in errors[0] or "await" not in errors[0]


# Combinations


def test_any_of_happens_with_the_first_and_all_of_with_the_last() -> None:
    """What has happened can be asked."""
    machine = machine_of()
    one, two, same = machine.when("A"), machine.when("B"), machine.when("A")
    some, every = any_of(one, two), all_of(one, two, same)
    none: Combination[Waiter] = all_of()
    calls: list[str] = []
    some.add_done_callback(lambda c: calls.append("any"))
    every.add_done_callback(lambda c: calls.append("all"))
    stop = some.add_done_callback(lambda c: calls.append("stopped"))
    stop()
    assert (some.done, every.done, none.done, none.wait()) == (False, False, True, True)
    machine.add("A")
    assert (some.fired, some.done, every.done, every.fired, calls) == ((one,), True, False, (one, same), ["any"])
    assert machine.any_of(two, one).wait(LONG)
    machine.add("B")
    assert (every.fired, calls) == ((one, two, same), ["any", "all"])
    every.add_done_callback(lambda c: calls.append("late"))
    assert calls == ["any", "all", "late"]
    assert (one._callbacks, two._callbacks) == (None, None)
    with pytest.raises(ValueError, match="at least one"):
        any_of()


def test_combinations_leave_nothing_behind() -> None:
    """Neither after the first one has happened, nor when nobody waits any more."""
    machine = machine_of()
    one, two = machine.when("A"), machine.when("B")
    assert not any_of(one, two).wait(0)
    machine.any_of(one, two).add_done_callback(lambda c: None)
    assert two._callbacks
    machine.add("A")
    assert not two._callbacks


def test_combinations_of_combinations_and_of_contexts() -> None:
    """They are signals as well."""
    machine = machine_of(active=["C"])
    ctx = machine.state_ctx("C")
    nested = all_of(any_of(machine.when("A"), ctx), machine.when("B"))
    machine.remove("C")
    assert not nested.done
    machine.add("B")
    assert nested.done


# Log


def test_the_log_tells_what_is_waited_for_and_when_it_happens() -> None:
    """In the words of the field."""
    machine = machine_of()
    notes = noted(machine)
    machine.when(["A", "B"])
    machine.when_not("A")
    machine.when_time(["A", "B"], [1, 2])
    machine.when_args("A", y=1, x=2)
    machine.when_query(lambda clock: clock["A"])
    machine.state_ctx("A")
    machine.add("A", x=2, y=1)
    machine.add("B")
    lines = [line for line in notes.log if line.startswith(("[when", "[ctx"))]
    assert lines == [
        "[when:new] A B",
        "[whenTime:new] A,B 1 2",
        "[whenArgs:new] A (x y)",
        "[whenQuery:new] 1",
        "[ctx:new] A",
        "[ctx:match] A",
        "[whenArgs:match] A (x y)",
        "[whenQuery:match] 1",
    ]
    machine.add("D")
    assert "[when:match] A B" in notes.log


# What it costs, and that nothing is lost


def lines_run(fn: Callable[[], object]) -> int:
    """How many lines of Python a call executes."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        fn()
    finally:
        sys.settrace(before)
    return count


def test_ten_thousand_waiters_cost_an_unrelated_transition_nothing() -> None:
    """It executes exactly the same lines as with one of each kind."""
    names = [f"S{i}" for i in range(20)]
    schema = {name: {"multi": True} for name in (*names, "Reply", "Busy")}

    def work(machine: Machine) -> None:
        machine.add("Busy", id=-1)
        machine.remove("Busy")
        machine.add("Reply", id=-1)

    def wait(machine: Machine, count: int) -> list[Waiter]:
        waiters: list[Waiter] = []
        for i in range(count):
            waiters.append(machine.when_time([names[i % 20], "Busy"], [2 + i, 10**9]))
            waiters.append(machine.when_args("Reply", id=i))
        return waiters

    few, many = Machine(schema), Machine(schema)
    wait(few, 1)
    waiters = wait(many, 5000)
    assert len(set(waiters)) == 10_000
    counts = {machine.id: [lines_run(lambda m=machine: work(m)) for _ in range(20)] for machine in (few, many)}  # type: ignore[misc]  # bound at once
    # What the engine learns from the first repetitions is not of interest here.
    assert min(counts[many.id][-5:]) == min(counts[few.id][-5:])
    many.add("Reply", id=77)
    assert [waiter.text for waiter in waiters if waiter.done] == ["Reply (id)"]
    assert waiters[155].done


def test_no_waiting_thread_is_ever_forgotten() -> None:
    """However threads mutate, wait, cancel and give up at the same time."""
    machine = Machine({"A": {}, "B": {}, "C": {"multi": True}}, handler_timeout=60, queue_limit=10**6)
    lost: list[str] = []
    rounds, left = 150, [4]
    guard = threading.Lock()

    def shaker(flip: str) -> None:
        while left[0]:
            for change in (machine.add, machine.remove):
                waiter = machine.when_queue(change(flip, n=1))
                if not waiter.wait(LONG):
                    lost.append(repr(waiter))
                    return
            machine.add("C")

    def sleeper(number: int) -> None:
        makers: tuple[Callable[[], Any], ...] = (
            lambda: machine.when("A"),
            lambda: machine.when_not("A"),
            lambda: machine.when_ticks("B", 3),
            lambda: machine.when_next_active("C"),
            lambda: machine.when_args("B", n=1),
            lambda: machine.when_query(lambda clock: clock["A"] % 2),
            lambda: machine.state_ctx("A"),
            lambda: machine.when("B", machine.state_ctx("A")),
            lambda: any_of(machine.when(["A", "B"]), machine.when_ticks("C", 5)),
            lambda: all_of(machine.when("A"), machine.when_not("A")),
        )
        try:
            for i in range(rounds):
                signal = makers[(i * 7 + number) % len(makers)]()
                if i % 5 == 0 and isinstance(signal, Waiter):
                    signal.cancel()
                if not signal.wait(LONG):
                    lost.append(repr(signal))
        finally:
            with guard:
                left[0] -= 1

    threads = [in_thread(lambda n=n: sleeper(n)) for n in range(4)]  # type: ignore[misc]  # bound at once
    threads += [in_thread(lambda n=n: shaker(n)) for n in "AB"]  # type: ignore[misc]  # bound at once
    for thread in threads:
        thread.join(6 * LONG)
        assert not thread.is_alive()
    assert lost == []
    assert not machine.internal_errors


# Against an obvious implementation

STATES = "ABC"
Moment = tuple[int, ...]
steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set"]), st.lists(st.sampled_from(STATES), max_size=3, unique=True)),
    max_size=12,
)
groups = st.lists(st.sampled_from(STATES), min_size=1, max_size=3, unique=True)
conditions = st.lists(
    st.tuples(st.sampled_from(["when", "when_not", "when_time"]), groups, st.lists(st.integers(0, 7), min_size=3)),
    min_size=1,
    max_size=6,
)
schemas = st.fixed_dictionaries(
    {
        state: st.fixed_dictionaries(
            {
                "multi": st.booleans(),
                "auto": st.booleans(),
                "add": st.lists(st.sampled_from(STATES), max_size=1),
                "remove": st.lists(st.sampled_from(STATES), max_size=1),
            }
        )
        for state in STATES
    }
)


@settings(max_examples=150)
@given(schema=schemas, wanted=conditions, moves=steps, broken=st.sampled_from(["", *(s + "State" for s in STATES)]))
def test_waiters_end_exactly_when_looking_again_after_every_transition_says_so(
    schema: dict[str, Any],
    wanted: list[tuple[str, list[str], list[int]]],
    moves: list[tuple[str, list[str]]],
    broken: str,
) -> None:
    """Neither earlier nor later, with relations, automatic states and failing handlers."""
    schema = {
        name: {
            **state,
            "add": [s for s in state["add"] if s != name],
            "remove": [s for s in state["remove"] if s != name],
        }
        for name, state in schema.items()
    }
    for state in schema.values():
        state["add"] = [other for other in state["add"] if other not in state["remove"]]
    machine = Machine(schema, strict=False, handler_timeout=60)
    failures = iter([RuntimeError("once"), RuntimeError("twice")])

    def fail_twice(_: Event) -> None:
        for error in failures:
            raise error

    if broken:
        machine.bind({broken: fail_twice})
    moments: dict[Waiter, Moment] = {}
    """When a waiter should have ended: the ticks after the first transition that makes its condition hold."""
    found: dict[Waiter, Moment] = {}
    conditions_of: dict[Waiter, Callable[[], bool]] = {}

    def holds(kind: str, states: list[str], times: list[int]) -> bool:
        if kind == "when":
            return all(machine.tick(state) % 2 for state in states)
        if kind == "when_not":
            return not any(machine.tick(state) % 2 for state in states)
        return all(machine.tick(state) >= tick for state, tick in zip(states, times, strict=False))

    def look() -> None:
        for waiter, condition in conditions_of.items():
            if condition():
                moments.setdefault(waiter, tuple(machine.time()))

    class Look(Tracer):
        def transition_end(self, tx: Transition) -> None:
            look()

    for kind, states, times in wanted:
        ticks = times[: len(states)]
        waiter = machine.when_time(states, ticks) if kind == "when_time" else getattr(machine, kind)(states)
        conditions_of[waiter] = partial(holds, kind, states, ticks)
        waiter.add_done_callback(lambda w: found.setdefault(w, tuple(machine.time())))
    look()
    assert found == moments
    machine.bind_tracer(Look())
    for kind, states in moves:
        getattr(machine, kind)(states)
        assert found == moments


@settings(max_examples=60)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["add", "remove", "set"]), st.sampled_from(STATES), conditions),
        min_size=10,
        max_size=40,
    )
)
def test_recurring_mutations_on_their_quickest_way_end_waiters_as_well(
    moves: list[tuple[str, str, list[tuple[str, list[str], list[int]]]]],
) -> None:
    """Without handlers and tracers the engine repeats what it has learned, except where somebody waits for it."""
    machine = Machine({"A": {"multi": True}, "B": {"remove": ["C"]}, "C": {"remove": ["B"]}})
    for _ in range(3):
        # Now everything is known.
        for name in STATES:
            machine.add(name)
            machine.remove(name)
            machine.set(name)
    pending: list[tuple[Waiter, Callable[[], bool]]] = []
    contexts: list[StateCtx] = []
    for kind, state, wanted in moves:
        for how, states, times in wanted[:2]:
            now = [machine.tick(name) for name in states]
            if how == "when_time":
                ticks = [tick + more for tick, more in zip(now, times, strict=False)]
                pending.append((machine.when_time(states, ticks), partial(machine.was_time, ticks, states)))
            elif how == "when":
                pending.append((machine.when(states), partial(machine.is_, states)))
            else:
                pending.append((machine.when_not(states), partial(machine.not_, states)))
        pending = [pair for pair in pending if not pair[0].done]
        contexts.append(machine.state_ctx(state))
        args = machine.when_args(state, x=1)
        before = machine.tick(state)
        getattr(machine, kind)(state, {"x": 1} if len(contexts) % 2 else None)
        entered = machine.tick(state) % 2 == 1 and machine.tick(state) != before
        assert args.done == (entered and len(contexts) % 2 == 1)
        args.cancel()
        assert [waiter.done for waiter, _ in pending] == [bool(holds()) for _, holds in pending]
        pending = [pair for pair in pending if not pair[0].done]
        assert [ctx.expired for ctx in contexts] == [ctx.tick != machine.tick(ctx.state) for ctx in contexts]
    subs = machine._subs
    assert subs is not None
    for waiter, _ in pending:
        waiter.cancel()
    while machine.waiters():
        machine.waiters()[0].cancel()
    assert not any((subs.watched, subs.states, subs.args))


def test_a_waiter_that_is_dropped_costs_nothing_once_it_is_over() -> None:
    """The index is empty then."""
    machine = machine_of()
    for _ in range(3):
        machine.when(["A", "B"])
        machine.when_ticks("C", 1)
        machine.when_query(lambda clock: True)
        machine.add(["A", "B", "C"])
        machine.set([])
    subs = machine._subs
    assert subs is not None
    assert not any((subs.pending, subs.states, subs.queries))
    until(lambda: machine.transition is None)


def test_arguments_that_cannot_be_compared_are_waited_for_separately() -> None:
    """Such as arrays, whose comparison is no truth value; nobody is kept from waiting by what others wait for."""

    class Array:
        __hash__: Any = None

        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

    machine = Machine({"A": {"multi": True}})
    first = machine.when_args("A", data=Array(), n=1)
    second = machine.when_args("A", data=Array(), n=1)
    third = machine.when_args("A", data=[1], n=1)
    assert first is not second
    machine.add("A", data=[1], n=1)
    assert (first.done, second.done, third.done) == (False, False, True)
    assert len(machine.internal_errors) == 2
