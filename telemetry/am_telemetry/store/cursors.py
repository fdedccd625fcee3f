"""How far readers of a session file have come, kept in the file itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from am_telemetry.store.writer import Writer

Cursor = tuple[str, int, str]
"""Name, position, and any state as JSON."""


def save_cursors(writer: Writer, cursors: Sequence[Cursor], timeout: float = 30.0) -> None:
    """Remember how far readers have come, all of them or none.

    Raises:
        StorageError: there is no room, or ``timeout`` seconds were not enough.
        WriterClosedError: the writer was closed.
    """
    now = time.time_ns()

    def save(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?)",
                [(name, position, now, state) for name, position, state in cursors],
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    writer.call(save, timeout)
