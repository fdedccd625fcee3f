"""How long contexts last, and what ends with them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest
from engine_setups import fail, in_thread, machine_of

from am_core import AmError, Context, Event, Machine, StateCtx, StateExpired

LONG = 10.0
"""Seconds after which a wait counts as one that never ends."""

# When they expire


def test_scenario_77_contexts_last_until_the_tick_changes() -> None:
    """Deactivation, activation, and another instance of a multi state end them; until then everybody shares one."""
    machine = Machine({"A": {}, "B": {"multi": True}})
    inactive = machine.state_ctx("A")
    assert machine.state_ctx("A") is inactive
    machine.add("A")
    assert inactive.expired
    active = machine.state_ctx("A")
    machine.add("A")
    assert (active.expired, machine.state_ctx("A") is active) == (False, True)
    machine.remove("A")
    assert active.expired
    machine.add("B")
    first = machine.state_ctx("B")
    machine.add("B")
    assert (first.expired, machine.state_ctx("B").tick) == (True, 3)
    assert machine.new_state_ctx("B") is machine.state_ctx("B")


def test_contexts_expire_at_the_switch_before_final_handlers() -> None:
    """A context made in a final handler is that of the new instance, also where a state ends."""
    machine = machine_of(active=["A"])
    ctx = machine.state_ctx("A")
    seen: dict[str, Any] = {}

    def look(e: Event) -> None:
        seen[e.name] = ctx.expired

    def end(e: Event) -> None:
        look(e)
        seen["new"] = machine.state_ctx("A")

    machine.bind({"AExit": look, "BEnter": look, "AEnd": end, "BState": look})
    machine.set(["B"])
    assert (seen["AExit"], seen["BEnter"], seen["AEnd"], seen["BState"]) == (False, False, True, True)
    assert (seen["new"].expired, seen["new"].tick) == (False, 2)
    machine.add("A")
    assert seen["new"].expired


def test_a_refused_change_leaves_contexts_alone() -> None:
    """Nothing has changed."""
    machine = machine_of(active=["A"])
    ctx = machine.state_ctx("A")
    machine.bind({"AExit": lambda e: False})
    machine.remove("A")
    assert machine.can_remove("A").canceled
    assert not ctx.expired


def test_a_context_made_by_a_failing_handler_ends_with_the_repair() -> None:
    """The state is switched off again."""
    machine = machine_of()
    made: list[StateCtx] = []

    def broken(e: Event) -> None:
        made.append(machine.state_ctx("A"))
        fail(e)

    machine.bind({"AState": broken})
    machine.add("A")
    assert (made[0].tick, made[0].expired, machine.tick("A")) == (1, True, 2)


def test_an_expired_context_says_why() -> None:
    """As an error for code that has nothing else to stop it."""
    machine = machine_of(id="shop", active=["A"])
    ctx = machine.state_ctx("A")
    ctx.check()
    assert (ctx.err, ctx.value) == (None, ("shop", "A", 1))
    assert repr(ctx) == "<StateCtx A:1 of shop>"
    machine.remove("A")
    with pytest.raises(StateExpired, match="A:1 of shop, the tick is 2 now") as raised:
        ctx.check()
    assert (raised.value.state, ctx.err, repr(ctx)) == ("A", raised.value, "<StateCtx A:1 of shop expired>")
    assert not isinstance(ctx.err, asyncio.CancelledError)


def test_state_contexts_last_no_longer_than_their_machine_nor_it_than_its_parent() -> None:
    """Except that a machine's own context outlasts its disposal's first half."""
    parent = machine_of(id="parent")
    child = machine_of(id="child", parent=parent)
    ctx = child.state_ctx("A")
    assert ctx.parent is child.ctx
    assert child.ctx.parent is parent.ctx
    assert parent.ctx.parent is None
    assert (parent.ctx.value, repr(parent.ctx)) == (("parent", "", -1), "<Context machine parent>")
    child.dispose_force()
    assert (ctx.expired, child.ctx.expired, parent.ctx.expired) == (True, True, False)
    parent.dispose_force()
    with pytest.raises(StateExpired, match="machine parent"):
        parent.ctx.check()


def test_a_machine_inside_an_outer_context_ends_with_it() -> None:
    """That context comes before the parent machine's."""
    outer, parent = machine_of(active=["A"]), machine_of()
    machine = machine_of(parent=parent, ctx=outer.state_ctx("A"))
    state = machine.state_ctx("B")
    assert machine.ctx.parent is outer.state_ctx("A")
    outer.remove("A")
    assert state.wait(LONG)
    assert machine.wait_disposed(LONG)
    assert machine.ctx.expired


def test_callbacks_are_told_the_context_and_may_be_taken_back() -> None:
    """Late ones are called at once."""
    machine = machine_of(active=["A"])
    ctx = machine.state_ctx("A")
    calls: list[Any] = []
    ctx.on_expire(calls.append)
    ctx.on_expire(lambda c: calls.append("stopped"))()
    ctx.on_expire(lambda c: machine.add("D"))
    ctx.on_expire(lambda c: 1 // 0)
    machine.remove("A")
    ctx.on_expire(lambda c: calls.append("late"))
    assert (calls, machine.is_("D"), len(machine.internal_errors)) == ([ctx, "late"], True, 1)


def test_waiting_for_the_end_of_a_context_on_a_thread() -> None:
    """As for waiters."""
    machine = machine_of(active=["A"])
    ctx = machine.state_ctx("A")
    assert not ctx.wait(0)
    in_thread(lambda: machine.remove("A"))
    assert ctx.wait(LONG)


def test_threads_that_ask_while_the_state_changes_get_a_context_that_ends() -> None:
    """Whether they are early or late."""
    machine = machine_of(log_level=0)
    made: list[StateCtx] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            made.append(machine.state_ctx("A"))

    threads = [in_thread(ask) for _ in range(3)]
    for _ in range(500):
        machine.toggle("A")
    stop.set()
    for thread in threads:
        thread.join(LONG)
    last = machine.state_ctx("A")
    alive = {ctx.tick for ctx in made if not ctx.expired}
    assert alive <= {last.tick}
    assert len({id(ctx) for ctx in made if ctx.tick == last.tick} | {id(last)}) == 1


# Tasks


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_task_run_by_a_context_is_canceled_by_its_end() -> None:
    """Its cancellation is nobody's error, and one that ends before is left alone."""
    machine = machine_of(active=["A"])
    ctx = machine.state_ctx("A")
    task, quick = ctx.run(forever()), ctx.run(asyncio.sleep(0, "done"))
    assert await quick == "done"
    await asyncio.sleep(0)
    assert len(ctx._callbacks or ()) == 1
    machine.remove("A")
    with pytest.raises(asyncio.CancelledError, match="A:1"):
        await task
    assert not machine.is_err()


async def test_a_task_is_canceled_from_another_thread_as_well() -> None:
    """By its own loop."""
    machine = machine_of(active=["A"])
    task = machine.state_ctx("A").run(forever())
    in_thread(lambda: machine.remove("A"))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, LONG)


async def test_an_expired_context_starts_nothing() -> None:
    """The coroutine is closed without having begun."""
    machine = machine_of(active=["A"])
    ctx = machine.state_ctx("A")
    machine.remove("A")
    ran: list[int] = []

    async def work() -> None:
        ran.append(1)

    with pytest.raises(asyncio.CancelledError):
        await ctx.run(work())
    assert ran == []


def test_a_task_needs_a_running_loop() -> None:
    """The coroutine is closed, so nothing complains about it later."""
    machine = machine_of(active=["A"])
    coro = forever()
    with pytest.raises(RuntimeError, match="no running event loop"):
        machine.state_ctx("A").run(coro)
    with pytest.raises(RuntimeError, match=r"closed|reuse|already"):
        coro.send(None)
    with pytest.raises(RuntimeError, match="no running event loop"), machine.state_ctx("A").scope():
        pytest.fail("entered a scope without a loop")


async def test_a_scope_cancels_the_task_that_is_inside() -> None:
    """And not one that has left."""
    machine = machine_of(active=["A"])
    steps: list[str] = []

    async def work() -> None:
        with machine.state_ctx("A").scope() as ctx:
            steps.append("in")
            assert isinstance(ctx, Context)
            await forever()

    async def quick() -> str:
        with machine.state_ctx("A").scope():
            await asyncio.sleep(0)
        machine.remove("A")
        await asyncio.sleep(0)
        return "left"

    task, other = asyncio.create_task(work()), asyncio.create_task(quick())
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, LONG)
    assert (await other, steps) == ("left", ["in"])


async def test_leaving_a_scope_at_the_very_moment_cancels_nothing_afterwards() -> None:
    """The loop had not delivered the cancellation yet."""
    machine = machine_of(active=["A"])
    with machine.state_ctx("A").scope():
        machine.remove("A")
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_scope_needs_a_task() -> None:
    """A callback of the loop cannot be canceled."""
    machine = machine_of(active=["A"])
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            machine.state_ctx("A").scope().__enter__()
        except AmError as error:
            future.set_result(str(error))

    asyncio.get_running_loop().call_soon(call)
    assert "needs a task" in await asyncio.wait_for(future, LONG)


# while_active


async def test_while_active_leaves_the_block_without_an_error() -> None:
    """What comes after it goes on, and the task is not marked as canceled."""
    machine = machine_of(active=["A"])
    steps: list[str] = []
    asyncio.get_running_loop().call_later(0.001, machine.remove, "A")
    async with machine.while_active("A") as ctx:
        steps.append("in")
        await forever()
        steps.append("never")
    assert (steps, ctx.expired) == (["in"], True)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_while_active_ends_normally_when_the_block_does() -> None:
    """The state may end later."""
    machine = machine_of(active=["A"])
    async with machine.while_active("A") as ctx:
        await asyncio.sleep(0)
    assert not ctx._callbacks
    machine.remove("A")
    await asyncio.sleep(0)


async def test_while_active_of_an_inactive_state_ends_at_the_first_wait() -> None:
    """What comes before it is executed, and no context of the inactive state is left behind."""
    machine = machine_of()
    steps: list[str] = []
    async with machine.while_active("A") as ctx:
        steps.append("in")
        assert ctx.expired
        await forever()
    assert (steps, machine.contexts()) == (["in"], [])


async def test_errors_of_the_block_come_through() -> None:
    """Also when they are raised because of the cancellation."""
    machine = machine_of(active=["A", "B"])
    with pytest.raises(KeyError):
        async with machine.while_active("A"):
            raise KeyError("mine")
    asyncio.get_running_loop().call_soon(machine.remove, "B")

    async def clean_up_badly() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            raise ValueError("cleanup failed") from None

    with pytest.raises(ValueError, match="cleanup"):
        async with machine.while_active("B"):
            await clean_up_badly()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_outside_is_not_swallowed() -> None:
    """Neither alone nor together with the end of the state."""
    for also_expired in (False, True):
        machine = machine_of(active=["A"])
        after: list[str] = []

        async def work(machine: Machine = machine, after: list[str] = after) -> None:
            async with machine.while_active("A"):
                await forever()
            after.append("never")

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        if also_expired:
            machine.remove("A")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (task.cancelled(), after) == (True, [])


async def test_a_cancellation_that_the_block_swallows_is_still_that_of_the_state() -> None:
    """The task stays usable."""
    machine = machine_of(active=["A"])
    asyncio.get_running_loop().call_soon(machine.remove, "A")
    async with machine.while_active("A"):
        with suppress(asyncio.CancelledError):
            await forever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.parametrize("inner_first", [False, True])
async def test_blocks_of_several_states_can_be_nested(inner_first: bool) -> None:
    """Each one ends with its own state, also together with a timeout."""
    machine = machine_of(active=["A", "B"])
    left: list[str] = []
    asyncio.get_running_loop().call_soon(machine.remove, "B" if inner_first else "A")
    async with asyncio.timeout(LONG):
        async with machine.while_active("A"):
            async with machine.while_active("B"):
                await forever()
            left.append("B")
            if inner_first:
                asyncio.get_running_loop().call_soon(machine.remove, "A")
                await forever()
        left.append("A")
    assert left == (["B", "A"] if inner_first else ["A"])


async def test_a_timeout_inside_of_the_block_stays_a_timeout() -> None:
    """It is an error, the end of the state is none."""
    machine = machine_of(active=["A"])

    with pytest.raises(TimeoutError):
        async with machine.while_active("A"), asyncio.timeout(0.001):
            await forever()
    assert not machine.state_ctx("A").expired


async def test_disposal_ends_the_blocks_of_a_machine() -> None:
    """Its states are over as well."""
    machine = machine_of(active=["A"])
    asyncio.get_running_loop().call_soon(machine.dispose_force)
    async with machine.while_active("A") as ctx:
        await forever()
    assert "disposed" in str(ctx.err)


def test_unknown_states_have_no_block() -> None:
    """The mistake is told at once."""
    with pytest.raises(LookupError, match="did you mean Ready"):
        Machine({"Ready": {}}).while_active("Redy")
