"""The matrix of a transition: which states its steps went from and to.

A row is a step's target, a column its source; a step that has only one side stands on the diagonal. The number of a
cell is the sum of the numbers of its steps, as Go's debugger counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from am_dbg.session.view import SessionView
from am_telemetry.facts import ANY_STATE, NO_STATE, PatternFact, SchemaFact, StepFact, StepKind
from am_telemetry.store.timeline import Timeline

NUMBERS: Final[Mapping[StepKind, int]] = {
    "rel": 1,
    "handler": 2,
    "activate": 4,
    "deactivate": 8,
    "deactivate-passive": 16,
    "called": 32,
    "cancel": 64,
}
SIGNS: Final[Mapping[str, str]] = {
    "called": "c",
    "activate": "+",
    "deactivate": "−",
    "deactivate-passive": "d",
    "handler": "h",
    "cancel": "✕",
    "require": "R",
    "add": "A",
    "remove": "X",
    "after": "F",
    "rel": "r",
}
"""By kind of step, relations by their own name."""
MEANINGS: Final[Mapping[str, str]] = {
    "called": "called",
    "activate": "activated",
    "deactivate": "deactivated",
    "deactivate-passive": "dropped",
    "handler": "handler ran",
    "cancel": "canceled",
    "require": "Require",
    "add": "Add",
    "remove": "Remove",
    "after": "After",
    "rel": "relation",
}


@dataclass(slots=True)
class Cell:
    """The steps from one state to another."""

    value: int = 0
    """Sum of their numbers."""
    kinds: dict[str, int] = field(default_factory=dict)
    """How many of each kind, in order of appearance; relations by their own name."""

    @property
    def signs(self) -> str:
        """``c+`` or ``h3``: a sign for each kind, with the number of steps when there are several."""
        return "".join(SIGNS[kind] + (str(count) if count > 1 else "") for kind, count in self.kinds.items())


@dataclass(frozen=True, slots=True)
class Entry:
    """One state of the matrix; ``state`` is its index on the timeline's axis, negative when it is none of it."""

    state: int
    name: str
    called: bool
    before: bool
    after: bool
    delta: int
    """Ticks gained."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """All about one transition. Entries are both the rows and the columns, by index."""

    number: int
    entries: tuple[Entry, ...]
    cells: Mapping[tuple[int, int], Cell]
    """By target and source."""
    steps: int
    hidden: int
    """States without any part in the transition that were left out."""

    def row_sum(self, state: int) -> int:
        """The sum of the cells of a target."""
        return sum(cell.value for (target, _), cell in self.cells.items() if target == state)

    def column_sum(self, state: int) -> int:
        """The sum of the cells of a source."""
        return sum(cell.value for (_, source), cell in self.cells.items() if source == state)

    @property
    def total(self) -> int:
        """The sum of all cells, which is that of the numbers of all steps."""
        return sum(cell.value for cell in self.cells.values())


def build(session: SessionView) -> Matrix | None:
    """The matrix of the transition at the cursor; None before the first one."""
    timeline, number = session.timeline, session.number
    if timeline is None or not number:
        return None
    record = timeline.pattern(number)
    axis = _Axis(record.schema, timeline.schema)
    cells = table(record.fact.steps, axis)
    called = {axis[state] for state in record.fact.called}
    deltas = {axis[state]: ticks for state, ticks in record.fact.deltas}
    involved = called | set(deltas) | {state for place in cells for state in place}
    states = sorted(involved | set(range(len(timeline.schema.names))) if session.untouched else involved, key=_order)
    entries = tuple(_entry(timeline, number, record.fact, axis, state, state in called, deltas) for state in states)
    hidden = len(timeline.schema.names) - sum(1 for state in states if state >= 0)
    return Matrix(number, entries, cells, len(record.fact.steps), hidden)


class _Axis:
    """States of a pattern's schema as states of the timeline's."""

    def __init__(self, schema: SchemaFact, axis: SchemaFact) -> None:
        self._same = schema.names == axis.names[: len(schema.names)]
        self._schema = schema
        self._index = axis.index
        self.back: dict[int, int] = {}

    def __getitem__(self, state: int) -> int:
        if not 0 <= state < len(self._schema.names):
            return state if state == ANY_STATE else NO_STATE
        found = state if self._same else self._index.get(self._schema.names[state], NO_STATE)
        self.back[found] = state
        return found


def table(steps: Iterable[StepFact], axis: _Axis) -> dict[tuple[int, int], Cell]:
    """The cells of some steps, by target and source."""
    cells: dict[tuple[int, int], Cell] = {}
    for step in steps:
        target, source = axis[step.target], axis[step.source]
        target, source = (source if target == NO_STATE else target), (target if source == NO_STATE else source)
        cell = cells.setdefault((target, source), Cell())
        cell.value += NUMBERS[step.kind]
        kind = step.relation if step.kind == "rel" and step.relation else step.kind
        cell.kinds[kind] = cell.kinds.get(kind, 0) + 1
    return cells


def _entry(
    timeline: Timeline, number: int, fact: PatternFact, axis: _Axis, state: int, called: bool, deltas: dict[int, int]
) -> Entry:
    if state < 0:
        name = "any state" if state == ANY_STATE else "no state"
        return Entry(state, name, called, before=False, after=False, delta=0)
    after = timeline.is_active(state, number)
    own = axis.back.get(state, NO_STATE)
    # Behind a hole the state before the transition is not the one after the last that was recorded.
    before = not after if own in fact.added or own in fact.removed else after
    return Entry(state, timeline.schema.names[state], called, before, after, deltas.get(state, 0))


def _order(state: int) -> tuple[bool, int]:
    return state < 0, state
