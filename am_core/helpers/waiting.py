"""Waiting for several things at once, with a limit: for threads, and as coroutines whose names begin with ``a``.

Everything raises when what was waited for did not happen: :class:`TimeoutError`, :class:`~am_core.StateExpired` when
the context is over, :class:`~am_core.MachineDisposed` when a machine is, and :class:`MachineFailed` where a machine's
errors are watched. In debug mode limits are a hundred times longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self, TypeGuard

from am_core.errors import AmError, UnknownStateError
from am_core.helpers.debug import limit
from am_core.machine import Machine
from am_core.schemas.names import EXCEPTION
from am_core.waiting.contexts import Context
from am_core.waiting.signals import Combination, Signal, Stop, all_of, any_of
from am_core.waiting.waiters import Waiter


class MachineFailed(AmError):
    """A machine got an error while something else was waited for. The error is the cause."""

    def __init__(self, machine_id: str, error: BaseException | None) -> None:
        self.machine_id = machine_id
        super().__init__(f"{EXCEPTION} of {machine_id}: {error}")


def wait_for_all(*signals: Signal, timeout: float | None = None, ctx: Context | None = None) -> None:
    """Block this thread until all of some waiters, contexts or combinations have happened; at once when there are none.

    Not for handlers, nor for the thread of an event loop: use :func:`await_for_all` there.

    Raises:
        TimeoutError: it took longer than ``timeout`` seconds.
        StateExpired: ``ctx``, or that of a waiter, has expired.
        MachineDisposed: the machine of a waiter was disposed.
    """
    _Wait(all_of(*signals), ctx=ctx, all_=True).block(timeout)


def wait_for_any(*signals: Signal, timeout: float | None = None, ctx: Context | None = None) -> tuple[Signal, ...]:
    """Block this thread until one of some signals has happened; returns those that have. See :func:`wait_for_all`.

    Raises :class:`ValueError` when there are none.
    """
    return _Wait(any_of(*signals), ctx=ctx).block(timeout)


def wait_for_err_all(
    machine: Machine, *signals: Signal, timeout: float | None = None, ctx: Context | None = None
) -> None:
    """Like :func:`wait_for_all`, but an error of the machine ends the waiting: raises :class:`MachineFailed`.

    An error that the machine is in already counts, also when everything has happened.
    """
    if signals:
        _Wait(all_of(*signals), machine, ctx, all_=True).block(timeout)


def wait_for_err_any(
    machine: Machine, *signals: Signal, timeout: float | None = None, ctx: Context | None = None
) -> tuple[Signal, ...]:
    """Like :func:`wait_for_any`, but an error of the machine ends the waiting: raises :class:`MachineFailed`."""
    return _Wait(any_of(*signals), machine, ctx).block(timeout)


async def await_for_all(*signals: Signal, timeout: float | None = None, ctx: Context | None = None) -> None:
    """:func:`wait_for_all` for coroutines."""
    await _Wait(all_of(*signals), ctx=ctx, all_=True).suspend(timeout)


async def await_for_any(
    *signals: Signal, timeout: float | None = None, ctx: Context | None = None
) -> tuple[Signal, ...]:
    """:func:`wait_for_any` for coroutines."""
    return await _Wait(any_of(*signals), ctx=ctx).suspend(timeout)


async def await_for_err_all(
    machine: Machine, *signals: Signal, timeout: float | None = None, ctx: Context | None = None
) -> None:
    """:func:`wait_for_err_all` for coroutines."""
    if signals:
        await _Wait(all_of(*signals), machine, ctx, all_=True).suspend(timeout)


async def await_for_err_any(
    machine: Machine, *signals: Signal, timeout: float | None = None, ctx: Context | None = None
) -> tuple[Signal, ...]:
    """:func:`wait_for_err_any` for coroutines."""
    return await _Wait(any_of(*signals), machine, ctx).suspend(timeout)


class _Wait:
    """A goal, and what ends the waiting for it."""

    def __init__(
        self,
        goal: Combination[Signal],
        machine: Machine | None = None,
        ctx: Context | None = None,
        *,
        all_: bool = False,
    ) -> None:
        self.goal = goal
        self.all = all_
        self.machine = machine
        self.ctx = ctx
        self.failure: Waiter | None = None if machine is None else machine.when_err()
        ends: list[Signal] = [goal, _GivenUp(goal.signals)] if all_ else [goal]
        if ctx is not None:
            ends.append(ctx)
        if self.failure is not None:
            ends.append(self.failure)
        self.end = any_of(*ends)

    def block(self, timeout: float | None) -> tuple[Signal, ...]:
        try:
            if not self.end.wait(limit(timeout)):
                raise self.late(timeout)
            return self.outcome()
        finally:
            self.close()

    async def suspend(self, timeout: float | None) -> tuple[Signal, ...]:
        import asyncio

        try:
            try:
                async with asyncio.timeout(limit(timeout)):
                    await self.end
            except TimeoutError:
                if not self.end.done:
                    raise self.late(timeout) from None
            return self.outcome()
        finally:
            self.close()

    def outcome(self) -> tuple[Signal, ...]:
        machine, failure = self.machine, self.failure
        if machine is not None and failure is not None and failure.reason == "match":
            error = machine.err()
            raise MachineFailed(machine.id, error) from error
        fired = self.goal.fired
        ended = [signal for signal in fired if _is_given_up(signal)]
        if ended and (self.all or len(ended) == len(fired)):
            ended[0].check()
        if self.goal.done:
            return tuple([signal for signal in fired if not _is_given_up(signal)])
        if self.ctx is not None:
            self.ctx.check()
        if failure is not None:
            failure.check()
        raise AssertionError("waiting has ended without a reason")

    def late(self, timeout: float | None) -> TimeoutError:
        missing = [repr(signal) for signal in self.goal.signals if not signal.done]
        return TimeoutError(f"timeout: not within {timeout} s: {', '.join(missing)}")

    def close(self) -> None:
        if self.failure is not None:
            self.failure.cancel()


def _is_given_up(signal: Signal) -> TypeGuard[Waiter]:
    """Whether a waiter has ended without getting what it waited for."""
    return isinstance(signal, Waiter) and signal.done and signal.reason != "match"


class _GivenUp(Signal):
    """Happens when one of some waiters ends without getting what it waited for: all of them cannot be had any more."""

    __slots__ = ("signals",)

    def __init__(self, signals: Iterable[Signal]) -> None:
        self.signals = [signal for signal in signals if isinstance(signal, Waiter)]

    @property
    def done(self) -> bool:
        return any(map(_is_given_up, self.signals))

    def add_done_callback(self, fn: Callable[[Self], object]) -> Stop:
        def look(signal: Waiter) -> None:
            # Perhaps more than once, which does no harm to the ``any_of`` that this is made for.
            if _is_given_up(signal):
                fn(self)

        stops = [signal.add_done_callback(look) for signal in self.signals]

        def stop() -> None:
            for undo in stops:
                undo()

        return stop


def group_when1(machines: Iterable[Machine], state: str, ctx: Context | None = None) -> list[Waiter]:
    """A waiter per machine for the same state, in their order.

    Raises :class:`UnknownStateError` for the first machine without that state, and then waits for none of them.
    """
    listed = list(machines)
    for machine in listed:
        if not machine.disposed and not machine.has(state):
            raise UnknownStateError([state], machine.states, machine.id)
    return [machine.when(state, ctx) for machine in listed]
