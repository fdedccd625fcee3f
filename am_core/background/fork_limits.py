"""How many forks of a machine's handlers may be running."""

from __future__ import annotations

import threading


class ForkLimits:
    """How many forks of each handler may be running, and how many of all handlers together."""

    def __init__(self) -> None:
        self.total: int | None = None
        """None for no limit."""
        self.by_handler: dict[str, int] = {}
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}

    def take(self, handler: str) -> bool:
        """Take a place; False when there is none."""
        with self._lock:
            mine = self._running.get(handler, 0)
            limit = self.by_handler.get(handler)
            if limit is not None and mine >= limit:
                return False
            if self.total is not None and sum(self._running.values()) >= self.total:
                return False
            self._running[handler] = mine + 1
            return True

    def give(self, handler: str) -> None:
        """Give a place back."""
        with self._lock:
            left = self._running[handler] - 1
            if left:
                self._running[handler] = left
            else:
                del self._running[handler]
