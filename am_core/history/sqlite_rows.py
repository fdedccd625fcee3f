"""Records to rows of a history file and back, and queries to SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from am_core.clock import Time
from am_core.history.query import Query, Range
from am_core.history.records import Record, TransitionRecord
from am_core.history.sqlite_schema import decoded, encoded, to_json
from am_core.resolution.mutation import MutationType

Row = tuple[Any, ...]
Positions = Mapping[str, int]
"""Where the states of a machine are in ``active`` and the lists of ticks; a state keeps its place for ever."""

INSERT_RECORD: Final = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_FLIP: Final = "INSERT INTO flips VALUES (?, ?, ?, ?)"
INSERT_TRANSITION: Final = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TYPES: Final = {str(kind): kind for kind in MutationType}
_SELECT: Final = """
SELECT r.record_id, r.human_time_ns, r.mutation_type, r.mtime_sum, r.mtime_tracked_sum, r.mtime_diff_sum,
    r.mtime_tracked_diff_sum, r.mtime_record_diff_sum, r.machine_tick, r.mtime_tracked_json, r.mtime_tracked_diff_json,
    r.activated_json, r.deactivated_json, t.id, t.source_transition, t.source_machine, t.is_auto, t.is_accepted,
    t.is_check, t.is_broken, t.queue_len, t.queued_at, t.executed_at, t.called_json, t.args_json
FROM records r LEFT JOIN transitions t USING (machine_key, record_id)
WHERE r.machine_key = ?"""


def record_row(key: int, record: Record, positions: Positions) -> Row:
    """A row of ``records``. Places of states that the record does not track stay empty."""
    count = len(positions)
    activity = ["-"] * count
    ticks: list[int | str | None] = [None] * count
    grown: list[int | str | None] = [None] * count
    for name, tick, diff in zip(record.tracked, record.mtime_tracked, record.mtime_tracked_diff, strict=True):
        place = positions[name]
        activity[place] = "1" if tick % 2 else "0"
        ticks[place] = encoded(tick)
        grown[place] = encoded(diff)
    return (
        key,
        record.id,
        record.human_time_ns,
        str(record.mutation_type),
        encoded(record.mtime_sum),
        encoded(record.mtime_tracked_sum),
        encoded(record.mtime_diff_sum),
        encoded(record.mtime_tracked_diff_sum),
        encoded(record.mtime_record_diff_sum),
        encoded(record.machine_tick),
        "".join(activity),
        to_json(ticks),
        to_json(grown),
        to_json(record.activated),
        to_json(record.deactivated),
    )


def flip_rows(key: int, record: Record) -> Iterable[Row]:
    """Rows of ``flips``: one per state whose activity differs from that in the record before."""
    for states, is_active in ((record.activated, 1), (record.deactivated, 0)):
        for state in states:
            yield key, state, is_active, record.id


def transition_rows(key: int, record: Record) -> Iterable[Row]:
    """The row of ``transitions``, where the record has one."""
    tx = record.transition
    if tx is not None:
        yield (
            key,
            record.id,
            tx.id,
            tx.source_transition,
            tx.source_machine,
            tx.is_auto,
            tx.is_accepted,
            tx.is_check,
            tx.is_broken,
            tx.queue_len,
            tx.queued_at,
            tx.executed_at,
            to_json(tx.called),
            to_json(dict(tx.args)),
        )


def select(key: int, limit: int, query: Query | None, positions: Positions) -> tuple[str, list[Any]]:
    """The statement that answers a query, newest first, and its parameters."""
    sql = [_SELECT]
    params: list[Any] = [key]
    if query is not None:
        for states, sign in ((query.active, "1"), (query.inactive, "0")):
            for state in states:
                sql.append("AND substr(r.active, ?, 1) = ?")
                params += [positions[state] + 1, sign]
        for states, is_active in ((query.activated, 1), (query.deactivated, 0)):
            for state in states:
                sql.append(
                    "AND r.record_id IN (SELECT f.record_id FROM flips f WHERE f.machine_key = ? AND f.state = ?"
                    " AND f.is_active = ?)"
                )
                params += [key, state, is_active]
        conditions: list[tuple[str, list[Any], Range]] = [
            ("json_extract(r.mtime_tracked_json, ?)", [f"$[{positions[state]}]"], pair)
            for state, pair in query.mtime.items()
        ]
        conditions += [(f"r.{name}", [], pair) for name, pair in query.ranges()]
        for value, more, pair in conditions:
            if pair == (None, None):
                sql.append(f"AND {value} IS NOT NULL")
                params += more
            for end, comparison in zip(pair, (">=", "<="), strict=True):
                if end is not None:
                    sql.append(f"AND {value} {comparison} ?")
                    params += [*more, encoded(end)]
    sql.append("ORDER BY r.record_id DESC")
    if limit:
        sql.append("LIMIT ?")
        params.append(min(limit, 2**63 - 1))
    return "\n".join(sql), params


def record_of(row: Row, names: tuple[str, ...]) -> Record:
    """The record of a row that :func:`select` has found; ``names`` are the machine's states by place."""
    ticks, grown = json.loads(row[9]), json.loads(row[10])
    places = [place for place, tick in enumerate(ticks) if tick is not None]
    return Record(
        id=row[0],
        mutation_type=_TYPES[row[2]],
        human_time_ns=row[1],
        mtime_sum=decoded(row[3]),
        mtime_tracked_sum=decoded(row[4]),
        mtime_diff_sum=decoded(row[5]),
        mtime_tracked_diff_sum=decoded(row[6]),
        mtime_record_diff_sum=decoded(row[7]),
        machine_tick=decoded(row[8]),
        tracked=tuple(names[place] for place in places),
        mtime_tracked=Time(decoded(ticks[place]) for place in places),
        mtime_tracked_diff=Time(decoded(grown[place]) for place in places),
        activated=tuple(json.loads(row[11])),
        deactivated=tuple(json.loads(row[12])),
        transition=None if row[13] is None else _transition_of(row[13:]),
    )


def _transition_of(row: Row) -> TransitionRecord:
    flags = map(bool, row[3:7])
    return TransitionRecord._make([*row[:3], *flags, *row[7:10], tuple(json.loads(row[10])), json.loads(row[11])])
