"""From a key to its frame, on a real pseudo-terminal."""

from __future__ import annotations

import os
import select
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import synthetic
from benchmarks.rows import Row, Skipped, SkippedError, duration
from benchmarks.timing import percentile

_RIGHT, _LEFT, _QUIT = b"\x1b[C", b"\x1b[D", b"\x11"
_COLUMNS, _ROWS = 120, 40
_SETTLED_S = 0.06
"""A frame is complete when nothing was drawn for so long."""


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Single steps back and forth through a recording: time to the frame's last byte, and bytes drawn."""
    if os.name == "nt":
        raise SkippedError("needs a pseudo-terminal")
    import pexpect

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.db"
        synthetic.write_session(path, 2_000 if quick else 50_000)
        child = pexpect.spawn(
            sys.executable,
            ["-m", "am_dbg", str(path)],
            dimensions=(_ROWS, _COLUMNS),
            timeout=30,
            env=dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor"),
        )
        try:
            _first_paint(child)
            times, sizes = _press_keys(child, 6 if quick else 200)
        finally:
            child.sendcontrol("q")
            _drain(child, 0.5)
            child.close(force=True)
    yield Row("a key's frame, median", duration(statistics.median(times)))
    yield Row("a key's frame, 95 of 100 within", duration(percentile(times, 0.95)))
    yield Row("a key's frame, drawn", f"{statistics.median(sizes):.0f} bytes")


def _first_paint(child: object) -> None:
    seen, _ = _drain(child, 1.0, first_s=20.0)
    if seen < 1_000:
        raise SkippedError("the user interface did not come up")


def _press_keys(child: object, count: int) -> tuple[list[float], list[int]]:
    times: list[float] = []
    sizes: list[int] = []
    keys = [_RIGHT] * (count // 2) + [_LEFT] * (count - count // 2)
    descriptor: int = child.child_fd  # type: ignore[attr-defined]  # pexpect carries no types
    for key in keys:
        began = time.perf_counter()
        os.write(descriptor, key)
        size, last = _drain(child, _SETTLED_S, first_s=2.0)
        if size:
            times.append(last - began)
            sizes.append(size)
    if len(times) < count // 2:
        raise SkippedError(f"only {len(times)} of {count} keys were answered by a frame")
    return times, sizes


def _drain(child: object, quiet_s: float, first_s: float | None = None) -> tuple[int, float]:
    """Read until nothing comes for ``quiet_s``; returns the number of bytes and the moment of the last one."""
    descriptor: int = child.child_fd  # type: ignore[attr-defined]  # pexpect carries no types
    size, last, patience = 0, time.perf_counter(), first_s or quiet_s
    while select.select([descriptor], [], [], patience)[0]:
        try:
            data = os.read(descriptor, 65_536)
        except OSError:
            break
        if not data:
            break
        size += len(data)
        last = time.perf_counter()
        patience = quiet_s
    return size, last
