"""Mutations that are tried again while they are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any, Self

from am_core.engine.submit import Args, merged
from am_core.errors import MachineDisposed
from am_core.helpers.off_loop import off_loop
from am_core.helpers.pausing import apause, pause
from am_core.machine import Machine
from am_core.resolution.mutation import ADD, REMOVE, MutationType, Result
from am_core.schemas.model import StateNames
from am_core.waiting.contexts import Context


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
        result = await off_loop(self.machine, partial(self._attempt, ctx))
        for seconds in self._delays():
            if result or not await apause(seconds, ctx):
                break
            result = await off_loop(self.machine, partial(self._attempt, ctx))
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
    return MutRequest(
        machine, ADD, tuple([states] if isinstance(states, str) else states), dict(merged(args, {})), **limits
    )


def request_remove(machine: Machine, states: StateNames, args: Args = None, **limits: Any) -> MutRequest:
    """A request to remove states; ``limits`` are fields of :class:`MutRequest`."""
    return MutRequest(
        machine, REMOVE, tuple([states] if isinstance(states, str) else states), dict(merged(args, {})), **limits
    )
