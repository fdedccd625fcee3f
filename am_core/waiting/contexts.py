"""Contexts: how long something stays true, and what is tied to that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from time import monotonic_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

from am_core.errors import AmError, StateExpired
from am_core.handling.handlers import current_event
from am_core.waiting.signals import OneShot, Stop, call_on_loop
from am_core.waiting.wait_info import ContextInfo, Origin, current_origin, next_id

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

T = TypeVar("T")


class ContextValue(NamedTuple):
    """What a context is about; a machine's own has no state."""

    machine_id: str
    state: str
    tick: int


class Context(OneShot):
    """Lasts as long as a machine. Expiring is no error, it is what contexts are for.

    Thread-safe. ``await ctx`` in a task, and ``ctx.wait()`` on a thread, wait for its end.
    """

    __slots__ = ("err", "machine_id", "parent", "state", "tick")

    def __init__(
        self,
        lock: threading.Lock | None,
        machine_id: str,
        parent: Context | None = None,
        state: str = "",
        tick: int = -1,
    ) -> None:
        super().__init__(lock)
        self.machine_id = machine_id
        self.parent = parent
        """What this one lasts no longer than: the machine's context for one of a state. For one of a machine the
        context of its parent machine, which it may outlast, or None."""
        self.state = state
        self.tick = tick
        """Tick of the state that the context is bound to."""
        self.err: StateExpired | None = None
        """Why it has expired; None before."""

    @property
    def expired(self) -> bool:
        """Whether it is over."""
        return self._over

    @property
    def value(self) -> ContextValue:
        """What the context is bound to, as a record that does not keep it."""
        return ContextValue(self.machine_id, self.state, self.tick)

    def check(self) -> None:
        """Raise :class:`StateExpired` when it has expired: for code that has nothing else to stop it."""
        if self._over:
            raise self.err or StateExpired(self.state, f"context expired: {self._what()}")

    def on_expire(self, fn: Callable[[Self], object]) -> Stop:
        """Call back at the end, on the thread that executes the transition; at once when it has expired.

        Returns how to take that back. State contexts end when the states have been switched, before final handlers.
        """
        return self.add_done_callback(fn)

    def run(self, coro: Coroutine[Any, Any, T]) -> Task[T]:
        """Run a coroutine as a task of the running loop until it ends or the context expires, which cancels it.

        When the context has expired already the coroutine does not start.
        """
        from asyncio import get_running_loop

        try:
            loop = get_running_loop()
        except RuntimeError:
            coro.close()
            raise
        task = loop.create_task(coro)
        if self._over:
            task.cancel(str(self.err))
        else:
            stop = self.add_done_callback(lambda _: call_on_loop(loop, lambda: task.cancel(str(self.err))))
            task.add_done_callback(lambda _: stop())
        return task

    def scope(self) -> Scope:
        """``with ctx.scope():`` cancels the running task when the context expires inside of the block."""
        return Scope(self)

    def _hopeless(self, thread: int) -> str:
        event = current_event.get()
        if self.state and event is not None and event.machine_id == self.machine_id:
            machine = event.machine
            if thread == machine._drainer or machine._runner.owns_thread(thread):
                return (
                    f"waiting for the end of {self._what()} inside a handler of the same machine, which does nothing "
                    f"else meanwhile; wait in a task or fork, or use on_expire()"
                )
        return super()._hopeless(thread)

    def expire(self, why: str) -> bool:
        """End (called by the engine, with the lock held); False when it had ended before."""
        if not self._over:
            self.err = StateExpired(self.state, f"context expired: {self._what()}, {why}")
        return self.end()

    def _what(self) -> str:
        return f"{self.state}:{self.tick} of {self.machine_id}" if self.state else f"machine {self.machine_id}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._what()}{' expired' if self._over else ''}>"


class StateCtx(Context):
    """Lasts until the tick of a state changes: activation, deactivation, another activation of a multi state."""

    __slots__ = ("id", "origin", "started_ns")

    def __init__(
        self,
        lock: threading.Lock | None,
        machine_id: str,
        parent: Context | None = None,
        state: str = "",
        tick: int = -1,
    ) -> None:
        super().__init__(lock, machine_id, parent, state, tick)
        self.id = next_id()
        """Unique in the process."""
        self.started_ns = monotonic_ns()
        """``time.monotonic_ns()`` of its creation."""
        self.origin: Origin | None = current_origin()
        """The handler on whose behalf it was created."""

    @property
    def info(self) -> ContextInfo:
        """What there is to know, as a record that does not keep the context."""
        return ContextInfo(self.id, self.machine_id, self.state, self.tick, self.started_ns, self.origin, self.expired)


C = TypeVar("C", bound=Context)


class Scope:
    """Cancels a task from within which it was entered when a context expires. Used once, in one task."""

    __slots__ = ("_loop", "_open", "_stop", "_task", "ctx", "hit")

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.hit = False
        """Whether the task was canceled by this scope."""
        self._open = False
        self._stop: Stop | None = None
        self._task: Task[Any] | None = None
        self._loop: AbstractEventLoop | None = None

    def __enter__(self) -> Context:
        from asyncio import current_task, get_running_loop

        loop = get_running_loop()
        self._task = current_task()
        if self._task is None:
            raise AmError("a scope needs a task to cancel; enter it in a coroutine that runs as one")
        self._open = True
        # The loop delivers, so a task is only ever canceled while it is suspended and still inside.
        self._stop = self.ctx.add_done_callback(lambda _: call_on_loop(loop, self._cancel))
        return self.ctx

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._open = False
        if self._stop is not None:
            self._stop()

    def _cancel(self) -> None:
        if self._open and self._task is not None:
            self.hit = True
            self._task.cancel(str(self.ctx.err))


class WhileActive(Generic[C]):
    """``async with``: leaves the block, without an error, when a context expires."""

    __slots__ = ("_before", "_ctx", "_scope", "_task")

    def __init__(self, ctx: C) -> None:
        self._ctx = ctx
        self._scope = Scope(ctx)
        self._before = 0

    async def __aenter__(self) -> C:
        self._scope.__enter__()
        self._task = self._scope._task
        assert self._task is not None
        self._before = self._task.cancelling()
        return self._ctx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool:
        self._scope.__exit__(kind, error, tb)
        if not self._scope.hit or self._task is None:
            return False
        # Other requests to cancel the same task must not get lost with this one.
        alone = self._task.uncancel() <= self._before
        from asyncio import CancelledError

        return alone and kind is not None and issubclass(kind, CancelledError)
