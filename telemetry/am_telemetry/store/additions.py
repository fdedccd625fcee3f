"""Rows beside transitions: late log lines, durations of handlers, what is still running, what was left out.

Works inside the transaction of its owner, on the same thread.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from am_telemetry.batch import LateColumns, RunColumns
from am_telemetry.facts import OmissionFact, RunningFact
from am_telemetry.store import codec
from am_telemetry.store.changes import LateLines
from am_telemetry.store.ledger import MachineState, SessionState
from am_telemetry.store.runs import Runs

_INSERT_LATE: Final = (
    "INSERT INTO late_log_lines (machine_id, after_number, at_ns, level, text_id) VALUES (?, ?, ?, ?, ?)"
)
_INSERT_RUN: Final = "INSERT OR REPLACE INTO handler_runs VALUES (?, ?, ?, ?, ?)"
_INSERT_OMISSION: Final = (
    "INSERT INTO omissions (machine_id, first_number, last_number, what, count, reason) VALUES (?, ?, ?, ?, ?, ?)"
)
_UPSERT_RUNNING: Final = "INSERT OR REPLACE INTO running_transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NUMBER: Final = (
    "SELECT number FROM transitions WHERE machine_id = ? AND number <= ? AND number + skipped <= ?"
    " ORDER BY number DESC LIMIT 1"
)


class Additions:
    """See the module.

    Args:
        connection: that writes.
        runs: the machines.
        counters: what could not be stored, by name.
    """

    def __init__(self, connection: sqlite3.Connection, runs: Runs, counters: Counter[str]) -> None:
        self._db = connection
        self._runs = runs
        self._counters = counters

    def add_late_lines(self, session: SessionState, late: LateColumns) -> None:
        """Lines behind the last transitions of machines."""
        touched: dict[tuple[int, int], None] = {}
        last_id = 0
        counts = self._runs.changes.log_lines
        for handle, sequence, at_ns, level, text in zip(
            late.machine, late.sequence, late.at_ns, late.level, late.text, strict=True
        ):
            machine, text_id = session.machines.get(handle), session.texts.get(text)
            if machine is None or text_id is None:
                self._counters["orphaned_log_lines"] += 1
                continue
            self._runs.touch(machine)
            number = self._number(machine, sequence)
            cursor = self._db.execute(_INSERT_LATE, (machine.record.id, number, at_ns, level, text_id))
            last_id = cursor.lastrowid or last_id
            machine.log_lines += 1
            counts[machine.record.id] = counts.get(machine.record.id, 0) + 1
            touched[machine.record.id, number] = None
        changes = self._runs.changes
        changes.events.extend(LateLines(machine_id, number) for machine_id, number in touched)
        changes.last_late_id = max(changes.last_late_id, last_id)

    def add_runs(self, runs: RunColumns, ids: Sequence[int]) -> None:
        """Durations of handlers; ``ids`` holds the transition of each row of the batch, 0 for those left out."""
        positions: Counter[int] = Counter()
        rows = []
        for row, name, offset, duration in zip(runs.row, runs.name, runs.offset_ns, runs.duration_ns, strict=True):
            if 0 <= row < len(ids) and ids[row]:
                rows.append((ids[row], positions[row], codec.storable(name), offset, duration))
                positions[row] += 1
        self._db.executemany(_INSERT_RUN, rows)

    def add_omissions(self, machines: Mapping[int, MachineState], omissions: Sequence[OmissionFact]) -> None:
        """What stored transitions lack."""
        for omission in omissions:
            machine = machines.get(omission.machine)
            if machine is None:
                self._counters["orphaned_omissions"] += 1
                continue
            first = self._number(machine, max(0, omission.first_sequence - 1)) + 1
            last = self._number(machine, omission.last_sequence)
            what, reason = codec.storable(omission.what), codec.storable(omission.reason)
            values = (machine.record.id, min(first, last), last, what, omission.count, reason)
            self._db.execute(_INSERT_OMISSION, values)

    def update_running(self, session: SessionState, running: Sequence[RunningFact]) -> None:
        """Transitions that are not over, unless they are by now."""
        for fact in running:
            machine = session.machines.get(fact.machine)
            if machine is None:
                self._counters["orphaned_running"] += 1
            elif fact.sequence > machine.sequence:
                self._runs.touch(machine)
                machine.running = fact.sequence
                names = self._runs.schema_of(machine)
                values = (
                    machine.record.id,
                    fact.sequence,
                    fact.at_ns,
                    fact.noted_ns,
                    fact.mutation,
                    codec.to_json([names.state_name(state) for state in fact.called]),
                    int(fact.auto),
                    codec.storable(fact.handler),
                    int(fact.timed_out),
                )
                self._db.execute(_UPSERT_RUNNING, values)

    def end_running(self, machine: MachineState) -> None:
        """Forget what was running if it is over."""
        if machine.running and machine.sequence >= machine.running:
            self._runs.touch(machine)
            machine.running = 0
            self._db.execute("DELETE FROM running_transitions WHERE machine_id = ?", (machine.record.id,))

    def _number(self, machine: MachineState, sequence: int) -> int:
        """The number of the last stored transition up to one of the machine's own count; 0 for none."""
        if sequence >= machine.sequence:
            return machine.count
        # The index is walked from its end, where the transition is.
        row = self._db.execute(_NUMBER, (machine.record.id, machine.count, sequence)).fetchone()
        return int(row[0]) if row else 0
