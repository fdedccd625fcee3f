"""How a demo program keeps time, and how it learns that it should stop."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable


class Pace:
    """A clock for demo programs: sleeps that end early when the program should stop.

    Args:
        speed: factor on all waits; 2 runs twice as fast.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = max(speed, 0.01)
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether the program should end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the program to end."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait; False when the program should end."""
        return not self._stop.wait(seconds / self._speed)

    def work(self, seconds: float) -> None:
        """Block the calling thread as a slow operation would, unaffected by the speed."""
        time.sleep(seconds)


def follow_lines(pace: Pace, handle: Callable[[str], None], lines: Iterable[str] = sys.stdin) -> threading.Thread:
    """Call ``handle`` for each input line on a thread of its own, and stop the program when the input ends."""

    def read() -> None:
        for line in lines:
            handle(line)
        pace.stop()

    thread = threading.Thread(target=read, name="demo-input", daemon=True)
    thread.start()
    return thread
