"""What follows from the rows of transitions, computed anew."""

from __future__ import annotations

import sqlite3
from typing import Final

from am_telemetry.store.loading import Position, read_definitions, read_events
from am_telemetry.store.model import Model

_REMOVED: Final = """
SELECT machine_id, sum(log_lines), sum(lost) FROM removals GROUP BY machine_id
UNION ALL
SELECT machine_id, sum(count), 0 FROM omissions WHERE reason = 'retention' GROUP BY machine_id
"""


def model_from_rows(connection: sqlite3.Connection) -> tuple[Model, Position]:
    """The recording as its rows tell it, without stored timelines, and how far that goes.

    Raises:
        ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError: a row cannot be understood.
    """
    model, position = Model(), Position()
    model.define(read_definitions(connection, position, model.schemas))
    for events in read_events(connection, position):
        model.apply(events)
    return model, position


def expected_clocks(connection: sqlite3.Connection, model: Model) -> dict[int, tuple[object, ...]]:
    """Rows of ``machine_clocks`` as they follow from all other rows: machine -> the values behind its id.

    The last value, the ticks by state name, is a dictionary rather than JSON.
    """
    lines = dict(
        connection.execute(
            "SELECT machine_id, count(*) FROM log_lines CROSS JOIN transitions ON transitions.id = transition_id"
            " GROUP BY machine_id"
        )
    )
    if _has_table(connection, "late_log_lines"):
        for machine_id, count in connection.execute(
            "SELECT machine_id, count(*) FROM late_log_lines GROUP BY machine_id"
        ):
            lines[machine_id] = lines.get(machine_id, 0) + count
    missing = dict(
        connection.execute("SELECT machine_id, sum(lost) FROM gaps WHERE reason <> 'restored' GROUP BY machine_id")
    )
    # Clocks also count what retention has removed.
    for machine_id, gone, lost in connection.execute(_REMOVED) if _has_table(connection, "removals") else ():
        lines[machine_id] = lines.get(machine_id, 0) + gone
        missing[machine_id] = missing.get(machine_id, 0) + lost
    ends: dict[int, int] = dict(
        connection.execute("SELECT machine_id, max(after_sequence + lost) FROM gaps GROUP BY machine_id")
    )
    starts = dict(connection.execute("SELECT id, initial_sequence FROM machines"))
    rows: dict[int, tuple[object, ...]] = {}
    for machine in model.machines:
        timeline = model.timelines[machine.id]
        last = connection.execute(
            "SELECT number + skipped, at_ns FROM transitions WHERE machine_id = ? ORDER BY number DESC LIMIT 1",
            (machine.id,),
        ).fetchone() or (starts[machine.id], 0)
        clock = timeline.keyframes[-1].clock if timeline.keyframes[-1].number == timeline.count else None
        ticks = dict(zip(timeline.schema.names, clock or timeline.clock(timeline.count), strict=False))
        ticks |= {name: 0 for name in timeline.schema.names if name not in ticks}
        rows[machine.id] = (
            timeline.count,
            lines.get(machine.id, 0),
            missing.get(machine.id, 0),
            max(last[0], ends.get(machine.id, 0)),
            last[1],
            sum(ticks.values()),
            ticks,
        )
    return rows


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is not None
