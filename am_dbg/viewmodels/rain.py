"""The rain: one row per visible transition, one column per state, around the cursor.

Only the rows on the screen are computed, each from the timeline's bitmaps and the pattern of its transition, so moving
costs the same in a recording of any length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from am_dbg.session import navigation
from am_dbg.session.touching import touched
from am_dbg.session.view import SessionView
from am_dbg.viewmodels.describe import is_canceled
from am_telemetry.facts import PatternFact, SchemaFact
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline


class Drop(StrEnum):
    """What a state did in a transition. The value is the sign; of several that fit, the first one counts."""

    ERROR = "!"
    ADDED = "+"
    AGAIN = "~"
    TAKING_PART = "2"
    ACTIVE = "1"
    REMOVED = "|"
    IN_VAIN = "c"
    TOUCHED = "*"
    INACTIVE = "."


MEANINGS: Final[dict[Drop, str]] = {
    Drop.ACTIVE: "active",
    Drop.ADDED: "activated",
    Drop.AGAIN: "entered again",
    Drop.TAKING_PART: "active, took part",
    Drop.REMOVED: "deactivated",
    Drop.IN_VAIN: "called in vain",
    Drop.TOUCHED: "inactive, took part",
    Drop.INACTIVE: "inactive",
    Drop.ERROR: "error state, active",
}
"""In the order in which they are explained."""


class Cell(NamedTuple):
    """One state in one transition."""

    drop: Drop
    called: bool
    fresh: bool
    """Its ticks changed in this transition."""


@dataclass(frozen=True, slots=True)
class Row:
    """One transition; number 0 is the moment before the first one."""

    number: int
    cells: tuple[Cell, ...]
    """One for each of the columns that were asked for."""
    pattern: PatternRecord | None
    canceled: bool
    error: bool
    lost: int
    """Transitions that are missing between the visible one before and this one."""
    restored: bool
    """The machine went on from a snapshot in between."""


class _Effect(NamedTuple):
    """A pattern on the state axis of the timeline."""

    added: frozenset[int]
    removed: frozenset[int]
    changed: frozenset[int]
    called: frozenset[int]
    touched: frozenset[int]
    refused: bool


_NONE: Final = _Effect(frozenset(), frozenset(), frozenset(), frozenset(), frozenset(), refused=False)
_EFFECTS_KEPT: Final = 4_096


class RainModel:
    """Columns and rows of a session's selected machine. For one thread."""

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._columns_for: tuple[object, ...] = ()
        self._columns: tuple[int, ...] = ()
        self._effects: dict[int, _Effect] = {}
        self._effects_for: tuple[Timeline, SchemaFact] | None = None

    @property
    def length(self) -> int:
        """Number of rows: the visible transitions and the moment before them."""
        return len(self._session.visible) + 1

    def columns(self) -> tuple[int, ...]:
        """Indexes of the states that have a column.

        These are all of them, or only those that were ever active, changed or called, and the selected ones.
        """
        session, timeline = self._session, self._session.timeline
        if timeline is None:
            return ()
        selected = {timeline.schema.index.get(name) for name in session.states}
        key = (session.machine_id, timeline.schema, timeline.count, session.untouched, session.states)
        if key != self._columns_for:
            self._columns_for = key
            self._columns = tuple(
                state
                for state, maps in enumerate(timeline.states)
                if session.untouched or state in selected or maps.changed or maps.called or maps.active
            )
        return self._columns

    def number(self, rank: int) -> int:
        """The transition of a row, counted from 0."""
        return navigation.select(self._session.visible, rank - 1) if rank > 0 else 0

    def rows(self, rank: int, count: int, columns: Sequence[int]) -> list[Row]:
        """At most ``count`` rows from a place on, with the given states."""
        timeline = self._session.timeline
        if timeline is None:
            return []
        end = min(rank + count, self.length)
        return [self._row(timeline, self.number(place), self.number(place - 1), columns) for place in range(rank, end)]

    def _row(self, timeline: Timeline, number: int, before: int, columns: Sequence[int]) -> Row:
        pattern = timeline.pattern(number) if number else None
        effect = self._effect(timeline, pattern) if pattern is not None else _NONE
        errors = timeline.schema.error_states
        maps = timeline.states
        cells = tuple(
            Cell(
                _drop(state, number in maps[state].active, effect, errors),
                state in effect.called,
                state in effect.changed,
            )
            for state in columns
        )
        lost, restored = _holes(timeline, before, number)
        error = number in timeline.errors or number in timeline.broken
        return Row(number, cells, pattern, effect.refused, error, lost, restored)

    def _effect(self, timeline: Timeline, pattern: PatternRecord) -> _Effect:
        known = self._effects_for
        if known is None or known[0] is not timeline or known[1] is not timeline.schema:
            self._effects_for = (timeline, timeline.schema)
            self._effects.clear()
        effect = self._effects.get(pattern.id)
        if effect is None:
            if len(self._effects) >= _EFFECTS_KEPT:
                self._effects.clear()
            effect = self._effects[pattern.id] = _translate(pattern.fact, pattern.schema, timeline.schema)
        return effect


def _translate(fact: PatternFact, schema: SchemaFact, axis: SchemaFact) -> _Effect:
    def moved(states: Sequence[int] | set[int]) -> frozenset[int]:
        names = [schema.names[state] for state in states if 0 <= state < len(schema.names)]
        return frozenset(axis.index[name] for name in names if name in axis.index)

    return _Effect(
        moved(fact.added),
        moved(fact.removed),
        moved([state for state, ticks in fact.deltas if ticks]),
        moved(fact.called),
        moved(touched(fact)),
        is_canceled(fact),
    )


def _drop(state: int, active: bool, effect: _Effect, errors: frozenset[int]) -> Drop:
    if active:
        if state in errors:
            return Drop.ERROR
        if state in effect.added:
            return Drop.ADDED
        if state in effect.changed:
            return Drop.AGAIN
        return Drop.TAKING_PART if state in effect.touched else Drop.ACTIVE
    if state in effect.removed:
        return Drop.REMOVED
    if effect.refused and state in effect.called:
        return Drop.IN_VAIN
    return Drop.TOUCHED if state in effect.touched else Drop.INACTIVE


def _holes(timeline: Timeline, before: int, number: int) -> tuple[int, bool]:
    """A hole belongs to the transition behind it, which may be hidden."""
    if number == 0 or not (timeline.gaps or timeline.restored):
        return 0, False
    between = range(before + 1, number + 1)
    if len(between) <= len(timeline.gaps) + len(timeline.restored):
        lost = sum(timeline.gaps.get(at, 0) for at in between)
        return lost, any(at in timeline.restored for at in between)
    lost = sum(n for at, n in timeline.gaps.items() if at in between)
    return lost, any(at in between for at in timeline.restored)
