"""Why a transition did or did not change a state, from its steps; from the schema where no steps were recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyroaring import BitMap

from am_dbg.session.steps import active_before, steps_of
from am_dbg.viewmodels.steps import StepRow, table
from am_telemetry.facts import NO_STATE, StepFact
from am_telemetry.store.pattern_search import numbers_with
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline

Kind = Literal[
    "called", "auto", "added", "asked", "set", "require", "remove", "handler", "timeout", "failed", "with", "queued",
    "nothing", "lost", "unknown",
]  # fmt: skip
WINDOW = 200_000
"""How many transitions back attempts are looked for."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something happened to a state, or did not."""

    kind: Kind
    state: int = NO_STATE
    """The other state: the one that is required, that removes or adds, or was called as well."""
    handler: str = ""
    of: Reason | None = None
    """Why that other state was refused."""
    guessed: bool = False
    """It follows from the schema; no steps were recorded that would say so."""


# -- what did happen ---------------------------------------------------------------------------------------------------


def coming(timeline: Timeline, number: int, state: int) -> Reason:
    """Why a state became active in a transition."""
    if state in _added(timeline, number):
        if number in timeline.called(state):
            return Reason("auto" if number in timeline.auto else "called")
        for step in steps_of(timeline, number):
            if step.kind == "rel" and step.relation == "add" and step.target == state:
                return Reason("added", step.source)
        schema = timeline.schema
        name = schema.state_name(state)
        for other in _called(timeline, number):
            if name in schema.states[other].add:
                return Reason("added", other, guessed=True)
        return Reason("unknown")
    return Reason("lost")


def going(timeline: Timeline, number: int, state: int) -> Reason:
    """Why a state became inactive in a transition."""
    if state not in active_before(timeline, number):
        return Reason("lost")
    fact = timeline.pattern(number).fact
    if fact.mutation == "remove" and number in timeline.called(state):
        return Reason("asked")
    found = _from_steps(timeline, number, state)
    if found is not None:
        return found
    if fact.mutation == "set":
        return Reason("set")
    return _from_schema(timeline, number, state, frozenset(timeline.active_states(number)))


def refusal(timeline: Timeline, number: int, state: int) -> Reason:
    """Why a state that was called, added or tried is not active after a transition, or is though it was to go."""
    fact = timeline.pattern(number).fact
    by = fact.canceled_by
    if fact.queued:
        return Reason("queued")
    last = fact.handlers[-1] if fact.handlers else ""
    if by == "timeout":
        return Reason("timeout", handler=last)
    if by == "recover" or (fact.broken and not fact.accepted):
        return Reason("failed", handler=last)
    if not fact.accepted and by and by != "relations":
        return Reason("handler", handler=by)
    found = _from_steps(timeline, number, state)
    if found is not None:
        return found
    if not fact.accepted:
        for other in _called(timeline, number):
            of = _from_steps(timeline, number, other) if other != state else None
            if of is not None:
                return Reason("with", other, of=of)
    before = active_before(timeline, number) | set(_called(timeline, number))
    return _from_schema(timeline, number, state, frozenset(before))


def _from_steps(timeline: Timeline, number: int, state: int) -> Reason | None:
    """The last relation or handler that spoke against a state."""
    found: Reason | None = None
    steps = steps_of(timeline, number)
    for place, (step, row) in enumerate(zip(steps, table(timeline, number), strict=True)):
        if step.kind == "rel" and step.relation == "require" and step.source == state and row.effect == "missing":
            found = Reason("require", step.target)
        elif step.kind == "rel" and step.relation == "remove" and step.target == state and _gives_way(row):
            found = Reason("remove", step.source)
        elif step.kind == "handler" and row.effect == "refused" and state in (step.source, step.target):
            found = Reason("handler", handler=row.handler)
        elif (
            step.kind.startswith("deactivate") and step.source == state and place and _requires(steps[place - 1], state)
        ):
            found = Reason("require", steps[place - 1].target)  # even if it was to be brought in again by then
    return found


def _requires(step: StepFact, state: int) -> bool:
    return step.kind == "rel" and step.relation == "require" and step.source == state


def _gives_way(row: StepRow) -> bool:
    return row.effect == "has to give way"


def _from_schema(timeline: Timeline, number: int, state: int, active: frozenset[int]) -> Reason:
    if steps_of(timeline, number):
        return Reason("nothing")
    blocked = blocking(timeline, state, active - {state})
    return Reason(blocked[0].kind, blocked[0].state, guessed=True) if blocked else Reason("unknown")


# -- what would happen -------------------------------------------------------------------------------------------------


def blocking(timeline: Timeline, state: int, active: frozenset[int]) -> list[Reason]:
    """What keeps a state out while some others are active: requirements that are missing, and states that remove it."""
    schema = timeline.schema
    fact = schema.states[state]
    missing = [schema.index.get(name, NO_STATE) for name in fact.require]
    found = [Reason("require", other) for other in missing if other not in active]
    found += [Reason("remove", other) for other in sorted(active) if fact.name in schema.states[other].remove]
    return found


def adders(timeline: Timeline, state: int) -> list[int]:
    """The states that bring another one in with them."""
    name = timeline.schema.state_name(state)
    return [other for other, fact in enumerate(timeline.schema.states) if name in fact.add and other != state]


# -- which transitions -------------------------------------------------------------------------------------------------


def last_turn(timeline: Timeline, state: int, number: int) -> int | None:
    """The last transition up to one at which a state turned on or off; None when it never did."""
    active = timeline.active(state)
    turned = active ^ active.shift(1)
    first = timeline.first
    rank = turned.rank(number)
    while rank:
        found = int(turned[rank - 1])
        if found < first:
            return None
        if timeline.holds(found):
            return found
        rank -= 1
    return None


def attempts(timeline: Timeline, state: int, first: int, last: int) -> BitMap:
    """The transitions that tried in vain to turn a state on, or off where it is on."""
    first = max(first, last - WINDOW, timeline.first)
    if first > last:
        return BitMap()
    name = timeline.schema.state_name(state)

    def on(record: PatternRecord) -> bool:
        index = record.schema.index.get(name, NO_STATE)
        fact = record.fact
        tried = any(step.kind == "activate" and step.target == index for step in fact.steps)
        return fact.mutation != "remove" and not fact.check and (index in fact.called or tried)

    def off(record: PatternRecord) -> bool:
        index = record.schema.index.get(name, NO_STATE)
        return record.fact.mutation == "remove" and not record.fact.check and index in record.fact.called

    active = timeline.active(state)
    before = active.shift(1)
    wanted_on = numbers_with(timeline, on, first, last) - active - before
    wanted_off = numbers_with(timeline, off, first, last) & active & before
    return wanted_on | wanted_off


def _called(timeline: Timeline, number: int) -> list[int]:
    record = timeline.pattern(number)
    found = (timeline.schema.index.get(record.schema.state_name(state), NO_STATE) for state in record.fact.called)
    return [state for state in found if state >= 0]


def _added(timeline: Timeline, number: int) -> frozenset[int]:
    return frozenset(timeline.active_states(number)) - active_before(timeline, number)
