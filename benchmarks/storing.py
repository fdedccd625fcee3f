"""Storing transitions in a session file, against plain rows through sqlite-utils."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from am_telemetry.batch import LogColumns
from benchmarks import synthetic
from benchmarks.rows import Row, Skipped, rate


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Rate of storing and size on disk; wall time, because storing uses threads and the disk."""
    count = 2_000 if quick else 200_000
    with tempfile.TemporaryDirectory() as folder:
        ours_s, ours_bytes = _ours(Path(folder) / "session.db", count)
        _, bare_bytes = _ours(Path(folder) / "bare.db", count, lines=False)
        theirs_s, theirs_bytes = _plain_rows(Path(folder) / "rows.db", count)
    yield Row(
        f"storing {count:,} transitions",
        rate(count / ours_s),
        "sqlite-utils insert_all",
        rate(count / theirs_s),
        theirs_s / ours_s,
    )
    yield Row("size on disk per transition, without log lines", f"{bare_bytes / count:.0f} bytes")
    yield Row(
        "size on disk per transition, every second one with a log line",
        f"{ours_bytes / count:.0f} bytes",
        "sqlite-utils insert_all",
        f"{theirs_bytes / count:.0f} bytes",
        theirs_bytes / ours_bytes,
    )


def _ours(path: Path, count: int, *, lines: bool = True) -> tuple[float, int]:
    prepared = list(synthetic.batches(count))
    if not lines:
        for batch in prepared:
            batch.logs = LogColumns()
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    began = time.perf_counter()
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(synthetic.PROCESS, 1)
        writer.write_all(synthetic.SESSION, prepared)
    return time.perf_counter() - began, path.stat().st_size


def _plain_rows(path: Path, count: int) -> tuple[float, int]:
    """The same facts as one dictionary per transition and per log line."""
    import sqlite_utils

    transitions: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for batch in synthetic.batches(count):
        if batch.patterns:
            patterns = {one.handle: one.pattern for one in batch.patterns}
            texts = dict(batch.texts)
        columns = batch.transitions
        base = len(transitions)
        for i in range(len(columns)):
            fact = patterns[columns.pattern[i]]
            transitions.append(
                {
                    "id": base + i,
                    "machine": columns.machine[i],
                    "number": columns.sequence[i],
                    "at_ns": columns.at_ns[i],
                    "duration_ns": columns.duration_ns[i],
                    "mutation": fact.mutation,
                    "called": ",".join(map(str, fact.called)),
                    "deltas": ",".join(f"{state}:{gained}" for state, gained in fact.deltas),
                    "steps": " ".join(f"{step.kind}:{step.source}:{step.target}" for step in fact.steps),
                    "accepted": fact.accepted,
                }
            )
        logs = batch.logs
        for row, level, text in zip(logs.row, logs.level, logs.text, strict=True):
            lines.append({"transition": base + row, "level": level, "text": texts[text]})
    began = time.perf_counter()
    database = sqlite_utils.Database(path)
    database.enable_wal()
    database["transitions"].insert_all(transitions, pk="id")  # type: ignore[union-attr]  # a table, not a view
    database["log_lines"].insert_all(lines)  # type: ignore[union-attr]  # a table, not a view
    database.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.conn.close()
    return time.perf_counter() - began, path.stat().st_size
