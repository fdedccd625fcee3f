"""A recording in a SQLite file: the reading side, live or finished."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from am_telemetry.facts import ErrorFact, SchemaFact, SourceFact
from am_telemetry.store import codec, files, saved_timelines
from am_telemetry.store.changes import Changes, Rows
from am_telemetry.store.errors import StoreError, damaged, from_sqlite
from am_telemetry.store.loading import Position, read_commit, read_definitions, read_events, read_machine_events
from am_telemetry.store.lock import WriterLock, has_writer
from am_telemetry.store.model import Model
from am_telemetry.store.reading import RecordingTotals
from am_telemetry.store.records import (
    LogRecord,
    MachineRecord,
    ProcessRecord,
    TransitionRecord,
)
from am_telemetry.store.row_queries import RowQueries
from am_telemetry.store.rows import merge_late_lines
from am_telemetry.store.timeline import Timeline

MAX_PENDING: int = 500_000
"""Committed transitions kept for a reader that does not call ``catch_up``; beyond that it reads them from the file."""
WRITER_CHECK_SECONDS: float = 1.0
"""How often a reader looks whether the recording program is still there."""


class SessionFile(RowQueries):
    """A session file. Make one with :meth:`create` or :meth:`open`.

    Readers see a consistent state that only :meth:`catch_up` moves on. Several readers may share one object; each
    learns from :attr:`version` whether something is new, and all of them, with their calls of :meth:`catch_up`, live on
    one thread. Details of transitions (:meth:`transition`, :meth:`log_lines`) may be asked for on any thread.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        self._path = path
        self._write_connection = connection if lock is not None else None
        self._lock = lock
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = [] if lock is not None else [connection]
        self._readers_lock = threading.Lock()
        if lock is None:
            self._local.connection = connection
        self._model = Model()
        self._position = Position()
        self._data_version = -1
        self._catching_up = threading.Lock()
        self._pending: list[Changes] = []
        self._pending_rows = 0
        self._pending_lock = threading.Lock()
        self._overflow = False
        self._look_at_writer = 0.0
        self._closed = False

    # -- opening and closing ------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make a new session file and take the right to write to it.

        Raises:
            SessionExistsError: there is something at the path already.
            StoreError: the file cannot be made there.
        """
        target = Path(path)
        lock, connection = files.create(target)
        return cls(target, connection, lock)

    @classmethod
    def open(cls, path: str | Path, *, writable: bool = False) -> Self:
        """Open an existing session file.

        Args:
            path: the file.
            writable: record further into it; by default it is only read, and another program may be writing to it.

        Raises:
            StoreError: one of its subclasses says what is wrong with the file.
        """
        target = Path(path)
        lock, connection = files.open_writable(target) if writable else (None, files.open_readonly(target))
        session = cls(target, connection, lock)
        try:
            session._read_file()
            session._model.abandon(not writable and not has_writer(target))
        except BaseException:
            session.close()
            raise
        return session

    def close(self) -> None:
        """Close all connections. The last writer leaves a single file that can be copied. Harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        with self._readers_lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()
        if self._write_connection is not None:
            files.close_writable(self._write_connection)
            self._write_connection = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        return self._path

    @property
    def write_connection(self) -> sqlite3.Connection:
        """The one connection that writes; it belongs to the :class:`Writer`.

        Raises:
            StoreError: the file was opened for reading, or is closed.
        """
        if self._write_connection is None:
            raise StoreError(f"{self._path} is open for reading only.", "Open it with writable=True to record into it.")
        return self._write_connection

    # -- Recording ----------------------------------------------------------------------------------------------

    @property
    def label(self) -> str:
        return str(self._path)

    @property
    def created(self) -> str:
        """When the file was laid out, as text; copies keep it, so it tells whether two files hold the same session."""
        row = self._one("SELECT value FROM meta WHERE key = 'created'", ())
        return str(row[0]) if row else ""

    @property
    def version(self) -> int:
        return self._model.version

    @property
    def machines(self) -> Sequence[MachineRecord]:
        """All runs. When the program that recorded them died, those it did not see ending are shown as disconnected."""
        return self._model.present_machines()

    def timeline(self, machine_id: int) -> Timeline:
        """The index of a machine run.

        Raises:
            KeyError: there is no such machine.
        """
        return self._model.timelines[machine_id]

    def schema(self, schema_id: int) -> SchemaFact:
        """A schema by id.

        Raises:
            KeyError: there is none.
        """
        return self._model.schemas[schema_id]

    def process(self, process_id: int) -> ProcessRecord:
        """A process by id.

        Raises:
            KeyError: there is none.
        """
        return self._model.processes[process_id]

    def totals(self) -> RecordingTotals:
        return self._model.totals()

    def catch_up(self) -> bool:
        """Take in what was committed since the last call, here or by another program.

        Raises:
            StoreError: the file can no longer be read.
        """
        before = self._model.version
        with self._catching_up:
            if self._write_connection is None:
                self._follow_file()
            elif self._pending or self._overflow:
                self._take_pending()
        return self._model.version != before

    def publish(self, changes: Changes) -> None:
        """Announce a commit to the readers of this object. Called by the writer, on its thread."""
        rows = sum(len(event.at_ns) for event in changes.events if isinstance(event, Rows))
        with self._pending_lock:
            if self._overflow:
                return
            self._pending.append(changes)
            self._pending_rows += rows
            if self._pending_rows > MAX_PENDING:
                self._pending.clear()
                self._pending_rows = 0
                self._overflow = True

    def timeline_rows(self) -> list[saved_timelines.Row]:
        """The index as rows of the table ``timelines``, after catching up. For the writer."""
        self.catch_up()
        with self._catching_up:
            return saved_timelines.rows_to_save(self._model, self._position)

    # -- details ------------------------------------------------------------------------------------------------

    def transition(self, machine_id: int, number: int) -> TransitionRecord:
        """One transition with its details.

        Raises:
            IndexError: there is no such transition, or it has not been caught up with.
            KeyError: there is no such machine.
            StoreError: the file cannot be read.
        """
        if not self._model.timelines[machine_id].holds(number):
            raise IndexError(number)
        row = self._one(
            "SELECT id, number + skipped, at_ns, duration_ns, pattern_id, queue_len, queue_tick, machine_time"
            " FROM transitions WHERE machine_id = ? AND number = ?",
            (machine_id, number),
        )
        if row is None:
            raise IndexError(number)
        transition_id, sequence, at_ns, duration_ns, pattern_id, queue_len, queue_tick, machine_time = row
        source = self._one(
            "SELECT machine, sequence, machine_time, coalesce(external_id, '') FROM sources WHERE transition_id = ?",
            (transition_id,),
        )
        arguments = self._one("SELECT arguments_json FROM arguments WHERE transition_id = ?", (transition_id,))
        error = self._one(
            "SELECT type, message, traceback FROM errors WHERE transition_id = ? AND type IS NOT NULL", (transition_id,)
        )
        external = self._one("SELECT external_id FROM transition_ids WHERE transition_id = ?", (transition_id,))
        return TransitionRecord(
            machine_id=machine_id,
            number=number,
            sequence=sequence,
            at_ns=at_ns,
            duration_ns=duration_ns,
            pattern=self._model.patterns[pattern_id],
            queue_len=queue_len,
            queue_tick=queue_tick,
            machine_time=machine_time,
            source=SourceFact(*source) if source else None,
            arguments=codec.arguments_from_json(arguments[0]) if arguments else None,
            error=ErrorFact(*error) if error else None,
            transition_id=external[0] if external else self._model.machine(machine_id).transition_id(sequence),
        )

    def log_lines(self, machine_id: int, first: int, last: int) -> list[LogRecord]:
        rows = self._all(
            "SELECT t.number, l.position, l.level, x.text, l.before FROM transitions AS t"
            " CROSS JOIN log_lines AS l ON l.transition_id = t.id CROSS JOIN texts AS x ON x.id = l.text_id"
            " WHERE t.machine_id = ? AND t.number BETWEEN ? AND ? ORDER BY t.number, l.position",
            (machine_id, first, last),
        )
        lines = [
            LogRecord(number, position, level, text, bool(before)) for number, position, level, text, before in rows
        ]
        # Those before the first transition belong to it as soon as it is there, those after removed ones to the kept
        # one before.
        pieces = self._model.timelines[machine_id].pieces
        lowest = 0 if first <= pieces.first else first
        late = self._all(
            "SELECT l.after_number, l.level, x.text FROM late_log_lines AS l JOIN texts AS x ON x.id = l.text_id"
            " WHERE l.machine_id = ? AND l.after_number BETWEEN ? AND ? ORDER BY l.after_number, l.id",
            (machine_id, lowest, pieces.reach(last)),
        )
        if not late:
            return lines
        late = [(pieces.floor(number), level, text) for number, level, text in late]
        return merge_late_lines(lines, late, first=pieces.first if last >= pieces.first else 0)

    # -- inside -------------------------------------------------------------------------------------------------

    def reader(self) -> sqlite3.Connection:
        """This thread's own reading connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._readers_lock:
                if self._closed:
                    raise StoreError(f"{self._path} is closed.")
                connection = files.connect_reader(self._path)
                self._readers.append(connection)
            self._local.connection = connection
        return connection

    def _all(self, statement: str, values: Sequence[object]) -> list[Any]:
        try:
            return self.reader().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error
        except UnicodeDecodeError as error:
            raise damaged(self._path, "a text in it is not text") from error

    def _take_pending(self) -> None:
        with self._pending_lock:
            pending, self._pending = self._pending, []
            self._pending_rows = 0
            overflow, self._overflow = self._overflow, False
        if overflow:
            self._read_file()
        for changes in pending:
            if changes.commit <= self._position.commit:
                continue
            self._model.define(changes)
            self._model.apply(changes.events)
            self._position.advance(changes)

    def _follow_file(self) -> None:
        now = time.monotonic()
        if now >= self._look_at_writer:
            self._look_at_writer = now + WRITER_CHECK_SECONDS
            self._model.abandon(not has_writer(self._path))
        try:
            data_version = self.reader().execute("PRAGMA data_version").fetchone()[0]
            if data_version == self._data_version:
                return
            if read_commit(self.reader()) == self._position.commit:
                self._data_version = data_version
                return
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error
        self._read_file()
        self._data_version = data_version

    def _read_file(self) -> None:
        connection = self.reader()
        try:
            connection.execute("BEGIN")
            try:
                self._model.define(read_definitions(connection, self._position, self._model.schemas))
                if not self._position.transition_id and not self._position.removals_commit:
                    rest = saved_timelines.take_back(connection, self._model, self._position)
                    for events in read_machine_events(connection, rest, self._position):
                        self._model.apply(events)
                for events in read_events(connection, self._position):
                    self._model.apply(events)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise damaged(self._path, f"a row cannot be understood ({error!r})") from error
