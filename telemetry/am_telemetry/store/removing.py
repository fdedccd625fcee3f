"""Deletes transitions and everything that belongs to them. Works inside the transaction of its owner."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final

BESIDE: Final = ("log_lines", "handler_runs", "sources", "arguments", "errors", "transition_ids")
"""Tables whose rows belong to a transition by its id."""
RETENTION: Final = "retention"
"""The reason of omissions that were not the program's."""


def delete_rows(connection: sqlite3.Connection, spans: Iterable[tuple[int, int]]) -> Counter[int]:
    """Delete the transitions of some ranges of ids, with all that belongs to them by id.

    Returns:
        How many log lines went with them, by machine.
    """
    lines: Counter[int] = Counter()
    for span in spans:
        for machine_id, count in connection.execute(
            "SELECT machine_id, count(*) FROM log_lines CROSS JOIN transitions ON transitions.id = transition_id"
            " WHERE transition_id BETWEEN ? AND ? GROUP BY machine_id",
            span,
        ):
            lines[machine_id] += count
        for table in BESIDE:
            connection.execute(f"DELETE FROM {table} WHERE transition_id BETWEEN ? AND ?", span)  # noqa: S608 - constant
        connection.execute("DELETE FROM transitions WHERE id BETWEEN ? AND ?", span)
    return lines


def delete_between(connection: sqlite3.Connection, machine_id: int, first: int, last: int) -> tuple[int, int]:
    """Delete what stands between and behind transitions that are gone: late log lines, holes, omissions, waits.

    Args:
        machine_id: a machine run.
        first: of the range; with 1, what came before it goes as well.
        last: of the range.

    Returns:
        Log lines that went, and transitions that had been missing.
    """
    begin = first if first > 1 else 0
    span = (machine_id, begin, last)
    lines = connection.execute(
        "DELETE FROM late_log_lines WHERE machine_id = ? AND after_number BETWEEN ? AND ?", span
    ).rowcount
    lines += connection.execute(
        "SELECT coalesce(sum(count), 0) FROM omissions WHERE machine_id = ? AND first_number BETWEEN ? AND ?"
        " AND last_number <= ? AND reason = ?",
        (*span, last, RETENTION),
    ).fetchone()[0]
    connection.execute(
        "DELETE FROM omissions WHERE machine_id = ? AND first_number BETWEEN ? AND ? AND last_number <= ?",
        (*span, last),
    )
    holes = (machine_id, max(0, first - 1), last - 1)
    lost = connection.execute(
        "SELECT coalesce(sum(lost), 0) FROM gaps"
        " WHERE machine_id = ? AND after_number BETWEEN ? AND ? AND reason <> 'restored'",
        holes,
    ).fetchone()[0]
    connection.execute("DELETE FROM gaps WHERE machine_id = ? AND after_number BETWEEN ? AND ?", holes)
    connection.execute(
        "DELETE FROM waits WHERE machine_id = ? AND node BETWEEN ? AND ? AND closed_number <= ? AND opened_number >= ?",
        (*span, last, begin),
    )
    return lines, lost
