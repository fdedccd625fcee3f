"""Keeping a session within its size while it is being recorded."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import synthetic
from benchmarks.rows import Row, Skipped, duration, rate

PER_SECOND = 100_000
BATCH = 1_000


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """The same load with and without a limit; how long batches wait until they are stored is wall time."""
    from am_telemetry.store.trimming import EVERYTHING, Limits

    count = 20_000 if quick else 1_500_000
    limit = 1_000_000 if quick else 30_000_000
    with tempfile.TemporaryDirectory() as folder:
        free = _Recording(Path(folder) / "free.db", count, EVERYTHING)
        kept = _Recording(Path(folder) / "kept.db", count, Limits(max_size=limit))
    what = f"recording {count:,} transitions, {PER_SECOND // 1000} k/s,"
    yield Row(
        f"{what} session kept below {limit / 1e6:.0f} MB",
        rate(count / kept.seconds),
        "without a limit",
        rate(count / free.seconds),
        free.seconds / kept.seconds,
    )
    yield Row("  the largest the file was", f"{kept.size / 1e6:.0f} MB", "without a limit", f"{free.size / 1e6:.0f} MB")
    yield Row("  transitions removed meanwhile", f"{kept.removed:,}")
    yield Row("  longest time that storing stood still for a removal", duration(kept.longest_s))
    yield Row("  until a batch is stored, median", duration(kept.at(0.5)), "without a limit", duration(free.at(0.5)))
    yield Row("  until a batch is stored, p99", duration(kept.at(0.99)), "without a limit", duration(free.at(0.99)))


class _Recording:
    """One run."""

    def __init__(self, path: Path, count: int, limits: object) -> None:
        from am_telemetry.store.session_file import SessionFile
        from am_telemetry.store.trimming import Limits
        from am_telemetry.store.writer import Writer

        assert isinstance(limits, Limits)
        waits: list[float] = []
        began = time.perf_counter()
        self.size = 0
        with SessionFile.create(path) as session, Writer(session, limits) as writer:
            writer.open_session(synthetic.PROCESS, 1)
            begin = time.perf_counter()
            for place, batch in enumerate(synthetic.batches(count, BATCH)):
                due = begin + place * BATCH / PER_SECOND
                if (ahead := due - time.perf_counter()) > 0:
                    time.sleep(ahead)
                writer.put(synthetic.SESSION, batch, partial(_note, waits, time.perf_counter()))
                if place % 50 == 0:
                    session.catch_up()
                    self.size = max(self.size, path.stat().st_size)
            writer.flush()
            self.seconds = time.perf_counter() - began
            self.longest_s, self.removed = writer.upkeep.longest_s, writer.upkeep.removed
        self._waits = sorted(waits)

    def at(self, share: float) -> float:
        """A percentile of the seconds from handing over a batch to its being stored."""
        return self._waits[int(share * (len(self._waits) - 1))]


def _note(waits: list[float], since: float, _seq: int) -> None:
    waits.append(time.perf_counter() - since)
