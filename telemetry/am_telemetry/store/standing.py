"""Where a machine stood after one of its transitions, followed from row to row on the writing side.

A timeline knows the same; the writer has none, because timelines belong to the readers.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from am_telemetry.facts import SchemaFact
from am_telemetry.store import codec

_REVISIONS: Final = (
    "SELECT after_number, schema_id FROM machine_schemas"
    " WHERE machine_id = ? AND revision > 1 AND after_number BETWEEN ? AND ? ORDER BY revision"
)
_HOLES: Final = (
    "SELECT after_number, schema_id, clock_json FROM gaps WHERE machine_id = ? AND after_number BETWEEN ? AND ?"
    " ORDER BY id"
)


_INTERRUPTED: Final = """
SELECT json_group_array(machine_id) FROM (
  SELECT machine_id FROM gaps UNION SELECT machine_id FROM machine_schemas WHERE revision > 1
)
"""


@dataclass(frozen=True, slots=True)
class _Gains:
    ticks: tuple[tuple[str, int], ...]
    added: frozenset[str]
    removed: frozenset[str]


class Definitions:
    """Schemas and patterns by id, read when they are needed first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._schemas: dict[int, SchemaFact] = {}
        self._gains: dict[int, _Gains] = {}
        self.interrupted: frozenset[int] = frozenset()
        """Machines with holes or with revisions of their schema."""

    def look(self) -> None:
        """Find out what is new, at the beginning of a transaction."""
        found = self._db.execute(_INTERRUPTED).fetchone()[0]
        self.interrupted = frozenset(json.loads(found))

    def schema(self, schema_id: int) -> SchemaFact:
        """The schema of that id."""
        schema = self._schemas.get(schema_id)
        if schema is None:
            row = self._db.execute("SELECT states_json, groups_json FROM schemas WHERE id = ?", (schema_id,)).fetchone()
            schema = self._schemas[schema_id] = codec.schema_from_json(*row)
        return schema

    def gains(self, pattern_id: int) -> _Gains:
        """What a transition of a pattern changes, by state name."""
        gains = self._gains.get(pattern_id)
        if gains is None:
            row = self._db.execute(
                "SELECT schema_id, indexes_json FROM patterns WHERE id = ?", (pattern_id,)
            ).fetchone()
            names = self.schema(row[0]).names
            _, added, removed, deltas = json.loads(row[1])
            gains = self._gains[pattern_id] = _Gains(
                tuple((names[state], ticks) for state, ticks in deltas if state < len(names)),
                frozenset(names[state] for state in added if state < len(names)),
                frozenset(names[state] for state in removed if state < len(names)),
            )
        return gains


class Standing:
    """One machine run after transition ``number``.

    Args:
        machine_id: the run.
        number: 0, or the last one of a range that was removed.
        ticks: by state name, of all states by then.
        active: names of the active states.
    """

    def __init__(self, machine_id: int, number: int, ticks: Mapping[str, int], active: Iterable[str]) -> None:
        self.machine_id = machine_id
        self.number = number
        self.ticks = dict(ticks)
        self.active = set(active)

    def follow(self, connection: sqlite3.Connection, definitions: Definitions, patterns: Sequence[int]) -> None:
        """Go on by transitions whose patterns these are, with what happened in front of each of them."""
        if not patterns:
            return
        span = (self.machine_id, self.number, self.number + len(patterns) - 1)
        marks: list[tuple[int, int, str | None, bool]] = []
        if self.machine_id in definitions.interrupted:
            marks += [(after, schema_id, None, False) for after, schema_id in connection.execute(_REVISIONS, span)]
            marks += [(after, schema_id, clock, True) for after, schema_id, clock in connection.execute(_HOLES, span)]
        marks.sort(key=lambda mark: (mark[0], mark[3]))
        done = 0
        first = self.number
        for after, schema_id, clock, is_hole in marks:
            self._advance(definitions, patterns[done : after - first])
            done = after - first
            names = definitions.schema(schema_id).names
            if is_hole:
                self._correct(names, clock)
            else:
                for name in names:
                    self.ticks.setdefault(name, 0)
        self._advance(definitions, patterns[done:])

    def _advance(self, definitions: Definitions, patterns: Sequence[int]) -> None:
        ticks, active = self.ticks, self.active
        moving: dict[int, _Gains] = {}
        for pattern_id, count in Counter(patterns).items():
            gains = definitions.gains(pattern_id)
            for name, gained in gains.ticks:
                if name in ticks:
                    ticks[name] += gained * count
            if gains.added or gains.removed:
                moving[pattern_id] = gains
        for pattern_id in patterns:
            if pattern_id in moving:
                gains = moving[pattern_id]
                active |= gains.added
                active -= gains.removed
        active &= ticks.keys()
        self.number += len(patterns)

    def _correct(self, names: Sequence[str], clock: str | None) -> None:
        if clock is not None:
            self.ticks.update(
                (name, tick)
                for name, tick in zip(names, codec.clock_from_json(clock), strict=False)
                if name in self.ticks
            )
        self.active = {name for name, tick in self.ticks.items() if tick % 2}


def initial_standing(connection: sqlite3.Connection, definitions: Definitions, machine_id: int) -> Standing:
    """Before the first transition."""
    schema_id, clock = connection.execute(
        "SELECT machine_schemas.schema_id, initial_clock_json FROM machine_schemas"
        " JOIN machines ON machines.id = machine_id WHERE machine_id = ? AND revision = 1",
        (machine_id,),
    ).fetchone()
    ticks = dict.fromkeys(definitions.schema(schema_id).names, 0)
    ticks.update(zip(ticks, codec.clock_from_json(clock), strict=False))
    return Standing(machine_id, 0, ticks, (name for name, tick in ticks.items() if tick % 2))
