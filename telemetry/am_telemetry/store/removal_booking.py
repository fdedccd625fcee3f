"""Writes down which transitions retention has removed, range by range. Works inside the transaction of its owner."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from am_telemetry.store import codec
from am_telemetry.store.removing import delete_between
from am_telemetry.store.standing import Standing

_REMOVALS: Final = """
SELECT json_group_array(json_array(
  machine_id, first_number, last_number, log_lines, lost, ticks_json, active_json
)) FROM removals WHERE machine_id IN (SELECT value FROM json_each(?))
"""
_FORGET: Final = """
WITH ranges AS MATERIALIZED (
  SELECT json_extract(value, '$[0]') AS machine_id, json_extract(value, '$[1]') AS first,
    json_extract(value, '$[2]') AS last
  FROM json_each(?)
)
DELETE FROM removals WHERE EXISTS (
  SELECT 1 FROM ranges WHERE ranges.machine_id = removals.machine_id AND first_number BETWEEN first AND last
)
"""


@dataclass(frozen=True, slots=True)
class Removal:
    """A row of the table of removals."""

    machine_id: int
    first: int
    last: int
    log_lines: int
    lost: int
    ticks: str
    active: str

    def holds(self, number: int) -> bool:
        """Whether a number is in the range."""
        return self.first <= number <= self.last


def book(
    connection: sqlite3.Connection, ranges: Sequence[tuple[Standing, int]], lines: Counter[int], now_ns: int, kept: str
) -> Iterator[tuple[Removal, int]]:
    """Write down ranges of transitions that went, joined with those they touch now; what stood between them goes, too.

    Args:
        connection: that writes.
        ranges: where the machine stood after the last one, and the first one.
        lines: log lines that went with them, by machine.
        now_ns: the present.
        kept: the limit, as people wrote it.

    Yields:
        What the table says now, and how many log lines went in addition.
    """
    gone = Counter(lines)
    joined = _join(_known(connection, {standing.machine_id for standing, _ in ranges}), ranges, lines)
    spans = [(one.machine_id, one.first, one.last) for one in joined]
    late, lost = delete_between(connection, spans)
    connection.execute(_FORGET, (json.dumps(spans),))
    rows = []
    for one in joined:
        more = late.pop(one.machine_id, 0)
        booked = replace(one, log_lines=one.log_lines + more, lost=one.lost + lost.pop(one.machine_id, 0))
        rows.append(
            (one.machine_id, one.first, one.last, booked.log_lines, booked.lost, now_ns, kept, one.ticks, one.active)
        )
        yield booked, more + gone.pop(one.machine_id, 0)
    connection.executemany("INSERT INTO removals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _known(connection: sqlite3.Connection, machine_ids: set[int]) -> list[Removal]:
    found = connection.execute(_REMOVALS, (json.dumps(sorted(machine_ids)),)).fetchone()[0]
    return [Removal(*row) for row in json.loads(found)]


def _join(known: list[Removal], ranges: Sequence[tuple[Standing, int]], lines: Counter[int]) -> list[Removal]:
    """The new ranges together with known ones that they touch."""
    by_first = {(one.machine_id, one.first): one for one in known}
    by_next = {(one.machine_id, one.last + 1): one for one in known}
    fresh: dict[tuple[int, int], Removal] = {}
    for standing, first in ranges:
        ticks, active = codec.to_json(standing.ticks), codec.to_json(sorted(standing.active))
        machine_id = standing.machine_id
        new = Removal(machine_id, first, standing.number, lines.pop(machine_id, 0), 0, ticks, active)
        before = by_next.pop((machine_id, new.first), None)
        if before is not None:
            counts = (new.log_lines + before.log_lines, new.lost + before.lost)
            new = replace(new, first=before.first, log_lines=counts[0], lost=counts[1])
            fresh.pop((machine_id, before.first), None)
        after = by_first.pop((machine_id, new.last + 1), None)
        if after is not None:
            counts = (new.log_lines + after.log_lines, new.lost + after.lost)
            new = replace(after, first=new.first, log_lines=counts[0], lost=counts[1])
            by_next.pop((machine_id, after.last + 1), None)
        # Another range may touch it from behind.
        by_next[machine_id, new.last + 1] = fresh[machine_id, new.first] = new
    return list(fresh.values())
