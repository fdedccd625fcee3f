"""What a transition has caused: the other direction of the table of sources, which has no index for it."""

from __future__ import annotations

import sqlite3
from typing import Final

from am_telemetry.facts import SourceFact
from am_telemetry.store.records import Caused

BEFORE: Final = 2_000
"""Rows before a transition that are looked at: what a handler causes may end, and arrive, before its own transition."""
AFTER: Final = 8_000
MOST: Final = 100
"""Effects of one transition that are told."""

_STATEMENT: Final = (
    "SELECT t.machine_id, t.number FROM sources AS s CROSS JOIN transitions AS t ON t.id = s.transition_id"
    " WHERE s.transition_id BETWEEN ? AND ? AND s.machine = ?"
    " AND ((s.sequence > 0 AND s.sequence = ?) OR s.external_id = ?) ORDER BY s.transition_id LIMIT ?"
)


def effects_of(connection: sqlite3.Connection, cause: SourceFact, machine_id: int, number: int) -> list[Caused]:
    """The transitions that name another one as their cause, among those that arrived shortly before or after.

    Args:
        connection: reads.
        cause: as they name it.
        machine_id: of a transition that arrived at about the same time.
        number: the same.
    """
    row = connection.execute(
        "SELECT id FROM transitions WHERE machine_id = ? AND number = ?", (machine_id, number)
    ).fetchone()
    if row is None:
        return []
    span = (row[0] - BEFORE, row[0] + AFTER)
    values = (*span, cause.machine, cause.sequence, cause.transition_id or None, MOST)
    return [Caused(*found) for found in connection.execute(_STATEMENT, values)]
