"""What was pending in a machine at a moment of its history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from am_telemetry.store.records import WaitRecord, WaitsAt
from am_telemetry.store.waits_layout import nodes_of
from am_telemetry.waits import WaitFact, WaitOrigin

COLUMNS: Final = (
    "ident, kind, states_json, ticks_json, text, peer, peer_state, mutation, opened_number, opened_ns, closed_number,"
    " closed_ns, close_reason, origin_machine, origin_sequence, origin_handler"
)
_OPEN: Final = "FROM waits WHERE machine_id = ? AND closed_number IS NULL AND opened_number <= ?"
_PAST: Final = (
    "FROM waits WHERE machine_id = ? AND node IN (SELECT value FROM json_each(?))"
    " AND closed_number IS NOT NULL AND closed_number >= ? AND opened_number <= ?"
)
MOST: Final = 500
"""Of what is pending at the same time, that is looked at one by one."""


def waits_at(connection: sqlite3.Connection, machine_id: int, number: int, count: int, limit: int = MOST) -> WaitsAt:
    """What was pending after a transition, and what it has ended, in the order in which it began.

    Args:
        connection: reads.
        machine_id: a machine run.
        number: of the transition, 0 for the time before the first one. At the last one the present is meant, with
            what began and ended in the transition under way.
        count: transitions of the machine.
        limit: how many of either kind are told; the others are counted.

    Raises:
        sqlite3.Error: the file cannot be read.
        ValueError, TypeError: a row cannot be understood.
    """
    present = number >= count
    number = min(number, count)
    open_at = (machine_id, number + present)
    pending = [wait_from_row(row) for row in connection.execute(f"SELECT {COLUMNS} {_OPEN} LIMIT ?", (*open_at, limit))]
    hidden = _count(connection, _OPEN, open_at) - limit if len(pending) == limit else 0
    ended: list[WaitRecord] = []
    past = (machine_id, json.dumps(nodes_of(number, count + 1)), number, number)
    rows = connection.execute(f"SELECT {COLUMNS} {_PAST} LIMIT ?", (*past, limit)).fetchall()
    if len(rows) == limit:
        hidden += _count(connection, _PAST, past) - limit
    for wait in map(wait_from_row, rows):
        over = present or wait.closed_number == number
        (ended if over else pending).append(wait)
    for found in (pending, ended):
        found.sort(key=lambda wait: (wait.opened_ns, wait.ident))
    return WaitsAt(tuple(pending), tuple(ended), hidden)


def _count(connection: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> int:
    return int(connection.execute(f"SELECT count(*) {condition}", values).fetchone()[0])


def wait_from_row(row: Sequence[Any]) -> WaitRecord:
    """The record in a row of :data:`COLUMNS`.

    Raises:
        ValueError, TypeError: the row has another form.
    """
    opened, opened_ns, closed, closed_ns, reason = row[8:13]
    origin = WaitOrigin(*row[13:16]) if row[13] else None
    return WaitRecord(row[0], _fact(*row[1:8]), opened, opened_ns, closed, closed_ns, reason, origin)


@lru_cache(maxsize=4_096)
def _fact(kind: str, states: str, ticks: str, *rest: str) -> WaitFact:
    return WaitFact(kind, tuple(json.loads(states)), tuple(json.loads(ticks)), *rest)
