"""What a hub's health service looks at: each says what is wrong, or nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from am_telemetry.store.writer import Writer

STUCK_AFTER_S = 5.0


class WriterCheck:
    """Whether records are stored. Used by one thread.

    Args:
        writer: watched.
        clock: monotonic seconds.
    """

    def __init__(self, writer: Writer, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._clock = clock
        self._settled = -1
        self._since = clock()

    def __call__(self) -> str:
        failure = self._writer.failure
        if failure is not None:
            return str(failure)
        settled, now = self._writer.settled, self._clock()
        if settled != self._settled or not self._writer.backlog:
            self._settled, self._since = settled, now
            return ""
        waiting = now - self._since
        if waiting < STUCK_AFTER_S:
            return ""
        return f"writer stuck: nothing was stored for {waiting:.0f} s, {self._writer.backlog:,} batches wait"


class DiskCheck:
    """Whether there is room for more.

    Args:
        folder: where the session file is.
        min_free: bytes that should be free.
    """

    def __init__(self, folder: Path, min_free: int) -> None:
        self._folder = folder
        self._min_free = min_free

    def __call__(self) -> str:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            return f"{self._folder} cannot be looked at: {error.strerror}"
        if free >= self._min_free:
            return ""
        return f"disk nearly full: {free / 1e6:,.0f} MB are free in {self._folder}"
