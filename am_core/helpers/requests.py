"""Mutations with more patience: until they are executed, until something else happens, or only when they are possible.

Functions that block are for threads other than an event loop's, and not for handlers. Their twins for coroutines begin
with ``a``. ``timeout`` is in seconds, and a hundred times longer in debug mode.
"""

from __future__ import annotations

from functools import partial

from am_core.engine.submit import Args
from am_core.errors import CanceledError
from am_core.handling.handlers import UNSET, Event
from am_core.helpers.debug import limit
from am_core.helpers.off_loop import off_loop
from am_core.machine import Machine
from am_core.resolution.mutation import CANCELED, Result
from am_core.schemas.model import StateNames
from am_core.waiting.contexts import Context
from am_core.waiting.waiters import Waiter

# Until executed


def add_sync(
    machine: Machine,
    states: StateNames,
    args: Args = None,
    *,
    ctx: Context | None = None,
    timeout: float | None = None,
    event: Event | None = UNSET,
) -> bool:
    """Add states and wait until that has been executed; True when all of them are active then."""
    names = _listed(states)
    queued = _queued(machine, machine.add(names, args, event=event), ctx)
    return (queued is None or _block(queued, timeout)) and machine.is_(names)


def remove_sync(
    machine: Machine,
    states: StateNames,
    args: Args = None,
    *,
    ctx: Context | None = None,
    timeout: float | None = None,
    event: Event | None = UNSET,
) -> bool:
    """Remove states and wait until that has been executed; True when none of them is active then."""
    names = _listed(states)
    queued = _queued(machine, machine.remove(names, args, event=event), ctx)
    return (queued is None or _block(queued, timeout)) and machine.not_(names)


async def aadd_sync(
    machine: Machine,
    states: StateNames,
    args: Args = None,
    *,
    ctx: Context | None = None,
    timeout: float | None = None,
    event: Event | None = UNSET,
) -> bool:
    """:func:`add_sync` for coroutines."""
    names = _listed(states)
    result = await off_loop(machine, partial(machine.add, names, args, event=event))
    queued = _queued(machine, result, ctx)
    return (queued is None or await _suspend(queued, timeout)) and machine.is_(names)


async def aremove_sync(
    machine: Machine,
    states: StateNames,
    args: Args = None,
    *,
    ctx: Context | None = None,
    timeout: float | None = None,
    event: Event | None = UNSET,
) -> bool:
    """:func:`remove_sync` for coroutines."""
    names = _listed(states)
    result = await off_loop(machine, partial(machine.remove, names, args, event=event))
    queued = _queued(machine, result, ctx)
    return (queued is None or await _suspend(queued, timeout)) and machine.not_(names)


# Until something else is active


def add_and_wait(
    machine: Machine,
    states: StateNames,
    wait_for: str,
    args: Args = None,
    *,
    ctx: Context | None = None,
    timeout: float | None = None,
    event: Event | None = UNSET,
) -> bool:
    """Add states and wait for the next activation of another one, which they are expected to lead to.

    The waiting begins before the mutation, so nothing can be missed. False when the mutation was refused, the context
    expired, the machine was disposed or the time is up.
    """
    waiter = machine.when_next_active(wait_for, ctx)
    if machine.add(states, args, event=event).canceled:
        waiter.cancel()
        return False
    return _block(waiter, timeout)


async def aadd_and_wait(
    machine: Machine,
    states: StateNames,
    wait_for: str,
    args: Args = None,
    *,
    ctx: Context | None = None,
    timeout: float | None = None,
    event: Event | None = UNSET,
) -> bool:
    """:func:`add_and_wait` for coroutines."""
    waiter = machine.when_next_active(wait_for, ctx)
    if (await off_loop(machine, partial(machine.add, states, args, event=event))).canceled:
        waiter.cancel()
        return False
    return await _suspend(waiter, timeout)


# Asking first


def ask_add(machine: Machine, states: StateNames, args: Args = None, *, event: Event | None = UNSET) -> Result:
    """Add states only if a dry run says that this is possible, so that refusals leave no canceled transition.

    A busy machine cannot answer now; the states are queued then, and negotiated in their turn.
    """
    names = _listed(states)
    return CANCELED if cant_add(machine, names, args, event=event) else machine.add(names, args, event=event)


def ask_remove(machine: Machine, states: StateNames, args: Args = None, *, event: Event | None = UNSET) -> Result:
    """Remove states only if a dry run says that this is possible; see :func:`ask_add`."""
    names = _listed(states)
    return CANCELED if cant_remove(machine, names, args, event=event) else machine.remove(names, args, event=event)


def cant_add(machine: Machine, states: StateNames, args: Args = None, *, event: Event | None = UNSET) -> bool:
    """Whether adding states is known to be impossible now. False for a busy machine, which cannot tell."""
    return machine.can_add(states, args, event=event).canceled


def cant_remove(machine: Machine, states: StateNames, args: Args = None, *, event: Event | None = UNSET) -> bool:
    """Whether removing states is known to be impossible now. False for a busy machine, which cannot tell."""
    return machine.can_remove(states, args, event=event).canceled


def result_to_err(result: Result) -> CanceledError | None:
    """The error that a result stands for: :class:`CanceledError`, or None when it was executed or queued."""
    if not result.canceled:
        return None
    return CanceledError("transition canceled")


def _listed(states: StateNames) -> list[str]:
    return [states] if isinstance(states, str) else list(states)


def _queued(machine: Machine, result: Result, ctx: Context | None) -> Waiter | None:
    return machine.when_queue(result, ctx) if result.queued else None


def _block(waiter: Waiter, timeout: float | None) -> bool:
    try:
        return waiter.wait(limit(timeout)) and waiter.reason == "match"
    finally:
        waiter.cancel()


async def _suspend(waiter: Waiter, timeout: float | None) -> bool:
    import asyncio

    try:
        async with asyncio.timeout(limit(timeout)):
            await waiter
    except TimeoutError:
        # Both may have happened at once.
        return waiter.reason == "match"
    finally:
        waiter.cancel()
    return waiter.reason == "match"
