"""Rows of waits, contexts and pipes: what began, what ended, and what was found to have ended.

Works inside the transaction of its owner, on the same thread. What it knows is in the file, so nothing has to be put
back after a rollback.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from typing import Final

from am_telemetry.store import codec, waits_layout
from am_telemetry.store.ledger import MachineState
from am_telemetry.store.runs import Runs
from am_telemetry.waits import UNNOTICED, WaitBegun, Waits

_BEGIN: Final = """
INSERT INTO waits (
  machine_id, ident, kind, states_json, ticks_json, text, peer, peer_state, mutation,
  opened_number, opened_ns, origin_machine, origin_sequence, origin_handler, change
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (machine_id, ident) WHERE ident > 0 DO NOTHING
"""
_CLOSE: Final = """
UPDATE waits SET
  closed_number = max(opened_number, :number), closed_ns = :at_ns, close_reason = :reason, change = :change,
  node = interval_node(opened_number, max(opened_number, :number))
"""
_END: Final = (
    f"{_CLOSE} WHERE machine_id = :machine AND ident = :ident AND ident > 0"
    f" AND (closed_number IS NULL OR close_reason = '{UNNOTICED}')"
)
_STAND: Final = (
    f"{_CLOSE} WHERE machine_id = :machine AND closed_number IS NULL"  # noqa: S608 - constant
    " AND ident NOT IN (SELECT value FROM json_each(:idents))"
)
_NUMBER: Final = (
    "SELECT number FROM transitions WHERE machine_id = ? AND number >= ? AND number + skipped >= ?"
    " ORDER BY number LIMIT 1"
)
MAX_BEGINNINGS: Final = 10_000
"""Machines of which is remembered where they began."""


class WaitRows:
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
        self._beginnings: dict[int, int] = {}
        """Machine -> transitions before recording began."""
        waits_layout.add_functions(connection)
        self._change = int(connection.execute("SELECT coalesce(max(change), 0) FROM waits").fetchone()[0])

    def add(self, machines: Mapping[int, MachineState], waits: Waits) -> None:
        """Store what a batch tells, after its transitions."""
        for stand in waits.standing:
            machine = self._machine(machines, stand.machine)
            if machine is not None:
                values = self._end(machine, stand.sequence, stand.at_ns, UNNOTICED)
                self._db.execute(_STAND, values | {"idents": codec.to_json(stand.idents)})
        rows = []
        for begun in waits.begun:
            machine = self._machine(machines, begun.machine)
            if machine is not None:
                rows.append(self._row(machine, begun))
        self._db.executemany(_BEGIN, rows)
        ends = []
        for ended in waits.ended:
            machine = self._machine(machines, ended.machine)
            if machine is not None:
                values = self._end(machine, ended.sequence, ended.at_ns, codec.storable(ended.reason))
                ends.append(values | {"ident": ended.ident})
        self._db.executemany(_END, ends)

    def _machine(self, machines: Mapping[int, MachineState], handle: int) -> MachineState | None:
        machine = machines.get(handle)
        if machine is None:
            self._counters["orphaned_waits"] += 1
        return machine

    def _row(self, machine: MachineState, begun: WaitBegun) -> tuple[object, ...]:
        fact, origin, storable = begun.fact, begun.origin, codec.storable
        self._change += 1
        return (
            machine.record.id,
            begun.ident,
            storable(fact.kind),
            codec.to_json(fact.states),
            codec.to_json(fact.ticks),
            storable(fact.text),
            storable(fact.peer),
            storable(fact.peer_state),
            storable(fact.mutation),
            self._number(machine, begun.sequence),
            begun.at_ns,
            "" if origin is None else storable(origin.machine),
            0 if origin is None else origin.sequence,
            "" if origin is None else storable(origin.handler),
            self._change,
        )

    def _end(self, machine: MachineState, sequence: int, at_ns: int, reason: str) -> dict[str, object]:
        self._change += 1
        return {
            "machine": machine.record.id,
            "number": self._number(machine, sequence),
            "at_ns": at_ns,
            "reason": reason,
            "change": self._change,
        }

    def _number(self, machine: MachineState, sequence: int) -> int:
        """The number of the first transition after which something of that moment can be seen; 0 for the start."""
        machine_id = machine.record.id
        first = self._beginnings.get(machine_id)
        if first is None:
            row = self._db.execute("SELECT initial_sequence FROM machines WHERE id = ?", (machine_id,)).fetchone()
            if len(self._beginnings) >= MAX_BEGINNINGS:
                self._beginnings.clear()
            first = self._beginnings[machine_id] = int(row[0])
        if sequence <= first:
            return 0
        if sequence > machine.sequence:
            return machine.count + 1  # the transition under way
        skipped = machine.sequence - machine.count
        if skipped == first:
            return sequence - first
        found = self._db.execute(_NUMBER, (machine_id, max(1, sequence - skipped), sequence)).fetchone()
        return int(found[0]) if found else machine.count + 1
