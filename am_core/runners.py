"""Where handlers run, and how their time limits are kept."""

from __future__ import annotations

import os
import threading
import weakref
from contextvars import Context, copy_context
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from am_core.failures import on_leaked_return, on_timeout
from am_core.handlers import Bound, Event, current_event

if TYPE_CHECKING:
    from am_core.machine import Machine


class Abandoned(BaseException):
    """The machine has moved on without the handler that just returned; the thread must unwind."""


class DeadlineReached(BaseException):
    """A handler is still running on its worker thread, and the machine gives it up."""


class Call:
    """One running handler. The flags are guarded by the machine's lock."""

    __slots__ = ("bound", "done", "event", "lost", "started", "timed_out")

    def __init__(self, event: Event, bound: Bound) -> None:
        self.event = event
        self.bound = bound
        self.done = False
        self.timed_out = False
        self.lost = False
        self.started = monotonic()


class Runner(Protocol):
    """Calls handlers. One object per machine."""

    def call(self, call: Call) -> Any:
        """Run the handler and return what it returns, or raise what it raises."""

    def owns_thread(self, ident: int) -> bool:
        """Whether a thread runs this machine's handlers besides the draining thread."""

    def close(self) -> None:
        """The machine is disposed."""


class InlineRunner:
    """Handlers run on the draining thread; a watchdog shared by all machines keeps their limits."""

    __slots__ = ("_lock",)

    def __init__(self, machine: Machine) -> None:
        self._lock = machine._lock
        watchdog.consider(machine.handler_timeout)

    def call(self, call: Call) -> Any:
        running = watchdog.running
        running.add(call)
        if watchdog.parked:
            watchdog.wake()
        token = current_event.set(call.event)
        try:
            return call.bound.fn(call.event)
        finally:
            current_event.reset(token)
            running.discard(call)
            with self._lock:
                call.done = True
            if call.lost:
                on_leaked_return(call)
                raise Abandoned

    def owns_thread(self, ident: int) -> bool:
        return False

    def close(self) -> None:
        """Nothing is held."""


class Watchdog:
    """One daemon thread that looks at running handlers; parked while there are none."""

    CAP: Final = 0.025
    """Longest time between two looks, seconds."""
    IDLE_LOOKS: Final = 40

    def __init__(self) -> None:
        self.running: set[Call] = set()
        self.parked = True
        self._pace = self.CAP
        self._wakeup = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def consider(self, limit: float) -> None:
        """Look often enough for a limit in seconds."""
        self._pace = max(0.001, min(self._pace, limit / 2))

    def wake(self) -> None:
        """Start looking."""
        with self._lock:
            self.parked = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="am-watchdog", daemon=True)
                self._thread.start()
            self._wakeup.set()

    def _watch(self) -> None:
        idle = 0
        while True:
            calls = list(self.running)
            idle = 0 if calls else idle + 1
            if idle > self.IDLE_LOOKS:
                # Parking is announced before the last look, so a handler that starts now either sees it or is seen.
                self._wakeup.clear()
                self.parked = True
                if not self.running:
                    self._wakeup.wait(1.0)
                self.parked = False
                idle = 0
                continue
            threading.Event().wait(self._look(calls)) if calls else self._nap()

    def _nap(self) -> None:
        self._wakeup.clear()
        self._wakeup.wait(self._pace)

    def _look(self, calls: list[Call]) -> float:
        """Act on every overdue call; returns when to look again, in seconds from now."""
        now = monotonic()
        pause = self._pace
        for call in calls:
            machine = call.event.machine
            due = call.started + machine.handler_timeout
            if call.timed_out:
                due += machine.handler_deadline
            if due > now:
                pause = min(pause, due - now)
            elif not call.timed_out:
                if claim(machine, call, "timed_out"):
                    on_timeout(call)
            elif claim(machine, call, "lost"):
                self.running.discard(call)
                take_over(call)
        return max(pause, 0.0005)

    def reset(self) -> None:
        """After a fork: the thread does not exist in the child."""
        self.__init__()  # type: ignore[misc]  # the child starts from scratch


def claim(machine: Machine, call: Call, flag: str) -> bool:
    """Set a flag of a call unless the handler has returned in the meantime."""
    with machine._lock:
        if call.done:
            return False
        if flag == "lost":
            machine._generation += 1
        setattr(call, flag, True)
    return True


def take_over(call: Call) -> None:
    """Continue a machine whose draining thread is stuck in a handler, on a thread of its own."""
    from am_core.drain import after_deadline

    machine = call.event.machine
    threading.Thread(target=after_deadline, args=(call,), name=f"am-{machine.id}", daemon=True).start()


watchdog: Final = Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watchdog.reset)


class _Job:
    __slots__ = ("call", "context", "done", "error", "value")

    def __init__(self, call: Call, context: Context) -> None:
        self.call = call
        self.context = context
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None


class ThreadRunner:
    """Handlers run on a daemon thread of the machine, so the draining thread can give up on one that is stuck."""

    __slots__ = ("__weakref__", "_jobs", "_lock", "_machine", "_thread")

    def __init__(self, machine: Machine) -> None:
        self._machine = weakref.ref(machine)
        self._lock = machine._lock
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._thread: threading.Thread | None = None

    def call(self, call: Call) -> Any:
        machine = call.event.machine
        if self._jobs is None:
            self._start(machine)
        assert self._jobs is not None
        job = _Job(call, copy_context())
        self._jobs.put(job)
        if not job.done.wait(machine.handler_timeout) and claim(machine, call, "timed_out"):
            on_timeout(call)
            if not job.done.wait(machine.handler_deadline) and self._give_up(call):
                raise DeadlineReached
        job.done.wait()
        if job.error is not None:
            raise job.error
        return job.value

    def owns_thread(self, ident: int) -> bool:
        return self._thread is not None and self._thread.ident == ident

    def close(self) -> None:
        if self._jobs is not None:
            self._jobs.put(None)

    def _start(self, machine: Machine) -> None:
        jobs: SimpleQueue[_Job | None] = SimpleQueue()
        weakref.finalize(self, jobs.put, None)
        self._jobs = jobs
        self._thread = threading.Thread(target=_work, args=(jobs, self._lock), name=f"am-{machine.id}", daemon=True)
        self._thread.start()

    def _give_up(self, call: Call) -> bool:
        with self._lock:
            if call.done:
                return False
            call.lost = True
        if self._jobs is not None:
            self._jobs.put(None)
        self._jobs = None
        return True


def _work(jobs: SimpleQueue[_Job | None], lock: threading.Lock) -> None:
    while (job := jobs.get()) is not None:
        job.context.run(_run, job)
        with lock:
            job.call.done = True
            lost = job.call.lost
        if lost:
            on_leaked_return(job.call)
        job.done.set()
        del job


def _run(job: _Job) -> None:
    current_event.set(job.call.event)
    try:
        job.value = job.call.bound.fn(job.call.event)
    except BaseException as error:  # noqa: BLE001 - handed to the draining thread, which raises it
        job.error = error
