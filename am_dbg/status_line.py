"""One line at the bottom of the terminal that says how it goes; without a terminal, a line now and then."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

REPEAT_S = 60.0
"""How often a log file is told how it goes, at most."""


class StatusLine:
    """Writes to standard error. Thread-safe.

    Args:
        quiet: write warnings only.
        stream: for tests.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._lock = threading.RLock()
        self._on_terminal = self._stream.isatty()
        self._shown = ""
        self._told_at = time.monotonic()

    def show(self, text: str) -> None:
        """Replace the status."""
        if self._quiet:
            return
        with self._lock:
            if self._on_terminal:
                width = shutil.get_terminal_size().columns
                self._shown = text[: width - 1]
                self._write(f"\r\x1b[K{self._shown}")
            elif text != self._shown and time.monotonic() - self._told_at >= REPEAT_S:
                self._shown, self._told_at = text, time.monotonic()
                self._write(f"{text}\n")

    def say(self, text: str) -> None:
        """Write a line that stays, unless quiet."""
        if not self._quiet:
            self.put(text)

    def clear(self) -> None:
        """Remove the status."""
        with self._lock:
            if self._on_terminal and self._shown:
                self._write("\r\x1b[K")
            self._shown = ""

    @contextlib.contextmanager
    def logging(self, verbose: bool) -> Iterator[None]:
        """Write the hub's own log above the status: warnings, and also who comes and goes when ``verbose``."""
        logger = logging.getLogger("am_telemetry")
        handler = _Above(self)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        level, propagate = logger.level, logger.propagate
        logger.addHandler(handler)
        logger.setLevel(logging.INFO if verbose else logging.WARNING)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate

    def put(self, text: str) -> None:
        """Write a line that stays."""
        with self._lock:
            if self._on_terminal and self._shown:
                self._write(f"\r\x1b[K{text}\n{self._shown}")
            else:
                self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        # Nobody may be there to read any more; that is no reason to stop recording.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


class _Above(logging.Handler):
    def __init__(self, line: StatusLine) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        self._line.put(self.format(record))
