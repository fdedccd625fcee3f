"""What was pending in a machine at a moment of its history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from am_telemetry.store.records import WaitRecord, WaitsAt
from am_telemetry.store.waits_layout import nodes_of
from am_telemetry.waits import WaitFact, WaitOrigin

COLUMNS: Final = (
    "ident, kind, states_json, ticks_json, text, peer, peer_state, mutation, opened_number, opened_ns, closed_number,"
    " closed_ns, close_reason, origin_machine, origin_sequence, origin_handler"
)
_OPEN: Final = f"SELECT {COLUMNS} FROM waits WHERE machine_id = ? AND closed_number IS NULL AND opened_number <= ?"  # noqa: S608 - constant
_PAST: Final = (
    f"SELECT {COLUMNS} FROM waits WHERE machine_id = ? AND node IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant
    " AND closed_number IS NOT NULL AND closed_number >= ? AND opened_number <= ?"
)


def waits_at(connection: sqlite3.Connection, machine_id: int, number: int, count: int) -> WaitsAt:
    """What was pending after a transition, and what it has ended, in the order in which it began.

    Args:
        connection: reads.
        machine_id: a machine run.
        number: of the transition, 0 for the time before the first one. At the last one the present is meant, with
            what began and ended in the transition under way.
        count: transitions of the machine.

    Raises:
        sqlite3.Error: the file cannot be read.
        ValueError, TypeError: a row cannot be understood.
    """
    present = number >= count
    rows = connection.execute(_OPEN, (machine_id, number + present)).fetchall()
    pending = [wait_from_row(row) for row in rows]
    ended: list[WaitRecord] = []
    nodes = json.dumps(nodes_of(number, count + 1))
    for row in connection.execute(_PAST, (machine_id, nodes, number, number)):
        wait = wait_from_row(row)
        over = present or wait.closed_number == number
        (ended if over else pending).append(wait)
    for found in (pending, ended):
        found.sort(key=lambda wait: (wait.opened_ns, wait.ident))
    return WaitsAt(tuple(pending), tuple(ended))


def wait_from_row(row: Sequence[Any]) -> WaitRecord:
    """The record in a row of :data:`COLUMNS`.

    Raises:
        ValueError, TypeError: the row has another form.
    """
    ident, kind, states, ticks, text, *pipe = row[:8]
    opened, opened_ns, closed, closed_ns, reason = row[8:13]
    fact = WaitFact(kind, tuple(json.loads(states)), tuple(json.loads(ticks)), text, *pipe)
    origin = WaitOrigin(*row[13:16]) if row[13] else None
    return WaitRecord(ident, fact, opened, opened_ns, closed, closed_ns, reason, origin)
