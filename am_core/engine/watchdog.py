"""Keeping the time limits of handlers that run on the threads of their callers."""

from __future__ import annotations

import os
import threading
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Final

from am_core.engine.failures import log_timeout, mark_timeout

if TYPE_CHECKING:
    from am_core.handling.handlers import Event


class Watchdog:
    """One daemon thread that looks at running handlers; parked while there are none.

    A handler is entered into :attr:`running` when it starts. Taking it out again, which only one thread can do, decides
    whether it returned in time.
    """

    CAP: Final = 0.025
    """Longest time between two looks, seconds."""
    IDLE_LOOKS: Final = 40
    """Looks without any running handler before the thread parks."""

    def __init__(self) -> None:
        self.running: dict[Event, float] = {}
        """Running handlers within their limit, with the time they started."""
        self.parked = True
        self._overdue: dict[Event, float] = {}
        self._pace = self.CAP
        self._wakeup = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def consider(self, limit: float) -> None:
        """Look often enough for a limit in seconds."""
        if limit / 2 < self._pace:
            self._pace = max(0.001, limit / 2)

    def wake(self) -> None:
        """Start looking."""
        with self._lock:
            self.parked = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="am-watchdog", daemon=True)
                self._thread.start()
            self._wakeup.set()

    def has_given_up(self, event: Event) -> bool:
        """For a handler that is no longer among the running: True when its machine went on without it."""
        with event.machine._lock:
            return self._overdue.pop(event, None) is None

    def reset(self) -> None:
        """After a fork: the thread does not exist in the child, only the handlers that the forking thread is in."""
        running = self.running
        Watchdog.__init__(self)
        self.running = {event: since for event, since in running.items() if event.machine._drainer == get_ident()}

    def _watch(self) -> None:
        idle = 0
        while True:
            if self.running or self._overdue:
                idle = 0
                pause = self._look()
            else:
                idle += 1
                pause = self._pace
            if idle > self.IDLE_LOOKS:
                self._park()
                idle = 0
            else:
                self._wakeup.clear()
                self._wakeup.wait(pause)

    def _park(self) -> None:
        """Wait for a handler to start."""
        self._wakeup.clear()
        # Parking is announced before the last look, so a handler that starts now either sees it or is seen. The limit
        # on the wait is for processors that reorder the two.
        self.parked = True
        while not self.running and not self._wakeup.wait(1.0):
            pass
        self.parked = False

    def _look(self) -> float:
        """Act on every overdue handler; returns when to look again, in seconds from now."""
        now = monotonic()
        pause = self._pace
        for event, started in self.running.copy().items():
            due = started + event.machine.handler_timeout
            if due > now:
                pause = min(pause, due - now)
            elif self._note_timeout(event, now):
                log_timeout(event)
        for event, since in self._overdue.copy().items():
            due = since + event.machine.handler_deadline
            if due > now:
                pause = min(pause, due - now)
            elif self._give_up(event):
                _take_over(event)
        return max(pause, 0.0005)

    def _note_timeout(self, event: Event, now: float) -> bool:
        with event.machine._lock:
            if self.running.pop(event, None) is None:
                return False
            self._overdue[event] = now
            mark_timeout(event)
            return True

    def _give_up(self, event: Event) -> bool:
        machine = event.machine
        with machine._lock:
            if self._overdue.pop(event, None) is None:
                return False
            machine._generation += 1
            return True


def _take_over(event: Event) -> None:
    """Continue a machine whose draining thread is stuck in a handler, on a thread of its own."""
    from am_core.engine.drain import after_deadline

    name = f"am-{event.machine.id}"
    threading.Thread(target=after_deadline, args=(event,), name=name, daemon=True).start()


watchdog: Final = Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watchdog.reset)
