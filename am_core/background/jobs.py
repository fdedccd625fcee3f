"""One piece of work in the background: a function on a thread, or a coroutine as a task."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from am_core.background.crew import crew
from am_core.errors import AmError, LoopClosedError, is_cancellation
from am_core.handling.callables import is_async, name_of
from am_core.handling.handlers import Event, current_event
from am_core.waiting.blocking import loop_here
from am_core.waiting.contexts import Context
from am_core.waiting.signals import OneShot, Stop, call_on_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

    from am_core.machine import Machine

Status = Literal["waiting", "running", "done", "failed", "canceled"]
Work = Callable[..., Any] | Coroutine[Any, Any, Any]
"""A function, a coroutine function, or a coroutine."""


class Owner(Protocol):
    """Who lets jobs run: decides when they start, and is told when they end."""

    _lock: threading.Lock
    """Guards the jobs. None is called with it held."""

    def _ended(self, job: Job) -> None:
        """The job does not run any more: mark it as over, and close it. Called without the lock."""
        ...

    def _withdraw(self, job: Job) -> bool:
        """Forget a job that waits; False when it does not. Called without the lock."""
        ...


class Job(OneShot):
    """Work in the background; happens when the work has ended, however that was.

    Thread-safe. Can be awaited, waited for on a thread, and combined with waiters and contexts. What the work raises
    becomes an ``Exception`` of its machine; that its context expires is no error.
    """

    __slots__ = (
        "_coro", "_event", "_fn", "_loop", "_owner", "_stop_timer", "_stop_watch", "_stopping", "_task",
        "_variables", "ctx", "error", "machine", "status", "value",
    )  # fmt: skip

    def __init__(
        self,
        owner: Owner,
        machine: Machine | None,
        work: Work,
        args: tuple[object, ...],
        ctx: Context | None,
        event: Event | None,
    ) -> None:
        super().__init__(owner._lock)
        self.machine = machine
        """Whose errors those of the work are."""
        self.ctx = ctx
        """Whose end ends the work."""
        self.status: Status = "waiting"
        """``failed`` when it raised; ``canceled`` when its context has expired, or by :meth:`cancel`."""
        self.value: Any = None
        """What it returned."""
        self.error: BaseException | None = None
        """What it raised."""
        self._owner = owner
        self._event = event
        self._stopping = False
        """Whether its task is to be canceled. Guarded by the owner's lock."""
        self._task: Task[Any] | None = None
        self._stop_watch: Stop | None = None
        self._stop_timer: Stop | None = None
        if not (callable(work) or inspect.iscoroutine(work)):
            raise AmError(f"{work!r} cannot run in the background, a function or a coroutine was expected")
        self._variables = copy_context()
        self._variables.run(current_event.set, event)
        self._coro: Coroutine[Any, Any, Any] | None = work if inspect.iscoroutine(work) else None
        self._fn: Callable[[], Any] | None = None if inspect.iscoroutine(work) else partial(work, *args)
        self._loop: AbstractEventLoop | None = None
        if is_async(work):
            try:
                self._loop = loop_of(machine, name_of(work))
            except AmError:
                self._drop()
                raise

    def result(self) -> Any:
        """What the work returned.

        Raises what the work raised, :class:`StateExpired` when it ended with its context, and :class:`AmError` when it
        was canceled or has not ended.
        """
        if not self.done:
            raise AmError(f"the work is {self.status}, wait for its end before asking for its result")
        if self.error is not None:
            raise self.error
        if self.status == "canceled":
            if self.ctx is not None:
                self.ctx.check()
            raise AmError("the work was canceled")
        return self.value

    def cancel(self) -> bool:
        """Do not start it, or cancel its task. False for what has ended, and for functions that are running."""
        if self._owner._withdraw(self):
            self._drop()
            self._close()
            return True
        with self._owner._lock:
            if self._over or self._loop is None:
                return False
            self._stopping = True
            loop, task = self._loop, self._task
        if task is not None:
            if loop_here() is loop and not _is_current(task, loop):
                # At once, so that it does not get one more turn that is due already.
                task.cancel(self._why())
            else:
                call_on_loop(loop, lambda: task.cancel(self._why()))
        return True

    def _watch(self) -> None:
        """End with the context from now on. For the owner, before it starts the job."""
        if self.ctx is not None:
            stop = self.ctx.add_done_callback(lambda _: self.cancel())
            self._stop_watch = stop
            if self._over:
                stop()

    def _after(self, stop: Stop) -> None:
        """It starts later, and this is how to prevent that. For the owner."""
        self._stop_timer = stop
        if self._over:
            stop()

    def _begin(self) -> bool:
        """Start what has been marked as running. For the owner, without its lock.

        False when it could not be started; it has failed then, and its end is still to be told by :meth:`_close`.
        """
        try:
            if self._loop is None:
                crew.run(self._work)
            elif loop_here() is self._loop:
                self._variables.run(self._start_task)
            else:
                self._loop.call_soon_threadsafe(self._start_task, context=self._variables)
        except RuntimeError as error:
            # No thread, or no loop, is left for it, as happens at the end of a program.
            closed = self._loop is not None and self._loop.is_closed()
            self._drop()
            self._settle("failed", None, LoopClosedError(f"the event loop for {self!r} is closed") if closed else error)
            return False
        return True

    # On a thread

    def _work(self) -> None:
        fn, self._fn = self._fn, None
        assert fn is not None
        try:
            value = self._variables.run(fn)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, and to the machine
            self._failed(error)
        else:
            if inspect.iscoroutine(value):
                value.close()
                what = f"{name_of(value)} was called on a thread and returned a coroutine"
                self._failed(AmError(f"{what}; hand over the coroutine, or the function that makes it"))
            else:
                self._end("done", value)

    # On the loop

    def _start_task(self) -> None:
        loop = self._loop
        assert loop is not None
        with self._owner._lock:
            stopping = self._stopping
        if stopping:
            self._drop()
            self._end("canceled")
            return
        coro, fn = self._coro, self._fn
        self._coro = self._fn = None
        if fn is not None:
            coro = fn()
        assert coro is not None
        task = loop.create_task(coro)
        with self._owner._lock:
            self._task = task
            stopping = self._stopping
        task.add_done_callback(self._task_ended)
        if stopping:
            task.cancel(self._why())

    def _task_ended(self, task: Task[Any]) -> None:
        self._task = None
        if task.cancelled():
            self._end("canceled")
            return
        error = task.exception()
        if error is not None:
            self._failed(error)
        else:
            self._end("done", task.result())

    # The end

    def _failed(self, error: BaseException) -> None:
        if is_cancellation(error):
            self._end("canceled")
        else:
            self._end("failed", error=error)

    def _end(self, status: Status, value: Any = None, error: BaseException | None = None) -> None:
        self._settle(status, value, error)
        self._owner._ended(self)

    def _settle(self, status: Status, value: Any, error: BaseException | None) -> None:
        self.status = status
        self.value = value
        self.error = error
        if error is not None:
            # Before anybody is told of the end, so that whoever waited for it finds the error in the machine.
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        machine = self.machine
        if machine is None:
            return
        if isinstance(error, Exception) and machine.panic_to_exception and not machine.disposing:
            machine._tell_unseen(str(self), error)
            machine.add_err(error, event=self._event)
        elif self._loop is None or isinstance(error, Exception):
            # Nobody takes it, so it is shown as by any other thread. What is no Exception, a loop shows by itself.
            threading.excepthook(
                threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
            )

    def _close(self) -> None:
        """Tell everybody of the end, and keep nothing alive that was needed for the work. For the owner."""
        for undo in (self._stop_watch, self._stop_timer):
            if undo is not None:
                undo()
        self._stop_watch = self._stop_timer = self._event = None
        for fn in self.callbacks():
            try:
                fn(self)
            except Exception as error:  # noqa: BLE001 - what others do with the end must not keep the next from it
                args = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(args))

    def _drop(self) -> None:
        """It will not run."""
        coro, self._coro = self._coro, None
        self._fn = None
        if coro is not None:
            coro.close()

    def _why(self) -> str:
        expired = self.ctx.err if self.ctx is not None else None
        return str(expired) if expired is not None else "the work was canceled"

    def __repr__(self) -> str:
        of = "" if self.machine is None else f" of {self.machine.id}"
        return f"<Job{of}: {self.status}>"


def _is_current(task: Task[Any], loop: AbstractEventLoop) -> bool:
    from asyncio import current_task

    return current_task(loop) is task


def loop_of(machine: Machine | None, what: str) -> AbstractEventLoop:
    """The event loop for coroutines of a machine: its own, else the one that is running on this thread.

    Raises :class:`AmError` when there is none.
    """
    loop = (None if machine is None else machine.loop) or loop_here()
    if loop is not None:
        return loop
    if machine is None:
        raise AmError(f"{what} needs an event loop: start it in a coroutine")
    raise AmError(
        f"{what} needs an event loop and none is running on this thread: "
        f"create machine {machine.id} with loop= or runner='loop'"
    )
