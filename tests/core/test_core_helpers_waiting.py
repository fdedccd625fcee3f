"""Waiting for several things with a limit, on threads and in coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from engine_setups import machine_of

from am_core import Machine, MachineDisposed, StateExpired, UnknownStateError, helpers
from am_core.helpers import debug

Waits = Callable[..., Any]


def _both(name: str) -> list[Waits]:
    """A waiting function, and its twin for coroutines run by a loop of its own."""
    blocking = getattr(helpers, name)
    twin: Callable[..., Awaitable[Any]] = getattr(helpers, "a" + name)

    def suspended(*args: Any, **kwargs: Any) -> Any:
        async def main() -> Any:
            return await twin(*args, **kwargs)

        return asyncio.run(main())

    return [pytest.param(blocking, id=name), pytest.param(suspended, id="a" + name)]  # type: ignore[list-item]  # marks


@pytest.mark.parametrize("wait", _both("wait_for_all"))
def test_all_have_to_happen(wait: Waits) -> None:
    """In any order, from other threads; the limit ends it and tells what is missing."""
    machine = machine_of()
    waiters = [machine.when(state) for state in "ABC"]
    threading.Timer(0.01, lambda: [machine.add(state) for state in "CAB"]).start()
    assert wait(*waiters, timeout=30) is None
    assert machine.is_(["A", "B", "C"])
    with pytest.raises(TimeoutError, match=r"not within 0\.01 s: .*when D"):
        wait(machine.when("A"), machine.when("D"), timeout=0.01)
    assert wait(timeout=0) is None


@pytest.mark.parametrize("wait", _both("wait_for_all"))
def test_all_is_given_up_with_the_first_that_cannot_happen(wait: Waits) -> None:
    """Nobody waits for the others any longer."""
    machine, other = machine_of(), machine_of()
    threading.Timer(0.01, other.dispose_force).start()
    with pytest.raises(MachineDisposed):
        wait(machine.when("A"), other.when("A"), timeout=30)


@pytest.mark.parametrize("wait", _both("wait_for_any"))
def test_one_is_enough(wait: Waits) -> None:
    """It is told which."""
    machine = machine_of()
    a, b = machine.when("A"), machine.when("B")
    threading.Timer(0.01, machine.add, ("B",)).start()
    assert wait(a, b, timeout=30) == (b,)
    with pytest.raises(TimeoutError):
        wait(a, timeout=0)
    with pytest.raises(ValueError, match="at least one"):
        wait()


@pytest.mark.parametrize("wait", [*_both("wait_for_all"), *_both("wait_for_any")])
def test_a_context_or_a_disposal_ends_the_waiting(wait: Waits) -> None:
    """Each with an error of its own; nobody believes that it has happened."""
    machine, other = machine_of(), machine_of()
    ctx = other.state_ctx("A")
    threading.Timer(0.01, other.add, ("A",)).start()
    with pytest.raises(StateExpired):
        wait(machine.when("A"), ctx=ctx, timeout=30)
    with pytest.raises(StateExpired):
        wait(machine.when("A", ctx), timeout=30)
    threading.Timer(0.01, machine.dispose_force).start()
    with pytest.raises(MachineDisposed):
        wait(machine.when("A"), timeout=30)


def test_what_has_happened_outweighs_what_was_given_up() -> None:
    """For any; all needs all."""
    machine, other = machine_of(), machine_of(active=["B"])
    gone, there = machine.when("A"), other.when("B")
    machine.dispose_force()
    assert helpers.wait_for_any(gone, there) == (there,)
    with pytest.raises(MachineDisposed):
        helpers.wait_for_all(there, gone)


@pytest.mark.parametrize("wait", [*_both("wait_for_err_all"), *_both("wait_for_err_any")])
def test_an_error_of_the_machine_ends_the_waiting(wait: Waits) -> None:
    """Whichever comes first, and also when the machine is in an error already."""
    machine = machine_of()
    error = ValueError("broken")
    threading.Timer(0.01, machine.add_err, (error,)).start()
    with pytest.raises(helpers.MachineFailed, match=r"Exception of .*: broken") as caught:
        wait(machine, machine.when("A"), timeout=30)
    assert caught.value.__cause__ is error
    with pytest.raises(helpers.MachineFailed):
        wait(machine, machine.when("A"), timeout=30)
    # The thread of the timer may still be at work, and then executes this later.
    assert machine.when_queue(machine.remove("Exception")).wait(10)
    threading.Timer(0.01, machine.add, ("A",)).start()
    wait(machine, machine.when("A"), timeout=30)
    with pytest.raises(TimeoutError):
        wait(machine, machine.when("B"), timeout=0.01)
    with pytest.raises(StateExpired):
        wait(machine, machine.when("B"), ctx=_expired(), timeout=30)
    other = machine_of()
    threading.Timer(0.01, machine.dispose_force).start()
    with pytest.raises(MachineDisposed):
        wait(machine, other.when("B"), timeout=30)
    with pytest.raises(MachineDisposed):
        wait(machine, machine.when("B"), timeout=30)


def _expired() -> Any:
    other = machine_of()
    ctx = other.state_ctx("A")
    other.add("A")
    return ctx


def test_no_waiters_are_done_even_in_an_error() -> None:
    """Nothing has to happen."""
    machine = machine_of()
    machine.add_err(ValueError("x"))
    helpers.wait_for_err_all(machine)
    asyncio.run(helpers.await_for_err_all(machine))


def test_limits_are_long_in_debug_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred times."""
    monkeypatch.setenv("AM_DEBUG", "1")
    assert debug.limit(0.5) == 50
    assert debug.limit(None) is None
    machine = machine_of()
    threading.Timer(0.05, machine.add, ("A",)).start()
    helpers.wait_for_all(machine.when("A"), timeout=0.001 * 300)
    monkeypatch.setenv("AM_DEBUG", "0")
    assert debug.limit(0.5) == 0.5


def test_a_canceled_task_gives_its_waiters_back() -> None:
    """Cancellation is not turned into anything else."""

    async def main() -> None:
        machine = machine_of()
        task = asyncio.create_task(helpers.await_for_err_any(machine, machine.when("A")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert machine._subs is not None
        assert [waiter.kind for waiter in machine._subs.pending.values()] == ["when"]

    asyncio.run(main())


def test_a_group_waits_for_the_same_state() -> None:
    """All have to know it."""
    machines = [machine_of(), machine_of()]
    waiters = helpers.group_when1(machines, "A")
    machines[1].add("A")
    assert [waiter.done for waiter in waiters] == [False, True]
    with pytest.raises(UnknownStateError, match="Nope"):
        helpers.group_when1([machine_of({"Nope": {}}), *machines], "Nope")


def test_pauses_end_with_their_context() -> None:
    """And say so."""
    machine = machine_of()
    assert helpers.pause(0.001)
    assert helpers.pause(0.001, machine.ctx)
    assert not helpers.pause(30, _expired())
    ctx = machine.state_ctx("A")
    threading.Timer(0.01, machine.add, ("A",)).start()
    assert not helpers.pause(30, ctx)

    async def main() -> None:
        assert await helpers.apause(0.001)
        assert await helpers.apause(0.001, machine.ctx)
        ctx = machine.state_ctx("A")
        asyncio.get_running_loop().call_later(0.01, machine.remove, "A")
        assert not await helpers.apause(30, ctx)

    asyncio.run(main())


def _counting(limit: int) -> tuple[list[int], Callable[[], bool]]:
    calls: list[int] = []

    def fn() -> bool:
        calls.append(len(calls))
        return len(calls) < limit

    return calls, fn


def test_intervals_end_by_themselves_by_the_clock_or_by_a_context() -> None:
    """Threads and coroutines alike."""
    calls, fn = _counting(3)
    assert helpers.interval(0.001, fn)
    assert len(calls) == 3
    calls, fn = _counting(1000)
    assert helpers.interval(0.01, fn, total=0.025)
    assert len(calls) == 2
    assert not helpers.interval(0.001, fn, ctx=_expired())
    assert helpers.interval(10, fn, total=1)

    async def main() -> None:
        calls, fn = _counting(3)
        assert await helpers.ainterval(0.001, fn)
        assert len(calls) == 3

        async def later() -> bool:
            return fn()

        assert await helpers.ainterval(0.001, later)
        assert len(calls) == 4
        assert await helpers.ainterval(0.01, fn, total=0.005)
        assert not await helpers.ainterval(0.001, fn, ctx=_expired())

    asyncio.run(main())


def test_the_waiting_for_errors_is_released() -> None:
    """The machine holds no waiter afterwards."""
    machine = Machine({"A": {}})
    with pytest.raises(TimeoutError):
        helpers.wait_for_err_any(machine, waiter := machine.when("A"), timeout=0)
    waiter.cancel()
    assert machine._subs is not None
    assert machine._subs.pending == {}
