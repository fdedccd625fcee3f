"""How waiting ends without its event: canceled, with a context, with the machine; and what its end leaves behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from engine_setups import LONG, PLAIN, machine_of, until

from am_core import (
    AmError,
    Machine,
    MachineDisposed,
    StateExpired,
    Waiter,
)


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
