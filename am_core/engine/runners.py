"""Where handlers run: on the draining thread, or on a thread of the machine."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from am_core.engine.failures import log_timeout, mark_timeout, on_leaked_return
from am_core.engine.watchdog import watchdog
from am_core.errors import AmError
from am_core.handling.handlers import Bound, Event, current_event
from am_core.waiting.blocking import PATIENCE, warn_blocked, watched_loop

if TYPE_CHECKING:
    from am_core.machine import Machine


class Abandoned(BaseException):
    """The machine has moved on without the handler that just returned; the thread must unwind."""


class DeadlineReached(BaseException):
    """A handler is still running on its worker thread, and the machine gives it up."""


class Runner(Protocol):
    """Calls handlers. One object per machine."""

    def call(self, event: Event, bound: Bound) -> Any:
        """Run a handler and return what it returns, or raise what it raises."""
        ...

    def owns_thread(self, ident: int) -> bool:
        """Whether a thread runs this machine's handlers besides the draining thread."""
        ...

    @property
    def gated(self) -> bool:
        """Whether every mutation has to ask :meth:`away` and :meth:`lost` first."""
        ...

    def away(self) -> bool:
        """Whether the calling thread must leave the execution of the queue to another one."""
        ...

    def expected(self) -> bool:
        """Whether that other thread has been asked to execute the queue. Called with the machine's lock held."""
        ...

    def summon(self, machine: Machine) -> None:
        """Have the queue executed where it has to be. Thread-safe."""
        ...

    def lost(self, machine: Machine) -> bool:
        """Whether nothing can be executed any more; what is queued is discarded then."""
        ...

    def at_home(self, fn: Callable[[], object], timeout: float) -> None:
        """Call a function where handlers are called, or here when that does not happen within so many seconds."""
        ...

    def after_fork(self) -> None:
        """This is a forked process, in which other threads do not exist."""
        ...

    def close(self) -> None:
        """The machine is disposed."""
        ...


class _AnyThread:
    """Every thread may execute the queue."""

    __slots__ = ()

    gated = False

    def away(self) -> bool:
        return False

    def expected(self) -> bool:
        return False

    def summon(self, machine: Machine) -> None:
        """Whoever asks is at the right place already, so nobody is called."""

    def lost(self, machine: Machine) -> bool:
        return False

    def at_home(self, fn: Callable[[], object], timeout: float) -> None:
        fn()

    def after_fork(self) -> None:
        """Nothing depends on other threads."""


class InlineRunner(_AnyThread):
    """Handlers run on the draining thread; a watchdog shared by all machines keeps their limits."""

    __slots__ = ()

    def __init__(self, machine: Machine) -> None:
        watchdog.consider(machine.handler_timeout)

    def call(self, event: Event, bound: Bound) -> Any:
        event.binding = bound.binding
        running = watchdog.running
        outer = current_event.get()
        running[event] = monotonic()
        # An interrupt may come anywhere. What it left among the running would be taken for a handler that hangs, and an
        # event it left behind for the source of all that follows.
        try:
            if watchdog.parked:
                watchdog.wake()
            current_event.set(event)
            return bound.fn(event)
        finally:
            try:
                # Whoever takes the event out decides: the watchdog does so when the limit is exceeded.
                is_lost = running.pop(event, None) is None and watchdog.has_given_up(event)
            finally:
                current_event.set(outer)
            if is_lost:
                on_leaked_return(event)
                raise Abandoned

    def owns_thread(self, ident: int) -> bool:
        return False

    def close(self) -> None:
        """Nothing is held."""


RunnerName = Literal["inline", "thread", "loop"]


def make_runner(machine: Machine, name: RunnerName) -> Runner:
    """The runner of a new machine. Raises :class:`AmError` for unknown names, and for ``loop`` without a loop."""
    if name == "inline":
        return InlineRunner(machine)
    if name == "thread":
        return ThreadRunner(machine)
    if name == "loop":
        from am_core.engine.loop_runner import LoopRunner

        return LoopRunner(machine)
    raise AmError(f"there is no runner {name!r}, use one of {', '.join(map(repr, get_args(RunnerName)))}")


class _Job:
    """One call on the worker thread. The flags are guarded by the machine's lock."""

    __slots__ = ("bound", "context", "done", "error", "event", "finished", "lost", "value")

    def __init__(self, event: Event, bound: Bound, context: Context) -> None:
        self.event = event
        self.bound = bound
        self.context = context
        self.finished = threading.Event()
        self.done = False
        self.lost = False
        self.value: Any = None
        self.error: BaseException | None = None


class ThreadRunner(_AnyThread):
    """Handlers run on a daemon thread of the machine, so the draining thread can give up on one that is stuck."""

    __slots__ = ("__weakref__", "_blocked", "_jobs", "_lock", "_name", "_thread")

    def __init__(self, machine: Machine) -> None:
        self._name = f"am-{machine.id}"
        self._lock = machine._lock
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._thread: threading.Thread | None = None
        self._blocked = (0, 0.0)
        """Number of the last transition that kept a loop waiting, and for how many seconds."""

    def call(self, event: Event, bound: Bound) -> Any:
        machine = event.machine
        event.binding = bound.binding
        job = _Job(event, bound, copy_context())
        self._put(job)
        if watched_loop() is None:
            self._await(job, machine)
        else:
            started = monotonic()
            try:
                self._await(job, machine)
            finally:
                self._note_blocked(event, monotonic() - started)
        if job.error is not None:
            raise job.error
        return job.value

    def _await(self, job: _Job, machine: Machine) -> None:
        if not job.finished.wait(machine.handler_timeout) and self._note_timeout(job):
            log_timeout(job.event)
            if not job.finished.wait(machine.handler_deadline) and self._give_up(job):
                raise DeadlineReached
        job.finished.wait()

    def _note_blocked(self, event: Event, seconds: float) -> None:
        """Warn once when the handlers of a transition have kept a loop waiting for too long."""
        tx = event.transition
        number, before = self._blocked
        total = before + seconds if number == tx.number else seconds
        self._blocked = (tx.number, total)
        if total > PATIENCE and total - seconds <= PATIENCE:
            what = f"waiting for the handlers of {tx.mutation.text(tx.model.names)}"
            warn_blocked(event.machine, total, what, "await machine.aadd(...) instead")

    def owns_thread(self, ident: int) -> bool:
        return self._thread is not None and self._thread.ident == ident

    def after_fork(self) -> None:
        """The thread is one of the parent process; the next call starts another one."""
        self._jobs = self._thread = None

    def close(self) -> None:
        """Let the thread end after what it has been given; a later call starts another one."""
        with self._lock:
            jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)

    def _put(self, job: _Job) -> None:
        with self._lock:
            jobs = self._jobs
            if jobs is not None:
                jobs.put(job)
                return
        jobs = SimpleQueue()
        jobs.put(job)
        weakref.finalize(self, jobs.put, None)
        try:
            with self._lock:
                self._jobs = jobs
            # The thread must not keep the machine alive, therefore it only knows the jobs and the lock.
            self._thread = threading.Thread(target=_work, args=(jobs, self._lock), name=self._name, daemon=True)
            self._thread.start()
        except BaseException:
            # No thread could be started, or somebody interrupts; what comes next must not wait for it.
            self.close()
            raise

    def _note_timeout(self, job: _Job) -> bool:
        with self._lock:
            if job.done:
                return False
            mark_timeout(job.event)
            return True

    def _give_up(self, job: _Job) -> bool:
        with self._lock:
            if job.done:
                return False
            job.lost = True
        self.close()
        return True


def _work(jobs: SimpleQueue[_Job | None], lock: threading.Lock) -> None:
    while (job := jobs.get()) is not None:
        job.context.run(_run, job)
        with lock:
            job.done = True
            lost = job.lost
        if lost:
            on_leaked_return(job.event)
        job.finished.set()
        del job


def _run(job: _Job) -> None:
    current_event.set(job.event)
    try:
        job.value = job.bound.fn(job.event)
    except BaseException as error:  # noqa: BLE001 - handed to the draining thread, which raises it
        job.error = error
