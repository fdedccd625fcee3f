"""Mutations with more patience: until they are executed, until something else happens, again after a refusal.

Functions that block are for threads other than an event loop's, and not for handlers. Their twins for coroutines begin
with ``a``. ``timeout`` is in seconds, and a hundred times longer in debug mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any, Self

from am_core.contexts import Context
from am_core.errors import CanceledError, MachineDisposed
from am_core.handlers import UNSET, Event
from am_core.helpers.debug import limit
from am_core.helpers.waiting import apause, pause
from am_core.machine import Machine
from am_core.model import StateNames
from am_core.mutation import ADD, CANCELED, REMOVE, MutationType, Result
from am_core.runners import ThreadRunner
from am_core.submit import Args, merged
from am_core.waiting import Waiter

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
    result = await _away(machine, partial(machine.add, names, args, event=event))
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
    result = await _away(machine, partial(machine.remove, names, args, event=event))
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
    if (await _away(machine, partial(machine.add, states, args, event=event))).canceled:
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


# Again and again


@dataclass(frozen=True, slots=True)
class MutRequest:
    """A mutation that is tried again while it is refused. Queued counts as success. Immutable, so it can be shared.

    Raises :class:`ValueError` for negative numbers.
    """

    machine: Machine
    type: MutationType
    states: tuple[str, ...]
    args: dict[str, Any] = field(default_factory=dict)
    retries: int = 10
    """How often to try again after the first refusal."""
    delay: float = 0.1
    """Seconds before the second attempt; doubles with each further one."""
    backoff: float = 5.0
    """Most seconds between two attempts."""
    max_duration: float = 5.0
    """Seconds after which there is no further attempt."""

    def __post_init__(self) -> None:
        for name in ("retries", "delay", "backoff", "max_duration"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} of a request is {getattr(self, name)}, it cannot be negative")

    def with_(self, **fields: Any) -> Self:
        """A copy with other limits, states or arguments."""
        return replace(self, **fields)

    def run(self, ctx: Context | None = None) -> Result:
        """Try until it is accepted; Canceled when every attempt was refused. Blocks between attempts.

        Raises:
            StateExpired: the context expired before.
            MachineDisposed: the machine takes nothing any more.
            UnknownStateError: there is no such state.
        """
        result = self._attempt(ctx)
        for seconds in self._delays():
            if result or not pause(seconds, ctx):
                break
            result = self._attempt(ctx)
        return self._end(result, ctx)

    async def arun(self, ctx: Context | None = None) -> Result:
        """:meth:`run` for coroutines."""
        result = await _away(self.machine, partial(self._attempt, ctx))
        for seconds in self._delays():
            if result or not await apause(seconds, ctx):
                break
            result = await _away(self.machine, partial(self._attempt, ctx))
        return self._end(result, ctx)

    def _attempt(self, ctx: Context | None) -> Result:
        if ctx is not None:
            ctx.check()
        if self.machine.disposing:
            raise MachineDisposed(f"machine disposed: {self.machine.id} cannot {self.type} {' '.join(self.states)}")
        method = getattr(self.machine, str(self.type))
        result: Result = method(self.states, self.args)
        return result

    def _delays(self) -> Iterator[float]:
        start = monotonic()
        delay = self.delay
        for _ in range(self.retries):
            if monotonic() - start + delay > self.max_duration:
                return
            yield min(delay, self.backoff)
            delay = min(delay * 2, self.backoff)

    def _end(self, result: Result, ctx: Context | None) -> Result:
        if not result and ctx is not None:
            ctx.check()
        return result


def request_add(machine: Machine, states: StateNames, args: Args = None, **limits: Any) -> MutRequest:
    """A request to add states; ``limits`` are fields of :class:`MutRequest`."""
    return MutRequest(machine, ADD, tuple(_listed(states)), dict(merged(args, {})), **limits)


def request_remove(machine: Machine, states: StateNames, args: Args = None, **limits: Any) -> MutRequest:
    """A request to remove states; ``limits`` are fields of :class:`MutRequest`."""
    return MutRequest(machine, REMOVE, tuple(_listed(states)), dict(merged(args, {})), **limits)


def result_to_err(result: Result) -> CanceledError | None:
    """The error that a result stands for: :class:`CanceledError`, or None when it was executed or queued."""
    if not result.canceled:
        return None
    return CanceledError("transition canceled")


def _listed(states: StateNames) -> list[str]:
    return [states] if isinstance(states, str) else list(states)


def _queued(machine: Machine, result: Result, ctx: Context | None) -> Waiter | None:
    return machine.when_queue(result, ctx) if result.queued else None


async def _away(machine: Machine, mutate: Callable[[], Result]) -> Result:
    """Mutate without blocking the loop: where handlers have a thread of their own, the caller would wait for them."""
    if not isinstance(machine._runner, ThreadRunner):
        return mutate()
    from asyncio import to_thread

    return await to_thread(mutate)


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
