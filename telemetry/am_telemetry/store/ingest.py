"""Turns batches into rows inside one open transaction.

All methods run on the thread that owns the write connection. Whatever is remembered between transactions (handles,
interned ids, where each machine stands) is put back by :meth:`Ingest.rollback`, so a failed transaction can simply be
tried again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from am_telemetry.batch import Batch
from am_telemetry.facts import GapFact, ProcessFact
from am_telemetry.store import codec
from am_telemetry.store.additions import Additions
from am_telemetry.store.catalog import Catalog, KnownPattern
from am_telemetry.store.changes import Changes
from am_telemetry.store.known_sessions import KnownSessions
from am_telemetry.store.ledger import MachineState, SessionState, forget_handles
from am_telemetry.store.records import EndReason, ProcessRecord
from am_telemetry.store.runs import Runs
from am_telemetry.store.text_sweep import TextSweep
from am_telemetry.store.trimming import Portion, Trimmer
from am_telemetry.store.undo import UndoLog
from am_telemetry.store.wait_rows import WaitRows

_REASONS: Final[dict[str, EndReason]] = {
    "disposed": "disposed",
    "closed": "closed",
    "disconnected": "disconnected",
    "superseded": "superseded",
}
_INSERT_TRANSITION: Final = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_LOG_LINE: Final = "INSERT INTO log_lines VALUES (?, ?, ?, ?, ?)"
_INSERT_SOURCE: Final = "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?)"
_INSERT_ARGUMENTS: Final = "INSERT OR REPLACE INTO arguments VALUES (?, ?)"
_INSERT_ERROR: Final = "INSERT OR REPLACE INTO errors VALUES (?, ?, ?, ?)"
_INSERT_ID: Final = "INSERT OR REPLACE INTO transition_ids VALUES (?, ?)"
_UPDATE_PROCESS: Final = (
    "UPDATE processes SET have_seq = ?, skipped_records = ?, last_seen_ns = ?, skew_ns = ? WHERE id = ?"
)


class Ingest:
    """See the module. Construction reads where an existing file left off."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._undo = UndoLog()
        self._catalog = Catalog(connection, self._undo)
        self._sessions = KnownSessions(connection, self._catalog, self._undo)
        self._runs = Runs(connection, self._undo, self._catalog)
        self._commit = _number(connection, "SELECT value FROM meta WHERE key = 'commits'")
        self._next_id = 1 + _number(connection, "SELECT max(id) FROM transitions")
        self._base = (self._next_id, self._runs.next_id)
        self._counters: Counter[str] = Counter()
        self._additions = Additions(connection, self._runs, self._counters)
        self._waits = WaitRows(connection, self._runs, self._counters)
        self._seen: dict[int, SessionState] = {}
        self._changes = Changes()
        self._removed = False
        """Whether retention has taken something in this transaction."""

    # -- transactions -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        self._base = (self._next_id, self._runs.next_id)
        self._changes = self._runs.changes = Changes()

    def commit(self) -> Changes:
        """Make everything since :meth:`begin` durable and hand out what readers need."""
        self._catalog.flush()
        self._runs.save()
        self._db.executemany(
            _UPDATE_PROCESS,
            [(s.have, s.skipped, s.last_seen_ns, s.skew_ns, s.process.id) for s in self._seen.values()],
        )
        commit = self._commit + 1
        meta = [("commits", str(commit))]
        if self._changes.machines or self._changes.processes:
            meta.append(("machines_changed_at_commit", str(commit)))
        if self._removed:
            meta.append(("removed_at_commit", str(commit)))
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta)
        self._db.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
            [(key, str(count)) for key, count in self._counters.items()],
        )
        self._db.execute("COMMIT")
        self._commit = commit
        changes = self._changes
        changes.commit = commit
        changes.last_transition_id = self._next_id - 1
        changes.schemas, changes.patterns = self._catalog.take_new()
        self._sessions.settle(self._seen.values())
        self._clear()
        self._undo.forget()
        return changes

    def rollback(self) -> None:
        """Forget everything since :meth:`begin`."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._undo.revert()
        self._catalog.take_new()
        self._next_id, self._runs.next_id = self._base
        self._clear()

    def _clear(self) -> None:
        self._removed = False
        self._runs.clear()
        self._seen.clear()
        self._counters.clear()

    def text_sweep(self, path: Path) -> TextSweep:
        """What removes the texts of this file that nothing uses any more."""
        return TextSweep(path, self._db, self._catalog)

    def texts_in_use(self) -> Iterator[int]:
        """Ids of texts that programs may refer to by their handles."""
        return self._sessions.text_ids()

    def trim(self, trimmer: Trimmer, now_ns: int, limit: int, shrinking: bool = False) -> Portion:
        """Remove what is beyond the limits, a portion of it, within a transaction of its own.

        Args:
            trimmer: over the same connection.
            now_ns: the present.
            limit: how many transitions to look at.
            shrinking: the file gets smaller by other means.
        """
        portion = trimmer.step(now_ns, limit, shrinking)
        self._changes.events.extend(portion.events)
        self._removed = not portion.empty
        for machine_id, count in portion.log_lines.items():
            self._changes.log_lines[machine_id] = self._changes.log_lines.get(machine_id, 0) - count
        return portion

    # -- sessions -----------------------------------------------------------------------------------------------

    def open_session(self, fact: ProcessFact, at_ns: int) -> int:
        """A process has connected, for the first time or again; its handles start anew.

        Returns:
            The last record number of that session that is already stored.
        """
        key = codec.storable(fact.session)
        session = self._sessions.get(key)
        if session is None:
            session = self._add_process(replace(fact, session=key), at_ns)
        else:
            self._save_session(session)
        session.connected, session.gone = True, False
        session.connection += 1
        session.last_seen_ns = max(session.last_seen_ns, at_ns)
        forget_handles(session)
        session.earlier = self._runs.of_earlier_connections(session)
        return session.have

    def close_session(self, key: str, at_ns: int, reason: str) -> None:
        """A process is gone; its machines end. Unknown sessions are ignored."""
        session = self._sessions.get(codec.storable(key))
        if session is None:
            return
        self._save_session(session)
        session.connected, session.gone = False, True
        session.last_seen_ns = max(session.last_seen_ns, at_ns)
        end = _REASONS.get(reason, "disconnected")
        for machine in list(session.runs.values()):
            if machine.record.connected:
                self._runs.end(machine, at_ns, end)
        forget_handles(session)

    def end_abandoned(self) -> None:
        """End machines that an earlier writer left open because it was killed."""
        for session in self._sessions.with_open_machines():
            for machine in list(session.runs.values()):
                record = machine.record
                if record.connected:
                    self._runs.end(machine, max(machine.last_at_ns, record.started_ns), "disconnected")

    def skip(self, key: str, last_seq: int) -> None:
        """Count records of a session as settled although they were not stored."""
        session = self._sessions.get(codec.storable(key))
        if session is not None and last_seq > session.have:
            self._save_session(session)
            session.skipped += last_seq - session.have
            session.have = last_seq

    def note(self, counter: str, count: int = 1) -> None:
        """Add to a number in the table ``meta``."""
        self._counters[counter] += count

    def _add_process(self, fact: ProcessFact, at_ns: int) -> SessionState:
        texts = [codec.storable(t) for t in (fact.name, fact.host, fact.language, fact.library)]
        name, host, language, library = texts
        cursor = self._db.execute(
            "INSERT INTO processes"
            " (session, name, host, pid, language, library, resource_json, first_seen_ns, last_seen_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (fact.session, name, host, fact.pid, language, library, codec.to_json(fact.resource), at_ns, at_ns),
        )
        process = ProcessRecord(cursor.lastrowid or 0, fact.session, name, host, fact.pid, library)
        session = SessionState(process, last_seen_ns=at_ns)
        self._sessions.add(session)
        self._changes.processes[process.id] = process
        self._save_session(session)
        return session

    def _save_session(self, session: SessionState) -> None:
        if session.process.id not in self._seen:
            self._seen[session.process.id] = session
            self._undo.save(session)

    # -- batches ------------------------------------------------------------------------------------------------

    def apply(self, key: str, batch: Batch, at_ns: int) -> None:
        """Store a batch. Records that are already there are recognised and left out.

        Args:
            key: the session it belongs to.
            batch: see :mod:`am_telemetry.batch`.
            at_ns: the present.
        """
        session = self._sessions.get(codec.storable(key))
        if session is None:
            session = self._add_process(ProcessFact(session=codec.storable(key)), at_ns)
        self._save_session(session)
        session.gone = False
        session.last_seen_ns = max(session.last_seen_ns, at_ns)
        if batch.skew_ns is not None:
            session.note_skew(batch.skew_ns)
        self._define(session, batch)
        if batch.last_seq:
            if batch.last_seq <= session.have:
                return
            if session.have and batch.first_seq > session.have + 1:
                session.skipped += batch.first_seq - session.have - 1
            session.have = batch.last_seq
        for machine_handle, schema_handle in batch.revised:
            machine = session.machines.get(machine_handle)
            schema = session.schemas.get(schema_handle)
            if machine is None or schema is None:
                self._counters["orphaned_revisions"] += 1
            else:
                self._runs.revise(machine, schema)
        self._add_transitions(session, batch)
        self._add_rest(session, batch)
        for handle, closed_ns, reason in batch.closed:
            closing = session.machines.get(handle)
            if closing is None:
                self._counters["orphaned_closings"] += 1
            elif closing.record.connected:
                self._runs.end(closing, closed_ns, _REASONS.get(reason, "disposed"))

    def _add_rest(self, session: SessionState, batch: Batch) -> None:
        machines, additions = session.machines, self._additions
        if batch.omissions:
            additions.add_omissions(machines, batch.omissions)
        if batch.late.machine:
            additions.add_late_lines(session, batch.late)
        if batch.running:
            additions.update_running(session, batch.running)
        if len(batch.waits):
            self._waits.add(machines, batch.waits)
        for handle in {*batch.transitions.machine, *(gap.machine for gap in batch.gaps)}:
            machine = machines.get(handle)
            if machine is not None and machine.running:
                additions.end_running(machine)

    def _define(self, session: SessionState, batch: Batch) -> None:
        put, catalog = self._undo.put, self._catalog
        for handle, text in batch.texts:
            put(session.texts, handle, catalog.text(text))
        for handle, schema in batch.schemas:
            put(session.schemas, handle, catalog.schema(schema))
        for handle, opened_ns, fact in batch.opened:
            self._runs.open(session, handle, opened_ns, fact)
        for handle, schema_handle, pattern in batch.patterns:
            schema_id = session.schemas.get(schema_handle)
            if schema_id is None:
                self._counters["orphaned_patterns"] += 1
            else:
                put(session.patterns, handle, catalog.pattern(schema_id, pattern))

    def _add_transitions(self, session: SessionState, batch: Batch) -> None:
        columns = batch.transitions
        gaps: dict[int, list[GapFact]] = {}
        for gap in batch.gaps:
            gaps.setdefault(gap.machine, []).append(gap)
        logged = set(batch.logs.row)
        machines, patterns = session.machines, session.patterns
        ids: list[int] = []
        owners: list[MachineState | None] = []
        rows: list[tuple[int, ...]] = []
        errors: dict[int, tuple[int, str | None, str | None, str | None]] = {}
        next_id = self._next_id
        for row, (handle, sequence, at_ns, duration, pattern_handle, queue_len, queue_tick) in enumerate(
            zip(
                columns.machine,
                columns.sequence,
                columns.at_ns,
                columns.duration_ns,
                columns.pattern,
                columns.queue_len,
                columns.queue_tick,
                strict=True,
            )
        ):
            machine: MachineState | None = machines.get(handle)
            pattern: KnownPattern | None = patterns.get(pattern_handle)
            if machine is None or pattern is None:
                self._counters["orphaned_transitions"] += 1
                ids.append(0)
                owners.append(None)
                continue
            if sequence != machine.sequence + 1 and not self._runs.jump(machine, sequence, gaps.get(handle)):
                self._counters["repeated_transitions"] += 1
                ids.append(0)
                owners.append(None)
                continue
            segment = machine.segment
            if segment is None:
                segment = self._runs.segment(machine)
            machine.sequence = sequence
            machine.count = number = machine.count + 1
            machine.time += pattern.ticks
            rows.append(
                (
                    next_id,
                    machine.record.id,
                    number,
                    sequence - number,
                    at_ns,
                    duration,
                    pattern.id,
                    queue_len,
                    queue_tick,
                    machine.time,
                )
            )
            segment.at_ns.append(at_ns)
            segment.patterns.append(pattern.id)
            if row in logged:
                segment.logged.append(len(segment.at_ns) - 1)
            if pattern.is_error:
                errors[next_id] = (next_id, None, None, None)
            machine.last_at_ns = at_ns
            ids.append(next_id)
            owners.append(machine)
            next_id += 1
        self._next_id = next_id
        if rows:
            self._db.executemany(_INSERT_TRANSITION, rows)
        self._add_details(session, batch, ids, owners, errors)
        for handle, facts in gaps.items():
            gapped = machines.get(handle)
            if gapped is None:
                self._counters["orphaned_gaps"] += len(facts)
                continue
            for gap in facts:
                self._runs.gap(gapped, gap)

    def _add_details(
        self,
        session: SessionState,
        batch: Batch,
        ids: list[int],
        owners: list[MachineState | None],
        errors: dict[int, tuple[int, str | None, str | None, str | None]],
    ) -> None:
        if batch.logs.row:
            self._add_log_lines(session, batch, ids, owners)
        if batch.runs.row:
            self._additions.add_runs(batch.runs, ids)
        size, storable = len(ids), codec.storable
        for row, error in batch.errors:
            if 0 <= row < size and ids[row]:
                values = (ids[row], storable(error.type), storable(error.message), storable(error.traceback))
                errors[ids[row]] = values
        if errors:
            self._db.executemany(_INSERT_ERROR, errors.values())
        if batch.sources:
            values_of_sources = [
                (ids[row], storable(s.machine), s.sequence, s.machine_time, storable(s.transition_id) or None)
                for row, s in batch.sources
                if 0 <= row < size and ids[row]
            ]
            self._db.executemany(_INSERT_SOURCE, values_of_sources)
        for statement, details in ((_INSERT_ARGUMENTS, batch.arguments), (_INSERT_ID, batch.transition_ids)):
            if details:
                found = [(ids[row], storable(text)) for row, text in details if 0 <= row < size and ids[row]]
                self._db.executemany(statement, found)

    def _add_log_lines(
        self, session: SessionState, batch: Batch, ids: list[int], owners: list[MachineState | None]
    ) -> None:
        logs, texts = batch.logs, session.texts
        positions: dict[int, int] = {}
        rows: list[tuple[int, int, int, int, int]] = []
        orphans = 0
        for row, level, text, before in zip(logs.row, logs.level, logs.text, logs.before, strict=True):
            text_id = texts.get(text)
            owner = owners[row] if 0 <= row < len(owners) else None
            if text_id is None or owner is None:
                orphans += 1
                continue
            position = positions.get(row, 0)
            positions[row] = position + 1
            rows.append((ids[row], position, level, 1 if before else 0, text_id))
            owner.log_lines += 1
        self._db.executemany(_INSERT_LOG_LINE, rows)
        counts = self._changes.log_lines
        for row, count in positions.items():
            owner = owners[row]
            if owner is not None:
                counts[owner.record.id] = counts.get(owner.record.id, 0) + count
        if orphans:
            self._counters["orphaned_log_lines"] += orphans


def _number(connection: sqlite3.Connection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
