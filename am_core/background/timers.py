"""Calling functions later, all on one daemon thread."""

from __future__ import annotations

import _thread
import heapq
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from am_core.waiting.signals import Stop


class _Entry:
    __slots__ = ("due", "fn", "number")

    def __init__(self, due: float, number: int, fn: Callable[[], object] | None) -> None:
        self.due = due
        self.number = number
        self.fn = fn

    def __lt__(self, other: _Entry) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class Timers:
    """A heap of due times, and a thread that sleeps until the first of them."""

    SLACK: Final = 64
    """Canceled entries that may lie in the heap before it is tidied up; beyond that as many as live ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._heap: list[_Entry] = []
        self._number = 0
        self._canceled = 0
        self._started = False

    def after(self, seconds: float, fn: Callable[[], object]) -> Stop:
        """Call a function, which has to be quick and must not raise; returns how to take that back. Thread-safe.

        Raises :class:`RuntimeError` when no thread can be started, as at the end of a program.
        """
        with self._lock:
            if not self._started:
                # Thread.start() waits until the thread runs, on a busy machine longer than a handler may take.
                _thread.start_new_thread(self._run, ())
                self._started = True
            self._number += 1
            entry = _Entry(monotonic() + seconds, self._number, fn)
            heapq.heappush(self._heap, entry)
            if self._heap[0] is entry:
                self._changed.notify()
        return lambda: self._cancel(entry)

    def __len__(self) -> int:
        """How many are still to come."""
        with self._lock:
            return len(self._heap) - self._canceled

    def reset(self) -> None:
        """After a fork of the process: the thread does not exist in the child."""
        Timers.__init__(self)

    def _cancel(self, entry: _Entry) -> None:
        with self._lock:
            if entry.fn is None:
                return
            entry.fn = None
            self._canceled += 1
            if self._canceled > max(self.SLACK, len(self._heap) // 2):
                self._heap = [entry for entry in self._heap if entry.fn is not None]
                heapq.heapify(self._heap)
                self._canceled = 0

    def _run(self) -> None:
        threading.current_thread().name = "am-timers"
        while True:
            fn = self._next()
            fn()
            del fn

    def _next(self) -> Callable[[], object]:
        with self._lock:
            while True:
                pause = self._heap[0].due - monotonic() if self._heap else None
                if pause is not None and pause <= 0:
                    entry = heapq.heappop(self._heap)
                    fn, entry.fn = entry.fn, None
                    if fn is not None:
                        return fn
                    self._canceled -= 1
                else:
                    self._changed.wait(pause)


timers: Final = Timers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=timers.reset)
