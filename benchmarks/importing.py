"""Importing a recording of the Go am-dbg, where one is at hand."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, Skipped, SkippedError, duration, rate

_NAME = "am-dbg-sim.gob.br"


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Wall time from the compressed file to the finished session, the best of three."""
    from am_dbg.commands.import_ import import_recording

    project = Path(__file__).resolve().parent.parent
    source = Path(os.environ.get("AM_DBG_RECORDING") or project.parent / "shared" / "recordings" / _NAME)
    if not source.is_file():
        raise SkippedError(f"no {_NAME} at hand; set AM_DBG_RECORDING to a recording")
    times = []
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            summary = import_recording(source, Path(folder) / "session.db", lambda _done, _total: None)
            times.append(time.perf_counter() - began)
    best = min(times)
    yield Row(
        f"importing {summary.transitions:,} transitions of {summary.machines} machines",
        f"{duration(best)} ({rate(summary.transitions / best)})",
    )
