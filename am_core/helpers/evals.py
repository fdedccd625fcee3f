"""Evaluations that are tried again when the machine had no time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from am_core.errors import EvalTimeout, MachineDisposed
from am_core.machine import Machine
from am_core.waiting.contexts import Context

T = TypeVar("T")


def eval_getter(
    machine: Machine,
    fn: Callable[[], T],
    source: str | None = None,
    *,
    tries: int = 3,
    timeout: float | None = None,
    ctx: Context | None = None,
) -> T:
    """The value of a function that runs while no transition does, as :meth:`Machine.eval` runs it.

    Blocks the thread. Not for handlers of the same machine, which can call the function themselves.

    Args:
        source: who asks (default: the function's name).
        tries: how often to ask before giving up; once at least.
        timeout: seconds per try (default: the machine's ``eval_timeout``).

    Raises:
        EvalTimeout: the machine had no time, at none of the tries.
        StateExpired: the context expired before.
        MachineDisposed: the machine is being disposed.
        Exception: whatever the function raises; it is not called again then.
    """
    values: list[T] = []

    def store() -> None:
        values.append(fn())

    name = getattr(fn, "__qualname__", repr(fn)) if source is None else source
    wanted = max(1, tries)
    for _ in range(wanted):
        if ctx is not None:
            ctx.check()
        if machine.disposing:
            raise MachineDisposed(f"machine disposed: {machine.id} cannot evaluate {name}")
        # A try that was too late may still have been started by then.
        if machine.eval(store, name, timeout=timeout) or values:
            return values[0]
    raise EvalTimeout(f"eval timeout: {machine.id} had no time for {name}, asked {wanted} times")


def eval_setter(
    machine: Machine,
    fn: Callable[[], object],
    source: str | None = None,
    *,
    tries: int = 3,
    timeout: float | None = None,
    ctx: Context | None = None,
) -> None:
    """Run a function that changes something while no transition does; see :func:`eval_getter`."""
    eval_getter(machine, fn, source, tries=tries, timeout=timeout, ctx=ctx)


async def aeval_getter(
    machine: Machine,
    fn: Callable[[], T],
    source: str | None = None,
    *,
    tries: int = 3,
    timeout: float | None = None,
    ctx: Context | None = None,
) -> T:
    """:func:`eval_getter` for coroutines. The function runs on the thread that executes the queue."""
    wanted = max(1, tries)
    failure: EvalTimeout | None = None
    for _ in range(wanted):
        if ctx is not None:
            ctx.check()
        try:
            return await machine.aeval(fn, source, timeout=timeout)
        except EvalTimeout as error:
            failure = error
    raise EvalTimeout(f"{failure}, asked {wanted} times")


async def aeval_setter(
    machine: Machine,
    fn: Callable[[], object],
    source: str | None = None,
    *,
    tries: int = 3,
    timeout: float | None = None,
    ctx: Context | None = None,
) -> None:
    """:func:`eval_setter` for coroutines."""
    await aeval_getter(machine, fn, source, tries=tries, timeout=timeout, ctx=ctx)
