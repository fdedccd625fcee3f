"""Deletes transitions and everything that belongs to them. Works inside the transaction of its owner.

Few statements that do much each: whenever one ends, other threads of the program may go first.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

BESIDE: Final = ("log_lines", "handler_runs", "sources", "arguments", "errors", "transition_ids")
"""Tables whose rows belong to a transition by its id."""
RETENTION: Final = "retention"
"""The reason of omissions that were not the program's."""

Range = tuple[int, int, int]
"""Machine, first and last number."""

_RANGES: Final = (
    "WITH ranges AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS machine_id,"
    " json_extract(value, '$[1]') AS first, json_extract(value, '$[2]') AS last FROM json_each(?))"
)
_LATE: Final = f"""
{_RANGES} DELETE FROM late_log_lines WHERE id IN (
  SELECT late.id FROM ranges CROSS JOIN late_log_lines AS late ON late.machine_id = ranges.machine_id
    AND late.after_number BETWEEN iif(first = 1, 0, first) AND last
) RETURNING machine_id
"""  # noqa: S608 - constant
_OMISSIONS: Final = f"""
{_RANGES} DELETE FROM omissions WHERE id IN (
  SELECT o.id FROM ranges CROSS JOIN omissions AS o ON o.machine_id = ranges.machine_id
    AND o.first_number BETWEEN iif(first = 1, 0, first) AND last AND o.last_number <= last
) RETURNING machine_id, count, reason
"""  # noqa: S608 - constant
_GAPS: Final = f"""
{_RANGES} DELETE FROM gaps WHERE id IN (
  SELECT gaps.id FROM ranges CROSS JOIN gaps ON gaps.machine_id = ranges.machine_id
    AND gaps.after_number BETWEEN first - 1 AND last - 1
) RETURNING machine_id, lost, reason
"""  # noqa: S608 - constant
_WAITS: Final = f"""
{_RANGES} DELETE FROM waits WHERE id IN (
  SELECT waits.id FROM ranges CROSS JOIN waits ON waits.machine_id = ranges.machine_id
    AND waits.node BETWEEN iif(first = 1, 0, first) AND last
    AND waits.closed_number <= last AND waits.opened_number >= iif(first = 1, 0, first)
)
"""  # noqa: S608 - constant
_LINES: Final = """
SELECT json_group_array(json_array(machine_id, lines)) FROM (
  SELECT machine_id, count(*) AS lines FROM log_lines CROSS JOIN transitions ON transitions.id = transition_id
  WHERE transition_id BETWEEN ? AND ? GROUP BY machine_id
)
"""


def delete_rows(connection: sqlite3.Connection, spans: Iterable[tuple[int, int]]) -> Counter[int]:
    """Delete the transitions of some ranges of ids, with all that belongs to them by id.

    Returns:
        How many log lines went with them, by machine.
    """
    lines: Counter[int] = Counter()
    for span in spans:
        for machine_id, count in json.loads(connection.execute(_LINES, span).fetchone()[0]):
            lines[machine_id] += count
        for table in BESIDE:
            connection.execute(f"DELETE FROM {table} WHERE transition_id BETWEEN ? AND ?", span)  # noqa: S608 - constant
        connection.execute("DELETE FROM transitions WHERE id BETWEEN ? AND ?", span)
    return lines


def delete_between(connection: sqlite3.Connection, ranges: Sequence[Range]) -> tuple[Counter[int], Counter[int]]:
    """Delete what stands between and behind transitions that are gone: late log lines, holes, omissions, waits.

    Args:
        connection: that writes.
        ranges: of numbers; where the first one is 1, what came before it goes as well.

    Returns:
        Log lines that went, and transitions that had been missing, by machine.
    """
    values = (json.dumps(ranges),)
    lines: Counter[int] = Counter(row[0] for row in connection.execute(_LATE, values).fetchall())
    for machine_id, count, reason in connection.execute(_OMISSIONS, values).fetchall():
        if reason == RETENTION:
            lines[machine_id] += count
    lost: Counter[int] = Counter()
    for machine_id, count, reason in connection.execute(_GAPS, values).fetchall():
        if reason != "restored":
            lost[machine_id] += count
    connection.execute(_WAITS, values)
    return lines, lost
