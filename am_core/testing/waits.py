"""Waiting in tests: what :mod:`am_core.helpers` waits for, but a failure is a failed assertion.

The default limit is short enough for a test. It counts a hundred times longer in debug mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from am_core import helpers
from am_core.errors import AmError
from am_core.machine import Machine
from am_core.testing.watching import explain
from am_core.tracer import live_machines
from am_core.waiting.contexts import Context
from am_core.waiting.signals import Signal
from am_core.waiting.waiters import Waiter

TIMEOUT = 5.0
"""Seconds that tests wait by default."""


def wait_for_all(*signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None) -> None:
    """Block until all of some waiters have happened."""
    with _failing(signals):
        helpers.wait_for_all(*signals, timeout=timeout, ctx=ctx)


def wait_for_any(*signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None) -> tuple[Signal, ...]:
    """Block until one of some waiters has happened; returns those that have."""
    with _failing(signals):
        return helpers.wait_for_any(*signals, timeout=timeout, ctx=ctx)


def wait_for_err_all(machine: Machine, *signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None) -> None:
    """Like :func:`wait_for_all`; an error of the machine fails the test."""
    with _failing(signals, machine):
        helpers.wait_for_err_all(machine, *signals, timeout=timeout, ctx=ctx)


def wait_for_err_any(
    machine: Machine, *signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None
) -> tuple[Signal, ...]:
    """Like :func:`wait_for_any`; an error of the machine fails the test."""
    with _failing(signals, machine):
        return helpers.wait_for_err_any(machine, *signals, timeout=timeout, ctx=ctx)


async def await_for_all(*signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None) -> None:
    """:func:`wait_for_all` for coroutines."""
    with _failing(signals):
        await helpers.await_for_all(*signals, timeout=timeout, ctx=ctx)


async def await_for_any(*signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None) -> tuple[Signal, ...]:
    """:func:`wait_for_any` for coroutines."""
    with _failing(signals):
        return await helpers.await_for_any(*signals, timeout=timeout, ctx=ctx)


async def await_for_err_all(
    machine: Machine, *signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None
) -> None:
    """:func:`wait_for_err_all` for coroutines."""
    with _failing(signals, machine):
        await helpers.await_for_err_all(machine, *signals, timeout=timeout, ctx=ctx)


async def await_for_err_any(
    machine: Machine, *signals: Signal, timeout: float = TIMEOUT, ctx: Context | None = None
) -> tuple[Signal, ...]:
    """:func:`wait_for_err_any` for coroutines."""
    with _failing(signals, machine):
        return await helpers.await_for_err_any(machine, *signals, timeout=timeout, ctx=ctx)


def pause(seconds: float, ctx: Context | None = None) -> None:
    """Block for a while; it is a failure when the context expires before that is over."""
    assert helpers.pause(seconds, ctx), f"context expired during a pause of {seconds} s: {ctx}"


async def apause(seconds: float, ctx: Context | None = None) -> None:
    """:func:`pause` for coroutines."""
    assert await helpers.apause(seconds, ctx), f"context expired during a pause of {seconds} s: {ctx}"


def group_when1(machines: Iterable[Machine], state: str, ctx: Context | None = None) -> list[Waiter]:
    """A waiter per machine for the same state; it is a failure when one of them has no such state."""
    with _failing(()):
        return helpers.group_when1(machines, state, ctx)


@contextmanager
def _failing(signals: Iterable[Signal], machine: Machine | None = None) -> Iterator[None]:
    __tracebackhide__ = True
    try:
        yield
    except (TimeoutError, AmError) as error:
        ids = {signal.machine_id for signal in signals if isinstance(signal, Waiter) and not signal.done}
        concerned = [other for other in live_machines() if other.id in ids or other is machine]
        raise AssertionError("\n".join([str(error), *map(explain, concerned)])) from error
