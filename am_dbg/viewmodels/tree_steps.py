"""What the schema tree shows inside a transition: who was touched by the steps so far, and how relations connect."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from am_dbg.session.steps import PartlyApplied, active_before
from am_dbg.session.view import SessionView
from am_dbg.viewmodels import connectors, steps
from am_dbg.viewmodels.describe import is_canceled
from am_dbg.viewmodels.spans import Line, Role, Span
from am_telemetry.facts import NO_STATE, SchemaFact, StepFact
from am_telemetry.store.timeline import Timeline

Reference = tuple[int, str, int]
"""A state, one of its relations in lower case, and the state that it names."""

SIGNS_WIDTH: Final = 4
_MOST_COLUMNS: Final = 8


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part in a transition, whichever step it has come to."""

    states: frozenset[int]
    references: dict[Reference, int]
    """In the order in which they are looked at, with how many steps were done before."""


_recent: Final[deque[tuple[SchemaFact, tuple[StepFact, ...], Cast]]] = deque(maxlen=8)


def cast(session: SessionView) -> Cast | None:
    """The states and relations of the transition that is being stepped through."""
    inside, timeline = session.inside, session.timeline
    return None if inside is None or timeline is None else cast_of(timeline.schema, inside.steps)


def cast_of(schema: SchemaFact, all_steps: tuple[StepFact, ...]) -> Cast:
    """The states and relations of some steps; remembered for the transitions looked at last."""
    for known, same_steps, found in _recent:
        if known is schema and same_steps is all_steps:
            return found
    states = frozenset(state for step in all_steps for state in (step.source, step.target) if state >= 0)
    references: dict[Reference, int] = {}
    for place, step in enumerate(all_steps):
        reference = _reference(schema, step)
        if reference is not None:
            references.setdefault(reference, place)
    made = Cast(states, references)
    _recent.append((schema, all_steps, made))
    return made


def _reference(schema: SchemaFact, step: StepFact) -> Reference | None:
    if step.kind != "rel" or not step.relation:
        return None
    owner, named = steps.relation_ends(schema, step)
    return owner, step.relation, named


class Decorations:
    """The signs beside states after some steps.

    Beside a state stand ``+`` to become active, ``−`` to become inactive, ``✕`` held back; then ``*`` and how many
    handlers were about it; then ``!`` where it made the transition fail.
    """

    def __init__(self, timeline: Timeline, inside: PartlyApplied) -> None:
        self.inside = inside
        schema = timeline.schema
        number = inside.number
        done = inside.done
        fact = timeline.pattern(number).fact
        rows = steps.table(timeline, number)[: inside.step]
        self.called = frozenset(step.target for step in done if step.kind == "called")
        self.touched = frozenset(s for step in done for s in (step.source, step.target) if s >= 0)
        self.references = cast_of(schema, inside.steps).references
        self.current = frozenset(s for step in done[-1:] for s in (step.source, step.target) if s >= 0)
        self.current_reference = _reference(schema, done[-1]) if done else None
        self._handlers = Counter(
            state for step in done if step.kind == "handler" for state in {step.source, step.target} if state >= 0
        )
        self._timeline = timeline
        self._before = active_before(timeline, number)
        self._after = frozenset(timeline.active_states(number)) if inside.committed else None
        self._again = frozenset(
            state for state in self._before if number in timeline.changed(state) and timeline.is_active(state, number)
        )
        record = timeline.pattern(number)
        names = record.schema.state_name
        self._gained = {schema.index.get(names(state), NO_STATE): ticks for state, ticks in record.fact.deltas}
        self._intended = rows[-1].intended if rows else self._before
        self._wanted = {step.target for step in done if step.kind == "activate"}
        over = inside.step == len(inside.steps)
        self._refused = frozenset(step.target for step in done if step.kind == "cancel")
        if over and is_canceled(fact):
            self._refused |= self.called
        # The handler that ended the transition: everything it was about.
        self._failed = frozenset(
            state
            for step, row in zip(done, rows, strict=True)
            if step.kind == "handler" and row.role in (Role.CANCELED, Role.ERROR)
            for state in (step.source, step.target)
        )

    def is_active(self, state: int) -> bool:
        """Whether a state is active at this moment."""
        return state in (self._before if self._after is None else self._after)

    def tick(self, state: int) -> int:
        """The tick of a state at this moment."""
        tick = self._timeline.tick(state, self.inside.number)
        return tick if self.inside.committed else tick - self._gained.get(state, 0)

    def has_seen(self, reference: Reference | None) -> bool:
        """Whether a relation has been looked at so far."""
        return reference is not None and self.references.get(reference, self.inside.step) < self.inside.step

    def sign(self, state: int) -> tuple[str, Role]:
        """What is going to happen to a state, or has happened to it."""
        before = state in self._before
        if self._after is not None:
            after = state in self._after
            if state in self._again:
                return "~", Role.CALLED
            if before != after:
                return ("+", Role.ADDED) if after else ("−", Role.REMOVED)
        elif before != (state in self._intended):
            return ("−", Role.REMOVED) if before else ("+", Role.ADDED)
        held = not before and state in self._wanted
        return ("✕", Role.CANCELED) if held or (state in self._refused and state in self.called) else (" ", Role.TEXT)

    def signs(self, state: int) -> Line:
        """All signs of a state, ``SIGNS_WIDTH`` cells."""
        sign, role = self.sign(state)
        count = self._handlers[state]
        stars = "  " if not count else "* " if count == 1 else f"*{min(count, 9)}"
        failed = state in self._failed or state in self._refused
        return (
            Span(sign, role, bold=True),
            Span(stars, Role.PREFIX, bold=True),
            Span("!" if failed else " ", Role.ERROR, bold=True),
        )


_latest: Final[deque[tuple[Timeline, SchemaFact, PartlyApplied, Decorations]]] = deque(maxlen=4)


def of(session: SessionView) -> Decorations | None:
    """The signs at the moment inside a transition; None between transitions. Remembered for the moments of late."""
    inside, timeline = session.inside, session.timeline
    if inside is None or timeline is None:
        return None
    for known, schema, moment, found in _latest:
        if known is timeline and schema is timeline.schema and moment is inside:
            return found
    made = Decorations(timeline, inside)
    _latest.append((timeline, timeline.schema, inside, made))
    return made


@dataclass(frozen=True, slots=True)
class Wiring:
    """The lines beside the tree that connect relations with the states they name."""

    connections: tuple[connectors.Connection, ...]
    placed: tuple[int | None, ...]
    width: int
    """Cells beside every row; 0 when there is nothing to connect, or no room."""

    def beside(self, row: int) -> Line:
        """What stands beside a row of the tree."""
        return (Span(" "), *connectors.beside(self.connections, self.placed, [row], self.width - 1)[0])


def wiring(decorations: Decorations, rows: dict[int, int], references: dict[Reference, int], room: int) -> Wiring:
    """Lay out the lines.

    Args:
        rows: the row of each state.
        references: the row of each reference that is shown; others are left out.
        room: cells that may be used at most.
    """
    connections = [
        connectors.Connection(
            references.get((owner, relation, named), rows.get(owner, -1)),
            rows[named],
            place < decorations.inside.step,
            (owner, relation, named) == decorations.current_reference,
        )
        for (owner, relation, named), place in decorations.references.items()
        if named in rows and owner in rows and owner != named
    ]
    most = min(_MOST_COLUMNS, max(0, room - 2))
    placed = connectors.columns(connections, most)
    if None in placed:
        # Not all of them can be shown; then the one of the last step must be, and those not drawn yet need not.
        connections.sort(key=lambda connection: (not connection.current, not connection.drawn))
        placed = connectors.columns(connections, most)
    used = max((column for column in placed if column is not None), default=-1) + 1
    shown = [(c, column) for c, column in zip(connections, placed, strict=True) if c.drawn and column is not None]
    return Wiring(tuple(c for c, _ in shown), tuple(column for _, column in shown), used + 2 if used else 0)
