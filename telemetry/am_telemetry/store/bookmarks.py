"""Moments of a session that people marked.

Only one program records into a session, on one thread; a viewer in the same process hands its bookmarks to that thread.
Bookmarks are also the one thing that another program may write meanwhile: nobody who records remembers any, and the
transaction is short. Retention keeps what is bookmarked: see :mod:`am_telemetry.store.trimming`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from am_telemetry.store import codec, files
from am_telemetry.store.errors import StoreError, from_sqlite
from am_telemetry.store.lock import WriterLock, has_writer
from am_telemetry.store.writer import Writer

_COLUMNS: Final = "id, machine_id, number, title, note, author, created_ns"
_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A marked moment: after a transition, or with number 0 before the first one."""

    id: int
    machine_id: int
    number: int
    title: str
    note: str
    author: str
    created_ns: int


def read_bookmarks(connection: sqlite3.Connection, machine_id: int | None = None) -> list[Bookmark]:
    """Bookmarks in the order in which they were made, of all machines or of one.

    Args:
        connection: a reading one, as of :meth:`SessionFile.reader`.
        machine_id: only those of this machine run.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM bookmarks WHERE ? IS NULL OR machine_id = ? ORDER BY id",  # noqa: S608 - constant
        (machine_id, machine_id),
    )
    return [Bookmark(*row) for row in rows]


def add_bookmark(
    target: Writer | Path, machine_id: int, number: int, *, title: str = "", note: str = "", author: str = ""
) -> None:
    """Mark a moment; one that is marked already gets the new texts.

    Args:
        target: the writer of the session where this process records it, otherwise its file.
        machine_id: a machine run.
        number: of a transition that is there, or 0.
        title: one line.
        note: as long as it has to be.
        author: who marks it.

    Raises:
        StoreError: the transition is not there, or the file cannot be written to.
    """
    texts = [codec.storable(text) for text in (title, note, author)]

    def add(connection: sqlite3.Connection) -> None:
        there = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM machines WHERE id = :machine) AND (:number = 0 OR EXISTS ("
            "SELECT 1 FROM transitions WHERE machine_id = :machine AND number = :number))",
            {"machine": machine_id, "number": number},
        ).fetchone()[0]
        if not there:
            raise StoreError(f"transition #{number} is not in the session.", "It may have been removed meanwhile.")
        connection.execute("DELETE FROM bookmarks WHERE machine_id = ? AND number = ?", (machine_id, number))
        connection.execute(
            "INSERT INTO bookmarks (machine_id, number, title, note, author, created_ns) VALUES (?, ?, ?, ?, ?, ?)",
            (machine_id, number, *texts, time.time_ns()),
        )

    _change(target, add)


def remove_bookmark(target: Writer | Path, bookmark_id: int) -> None:
    """Unmark a moment. Harmless when it is not marked any more.

    Raises:
        StoreError: see :func:`add_bookmark`.
    """
    _change(target, lambda connection: connection.execute("DELETE FROM bookmarks WHERE id = ?", (bookmark_id,)))


def _change(target: Writer | Path, action: Callable[[sqlite3.Connection], object]) -> None:
    def change(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            action(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    if isinstance(target, Writer):
        target.call(change, _TIMEOUT_S)
        return
    lock: WriterLock | None = None
    if has_writer(target):
        connection = files.connect_beside(target)
    else:
        lock, connection = files.open_writable(target)
    try:
        change(connection)
        if lock is not None:
            files.close_writable(connection)
    except sqlite3.Error as error:
        raise from_sqlite(target, error) from error
    finally:
        connection.close()
        if lock is not None:
            lock.release()
