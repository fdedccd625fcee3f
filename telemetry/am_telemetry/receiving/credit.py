"""How many bytes programs may have under way, so that a slow disk never fills this process's memory.

Two measures. *Credit* is what a program is told: bytes of frames it may send before earlier ones are durable. The
*hold* is what this process keeps decoded and not yet stored, of all programs together; beyond its limit no stream is
read, and the transport makes programs wait that know nothing of credit.

All of it lives on the collector's event loop.
"""

from __future__ import annotations

from collections import deque
from typing import Final

TOTAL: Final = 64 * 1024 * 1024
"""Bytes of all programs together."""
MAX_SHARE: Final = 4 * 1024 * 1024
MIN_SHARE: Final = 128 * 1024
"""Bytes that even the last of very many programs may send at once."""
ROW_COST: Final = 400
"""Bytes that one decoded transition takes, about, apart from its text."""


class Budget:
    """Shared by all connections.

    Args:
        total: bytes under way at most, and bytes held decoded at most.
    """

    def __init__(self, total: int = TOTAL) -> None:
        self.total = total
        self.accounts = 0
        self.held = 0
        """Bytes that decoded batches take which are not stored yet."""

    @property
    def share(self) -> int:
        """What one program may have under way."""
        return max(MIN_SHARE, min(MAX_SHARE, self.total // max(1, self.accounts)))

    def has_room(self, cost: int) -> bool:
        """Whether a batch may be taken in. Always true for the only one, however large."""
        return not self.held or self.held + cost <= self.total


class Account:
    """Of one connection. Call :meth:`close` at its end."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._entries: deque[tuple[int, int, int]] = deque()
        """(last record number, bytes of the frame, cost) of batches that are not durable."""
        self._open = 0
        """Bytes that were granted and not yet settled."""
        self._closed = False
        self.held = 0
        """Cost of the batches that are not durable."""
        budget.accounts += 1

    def grant(self) -> int:
        """Further bytes the program may send; 0 when that is not worth a message."""
        share = self._budget.share
        room = share - self._open
        if room < share // 4:
            return 0
        self._open += room
        return room

    def take(self, last_seq: int, size: int, rows: int) -> None:
        """A batch was handed to the sink."""
        cost = cost_of(size, rows)
        self._entries.append((last_seq, size, cost))
        self.held += cost
        self._budget.held += cost

    def settle(self, upto_seq: int) -> None:
        """Everything up to a record number is durable."""
        entries = self._entries
        while entries and entries[0][0] <= upto_seq:
            _, size, cost = entries.popleft()
            self._open -= size
            self.held -= cost
            self._budget.held -= cost

    def close(self) -> None:
        """The connection is gone, and what it had handed over is durable."""
        if not self._closed:
            self._closed = True
            self._budget.accounts -= 1
            self._budget.held -= self.held
            self.held = 0
            self._entries.clear()


def cost_of(size: int, rows: int) -> int:
    """Estimated bytes that a decoded batch takes.

    Args:
        size: of its frame.
        rows: its transitions.
    """
    return size + ROW_COST * rows
