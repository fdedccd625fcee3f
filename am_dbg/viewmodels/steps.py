"""The steps of a transition in words: who takes part, in which phase, and what comes of it.

What a step leads to is told from the steps before it: they say which states were about to be active at that point.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from am_dbg.session.steps import PartlyApplied, active_before, partly_applied
from am_dbg.viewmodels.describe import cancel_reason, is_canceled
from am_dbg.viewmodels.spans import Role, clean
from am_telemetry.facts import ANY_STATE, PatternFact, SchemaFact, StepFact
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline


class Phase(StrEnum):
    """The parts of a transition, in order. Handlers that refuse automatic states lead back to the relations."""

    REQUEST = "request"
    RELATIONS = "relations"
    NEGOTIATION = "negotiation"
    FINAL = "final"


_KINDS: Final = {
    "called": "called",
    "activate": "activate",
    "deactivate": "deactivate",
    "deactivate-passive": "drop",
    "rel": "relation",
    "handler": "handler",
    "cancel": "cancel",
}
KIND_WIDTH: Final = max(map(len, _KINDS.values()))


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step. Names are cleaned, and empty where there is none."""

    number: int
    """Counts from 1."""
    phase: Phase
    kind: str
    source: str
    relation: str
    """``Add``, ``Require``, ``Remove`` or ``After``; empty for other kinds."""
    target: str
    handler: str
    effect: str
    """What comes of it, in a few words; never empty."""
    role: Role
    intended: frozenset[int]
    """The states that would be active if nothing more happened, after this step."""

    @property
    def sentence(self) -> str:
        """The step in words, complete by itself."""
        if self.relation:
            return f"{self.source} {_VERBS[self.relation]} {self.target or 'an unknown state'}: {self.effect}"
        if self.handler:
            return f"{self.handler} {self.effect}"
        return f"{self.target or self.source} {self.effect}"


_recent: Final[deque[tuple[Timeline, int, SchemaFact, tuple[StepRow, ...]]]] = deque(maxlen=8)
_VERBS: Final = {"Add": "adds", "Require": "requires", "Remove": "removes", "After": "follows"}


def table(timeline: Timeline, number: int) -> tuple[StepRow, ...]:
    """All steps of a transition; empty when none were recorded.

    Raises:
        IndexError: there is no such transition.
    """
    schema = timeline.schema
    for known, place, axis, rows in _recent:
        if known is timeline and place == number and axis is schema:
            return rows
    steps = partly_applied(timeline, number, 0).steps
    before, after = active_before(timeline, number), frozenset(timeline.active_states(number))
    made = tuple(_Reader(schema, timeline.pattern(number), steps, before, after).rows())
    _recent.append((timeline, number, schema, made))
    return made


def inside_row(timeline: Timeline, inside: PartlyApplied) -> StepRow:
    """The last step that was done."""
    return table(timeline, inside.number)[inside.step - 1]


def relation_ends(schema: SchemaFact, step: StepFact) -> tuple[int, int]:
    """The state that has the relation, and the state it names. Recordings differ in how they write ``after``."""
    source, target = step.source, step.target
    if step.relation == "after" and 0 <= target < len(schema.states):
        named = schema.states[source].after if 0 <= source < len(schema.states) else ()
        if schema.states[target].name not in named:
            return target, source
    return source, target


def outcome(record: PatternRecord) -> str:
    """What became of a transition, in a few words."""
    fact = record.fact
    if fact.check:
        return f"a dry run; it would be {'accepted' if fact.accepted else 'refused'}"
    reason = cancel_reason(record)
    if is_canceled(fact):
        return reason if reason.startswith("canceled") else f"canceled: {reason}" if reason else "canceled"
    if fact.broken:
        return "a handler failed"
    changes = [f"+{len(fact.added)}" if fact.added else "", f"−{len(fact.removed)}" if fact.removed else ""]
    again = len([s for s, ticks in fact.deltas if ticks and s not in fact.added and s not in fact.removed])
    changes.append(f"~{again}" if again else "")
    return f"accepted: {' '.join(filter(None, changes)) or 'nothing changes'}"


class _Reader:
    """Follows the steps and keeps in mind what they have led to."""

    def __init__(
        self,
        schema: SchemaFact,
        record: PatternRecord,
        steps: tuple[StepFact, ...],
        before: frozenset[int],
        after: frozenset[int],
    ) -> None:
        self.schema = schema
        self.record = record
        self.steps = steps
        self.before = before
        self.after = after
        self.intended = set(before)
        self.handlers = _handler_names(schema, record.fact, steps)
        self.last_handler = max((place for place, step in enumerate(steps) if step.kind == "handler"), default=-1)
        self.in_request = True
        self.last_drops = {step.source: place for place, step in enumerate(steps) if step.kind == "deactivate-passive"}

    def rows(self) -> list[StepRow]:
        rows = []
        intended = self.before
        for place, step in enumerate(self.steps):
            phase = self._phase(step)
            effect, role = self._effect(place, step)
            if step.kind != "rel" and intended != self.intended:
                intended = frozenset(self.intended)
            source, target = relation_ends(self.schema, step) if step.kind == "rel" else (step.source, step.target)
            row = StepRow(
                place + 1,
                phase,
                _KINDS[step.kind],
                self._name(source),
                step.relation.capitalize() if step.kind == "rel" else "",
                self._name(target),
                clean(self.handlers.get(place, "")),
                effect,
                role,
                intended,
            )
            rows.append(row)
        return rows

    def _name(self, state: int) -> str:
        return clean(self.schema.state_name(state))

    def _phase(self, step: StepFact) -> Phase:
        if step.kind == "handler":
            self.in_request = False
            return Phase.FINAL if step.is_final else Phase.NEGOTIATION
        if step.kind in ("rel", "deactivate-passive", "cancel"):
            self.in_request = False
        return Phase.REQUEST if self.in_request else Phase.RELATIONS

    def _effect(self, place: int, step: StepFact) -> tuple[str, Role]:
        subject = step.target if step.target >= 0 else step.source
        match step.kind:
            case "called":
                return self._called(subject), Role.CALLED
            case "activate":
                return self._comes_in(subject, step)
            case "deactivate" | "deactivate-passive":
                return self._goes(subject)
            case "rel":
                return self._relation(step)
            case "handler":
                return self._handler(place, step)
            case "cancel":
                self.intended.discard(subject)
                missing = place and self.steps[place - 1].kind == "deactivate-passive"
                return ("is missing: call refused" if missing else "is refused"), Role.CANCELED

    def _called(self, state: int) -> str:
        fact, active = self.record.fact, state in self.before
        if fact.mutation == "remove":
            return "is asked to go" if active else "is asked to go, and inactive already"
        asked = "is tried by itself" if fact.auto else "is asked for"
        return f"{asked}, and active already" if active else asked

    def _comes_in(self, state: int, step: StepFact) -> tuple[str, Role]:
        there = state in self.intended
        if state >= 0:
            self.intended.add(state)
        if not there:
            return "is to become active", Role.ADDED
        if state not in self.before:
            return "is coming in already", Role.DIM
        return ("is to be entered again" if step.is_self else "is active already"), Role.CALLED

    def _goes(self, state: int) -> tuple[str, Role]:
        was_coming = state in self.intended and state not in self.before
        held = state in self.intended
        self.intended.discard(state)
        if was_coming:
            return "does not come in", Role.CANCELED
        return ("is to become inactive", Role.REMOVED) if held else ("stays inactive", Role.DIM)

    def _relation(self, step: StepFact) -> tuple[str, Role]:
        target = step.target
        there = target in self.intended
        match step.relation:
            case "require":
                return ("fulfilled", Role.ACCEPTED) if there else ("missing", Role.CANCELED)
            case "add":
                return ("there already", Role.DIM) if there else ("brought in", Role.ADDED)
            case "remove" if step.source not in self.intended:
                return "no more: it goes itself", Role.DIM
            case "remove":
                return ("has to give way", Role.REMOVED) if there else ("not there", Role.DIM)
            case _:
                return "ordered", Role.DIM

    def _handler(self, place: int, step: StepFact) -> tuple[str, Role]:
        fact = self.record.fact
        if place == self.last_handler:
            if fact.canceled_by == "timeout":
                return "took too long", Role.ERROR
            if fact.canceled_by == "recover" or fact.broken:
                return "failed", Role.ERROR
            # Later steps than a refusal only tell what is left of automatic states.
            if not fact.accepted and not step.is_final and fact.canceled_by == self.handlers[place]:
                return "refused", Role.CANCELED
        if self._holds_back(place, step):
            self.intended.discard(step.target)
            return "refused", Role.CANCELED
        return ("ran", Role.ACCEPTED) if step.is_final else ("did not object", Role.ACCEPTED)

    def _holds_back(self, place: int, step: StepFact) -> bool:
        """Whether a handler kept one automatic state out of a transition that goes on without it."""
        state = step.target
        return (
            self.record.fact.auto
            and not step.is_final
            and state in self.intended - self.before
            and state not in self.after
            and self.last_drops.get(state, -1) < place
        )


def _handler_names(schema: SchemaFact, fact: PatternFact, steps: tuple[StepFact, ...]) -> dict[int, str]:
    """The handler of each handler step, by the step's place."""
    places = [place for place, step in enumerate(steps) if step.kind == "handler"]
    if len(places) == len(fact.handlers):
        return dict(zip(places, fact.handlers, strict=True))
    return {place: _handler_name(schema, steps[place]) for place in places}


def _handler_name(schema: SchemaFact, step: StepFact) -> str:
    """As the names of handlers are made of states; for recordings that leave them out."""
    source, target = (schema.state_name(state) for state in (step.source, step.target))
    if step.source >= 0 and step.target < 0 and step.target != ANY_STATE:
        return source + ("End" if step.is_final else "Exit")
    if step.is_final:
        return target + ("State" if step.is_enter else "End")
    if step.is_self:
        return target + target
    return source + target if source else target + "Enter"
