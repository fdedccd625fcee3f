"""Daemon threads for work in the background. None is started before it is needed, and none delays the program's end."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

Work = Callable[[], object]


class Crew:
    """Threads that are used again for as long as there is something to do. Who hands out work limits their number."""

    IDLE: Final = 10.0
    """Seconds without work after which a thread ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Work]] = []
        """Where the threads without work look for some; the one that became idle last is the next to get some."""
        self._numbers = itertools.count(1)

    def run(self, work: Work) -> None:
        """Do something on a thread. Thread-safe. Raises :class:`RuntimeError` when no thread can be started."""
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is not None:
            inbox.put(work)
        else:
            name = f"am-fork-{next(self._numbers)}"
            threading.Thread(target=self._serve, args=(work,), name=name, daemon=True).start()

    def reset(self) -> None:
        """After a fork of the process: the threads do not exist in the child."""
        Crew.__init__(self)

    def _serve(self, work: Work) -> None:
        inbox: SimpleQueue[Work] = SimpleQueue()
        while True:
            work()
            del work
            with self._lock:
                self._idle.append(inbox)
            try:
                work = inbox.get(timeout=self.IDLE)
            except Empty:
                with self._lock:
                    if inbox in self._idle:
                        self._idle.remove(inbox)
                        return
                # Somebody has chosen this thread in the meantime.
                work = inbox.get()


crew: Final = Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=crew.reset)
