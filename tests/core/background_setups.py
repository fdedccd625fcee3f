"""What the tests of work in the background share."""

from __future__ import annotations

import threading


class Gate:
    """Work that is held up until it is let through, and counts itself."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self._lock = threading.Lock()
        self.inside = 0
        self.most = 0

    def work(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.open.wait(20)
        with self._lock:
            self.inside -= 1


def broken() -> None:
    raise RuntimeError("broken")
