"""Pools: how much work may go on in the background at the same time."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from am_core.background.jobs import Job, Work
from am_core.background.timers import timers
from am_core.errors import AmError, DeadlockError
from am_core.handling.callables import is_async
from am_core.handling.handlers import UNSET, Event, current_event
from am_core.waiting.blocking import loop_here
from am_core.waiting.contexts import Context
from am_core.waiting.signals import OneShot

if TYPE_CHECKING:
    from am_core.machine import Machine


SHARED_THREADS: Final = 64
"""Functions of all machines that run at the same time outside of pools of their own. The same everywhere, since most of
them wait for something: what works on a large computer must not get stuck on a small one."""


class Pool:
    """Runs functions on daemon threads and coroutines as tasks, at most ``limit`` at the same time.

    What comes on top waits in line. When ``ctx`` expires nothing is started any more and tasks are canceled. What the
    work raises is added to ``machine`` as an error; without a machine, :meth:`join` raises the first of it. As a
    context manager it waits for all its work at the end of the block. Thread-safe; starts no thread before it has to.
    """

    __slots__ = ("__weakref__", "_closed", "_failure", "_idle", "_jobs", "_line", "_lock", "ctx", "limit", "machine")

    def __init__(self, limit: int, ctx: Context | None = None, *, machine: Machine | None = None) -> None:
        if limit < 1:
            raise AmError(f"a pool needs room for at least one job, not {limit}")
        self.limit: Final = limit
        self.ctx = ctx
        self.machine = machine
        self._lock = threading.Lock()
        self._line: deque[Job] = deque()
        self._jobs: dict[Job, None] = {}
        """What is running."""
        self._idle: OneShot | None = None
        self._closed = False
        self._failure: BaseException | None = None

    @property
    def running(self) -> int:
        """How many jobs are running."""
        return len(self._jobs)

    @property
    def waiting(self) -> int:
        """How many jobs wait for a free place."""
        return len(self._line)

    @property
    def closed(self) -> bool:
        """Whether no more work is taken."""
        return self._closed

    def submit(self, work: Work, *args: object, event: Event | None = UNSET) -> Job:
        """Run a function, coroutine function or coroutine as soon as there is room.

        Raises :class:`AmError` when the pool is closed, and for coroutines without an event loop.
        """
        job = self._job(work, args, event)
        job._watch()
        self._admit(job)
        return job

    def try_submit(self, work: Work, *args: object, event: Event | None = UNSET) -> Job | None:
        """Like :meth:`submit`, but None, with nothing done, when there is no room right now."""
        job = self._job(work, args, event)
        if self._admit(job, only_now=True):
            job._watch()
            return job
        job.cancel()
        return None

    def join(self, timeout: float | None = None) -> bool:
        """Block until nothing is left to do, or for ``timeout`` seconds; True when nothing is left.

        Not for work of this pool, handlers and event loops, which the work may need; see :meth:`when_idle`.
        """
        if not self.when_idle().wait(timeout):
            return False
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return True

    def when_idle(self) -> OneShot:
        """Happens when nothing is left to do; can be awaited."""
        with self._lock:
            if not self._jobs and not self._line:
                return OneShot(None)
            if self._idle is None:
                self._idle = OneShot(self._lock)
            return self._idle

    def close(self, *, cancel: bool = False) -> None:
        """Take no more work. With ``cancel`` what waits is not started, and tasks are canceled."""
        with self._lock:
            self._closed = True
            jobs = [*self._line, *self._jobs] if cancel else []
        for job in jobs:
            job.cancel()

    def __enter__(self) -> Self:
        if loop_here() is not None:
            raise DeadlockError(
                "the end of the block would block the event loop of this thread; use 'async with' instead"
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close(cancel=kind is not None)
        self.join()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close(cancel=kind is not None)
        await self.when_idle()
        self.join(0)

    # For jobs

    def _job(self, work: Work, args: tuple[object, ...], event: Event | None) -> Job:
        return Job(self, self.machine, work, args, self.ctx, current_event.get() if event is UNSET else event)

    def _admit(self, job: Job, *, only_now: bool = False) -> bool:
        """Start a job of this pool or put it in line; False for one that is done, or, if asked, would have to wait."""
        with self._lock:
            closed = self._closed
            if not closed:
                if job.done or (only_now and len(self._jobs) >= self.limit):
                    return False
                if len(self._jobs) >= self.limit:
                    self._line.append(job)
                    return True
                self._take(job)
        if closed:
            job.cancel()
            raise AmError("the pool is closed and takes no more work")
        if not job._begin():
            self._ended(job)
        return True

    def _take(self, job: Job) -> None:
        self._jobs[job] = None
        job.status = "running"

    def _withdraw(self, job: Job) -> bool:
        """For jobs that are canceled: forget one that has not started."""
        with self._lock:
            if job.done or job.status != "waiting":
                return False
            job.status = "canceled"
            job.end()
            if job in self._line:
                self._line.remove(job)
            idle = self._take_idle()
        _tell(idle)
        return True

    def _ended(self, job: Job) -> None:
        """For jobs that have ended: let the next one start."""
        following = self._free(job)
        while following is not None and not following._begin():
            following = self._free(following)

    def _free(self, job: Job) -> Job | None:
        """Give a job's place to the next in line, and tell of its end."""
        with self._lock:
            del self._jobs[job]
            if job.error is not None and job.machine is None and self._failure is None:
                self._failure = job.error
            job.end()
            following = self._line.popleft() if self._line and len(self._jobs) < self.limit else None
            if following is not None:
                self._take(following)
            idle = self._take_idle()
        job._close()
        _tell(idle)
        return following

    def _take_idle(self) -> OneShot | None:
        if self._jobs or self._line or self._idle is None:
            return None
        idle, self._idle = self._idle, None
        idle.end()
        return idle


class _Shared:
    """The pools of whatever is not limited by a pool of its own."""

    def __init__(self) -> None:
        self.threads = Pool(SHARED_THREADS)
        """For functions. Bounded, so that they should not wait for each other."""
        self.tasks = Pool(sys.maxsize)
        """For coroutines, which cost no thread."""

    def reset(self) -> None:
        """After a fork of the process: what was running does not exist in the child."""
        _Shared.__init__(self)


_shared: Final = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.reset)


def start(
    machine: Machine,
    work: Work,
    args: tuple[object, ...],
    ctx: Context | None,
    event: Event | None,
    seconds: float = 0.0,
) -> Job:
    """Run something in the background for a machine, now or later. Thread-safe."""
    pool = _shared.tasks if is_async(work) else _shared.threads
    job = Job(pool, machine, work, args, ctx, event)
    job._watch()
    if seconds > 0 and not job.done:
        job._after(timers.after(seconds, lambda: pool._admit(job)))
    else:
        pool._admit(job)
    return job


def _tell(idle: OneShot | None) -> None:
    if idle is not None:
        for fn in idle.callbacks():
            fn(idle)
