"""Runs of machines on the writing side: which run a machine belongs to, its schema revisions, its holes, its clock."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from am_telemetry.facts import RESTORED, GapFact, MachineFact, SchemaFact
from am_telemetry.store import codec
from am_telemetry.store.catalog import Catalog
from am_telemetry.store.changes import Changes, Correction, Revision, Rows
from am_telemetry.store.ledger import RESUMABLE, MachineState, SessionState
from am_telemetry.store.records import EndReason, MachineRecord
from am_telemetry.store.undo import UndoLog

MAX_SEQUENCE: Final = 2**63 - 1
_INSERT_GAP: Final = (
    "INSERT INTO gaps (machine_id, after_number, after_sequence, lost, reason, schema_id, clock_json)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_UPSERT_CLOCK: Final = "INSERT OR REPLACE INTO machine_clocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE_MACHINE: Final = "UPDATE machines SET schema_id = ?, ended_ns = ?, end_reason = ? WHERE id = ?"


class Runs:
    """The machines of all sessions. Works inside the transaction of its owner, on the same thread."""

    def __init__(self, connection: sqlite3.Connection, undo: UndoLog, catalog: Catalog) -> None:
        self._db = connection
        self._undo = undo
        self._catalog = catalog
        self._unattended: dict[str, tuple[MachineState, ...]] = {}
        """Machines by name that were announced while their program was not connected."""
        self.next_id = 1 + (connection.execute("SELECT max(id) FROM machines").fetchone()[0] or 0)
        self.touched: dict[int, MachineState] = {}
        self.changes = Changes()
        """Where to note what readers need; replaced by the owner for every transaction."""

    def save(self) -> None:
        """Write where the touched machines stand, at the end of a transaction."""
        for machine in self.touched.values():
            self._flush(machine)
        self._db.executemany(
            _UPSERT_CLOCK,
            [
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
                for m in self.touched.values()
            ],
        )

    def clear(self) -> None:
        """The transaction is over."""
        for machine in self.touched.values():
            machine.segment = None
        self.touched.clear()

    def open(self, session: SessionState, handle: int, at_ns: int, fact: MachineFact) -> None:
        name = codec.storable(fact.id)
        schema_id = self._catalog.schema(fact.schema)
        machine = self._known_machine(session, handle, name, fact.sequence)
        if machine is not None:
            self.touch(machine)
            machine.handle, machine.connection = handle, session.connection
            if not machine.record.connected:
                self._update(machine, ended_ns=0, end_reason="")
            if machine.record.schema_id != schema_id:
                self.revise(machine, schema_id)
            self._undo.put(session.machines, handle, machine)
            return
        for other in self._unattended.get(name, ()):
            if other.record.connected and not other.session.connected:
                self.end(other, at_ns, "superseded")
        run = 1 + (self._db.execute("SELECT max(run) FROM machines WHERE name = ?", (name,)).fetchone()[0] or 0)
        size = len(fact.schema.states)
        clock = fact.clock[:size] + (0,) * (size - len(fact.clock))
        tags = tuple(codec.storable(tag) for tag in fact.tags)
        record = MachineRecord(
            id=self.next_id,
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
            id_prefix=codec.storable(fact.id_prefix),
        )
        self.next_id += 1
        self._db.execute(
            "INSERT INTO machines VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, ?)",
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
                record.id_prefix,
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
        if name in self._unattended or not session.connected:
            self._undo.put(self._unattended, name, () if session.connected else (machine,))
        self._undo.put(session.runs, record.id, machine)
        self._undo.put(session.machines, handle, machine)
        self.changes.machines[record.id] = record
        self.changes.first_schemas[record.id] = schema_id
        self.touch(machine)

    def of_earlier_connections(self, session: SessionState) -> dict[str, dict[int, MachineState]]:
        """The machines that a process may go on with after it connected again, by name and handle."""
        found: dict[str, dict[int, MachineState]] = {}
        for machine in session.runs.values():
            namesakes = found.setdefault(machine.record.name, {})
            taken = machine.handle < 0 or machine.handle in namesakes
            namesakes[-machine.record.id if taken else machine.handle] = machine
        return found

    def _known_machine(self, session: SessionState, handle: int, name: str, sequence: int) -> MachineState | None:
        """The run that a process announces again, after it connected again or in a repeated batch.

        A process that does not keep its handles is known by how far its machines had come: a run that was further than
        the announced machine is not the same.
        """
        current = session.machines.get(handle)
        if current is not None and current.record.name == name and current.record.connected:
            return current
        namesakes = session.earlier.get(name)
        if not namesakes:
            return None
        key = handle
        if handle not in namesakes:
            fitting = [(-machine.sequence, key) for key, machine in namesakes.items() if machine.sequence <= sequence]
            if not fitting:
                return None
            _, key = min(fitting, key=lambda pair: (pair[0], abs(pair[1])))
        machine = namesakes[key]
        self._undo.remove(namesakes, key)
        return machine if machine.record.end_reason in RESUMABLE else None

    def end(self, machine: MachineState, at_ns: int, reason: EndReason) -> None:
        self.touch(machine)
        # 0 stands for "connected".
        self._update(machine, ended_ns=at_ns or 1, end_reason=reason)
        session = machine.session
        if session.machines.get(machine.handle) is machine:
            self._undo.remove(session.machines, machine.handle)
        if reason not in RESUMABLE and machine.record.id in session.runs:
            self._undo.remove(session.runs, machine.record.id)

    def revise(self, machine: MachineState, schema_id: int) -> None:
        if machine.record.schema_id == schema_id:
            return
        self.touch(machine)
        self._flush(machine)
        machine.revision += 1
        self._db.execute(
            "INSERT INTO machine_schemas VALUES (?, ?, ?, ?)",
            (machine.record.id, machine.revision, schema_id, machine.count),
        )
        for name in self._schema(schema_id).names:
            machine.ticks.setdefault(name, 0)
        self._update(machine, schema_id=schema_id)
        self.changes.events.append(Revision(machine.record.id, schema_id))

    def _update(self, machine: MachineState, **values: Any) -> None:
        machine.record = record = replace(machine.record, **values)
        self._db.execute(_UPDATE_MACHINE, (record.schema_id, record.ended_ns, record.end_reason, record.id))
        self.changes.machines[record.id] = record

    # -- clocks -------------------------------------------------------------------------------------------------

    def touch(self, machine: MachineState) -> None:
        if machine.record.id not in self.touched:
            self.touched[machine.record.id] = machine
            self._undo.save(machine)

    def segment(self, machine: MachineState) -> Rows:
        self.touch(machine)
        machine.segment = segment = Rows(machine.record.id)
        self.changes.events.append(segment)
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

    def jump(self, machine: MachineState, sequence: int, gaps: list[GapFact] | None) -> bool:
        """Account for numbers that are missing before ``sequence``; False when that transition is already stored."""
        if sequence <= machine.sequence:
            return False
        for gap in gaps or ():
            if gap.after_sequence < sequence:
                self.gap(machine, gap, sequence - 1)
        missing = sequence - machine.sequence - 1
        if missing > 0:
            self._book(machine, missing, "missing", None)
        return True

    def gap(self, machine: MachineState, gap: GapFact, limit: int = MAX_SEQUENCE) -> None:
        end = min(gap.after_sequence + gap.lost, limit)
        if end <= machine.sequence:
            return
        size = len(self._schema(machine.record.schema_id).names)
        clock = gap.clock[:size] + (0,) * (size - len(gap.clock)) if gap.clock else None
        self._book(machine, end - machine.sequence, gap.reason, clock)

    def _book(self, machine: MachineState, lost: int, reason: str, clock: tuple[int, ...] | None) -> None:
        self.touch(machine)
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
                schema_id,
                None if clock is None else codec.to_json(clock),
            ),
        )
        self.changes.last_gap_id = cursor.lastrowid or 0
        machine.sequence += lost
        missing = 0 if reason == RESTORED else lost
        machine.lost += missing
        if clock is not None:
            machine.ticks.update(zip(self._schema(schema_id).names, clock, strict=True))
            machine.time = sum(machine.ticks.values())
        self.changes.events.append(Correction(machine.record.id, missing, schema_id, clock))

    def schema_of(self, machine: MachineState) -> SchemaFact:
        """The present schema of a machine."""
        return self._schema(machine.record.schema_id)

    def _schema(self, schema_id: int) -> SchemaFact:
        return self._catalog.schema_fact(schema_id)
