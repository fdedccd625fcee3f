"""Machines and tasks: awaiting, cancelling, several loops, and what blocks none of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from engine_setups import PLAIN, fail, in_thread, machine_of, veto

from am_core import (
    AmError,
    DeadlockError,
    EvalTimeout,
    Event,
    Machine,
    MachineDisposed,
    StateExpired,
    UnknownStateError,
    current_event,
)

LONG = 10.0
"""Seconds after which a wait counts as one that never ends."""
RUNNERS = ("inline", "thread", "loop")


class Gate:
    """A handler that stays inside until it is let go, on a thread of its own."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.go = threading.Event()

    def __call__(self, _: Event) -> None:
        self.inside.set()
        self.go.wait(LONG)


def busy_machine() -> tuple[Machine, Gate, threading.Thread]:
    """A machine whose queue another thread is executing."""
    machine, gate = machine_of(), Gate()
    machine.bind({"AState": gate, "CEnter": veto})
    thread = in_thread(lambda: machine.add("A"))
    assert gate.inside.wait(LONG)
    return machine, gate, thread


# Awaiting waiters


async def test_a_task_is_woken_by_another_thread() -> None:
    """And gets the waiter back."""
    machine = machine_of()
    waiter = machine.when("A")
    in_thread(lambda: machine.add("A"))
    async with asyncio.timeout(LONG):
        assert (await waiter) is waiter
        assert (await machine.when("A")).reason == "match"


async def test_a_task_is_woken_by_a_task_of_its_own_loop() -> None:
    """After the transition, when it is its turn."""
    machine = machine_of()
    order: list[str] = []

    async def sleeper() -> None:
        await machine.when("A")
        order.append("woken")

    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    machine.add("A")
    order.append("added")
    await asyncio.wait_for(task, LONG)
    assert order == ["added", "woken"]


async def test_cancelling_one_of_two_tasks_leaves_the_other_waiting() -> None:
    """They share the waiter and nothing else."""
    machine = machine_of()
    waiter = machine.when("A")

    async def wait() -> str:
        return (await machine.when("A")).reason

    one, two = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert (waiter.done, len(waiter._callbacks or ())) == (False, 1)
    machine.add("A")
    assert await asyncio.wait_for(two, LONG) == "match"


async def test_a_timeout_ends_the_waiting_and_leaves_nothing_behind() -> None:
    """With a block, not even the waiter."""
    machine = machine_of()
    with machine.when("A") as waiter:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await waiter
        assert not waiter._callbacks
    assert machine.waiters() == []


async def test_strict_awaiting_raises_what_came_instead() -> None:
    """Plain awaiting just returns."""
    machine = machine_of()
    ctx = machine.state_ctx("D")
    late, gone = machine.when("A", ctx), machine.when("B")
    machine.add("D")
    assert await late is late
    with pytest.raises(StateExpired):
        await late.strict()
    machine.dispose_force()
    with pytest.raises(MachineDisposed):
        await gone.strict()
    assert (await gone).reason == "disposed"
    fine = machine_of(active=["A"]).when("A")
    assert await fine.strict() is fine


async def test_awaiting_combinations() -> None:
    """The first is enough, or all are needed."""
    machine = machine_of()
    first = asyncio.ensure_future(_await(machine.any_of(machine.when("A"), machine.when_err())))
    every = asyncio.ensure_future(_await(machine.all_of(machine.when("A"), machine.when("B"))))
    await asyncio.sleep(0)
    machine.add("A")
    assert [waiter.text for waiter in (await asyncio.wait_for(first, LONG)).fired] == ["A"]
    assert not every.done()
    machine.add("B")
    assert len((await asyncio.wait_for(every, LONG)).fired) == 2
    assert machine.waiters() == [machine.when_err()]


async def _await(awaitable: Any) -> Any:
    return await awaitable


def test_waiters_of_closed_loops_are_no_obstacle() -> None:
    """The transition goes on, and so does everybody else who waits."""
    machine = machine_of()
    waiter = machine.when("A")
    loop = asyncio.new_event_loop()
    task = loop.create_task(_await(waiter))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    told = threading.Event()
    waiter.add_done_callback(lambda _: told.set())
    assert machine.add("A").executed
    assert told.is_set()
    assert machine.internal_errors == type(machine.internal_errors)()
    assert not task.done()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio would complain about it


def test_tasks_of_many_loops_in_many_threads_are_all_woken() -> None:
    """Each by its own loop, whatever the order of waiting and happening."""
    machine = Machine({"A": {"multi": True}}, queue_limit=10**6)
    woken: list[int] = []
    threads = 6

    def run(number: int) -> None:
        async def wait() -> None:
            for _ in range(30):
                waiter = machine.when_next_active("A")
                await asyncio.wait_for(_await(waiter), LONG)
            woken.append(number)

        async def several() -> None:
            await asyncio.gather(*(wait() for _ in range(5)))

        asyncio.run(several())

    workers = [in_thread(lambda n=n: run(n)) for n in range(threads)]  # type: ignore[misc]  # bound at once
    while any(worker.is_alive() for worker in workers):
        machine.add("A")
    assert sorted(woken) == sorted(list(range(threads)) * 5)


async def test_blocking_the_loop_for_ever_is_refused() -> None:
    """With a limit it is possible, and for what has happened it is no waiting."""
    machine = machine_of(active=["A"])
    with pytest.raises(DeadlockError, match="await it instead"):
        machine.when("B").wait()
    with pytest.raises(DeadlockError, match="await it instead"):
        machine.state_ctx("B").wait()
    with pytest.raises(DeadlockError, match="await it instead"):
        machine.any_of(machine.when("B")).wait()
    assert not machine.when("B").wait(0.001)
    assert machine.when("A").wait()
    assert await asyncio.to_thread(machine.when("A").wait)


# Mutations


@pytest.mark.parametrize("runner", RUNNERS)
async def test_mutations_can_be_awaited(runner: Any) -> None:
    """The result is the final one, and arguments and sources get through."""
    machine = Machine(PLAIN, runner=runner, handler_timeout=60)
    seen: list[object] = []
    machine.bind({"AState": lambda e: seen.append(e.args["n"]), "CEnter": veto, "DState": fail})
    assert (await machine.aadd("A", n=1)).executed
    assert (await machine.aadd("C")).canceled
    assert (await machine.aset(["B"])).executed
    assert (await machine.aremove("B", {"why": "over"})).executed
    assert (await machine.aadd("D")).canceled
    assert (machine.active, seen) == (("Exception",), [1])
    with pytest.raises(UnknownStateError):
        await machine.aadd("E")
    await machine.aclose()
    assert (await machine.aadd("A")).canceled


async def test_the_result_of_a_queued_mutation_is_the_final_one() -> None:
    """However long the thread takes that executes it; duplicates share it."""
    machine, gate, thread = busy_machine()
    tasks = [
        asyncio.create_task(machine.aadd("B")),
        asyncio.create_task(machine.aadd("C")),
        asyncio.create_task(machine.aadd("C")),
        asyncio.create_task(machine.aremove("B")),
    ]
    await asyncio.sleep(0)
    assert machine.queue_len() == 3
    gate.go.set()
    results = await asyncio.wait_for(asyncio.gather(*tasks), LONG)
    assert [str(result) for result in results] == ["executed", "canceled", "canceled", "executed"]
    await asyncio.to_thread(thread.join, LONG)
    subs = machine._subs
    assert subs is not None
    assert (subs._results, subs._results_wanted, machine.waiters()) == ({}, 0, [])


async def test_a_result_is_not_missed_when_the_mutation_ends_before_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other thread may be that quick."""
    machine, gate, thread = busy_machine()
    add = Machine.add

    def slow_add(self: Machine, *args: Any, **kwargs: Any) -> Any:
        result = add(self, *args, **kwargs)
        gate.go.set()
        thread.join(LONG)
        return result

    monkeypatch.setattr(Machine, "add", slow_add)
    assert (await machine.aadd("C")).canceled


async def test_disposal_decides_what_is_queued() -> None:
    """Against it."""
    machine, gate, _ = busy_machine()
    task = asyncio.create_task(machine.aadd("B"))
    await asyncio.sleep(0)
    machine.dispose_force()
    assert (await asyncio.wait_for(task, LONG)).canceled
    gate.go.set()


async def test_a_canceled_task_does_not_take_its_mutation_back() -> None:
    """It only stops waiting."""
    machine, gate, thread = busy_machine()
    task = asyncio.create_task(machine.aadd("B"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert machine.waiters() == []
    gate.go.set()
    await asyncio.to_thread(thread.join, LONG)
    assert machine.is_("B")


async def test_handlers_on_their_own_thread_do_not_block_the_loop() -> None:
    """The loop goes on while the mutation is being executed."""
    machine, gate = Machine(PLAIN, runner="thread", handler_timeout=60), Gate()
    machine.bind({"AState": gate})
    task = asyncio.create_task(machine.aadd("A"))
    assert await asyncio.to_thread(gate.inside.wait, LONG)
    assert not task.done()
    gate.go.set()
    assert (await asyncio.wait_for(task, LONG)).executed


# Evaluations


@pytest.mark.parametrize("runner", RUNNERS)
async def test_evaluations_return_their_value_or_raise_their_error(runner: Any) -> None:
    """No transition runs meanwhile."""
    machine = Machine(PLAIN, runner=runner)
    machine.add("A")

    def look() -> str:
        assert machine.transition is None or machine.transition.is_completed
        return machine.string()

    assert await asyncio.wait_for(machine.aeval(look), LONG) == "(A:1)"
    with pytest.raises(ZeroDivisionError):
        await machine.aeval(lambda: 1 // 0)
    with pytest.raises(AmError, match="coroutine function"):
        await machine.aeval(machine.aclose)  # type: ignore[unused-coroutine]  # it is refused
    await machine.aclose()
    with pytest.raises(MachineDisposed):
        await machine.aeval(look)


async def test_evaluations_that_do_not_get_their_turn_in_time_raise() -> None:
    """The loop is not blocked while they wait, and they do not run later."""
    machine, gate, thread = busy_machine()
    ran: list[int] = []
    with pytest.raises(EvalTimeout, match="eval:late"):
        await machine.aeval(lambda: ran.append(1), "late", timeout=0.01)
    waiting = asyncio.create_task(machine.aeval(lambda: 7, timeout=LONG))
    await asyncio.sleep(0)
    gate.go.set()
    assert await waiting == 7
    await asyncio.to_thread(thread.join, LONG)
    assert ran == []


# The end


async def test_leaving_an_async_block_disposes() -> None:
    """And waits for the end, with the states that lead to it."""
    ended: list[bool] = []
    async with Machine({"Start": {}}) as machine:
        machine.add("Start")
        machine.bind({"StartEnd": lambda e: ended.append(e.machine.disposed)})
    assert (machine.disposed, ended, machine.when_disposed().done) == (True, [False], True)
    await machine.aclose()


async def test_several_tasks_may_close_a_machine() -> None:
    """All of them wait for its end."""
    machine = machine_of()
    await asyncio.wait_for(asyncio.gather(machine.aclose(), machine.aclose()), LONG)
    assert machine.disposed


# Where mutations come from


async def test_tasks_and_threads_started_by_a_handler_know_their_source() -> None:
    """And so does everything they start; other threads do not, unless they are told."""
    machine, other = machine_of(), machine_of()
    notes: list[Any] = []
    tasks: list[asyncio.Task[None]] = []
    other.bind({"AnyState": lambda e: notes.append(e.mutation.source)})
    events: list[Event] = []

    async def later() -> None:
        await asyncio.sleep(0)
        other.add("A")
        await asyncio.to_thread(other.add, "B")
        await other.aadd("D")
        await asyncio.to_thread(lambda: in_thread(lambda: other.add("C")).join(LONG))
        await asyncio.to_thread(lambda: in_thread(lambda: other.remove("C", event=events[0])).join(LONG))
        other.remove("A", event=None)

    def start(e: Event) -> None:
        events.append(e)
        tasks.append(asyncio.get_running_loop().create_task(later()))

    machine.bind({"BState": start})
    machine.add("A")
    machine.add("B")
    assert current_event.get() is None
    await asyncio.wait_for(tasks[0], LONG)
    here = (machine.id, 2)
    assert [note and (note.machine_id, note.transition_number) for note in notes] == [
        here,
        here,
        here,
        None,
        here,
        None,
    ]


async def test_waiters_made_by_a_task_of_a_handler_tell_which_one() -> None:
    """For a debugger that shows who waits."""
    machine = machine_of()
    tasks: list[asyncio.Task[None]] = []

    async def later() -> None:
        await machine.when("D")

    machine.bind({"AState": lambda e: tasks.append(asyncio.get_running_loop().create_task(later()))})
    machine.add("A")
    await asyncio.sleep(0)
    (waiter,) = machine.waiters()
    assert waiter.origin is not None
    assert (waiter.origin.handler, waiter.origin.transition_number) == ("AState", 1)
    machine.add("D")
    await asyncio.wait_for(tasks[0], LONG)


def test_nothing_of_this_needs_a_running_loop(recwarn: pytest.WarningsRecorder) -> None:
    """A coroutine that was never awaited is the program's own business."""
    machine = machine_of()
    calls: tuple[Callable[[], Coroutine[Any, Any, Any]], ...] = (lambda: machine.aadd("A"), machine.aclose)
    for call in calls:
        asyncio.run(_await(call()))
    assert machine.disposed
    assert [str(warning.message) for warning in recwarn] == []
