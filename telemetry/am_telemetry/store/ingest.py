"""Turns batches into rows inside one open transaction.

All methods run on the thread that owns the write connection. Whatever is remembered between transactions (handles, interned
ids, where each machine stands) is put back by :meth:`Ingest.rollback`, so a failed transaction can simply be tried again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from am_telemetry.batch import Batch
from am_telemetry.facts import GapFact, MachineFact, ProcessFact, SchemaFact
from am_telemetry.store import codec
from am_telemetry.store.changes import Changes, Correction, Revision, Rows
from am_telemetry.store.catalog import Catalog, KnownPattern
from am_telemetry.store.ledger import MachineState, SessionState, load_machines, load_sessions
from am_telemetry.store.records import EndReason, MachineRecord, ProcessRecord
from am_telemetry.store.undo import UndoLog

_REASONS: Final[dict[str, EndReason]] = {
    "disposed": "disposed",
    "closed": "closed",
    "disconnected": "disconnected",
    "superseded": "superseded",
}
MAX_SEQUENCE: Final = 2**63 - 1
_INSERT_TRANSITION: Final = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_LOG_LINE: Final = "INSERT INTO log_lines VALUES (?, ?, ?, ?, ?)"
_INSERT_SOURCE: Final = "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?)"
_INSERT_ARGUMENTS: Final = "INSERT OR REPLACE INTO arguments VALUES (?, ?)"
_INSERT_ERROR: Final = "INSERT OR REPLACE INTO errors VALUES (?, ?, ?, ?)"
_INSERT_ID: Final = "INSERT OR REPLACE INTO transition_ids VALUES (?, ?)"
_INSERT_GAP: Final = (
    "INSERT INTO gaps (machine_id, after_number, after_sequence, lost, reason, clock_json) VALUES (?, ?, ?, ?, ?, ?)"
)
_UPSERT_CLOCK: Final = "INSERT OR REPLACE INTO machine_clocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE_PROCESS: Final = "UPDATE processes SET have_seq = ?, skipped_records = ?, last_seen_ns = ? WHERE id = ?"
_UPDATE_MACHINE: Final = "UPDATE machines SET schema_id = ?, ended_ns = ?, end_reason = ? WHERE id = ?"


class Ingest:
    """See the module. Construction reads where an existing file left off."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._undo = UndoLog()
        self._catalog = Catalog(connection, self._undo)
        self._sessions: dict[str, SessionState] = load_sessions(connection)
        self._machines: dict[int, MachineState] = load_machines(connection, self._catalog, self._sessions)
        self._runs: dict[str, list[MachineState]] = {}
        for state in self._machines.values():
            self._runs.setdefault(state.record.name, []).append(state)
        self._commit = _number(connection, "SELECT value FROM meta WHERE key = 'commits'")
        self._next_id = 1 + _number(connection, "SELECT max(id) FROM transitions")
        self._next_machine = 1 + _number(connection, "SELECT max(id) FROM machines")
        self._base = (self._next_id, self._next_machine)
        self._counters: Counter[str] = Counter()
        self._touched: dict[int, MachineState] = {}
        self._seen: dict[int, SessionState] = {}
        self._changes = Changes()

    # -- transactions -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        self._base = (self._next_id, self._next_machine)
        self._changes = Changes()

    def commit(self) -> Changes:
        """Make everything since :meth:`begin` durable and hand out what readers need."""
        self._catalog.flush()
        for machine in self._touched.values():
            self._flush(machine)
        clocks = [
            (
                m.record.id,
                m.count,
                m.log_lines,
                m.lost,
                m.sequence,
                m.last_at_ns,
                m.time,
                codec.to_json(m.ticks),
            )
            for m in self._touched.values()
        ]
        self._db.executemany(_UPSERT_CLOCK, clocks)
        self._db.executemany(
            _UPDATE_PROCESS,
            [(s.have, s.skipped, s.last_seen_ns, s.process.id) for s in self._seen.values()],
        )
        commit = self._commit + 1
        meta = [("commits", str(commit))]
        if self._changes.machines or self._changes.processes:
            meta.append(("machines_changed_at_commit", str(commit)))
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
        self._clear()
        self._undo.forget()
        return changes

    def rollback(self) -> None:
        """Forget everything since :meth:`begin`."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._undo.revert()
        self._catalog.take_new()
        self._next_id, self._next_machine = self._base
        self._clear()

    def _clear(self) -> None:
        for machine in self._touched.values():
            machine.segment = None
        self._touched.clear()
        self._seen.clear()
        self._counters.clear()
        self._changes = Changes()

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
        session.connected = True
        session.connection += 1
        session.last_seen_ns = max(session.last_seen_ns, at_ns)
        session.texts, session.schemas, session.patterns, session.machines = {}, {}, {}, {}
        return session.have

    def close_session(self, key: str, at_ns: int, reason: str) -> None:
        """A process is gone; its machines end. Unknown sessions are ignored."""
        session = self._sessions.get(codec.storable(key))
        if session is None:
            return
        self._save_session(session)
        session.connected = False
        session.last_seen_ns = max(session.last_seen_ns, at_ns)
        end = _REASONS.get(reason, "disconnected")
        for machine in self._machines.values():
            if machine.record.process_id == session.process.id and machine.record.connected:
                self._end(machine, at_ns, end)

    def end_abandoned(self) -> None:
        """End machines that an earlier writer left open because it was killed."""
        for machine in self._machines.values():
            record = machine.record
            if record.connected:
                self._end(machine, max(machine.last_at_ns, record.started_ns), "disconnected")

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
            "INSERT INTO processes (session, name, host, pid, language, library, resource_json, first_seen_ns, last_seen_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (fact.session, name, host, fact.pid, language, library, codec.to_json(fact.resource), at_ns, at_ns),
        )
        process = ProcessRecord(cursor.lastrowid or 0, fact.session, name, host, fact.pid, library)
        session = SessionState(process, last_seen_ns=at_ns)
        self._undo.put(self._sessions, fact.session, session)
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
        session.last_seen_ns = max(session.last_seen_ns, at_ns)
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
                self._revise(machine, schema)
        self._add_transitions(session, batch)
        for handle, closed_ns, reason in batch.closed:
            closing = session.machines.get(handle)
            if closing is None:
                self._counters["orphaned_closings"] += 1
            elif closing.record.connected:
                self._end(closing, closed_ns, _REASONS.get(reason, "disposed"))

    def _define(self, session: SessionState, batch: Batch) -> None:
        put, catalog = self._undo.put, self._catalog
        for handle, text in batch.texts:
            put(session.texts, handle, catalog.text(text))
        for handle, schema in batch.schemas:
            put(session.schemas, handle, catalog.schema(schema))
        for handle, opened_ns, fact in batch.opened:
            self._open_machine(session, handle, opened_ns, fact)
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
            if sequence != machine.sequence + 1 and not self._jump(machine, sequence, gaps.get(handle)):
                self._counters["repeated_transitions"] += 1
                ids.append(0)
                owners.append(None)
                continue
            segment = machine.segment
            if segment is None:
                segment = self._segment(machine)
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
                self._gap(gapped, gap)

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

    # -- machines -----------------------------------------------------------------------------------------------

    def _open_machine(self, session: SessionState, handle: int, at_ns: int, fact: MachineFact) -> None:
        name = codec.storable(fact.id)
        schema_id = self._catalog.schema(fact.schema)
        machine = self._known_machine(session, handle, name)
        if machine is not None:
            self._touch(machine)
            machine.handle, machine.connection = handle, session.connection
            if not machine.record.connected:
                self._update(machine, ended_ns=0, end_reason="")
            if machine.record.schema_id != schema_id:
                self._revise(machine, schema_id)
            self._undo.put(session.machines, handle, machine)
            return
        earlier = self._runs.get(name, [])
        for other in earlier:
            if other.record.connected and not other.session.connected:
                self._end(other, at_ns, "superseded")
        run = max((other.record.run for other in earlier), default=0) + 1
        size = len(fact.schema.states)
        clock = fact.clock[:size] + (0,) * (size - len(fact.clock))
        tags = tuple(codec.storable(tag) for tag in fact.tags)
        record = MachineRecord(
            id=self._next_machine,
            name=name,
            parent=codec.storable(fact.parent),
            run=run,
            tags=tags,
            schema_id=schema_id,
            process_id=session.process.id,
            started_ns=at_ns,
            ended_ns=0,
            end_reason="",
            initial_clock=clock,
        )
        self._next_machine += 1
        self._db.execute(
            "INSERT INTO machines VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?)",
            (
                record.id,
                name,
                run,
                record.parent,
                record.process_id,
                schema_id,
                codec.to_json(tags),
                at_ns,
                fact.sequence,
                codec.to_json(clock),
            ),
        )
        self._db.execute("INSERT INTO machine_schemas VALUES (?, 1, ?, 0)", (record.id, schema_id))
        machine = MachineState(
            record=record,
            sequence=fact.sequence,
            time=sum(clock),
            ticks=dict(zip(fact.schema.names, clock, strict=True)),
            handle=handle,
            session=session,
            connection=session.connection,
        )
        self._undo.put(self._runs, name, [*earlier, machine])
        self._undo.put(self._machines, record.id, machine)
        self._undo.put(session.machines, handle, machine)
        self._changes.machines[record.id] = record
        self._changes.first_schemas[record.id] = schema_id
        self._touch(machine)

    def _known_machine(self, session: SessionState, handle: int, name: str) -> MachineState | None:
        """The run that a process announces again, after it connected again or in a repeated batch."""
        current = session.machines.get(handle)
        if current is not None and current.record.name == name and current.record.connected:
            return current
        candidates = [
            machine
            for machine in self._runs.get(name, ())
            if machine.session is session
            and machine.connection != session.connection
            and machine.record.end_reason in ("", "closed", "disconnected")
        ]
        return min(candidates, key=lambda machine: (machine.handle != handle, machine.record.id), default=None)

    def _end(self, machine: MachineState, at_ns: int, reason: EndReason) -> None:
        self._touch(machine)
        # 0 stands for "connected".
        self._update(machine, ended_ns=at_ns or 1, end_reason=reason)

    def _revise(self, machine: MachineState, schema_id: int) -> None:
        if machine.record.schema_id == schema_id:
            return
        self._touch(machine)
        self._flush(machine)
        machine.revision += 1
        self._db.execute(
            "INSERT INTO machine_schemas VALUES (?, ?, ?, ?)",
            (machine.record.id, machine.revision, schema_id, machine.count),
        )
        for name in self._schema(schema_id).names:
            machine.ticks.setdefault(name, 0)
        self._update(machine, schema_id=schema_id)
        self._changes.events.append(Revision(machine.record.id, schema_id))

    def _update(self, machine: MachineState, **values: Any) -> None:
        machine.record = record = replace(machine.record, **values)
        self._db.execute(_UPDATE_MACHINE, (record.schema_id, record.ended_ns, record.end_reason, record.id))
        self._changes.machines[record.id] = record

    # -- clocks -------------------------------------------------------------------------------------------------

    def _touch(self, machine: MachineState) -> None:
        if machine.record.id not in self._touched:
            self._touched[machine.record.id] = machine
            self._undo.save(machine)

    def _segment(self, machine: MachineState) -> Rows:
        self._touch(machine)
        machine.segment = segment = Rows(machine.record.id)
        self._changes.events.append(segment)
        return segment

    def _flush(self, machine: MachineState) -> None:
        """Bring the ticks up to the last transition."""
        segment = machine.segment
        if segment is None:
            return
        machine.segment = None
        ticks = machine.ticks
        for pattern_id, count in Counter(segment.patterns).items():
            for name, gained in self._catalog.deltas(pattern_id):
                ticks[name] = ticks.get(name, 0) + gained * count

    def _jump(self, machine: MachineState, sequence: int, gaps: list[GapFact] | None) -> bool:
        """Account for numbers that are missing before ``sequence``; False when that transition is already stored."""
        if sequence <= machine.sequence:
            return False
        for gap in gaps or ():
            if gap.after_sequence < sequence:
                self._gap(machine, gap, sequence - 1)
        missing = sequence - machine.sequence - 1
        if missing > 0:
            self._book(machine, missing, "missing", None)
        return True

    def _gap(self, machine: MachineState, gap: GapFact, limit: int = MAX_SEQUENCE) -> None:
        end = min(gap.after_sequence + gap.lost, limit)
        if end <= machine.sequence:
            return
        size = len(self._schema(machine.record.schema_id).names)
        clock = gap.clock[:size] + (0,) * (size - len(gap.clock)) if gap.clock else None
        self._book(machine, end - machine.sequence, gap.reason, clock)

    def _book(self, machine: MachineState, lost: int, reason: str, clock: tuple[int, ...] | None) -> None:
        self._touch(machine)
        self._flush(machine)
        schema_id = machine.record.schema_id
        cursor = self._db.execute(
            _INSERT_GAP,
            (
                machine.record.id,
                machine.count,
                machine.sequence,
                lost,
                codec.storable(reason),
                None if clock is None else codec.to_json(clock),
            ),
        )
        self._changes.last_gap_id = cursor.lastrowid or 0
        machine.sequence += lost
        machine.lost += lost
        if clock is not None:
            machine.ticks.update(zip(self._schema(schema_id).names, clock, strict=True))
            machine.time = sum(machine.ticks.values())
        self._changes.events.append(Correction(machine.record.id, lost, schema_id, clock))

    def _schema(self, schema_id: int) -> SchemaFact:
        return self._catalog.schema_fact(schema_id)


def _number(connection: sqlite3.Connection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
