"""Waiting for something of a machine, once: conditions on states, and the waiters that everybody gets."""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum
from time import monotonic_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

from am_core.errors import AmError, MachineDisposed, StateExpired
from am_core.waiting.signals import OneShot
from am_core.waiting.wait_info import Origin, WaiterInfo, current_origin, next_id

if TYPE_CHECKING:
    from am_core.resolution.mutation import Result
    from am_core.resolution.transition import Now
    from am_core.schemas.model import Model
    from am_core.waiting.subscriptions import Subscriptions

Reason = Literal["", "match", "ctx", "disposed", "canceled", "error"]
Query = Callable[[dict[str, int]], object]
Key = tuple[object, ...]
"""What makes waiters the same: their kind, and what they wait for by name."""
Place = tuple[int, int]
"""Where a condition is looked at: a state's index with a tick, or with ``ON`` or ``OFF``."""

ON: Final = -1
OFF: Final = -2
DISPOSED: Final = "whenDisposed"


class Kind(Enum):
    """What a condition on states demands of all of them; the values are what the log calls it."""

    ACTIVE = "when"
    INACTIVE = "whenNot"
    REACHED = "whenTime"


class Condition(NamedTuple):
    """A demand on several states by index; the second numbers are ticks, and mean nothing for activity."""

    kind: Kind
    needs: tuple[tuple[int, int], ...]

    def open_at(self, now: Now) -> Place | None:
        """One of the states that still keep the condition from holding; None when it holds.

        Looking again when just this state changes is enough, since the condition cannot hold before. Solvers for
        Boolean satisfiability watch one or two literals of each clause in the same way.
        """
        _, _, mask, ticks = now
        for i, tick in self.needs:
            if self.kind is Kind.REACHED:
                if ticks[i] < tick:
                    return i, tick
            elif self.kind is Kind.ACTIVE:
                if not mask >> i & 1:
                    return i, ON
            elif mask >> i & 1:
                return i, OFF
        return None

    def moved(self, old: Model, new: Model) -> Condition:
        """The same condition on the same states of another model."""
        return Condition(self.kind, tuple([(new.index[old.names[i]], tick) for i, tick in self.needs]))


class Waiter(OneShot):
    """Waits for something of one machine, once: for threads, tasks and callbacks.

    It ends when that happens, when its context expires, and when the machine is disposed; :attr:`reason` tells. What
    was waited for may be over again by the time one wakes up. Callers who wait for the same share one waiter.

    Who stops waiting before the end should :meth:`cancel`, or use the waiter as a context manager, which does so.
    """

    __slots__ = (
        "_claims", "_home", "_key", "_place", "error", "id", "machine_id", "origin", "reason", "result", "started_ns",
        "states", "text", "ticks",
    )  # fmt: skip

    def __init__(
        self,
        home: Subscriptions | None,
        machine_id: str,
        key: Key,
        text: str,
        reason: Reason = "",
        states: tuple[str, ...] = (),
        ticks: tuple[int, ...] = (),
    ) -> None:
        super().__init__(None if home is None else home.lock)
        self.machine_id = machine_id
        self.text = text
        """What is waited for, as in the log."""
        self.states = states
        self.ticks = ticks
        """Ticks that the states, or the queue, have to reach, where that is what is waited for."""
        self.id = 0
        """Unique in the process, 0 for a waiter that was over from the start."""
        self.started_ns = monotonic_ns()
        """``time.monotonic_ns()`` of its creation."""
        self.origin: Origin | None = None
        """The handler on whose behalf it was created."""
        if home is not None:
            self.id = next_id()
            self.origin = current_origin()
        self.reason: Reason = reason
        """``match``, ``ctx`` (the context expired), ``disposed``, ``canceled`` or ``error``; empty while waiting."""
        self.error: BaseException | None = None
        """Why waiting was impossible, or what a query raised."""
        self.result: Result | None = None
        """Of ``when_queue``: the result of the mutation, unless it was over from the start."""
        self._home = home
        self._key = key
        self._place: tuple[dict[Any, dict[Waiter, Any]], object] | None = None
        """The index the waiter is in, and where."""
        self._claims = 1

    @property
    def kind(self) -> str:
        """What the log calls this way of waiting: ``when``, ``whenNot``, ``whenTime`` …"""
        return str(self._key[0])

    @property
    def info(self) -> WaiterInfo:
        """What there is to know, as a record that does not keep the waiter."""
        return WaiterInfo(
            self.id,
            self.machine_id,
            self.kind,
            self.states,
            self.ticks,
            self.text,
            self.started_ns,
            self.origin,
            self.reason,
        )

    def check(self) -> None:
        """Raise when the waiter has ended without getting what it waited for.

        :class:`StateExpired` when the context expired, :class:`MachineDisposed`, :class:`AmError` when canceled, or
        what a query raised.
        """
        if self.error is not None:
            raise self.error
        what = f"waiting for {self.kind} {self.text} of {self.machine_id}"
        if self.reason == "ctx":
            raise StateExpired("", f"context expired while {what}")
        if self.reason == "disposed":
            raise MachineDisposed(f"machine disposed while {what}")
        if self.reason == "canceled":
            raise AmError(f"canceled: {what}")

    def wait(self, timeout: float | None = None, *, strict: bool = False) -> bool:
        """Block this thread for up to ``timeout`` seconds; True when the waiter has ended.

        With ``strict`` it raises what :meth:`check` does. Not for handlers of the same machine, nor for the thread of
        an event loop: without a timeout, which would end it, waiting there raises :class:`DeadlockError`.
        """
        ended = super().wait(timeout)
        if ended and strict:
            self.check()
        return ended

    def strict(self) -> StrictWaiter:
        """``await waiter.strict()`` raises what :meth:`check` does, instead of returning for any reason."""
        return StrictWaiter(self)

    def _hopeless(self, thread: int) -> str:
        machine = None if self._home is None else self._home.machine()
        # The context, and the disposal, do not depend on the handler's end.
        if machine is None or self._key[-1] is not None or self._key[0] == DISPOSED:
            return super()._hopeless(thread)
        if thread == machine._drainer or machine._runner.owns_thread(thread):
            return (
                f"waiting for {self.kind} {self.text} inside a handler or callback of the same machine "
                f"{self.machine_id}, which does nothing else meanwhile; wait in a task or fork, or use a callback"
            )
        return super()._hopeless(thread)

    def cancel(self) -> None:
        """Do not wait any longer. A waiter that is shared ends when everybody who got it has said so, once each."""
        home = self._home
        if home is None:
            return
        with home.lock:
            self._claims -= 1
            if self._claims > 0 or not home.finish(self, "canceled"):
                return
        home.tell([self])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.cancel()

    def __repr__(self) -> str:
        return f"<Waiter {f'{self.kind} {self.text}'.rstrip()} of {self.machine_id}: {self.reason or 'waiting'}>"


class StrictWaiter:
    """Awaits a waiter and raises when it has ended without getting what it waited for."""

    __slots__ = ("waiter",)

    def __init__(self, waiter: Waiter) -> None:
        self.waiter = waiter

    def __await__(self) -> Generator[Any, None, Waiter]:
        yield from self.waiter.__await__()
        self.waiter.check()
        return self.waiter
