"""History files."""

from __future__ import annotations

import atexit
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from am_core.history.errors import HistoryError, HistoryFileError
from am_core.history.sqlite_rows import (
    INSERT_FLIP,
    INSERT_RECORD,
    INSERT_TRANSITION,
    flip_rows,
    record_row,
    transition_rows,
)
from am_core.history.sqlite_schema import connect, encoded, prepare, to_json
from am_core.history.sqlite_writer import BackgroundWriter, Pending, give_up

if TYPE_CHECKING:
    from am_core.history.config import HistoryConfig
    from am_core.history.sqlite import SqliteHistory
    from am_core.machine import Machine

TIMEOUT: Final = 5.0
"""Seconds to wait for the file."""


class SqliteStore:
    """A history file, which may hold many machines. Thread-safe.

    Records are handed to a background thread, which writes what has come in meanwhile in one transaction; at most
    ``max_pending`` wait for it, more are dropped and counted. Other programs may read the file at the same time. What
    is pending when the interpreter ends is still written. A forked process must open the file itself.

    Raises :class:`~am_core.history.HistoryFileError` for a file that is no history, is damaged, or was written by a
    newer version, and :class:`~am_core.history.HistoryError` when it cannot be opened.
    """

    def __init__(self, path: str | Path, *, max_pending: int = 10_000) -> None:
        if str(path) in ("", ":memory:"):
            raise HistoryError("a history file needs a path; use MemoryHistory to keep records in memory")
        self.path = Path(path)
        self._ids: set[str] = set()
        self._write_guard = threading.Lock()
        self._read_guard = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._closed = False
        with self._translated():
            self._connection = connect(self.path)
            try:
                prepare(self._connection, self.path)
            except BaseException:
                self._connection.close()
                raise
        self._writer = BackgroundWriter(str(self.path), self._write, max_pending)
        atexit.register(self.close)

    def track(self, machine: Machine, config: HistoryConfig) -> SqliteHistory:
        """Record a machine from now on, continuing what the file holds of a machine with the same id.

        Raises :class:`UnknownStateError` when the machine lacks a state of the configuration, and
        :class:`~am_core.history.HistoryError` when its id is being recorded already.
        """
        from am_core.history.sqlite import SqliteHistory

        return SqliteHistory(machine, config, self)

    @property
    def error(self) -> BaseException | None:
        """Why writing failed the last time; None when it did not."""
        return self._writer.error

    def sync(self, timeout: float = TIMEOUT) -> None:
        """Wait until everything recorded so far is in the file.

        Raises :class:`~am_core.history.HistoryError` when that takes longer than ``timeout`` seconds.
        """
        if not self._writer.is_inherited:
            self._writer.sync(timeout)

    def close(self) -> None:
        """Write what is pending and end recording. Histories can still be asked."""
        if self._closed or not self._writer.close(TIMEOUT):
            return
        self._closed = True
        atexit.unregister(self.close)
        with self._write_guard:
            self._connection.close()
        with self._read_guard:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # For histories

    def _append(self, item: Pending) -> bool:
        """Take a record without waiting; False when too many are pending."""
        return self._writer.append(item)

    def _enter(self, machine_id: str) -> dict[str, Any] | None:
        """Begin to record a machine; returns its row, or None when it is new."""
        with self._write_guard:
            if self._writer.closing:
                raise HistoryError(f"{self.path} is closed; open it again with SqliteStore()")
            if machine_id in self._ids:
                raise HistoryError(f"{machine_id} is recorded to {self.path} already; dispose of that history first")
            with self._translated():
                cursor = self._connection.execute("SELECT * FROM machines WHERE id = ?", (machine_id,))
                row = cursor.fetchone()
            self._ids.add(machine_id)
            return None if row is None else dict(zip([column[0] for column in cursor.description], row, strict=True))

    def _put(self, machine: Mapping[str, Any], key: int | None) -> int:
        """Insert a machine's row, or change some columns of the one with a key; returns the key."""
        marks = ", ".join("?" * len(machine))
        insert = f"INSERT INTO machines ({', '.join(machine)}) VALUES ({marks})"  # noqa: S608 - names of columns
        sql = insert if key is None else _update(machine, key)
        with self._write_guard, self._translated():
            added = self._connection.execute(sql, list(machine.values())).lastrowid
        return key if key is not None else int(added or 0)

    def _leave(self, machine_id: str) -> None:
        """End the recording of a machine."""
        with self._write_guard:
            self._ids.discard(machine_id)

    def _fetch(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        """All rows of a query, on a connection that writing does not disturb."""
        if self._writer.is_inherited:
            raise HistoryError(f"{self.path} was opened by the process that forked this one; open it again here")
        with self._read_guard, self._translated():
            if self._closed:
                with closing(connect(self.path, read_only=True)) as connection:
                    return connection.execute(sql, params).fetchall()
            if self._reader is None:
                self._reader = connect(self.path, read_only=True)
            return self._reader.execute(sql, params).fetchall()

    # On the writing thread

    def _write(self, batch: list[Pending]) -> None:
        try:
            self._insert(batch)
        except sqlite3.IntegrityError:
            # Another process records a machine of the same id; what does not collide is kept.
            for item in batch:
                try:
                    self._insert([item])
                except sqlite3.IntegrityError as error:
                    give_up([item], error)

    def _insert(self, batch: list[Pending]) -> None:
        last = {item.history: item for item in batch}
        now = time.time_ns()
        with self._write_guard, self._transaction() as connection:
            connection.executemany(INSERT_RECORD, [record_row(h._key, r, h._positions) for h, r, _ in batch])
            connection.executemany(INSERT_FLIP, [row for h, r, _ in batch for row in flip_rows(h._key, r)])
            connection.executemany(INSERT_TRANSITION, [row for h, r, _ in batch for row in transition_rows(h._key, r)])
            for history, (_, record, ticks) in last.items():
                row = {
                    "last_tracking_ns": record.human_time_ns,
                    "last_sync_ns": now,
                    "next_id": record.id + 1,
                    "dropped": history.dropped,
                    "mtime_sum": encoded(record.mtime_sum),
                    "machine_tick": encoded(record.machine_tick),
                    "mtime_json": to_json([encoded(tick) for tick in ticks]),
                    **history._schema_row(),
                }
                connection.execute(_update(row, history._key), list(row.values()))
                if history.config.max_records is not None:
                    oldest = record.id - history.config.max_records
                    for table in ("flips", "transitions", "records"):
                        connection.execute(
                            f"DELETE FROM {table} WHERE machine_key = ? AND record_id <= ?",  # noqa: S608 - our tables
                            (history._key, oldest),
                        )
        for history in last:
            history._note_written(now)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of SQLite as errors of histories."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise HistoryError(f"{self.path}: {error}; check that it can be written and is not locked") from error
        except sqlite3.DatabaseError as error:
            reason = f"{self.path} is no history, or is damaged ({error}); choose another path"
            raise HistoryFileError(reason) from error


def _update(machine: Mapping[str, Any], key: int) -> str:
    columns = ", ".join(f"{name} = ?" for name in machine)
    return f"UPDATE machines SET {columns} WHERE machine_key = {key:d}"  # noqa: S608 - names of columns, and a number
