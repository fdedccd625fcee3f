"""A moment inside a transition, when some of its steps have been done and the others have not.

The ticks of a machine change at one point of a transition: after everybody was asked, before the first handler that
can no longer object. Steps before that point only settle what is going to change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from am_telemetry.facts import NO_STATE, PatternFact, StepFact
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline


@dataclass(frozen=True, slots=True)
class PartlyApplied:
    """The moment after the first ``step`` steps of transition ``number``. States are those of the timeline."""

    number: int
    step: int
    steps: tuple[StepFact, ...]
    """All steps of the transition."""
    commit: int
    """After how many steps the ticks have changed."""

    @property
    def done(self) -> tuple[StepFact, ...]:
        """The steps up to this moment."""
        return self.steps[: self.step]

    @property
    def committed(self) -> bool:
        """Whether the ticks have changed, if this transition changes any."""
        return self.step >= self.commit


def steps_of(timeline: Timeline, number: int) -> tuple[StepFact, ...]:
    """The steps of a transition, with states by their index on the timeline. Empty when none were recorded.

    Raises:
        IndexError: there is no such transition.
    """
    record = timeline.pattern(number)
    if record.schema.names == timeline.schema.names[: len(record.schema.names)]:
        return record.fact.steps
    return tuple(_translated(step, record, timeline) for step in record.fact.steps)


def partly_applied(timeline: Timeline, number: int, step: int) -> PartlyApplied:
    """The moment after some steps of a transition; as many as there are when ``step`` is more.

    Raises:
        IndexError: there is no such transition.
    """
    steps = steps_of(timeline, number)
    commit = commit_after(timeline.pattern(number).fact)
    return PartlyApplied(number, max(0, min(step, len(steps))), steps, commit)


def active_before(timeline: Timeline, number: int) -> frozenset[int]:
    """The states that were active when a transition began.

    Behind a hole in the recording these are not those that the transition before has left.

    Raises:
        IndexError: there is no such transition.
    """
    record = timeline.pattern(number)
    index = timeline.schema.index
    names = record.schema.state_name
    turned = {index.get(names(state), NO_STATE) for state in (*record.fact.added, *record.fact.removed)}
    return frozenset(timeline.active_states(number)) ^ (turned - {NO_STATE})


def commit_after(fact: PatternFact) -> int:
    """After how many steps the ticks have changed: with the first final handler, or else with the last step."""
    if fact.accepted or fact.deltas:
        for done, step in enumerate(fact.steps, 1):
            if step.kind == "handler" and step.is_final:
                return done
    return len(fact.steps)


def _translated(step: StepFact, record: PatternRecord, timeline: Timeline) -> StepFact:
    def index(state: int) -> int:
        if state < 0:
            return state
        return timeline.schema.index.get(record.schema.state_name(state), NO_STATE)

    return replace(step, source=index(step.source), target=index(step.target))
