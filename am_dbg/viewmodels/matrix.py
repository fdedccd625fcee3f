"""The matrix of a transition: which states its steps went from and to.

A row is a step's target, a column its source; a step that has only one side stands on the diagonal. The number of a
cell is the sum of the numbers of its steps, as Go's debugger counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from am_dbg.session.steps import steps_of
from am_dbg.session.view import SessionView
from am_telemetry.facts import ANY_STATE, NO_STATE, StepFact, StepKind

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
    """How many steps the transition has, those not done yet included."""
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
    """The matrix of the transition at the cursor; inside the next one, of those of its steps that have been done.

    None before the first transition.
    """
    timeline, inside = session.timeline, session.inside
    number = session.number if inside is None else inside.number
    if timeline is None or not number:
        return None
    record = timeline.pattern(number)
    fact, schema = record.fact, timeline.schema
    axis = {state: schema.index.get(name, NO_STATE) for state, name in enumerate(record.schema.names)}
    size = len(schema.names)
    steps = steps_of(timeline, number) if inside is None else inside.steps
    done = steps if inside is None else inside.done
    committed = inside is None or inside.committed
    called = {axis.get(state, NO_STATE) for state in fact.called}
    deltas = {axis.get(state, NO_STATE): ticks for state, ticks in fact.deltas}
    turned = {axis.get(state, NO_STATE) for state in (*fact.added, *fact.removed)}

    def entry(state: int) -> Entry:
        if state < 0:
            name = "any state" if state == ANY_STATE else "no state"
            return Entry(state, name, state in called, before=False, after=False, delta=0)
        after = timeline.is_active(state, number)
        # Behind a hole, what was before is not what the last recorded transition left.
        before = after != (state in turned)
        now = after if committed else before
        return Entry(state, schema.names[state], state in called, before, now, deltas.get(state, 0) if committed else 0)

    # While its steps are gone through, a transition keeps the same rows.
    involved = called | set(deltas) | {state for place in table(steps, size) for state in place}
    states = sorted(involved | set(range(size)) if session.untouched else involved, key=_order)
    hidden = size - sum(1 for state in states if state >= 0)
    return Matrix(number, tuple(entry(state) for state in states), table(done, size), len(steps), hidden)


def table(steps: Iterable[StepFact], size: int) -> dict[tuple[int, int], Cell]:
    """The cells of some steps among so many states, by target and source."""
    cells: dict[tuple[int, int], Cell] = {}
    for step in steps:
        target, source = (state if ANY_STATE <= state < size else NO_STATE for state in (step.target, step.source))
        target, source = (source if target == NO_STATE else target), (target if source == NO_STATE else source)
        cell = cells.setdefault((target, source), Cell())
        cell.value += NUMBERS[step.kind]
        kind = step.relation if step.kind == "rel" and step.relation else step.kind
        cell.kinds[kind] = cell.kinds.get(kind, 0) + 1
    return cells


def _order(state: int) -> tuple[bool, int]:
    return state < 0, state
