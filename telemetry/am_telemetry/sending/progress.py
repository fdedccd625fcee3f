"""How far the sender thread has got, for threads that wait for it; and how long the end of a program waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

MOMENT: Final = 0.02
"""Seconds after which a waiting thread looks again, in case nobody has woken it."""


class Progress:
    """Counts the rounds of the sender thread, and the record numbers it has given out and had acknowledged."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.idle = True
        """Whether nothing was left to send after the last round."""
        self.finished = False
        """Whether the thread is gone for good."""
        self._rounds = 0
        self._built = 0
        self._acked = 0

    def round_over(self, built: int, acked: int, idle: bool) -> None:
        """Tell those who wait. Called by the sender thread.

        Args:
            built: the last record number that was given out.
            acked: the last one that is durable at the hub.
            idle: nothing is left to send.
        """
        with self.changed:
            self._rounds += 1
            self.idle = idle
            self._built = built
            self._acked = built if idle else acked
            self.changed.notify_all()

    def finish(self) -> None:
        """No further round follows."""
        with self.changed:
            self.finished = True
            self.changed.notify_all()

    def wait(self, timeout: float, hurry: Callable[[], None]) -> bool:
        """Wait until everything noted before the call is durable at the hub; False when time ran out. Thread-safe.

        Args:
            timeout: seconds.
            hurry: called to have the next round begin at once.
        """
        deadline = time.monotonic() + timeout
        with self.changed:
            # The round that is under way may have looked into the ring already.
            enough = self._rounds + 2
            target: int | None = None
            while not self.finished:
                if target is None and self._rounds >= enough:
                    target = self._built
                if target is not None and self._acked >= target:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if target is None:
                    # From then on the answers of the hub keep the thread going; hurrying it would only cost time.
                    hurry()
                self.changed.wait(min(left, MOMENT))
            return self.idle


class Ending:
    """How long the last records may take. Written by the sender thread, read by the one that waits for it.

    Args:
        patience: seconds without progress after which it is over.
        at_most: seconds after which it is over in any case.
    """

    def __init__(self, patience: float, at_most: float) -> None:
        now = time.monotonic()
        self._patience = patience
        self._latest = now + max(patience, at_most)
        self._mark: object = None
        self.stop_at = now + patience
        """Monotonic seconds; moves on while there is progress."""

    def note(self, mark: object) -> None:
        """Grant further time when something has moved on.

        Args:
            mark: differs from the one before exactly when something has.
        """
        if mark != self._mark:
            self._mark = mark
            self.grant()

    def grant(self, working: bool = False) -> None:
        """Grant further time.

        Args:
            working: as much as there is, for work of this process that will end by itself.
        """
        self.stop_at = self._latest if working else min(self._latest, time.monotonic() + self._patience)

    @property
    def left(self) -> float:
        """Seconds; negative when it is over."""
        return self.stop_at - time.monotonic()
