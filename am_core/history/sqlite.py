"""A history in a SQLite file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from am_core.history.config import HistoryConfig
from am_core.history.errors import HistoryError, HistoryFileError
from am_core.history.query import Query
from am_core.history.recording import RecordingHistory, checked_limit
from am_core.history.records import Record
from am_core.history.sqlite_rows import record_of, select
from am_core.history.sqlite_schema import encoded, to_json
from am_core.history.sqlite_store import TIMEOUT, SqliteStore
from am_core.history.sqlite_writer import Pending
from am_core.machine import Machine

__all__ = ["SqliteHistory", "SqliteStore"]


class SqliteHistory(RecordingHistory):
    """The records of a machine in a SQLite file; see :class:`~am_core.history.History`.

    ``store`` is a path, or an open :class:`SqliteStore` that several machines share. Recording begins at once, and
    goes on with the next number when the file knows a machine of that id. Queries wait until everything recorded so far
    is in the file, then SQLite answers them.

    Raises what :class:`SqliteStore` and :meth:`SqliteStore.track` raise.
    """

    def __init__(self, machine: Machine, config: HistoryConfig, store: SqliteStore | str | Path) -> None:
        super().__init__(machine, config)
        self._owns_store = not isinstance(store, SqliteStore)
        self.store = store if isinstance(store, SqliteStore) else SqliteStore(store)
        self._positions: dict[str, int] = {}
        """Where the states are in the file's lists."""
        self._warned = False
        self._offered_schema: object = None
        self._written_schema: object = None
        try:
            known = self.store._enter(self.machine_id)
            try:
                self._continue(known)
            except BaseException:
                self.store._leave(self.machine_id)
                raise
        except BaseException:
            if self._owns_store:
                self.store.close()
            raise
        machine.bind_tracer(self)

    def _continue(self, known: dict[str, object] | None) -> None:
        with self._readable():
            places: list[str] = [] if known is None else json.loads(str(known["tracked_json"]))
        places += [name for name in self.tracked if name not in places]
        self._positions = {name: place for place, name in enumerate(places)}
        self._places = tuple(places)
        row: dict[str, object] = {"id": self.machine_id, "tracked_json": to_json(places)}
        if known is None:
            row |= {
                "first_tracking_ns": self._began_ns,
                "last_sync_ns": 0,
                "next_id": self._next_id,
                "dropped": 0,
            }
        row |= self._schema_row()
        row |= {
            "last_tracking_ns": self._last_ns,
            "mtime_sum": encoded(self._time.sum()),
            "machine_tick": encoded(self._machine_tick),
            "mtime_json": to_json([encoded(tick) for tick in self._time]),
        }
        self._key = self.store._put(row, None if known is None else int(str(known["machine_key"])))
        self._written_schema = self._offered_schema
        if known is not None:
            self._began_ns = int(str(known["first_tracking_ns"]))
            self._synced_ns = int(str(known["last_sync_ns"]))
            self._next_id = int(str(known["next_id"]))
            self.dropped = int(str(known["dropped"]))
            self._compare_with_last()

    def _compare_with_last(self) -> None:
        sql, params = select(self._key, 1, None, self._positions)
        for last in self._fetch(sql, params):
            self._sum_before = last.mtime_sum
            active = set(last.active_states())
            self._before.update({name: name in active for name in self.tracked if name in last.tracked})

    # Recording

    def _append(self, record: Record) -> None:
        if not self.store._append(Pending(self, record, self._time)):
            self._drop("the file is written too slowly, or is closed")

    def _note_dropped(self, why: str) -> None:
        """A record could not be written (called by the store)."""
        with self._guard:
            self._drop(why)

    def _drop(self, why: str) -> None:
        self.dropped += 1
        machine = self._machine()
        if not self._warned and machine is not None:
            self._warned = True
            machine.report(HistoryError(f"history of {self.machine_id} in {self.store.path} drops records: {why}"))

    def _schema_row(self) -> dict[str, str]:
        """Columns for the schema when it is to be stored and has not been written yet."""
        kept = self._offered_schema = self._kept_schema
        if kept is None or kept is self._written_schema:
            return {}
        return {"state_names_json": to_json(kept[0]), "schema_json": to_json(kept[1].to_dict())}

    def _note_written(self, now_ns: int) -> None:
        """Records have been written (called by the store)."""
        with self._guard:
            self._synced_ns = now_ns
        self._written_schema = self._offered_schema

    # Asking

    def find_latest(self, limit: int = 0, query: Query | None = None) -> list[Record]:
        """Records that match, newest first; at most ``limit``, or all for 0."""
        most = checked_limit(limit) or 0
        if query is not None:
            query.check(self.tracked, self.machine_id)
        self.store.sync()
        sql, params = select(self._key, most, query, self._positions)
        return self._fetch(sql, params)

    def _fetch(self, sql: str, params: list[Any]) -> list[Record]:
        rows = self.store._fetch(sql, params)
        with self._readable():
            return [record_of(row, self._places) for row in rows]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Rows that somebody has edited by hand may hold anything."""
        try:
            yield
        except (LookupError, TypeError, ValueError) as error:
            reason = f"{self.store.path} holds rows of {self.machine_id} that cannot be read ({error!r}); repair them"
            raise HistoryFileError(reason) from error

    def sync(self, timeout: float = TIMEOUT) -> None:
        """Wait until everything recorded so far is in the file.

        Raises :class:`~am_core.history.HistoryError` when that takes longer than ``timeout`` seconds.
        """
        self.store.sync(timeout)
        super().sync(timeout)

    def dispose(self) -> None:
        """Stop recording, and write what is pending. What was recorded can still be asked for.

        Raises :class:`~am_core.history.HistoryError` when the file cannot be written.
        """
        super().dispose()
        try:
            # Whoever records this machine next has to find the number of the last record.
            self.store.sync()
        finally:
            self.store._leave(self.machine_id)
            if self._owns_store:
                self.store.close()
