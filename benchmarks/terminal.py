"""A debugger on a pseudo-terminal, watched from outside: when it has drawn, and what it costs."""

from __future__ import annotations

import os
import select
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.rows import SkippedError

RIGHT, LEFT, END, HOME, DOWN = b"\x1b[C", b"\x1b[D", b"\x1b[F", b"\x1b[H", b"\x1b[B"
SETTLED_S = 0.06
"""A frame is complete when nothing was drawn for so long."""
_PAINTED_BYTES = 1_000
"""What switches a terminal to full screen and back is less; a screen with anything on it is more."""


class Debugger:
    """``am-dbg`` with some arguments, from its start to the end of the block.

    Raises:
        SkippedError: there are no pseudo-terminals here.
    """

    def __init__(self, *arguments: str, columns: int = 120, rows: int = 40) -> None:
        if os.name == "nt":
            raise SkippedError("needs a pseudo-terminal")
        import pexpect

        # How the user has left the debugger is of no interest here, and must not be changed.
        self._home = tempfile.TemporaryDirectory()
        home = {f"XDG_{kind}_HOME": self._home.name for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        self._began = time.perf_counter()
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "am_dbg", *arguments],
            dimensions=(rows, columns),
            timeout=30,
            env=dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor", **home),
        )
        self._descriptor: int = self._child.child_fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._child.isalive():
            self._child.sendcontrol("q")
            self.drain(0.5)
        self._child.close(force=True)
        self._home.cleanup()

    def first_paint(self, patience_s: float = 60.0) -> float:
        """Seconds from the start until there was something to see.

        Raises:
            SkippedError: nothing came.
        """
        seen, last, until = 0, self._began, time.perf_counter() + patience_s
        while seen < _PAINTED_BYTES:
            size, last = self.drain(SETTLED_S / 6, first_s=max(0.0, until - time.perf_counter()))
            if not size:
                raise SkippedError("the user interface did not come up")
            seen += size
        self.drain(1.0)
        return last - self._began

    def press(self, key: bytes) -> tuple[float, int]:
        """Seconds from a key to the last byte of its frame, and how many bytes it has; 0 bytes when none came."""
        began = time.perf_counter()
        os.write(self._descriptor, key)
        size, last = self.drain(SETTLED_S, first_s=2.0)
        return last - began, size

    def answer(self, key: bytes, text: bytes) -> float:
        """Seconds from a key until a text is drawn, whatever else is.

        Raises:
            SkippedError: it was not.
        """
        began = time.perf_counter()
        os.write(self._descriptor, key)
        seen = b""
        while text not in seen:
            if not select.select([self._descriptor], [], [], 2.0)[0] or time.perf_counter() > began + 10:
                raise SkippedError(f"the key {key!r} was not answered by {text!r}")
            seen += os.read(self._descriptor, 65_536)
        return time.perf_counter() - began

    def hold(self, key: bytes, per_second: int, seconds: float) -> float:
        """Keep a key pressed; returns for how many seconds the screen goes on moving after it was let go."""
        began = time.perf_counter()
        for count in range(1, int(per_second * seconds) + 1):
            os.write(self._descriptor, key)
            while (left := began + count / per_second - time.perf_counter()) > 0:
                if select.select([self._descriptor], [], [], left)[0]:
                    os.read(self._descriptor, 65_536)
        ended = time.perf_counter()
        size, last = self.drain(0.2)
        return max(0.0, last - ended) if size else 0.0

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))

    def memory(self) -> int:
        """Resident bytes."""
        pages = Path(f"/proc/{self._child.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def drain(self, quiet_s: float, first_s: float | None = None) -> tuple[int, float]:
        """Read until nothing comes for ``quiet_s``; returns the number of bytes and the moment of the last one."""
        size, last, patience = 0, time.perf_counter(), first_s or quiet_s
        while select.select([self._descriptor], [], [], patience)[0]:
            try:
                data = os.read(self._descriptor, 65_536)
            except OSError:
                break
            if not data:
                break
            size += len(data)
            last = time.perf_counter()
            patience = quiet_s
        return size, last
