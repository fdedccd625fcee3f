"""From a key to its frame, on a real pseudo-terminal."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import synthetic
from benchmarks.rows import Row, Skipped, SkippedError, duration
from benchmarks.terminal import LEFT, RIGHT, Debugger
from benchmarks.timing import percentile


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Single steps back and forth through a recording: time to the frame's last byte, and bytes drawn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.db"
        synthetic.write_session(path, 2_000 if quick else 50_000)
        with Debugger(str(path)) as debugger:
            debugger.first_paint()
            times, sizes = press_keys(debugger, 6 if quick else 200)
    yield Row("a key's frame, median", duration(statistics.median(times)))
    yield Row("a key's frame, 95 of 100 within", duration(percentile(times, 0.95)))
    yield Row("a key's frame, drawn", f"{statistics.median(sizes):.0f} bytes")


def press_keys(debugger: Debugger, count: int) -> tuple[list[float], list[int]]:
    """Seconds and bytes of the frames of single steps forth and back.

    Raises:
        SkippedError: most keys were not answered.
    """
    frames = [debugger.press(key) for key in [RIGHT] * (count // 2) + [LEFT] * (count - count // 2)]
    drawn = [(seconds, size) for seconds, size in frames if size]
    if len(drawn) < count // 2:
        raise SkippedError(f"only {len(drawn)} of {count} keys were answered by a frame")
    return [seconds for seconds, _ in drawn], [size for _, size in drawn]
