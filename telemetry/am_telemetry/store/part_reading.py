"""Where parts of machines begin, and what happens between their transitions."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict, deque
from collections.abc import Mapping

from am_telemetry.batch import SchemaRevised
from am_telemetry.facts import GapFact
from am_telemetry.store import codec
from am_telemetry.store.removing import RETENTION
from am_telemetry.store.scope import Part

Mark = tuple[int, GapFact | SchemaRevised]
"""(number of the transition it is behind, what it is)."""


class PartReading:
    """Answers from the rows of a session file.

    Args:
        connection: in one read transaction.
        parts: what is in the scope, by machine id.
    """

    def __init__(self, connection: sqlite3.Connection, parts: Mapping[int, Part]) -> None:
        self._db = connection
        self._parts = parts

    def schema_at(self, part: Part) -> int:
        """The schema that the machine has where its part begins; later revisions are told where they stand."""
        begin = 0 if part.is_start else part.first
        row = self._db.execute(
            "SELECT schema_id FROM machine_schemas WHERE machine_id = ? AND (after_number < ? OR revision = 1)"
            " ORDER BY revision DESC LIMIT 1",
            (part.machine.id, begin),
        ).fetchone()
        return int(row[0])

    def sequence_before(self, part: Part) -> int:
        """The machine's own count of transitions before its part."""
        if not part.is_start:
            for number, shift in ((part.first, 1), (part.first - 1, 0)):
                row = self._db.execute(
                    "SELECT number + skipped FROM transitions WHERE machine_id = ? AND number = ?",
                    (part.machine.id, number),
                ).fetchone()
                if row:
                    return int(row[0]) - shift
        row = self._db.execute("SELECT initial_sequence FROM machines WHERE id = ?", (part.machine.id,)).fetchone()
        return int(row[0])

    def sequence(self, machine_id: int, number: int) -> int:
        """The machine's own count at a transition; with 0, before its part."""
        row = self._db.execute(
            "SELECT number + skipped FROM transitions WHERE machine_id = ? AND number = ?", (machine_id, number)
        ).fetchone()
        return int(row[0]) if row else self.sequence_before(self._parts[machine_id])

    def marks(self) -> dict[int, deque[Mark]]:
        """What happens between the transitions of each machine, in order."""
        revisions: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for machine_id, after, schema_id in self._db.execute(
            "SELECT machine_id, after_number, schema_id FROM machine_schemas WHERE revision > 1"
            " ORDER BY machine_id, revision"
        ):
            if self._has_mark(machine_id, after):
                revisions[machine_id].append((after, schema_id))
        gaps: defaultdict[int, list[tuple[int, int, GapFact]]] = defaultdict(list)
        for machine_id, after, sequence, lost, reason, schema_id, clock in self._db.execute(
            "SELECT machine_id, after_number, after_sequence, lost, reason, schema_id, clock_json FROM gaps ORDER BY id"
        ):
            if self._has_mark(machine_id, after):
                ticks = () if clock is None else codec.clock_from_json(clock)
                gaps[machine_id].append((after, schema_id, GapFact(machine_id, sequence, lost, reason, ticks)))
        for machine_id, first, last, ticks in self._db.execute(
            "SELECT machine_id, first_number, last_number, ticks_json FROM removals ORDER BY machine_id, first_number"
        ):
            part = self._parts.get(machine_id)
            if part is not None and part.first < first and last < part.last:
                removed = self._removed(part, first, last, json.loads(ticks))
                if removed is not None:
                    gaps[machine_id].append(removed)
        for holes in gaps.values():
            # What is missing after removed transitions comes behind them.
            holes.sort(key=lambda hole: (hole[0], hole[2].reason != RETENTION))
        found: dict[int, deque[Mark]] = {}
        for machine_id in {*revisions, *gaps}:
            schema_id = self.schema_at(self._parts[machine_id])
            found[machine_id] = _in_order(machine_id, revisions[machine_id], gaps[machine_id], schema_id)
        return found

    def _removed(self, part: Part, first: int, last: int, ticks: dict[str, int]) -> tuple[int, int, GapFact] | None:
        """Transitions that retention has taken out of the middle, as a hole: what it is for others."""
        machine_id = part.machine.id
        before, after = (self._row(machine_id, number) for number in (first - 1, last + 1))
        if before is None or after is None:
            return None
        booked = self._db.execute(
            "SELECT coalesce(sum(lost), 0) FROM gaps WHERE machine_id = ? AND after_number = ?", (machine_id, last)
        ).fetchone()[0]
        schema_id, states = self._db.execute(
            "SELECT schemas.id, states_json FROM machine_schemas JOIN schemas ON schemas.id = schema_id"
            " WHERE machine_id = ? AND (after_number < ? OR revision = 1) ORDER BY revision DESC LIMIT 1",
            (machine_id, last),
        ).fetchone()
        clock = tuple(ticks.get(state["name"], 0) for state in json.loads(states))
        return last, schema_id, GapFact(machine_id, before, after - before - 1 - booked, RETENTION, clock)

    def _row(self, machine_id: int, number: int) -> int | None:
        """The machine's own count at a transition."""
        row = self._db.execute(
            "SELECT number + skipped FROM transitions WHERE machine_id = ? AND number = ?", (machine_id, number)
        ).fetchone()
        return None if row is None else int(row[0])

    def _has_mark(self, machine_id: int, after: int) -> bool:
        part = self._parts.get(machine_id)
        if part is None:
            return False
        begins = part.is_start or after >= part.first
        return begins and (after < part.last or part.is_end)


def _in_order(
    machine_id: int, revisions: list[tuple[int, int]], gaps: list[tuple[int, int, GapFact]], schema_id: int
) -> deque[Mark]:
    """Revisions (after, schema) and holes (after, schema, fact) of one machine as they came."""
    marks: deque[Mark] = deque()
    while revisions or gaps:
        hole_first = bool(gaps) and (
            not revisions or gaps[0][0] < revisions[0][0] or (gaps[0][0] == revisions[0][0] and gaps[0][1] == schema_id)
        )
        if hole_first:
            after, _, gap = gaps.pop(0)
            marks.append((after, gap))
        else:
            after, schema_id = revisions.pop(0)
            marks.append((after, SchemaRevised(machine_id, schema_id)))
    return marks
