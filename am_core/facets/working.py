"""The part of a machine that works in the background: forks, timers, pools."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, cast

from am_core.background.fork_limits import ForkLimits
from am_core.background.jobs import Job, Work
from am_core.background.pool import Pool, start
from am_core.errors import AmError
from am_core.facets.restoring import RestorableMachine
from am_core.handling.handlers import UNSET, Event, current_event
from am_core.waiting.contexts import Context

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from am_core.machine import Machine


class WorkingMachine(RestorableMachine):
    """Work in the background. Thread-safe.

    Functions run on daemon threads that all machines share, coroutines (or coroutine functions) as tasks of the
    machine's loop, else of the loop that is running. What they raise becomes an ``Exception`` of the machine. They see
    the context variables of their caller, so mutations know the handler they come from. Functions are called with the
    arguments that follow them.

    When ``ctx`` expires (default: the machine's) what has not started never starts, and tasks are canceled. A function
    that is running goes on: it can look at the context. The threads are limited to 64, beyond that functions wait in
    line. For functions that wait for each other, or for ever, use :meth:`pool` with a number of your own.
    """

    __slots__ = ("_limits", "_loop", "_outer")

    _loop: AbstractEventLoop | None
    _limits: ForkLimits | None
    _outer: Context | None
    """The context that the machine ends with."""

    @property
    def loop(self) -> AbstractEventLoop | None:
        """The event loop of this machine's coroutines; None for the one that is running on the calling thread."""
        return self._loop

    def fork(self, work: Work, *args: object, ctx: Context | None = None, event: Event | None = UNSET) -> Job:
        """Run something in the background on behalf of a handler; returns at once.

        It does not start when the handler is over its time limit, or when an ``event`` is given that is not valid any
        more. Raises :class:`AmError` for coroutines without an event loop.
        """
        given = event is not UNSET
        cause = event if given else current_event.get()
        job_ctx = self.ctx if ctx is None else ctx
        if cause is not None and (_is_late(cause) or (given and not cause.is_valid())):
            return self._refused(work, args, job_ctx)
        return start(self._machine(), work, args, job_ctx, cause)

    def go(self, ctx: Context | None, work: Work, *args: object) -> Job:
        """Run something in the background as long as a context lasts."""
        return start(self._machine(), work, args, self.ctx if ctx is None else ctx, current_event.get())

    def go_after(self, ctx: Context | None, seconds: float, work: Work, *args: object) -> Job:
        """Run something in the background after a while, unless its context expires before. Costs no thread."""
        return start(self._machine(), work, args, self.ctx if ctx is None else ctx, current_event.get(), seconds)

    def when_func(self, work: Work, *args: object, ctx: Context | None = None) -> Job:
        """Run something in the background and wait for its end: alone, or with ``any_of`` and ``all_of``."""
        return self.go(ctx, work, *args)

    def pool(self, limit: int, ctx: Context | None = None) -> Pool:
        """Room for ``limit`` pieces of work at the same time; more wait in line."""
        return Pool(limit, self.ctx if ctx is None else ctx, machine=self._machine())

    # Forks that are limited by handler

    def pool_set_limit(self, handler: str, limit: int | None) -> None:
        """Let so many forks of a handler run at the same time; None for any number."""
        limits = self._fork_limits()
        if limit is None:
            limits.by_handler.pop(handler, None)
        else:
            limits.by_handler[handler] = _checked(limit)

    def pool_set_limit_global(self, limit: int | None) -> None:
        """Let so many forks of all handlers together run at the same time; None for any number."""
        self._fork_limits().total = None if limit is None else _checked(limit)

    def pool_fork(self, ctx: Context | None, event: Event, work: Work, *args: object) -> bool:
        """Like :meth:`fork`, but False, with nothing done, when the limit of the event's handler is reached.

        Only forks by this method count. Also False when the event is not valid, or the context has expired.
        """
        limits = self._fork_limits()
        if not limits.take(event.name):
            if isinstance(work, Coroutine):
                work.close()
            return False
        try:
            job = self.fork(work, *args, ctx=ctx, event=event)
        except BaseException:
            limits.give(event.name)
            raise
        job.add_done_callback(lambda _: limits.give(event.name))
        return job.status != "canceled"

    def _fork_limits(self) -> ForkLimits:
        with self._lock:
            if self._limits is None:
                self._limits = ForkLimits()
            return self._limits

    def _refused(self, work: Work, args: tuple[object, ...], ctx: Context) -> Job:
        job = self.pool(1, ctx)._job(work, args, None)
        job.cancel()
        return job

    def _machine(self) -> Machine:
        # The one class that is made of this one.
        return cast("Machine", self)


def _is_late(event: Event) -> bool:
    """Whether the handler of an event has exceeded its limit and still runs."""
    tx = event.transition
    return tx.is_timed_out and not tx.is_completed


def _checked(limit: int) -> int:
    if limit < 1:
        raise AmError(f"a limit must leave room for at least one fork, not {limit}; None removes it")
    return limit
