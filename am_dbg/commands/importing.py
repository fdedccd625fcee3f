"""Imports of what ``am-dbg export`` wrote: JSON lines and session files."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from am_dbg.errors import AmDbgError

Progress = Callable[[int, int], None]
Counts = tuple[int, int, int]
"""Machines, transitions, log lines."""


def import_json_lines(file: BinaryIO, target: Path, progress: Progress, *, replace: bool = False) -> Counts:
    """Read JSON lines into a new session file; nothing is left behind when a line is wrong.

    Raises:
        FormatError: a line is wrong.
        StoreError: the session cannot be written.
        AmDbgError: the session does not hold what was read.
    """
    from am_telemetry.formats.json_lines_reader import JsonLines
    from am_telemetry.store.assembling import assemble

    size = os.fstat(file.fileno()).st_size
    lines = JsonLines(file, lambda done: progress(done, size))
    counts = lines.counts

    def check(machines: int, transitions: int, log_lines: int) -> None:
        if (machines, transitions, log_lines) != (counts.machines, counts.transitions, counts.log_lines):
            raise AmDbgError(
                f"the lines contradict each other: of {counts.machines:,} machines, {counts.transitions:,} transitions,"
                f" {counts.log_lines:,} log lines, only {machines:,}, {transitions:,}, {log_lines:,} make sense",
                "transitions of a machine have to come in the order of their sequence",
            )

    assemble(
        target,
        lines.pieces(),
        replace=replace,
        check=lambda totals: check(totals.machines, totals.transitions, totals.log_lines),
    )
    return counts.machines, counts.transitions, counts.log_lines


def import_session(source: Path, target: Path, progress: Progress, *, replace: bool = False) -> Counts:
    """Copy a session file after a look at all of it.

    Raises:
        StoreError: it is no session, damaged, or cannot be copied.
    """
    from am_telemetry.store import files
    from am_telemetry.store.drafts import draft_of
    from am_telemetry.store.errors import damaged
    from am_telemetry.store.session_file import SessionFile

    size = source.stat().st_size
    progress(0, size)
    with SessionFile.open(source) as recording:
        totals = recording.totals()
    with draft_of(target, replace=replace) as draft:
        files.copy(source, draft)
        progress(size // 2, size)
        with closing(sqlite3.connect(draft)) as connection:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise damaged(source, verdict)
        # Kept as new: a copy of an old file must not be taken for a session that nobody has used for long.
        now = time.time()
        os.utime(draft, (now, now))
        progress(size, size)
    return totals.machines, totals.transitions, totals.log_lines
