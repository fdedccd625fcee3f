"""What transitions of a pattern do to the states of one timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from am_telemetry.facts import PatternFact, SchemaFact
from am_telemetry.store.records import PatternRecord

_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Effect:
    """A pattern translated to the state axis of one timeline."""

    changed: tuple[int, ...]
    doubled: tuple[int, ...]
    irregular: tuple[tuple[int, int], ...]
    called: tuple[int, ...]
    added: tuple[int, ...]
    removed: tuple[int, ...]
    ticks: int
    flags: tuple[str, ...]
    """Names of the sets of transitions, see ``FLAGS``, that it belongs to."""


class Effects:
    """Effects of patterns, remembered for all timelines with the same states."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[PatternRecord, SchemaFact, Effect]] = {}

    def of(self, record: PatternRecord, schema: SchemaFact) -> Effect:
        """The effect of a pattern on timelines of a schema."""
        key = (id(record), id(schema))
        known = self._known.get(key)
        if known is not None:
            return known[2]
        if len(self._known) >= _MOST:
            self._known.clear()
        effect = translate(record.fact, state_axis(record.schema, schema), schema)
        # The two are kept as well, so that no others get their identities.
        self._known[key] = (record, schema, effect)
        return effect


def state_axis(source: SchemaFact, target: SchemaFact) -> Mapping[int, int]:
    """States of one schema -> the same states of another one."""
    if source.names == target.names[: len(source.names)]:
        return {i: i for i in range(len(source.names))}
    return {i: target.index[name] for i, name in enumerate(source.names) if name in target.index}


def translate(fact: PatternFact, axis: Mapping[int, int], schema: SchemaFact) -> Effect:
    """The effect of a pattern.

    Args:
        fact: the pattern.
        axis: states of the pattern's schema -> states of the timeline.
        schema: of the timeline.
    """
    deltas = [(axis[state], ticks) for state, ticks in fact.deltas if state in axis]
    called = tuple(axis[state] for state in fact.called if state in axis)
    added = tuple(axis[state] for state in fact.added if state in axis)
    removed = tuple(axis[state] for state in fact.removed if state in axis)
    errors, health = schema.error_states, schema.health_states
    flags: list[str] = []
    if fact.accepted:
        flags.append("accepted")
    elif not (fact.check or fact.queued):
        flags.append("canceled")
        if fact.auto:
            flags.append("refused_auto")
    if fact.auto:
        flags.append("auto")
    if fact.check:
        flags.append("checks")
    if fact.queued:
        flags.append("queued")
    if fact.broken:
        flags.append("broken")
    if any(state in errors and state not in removed for state, _ in deltas):
        flags.append("errors")
    has_handler = bool(fact.handlers) or any(step.kind == "handler" for step in fact.steps)
    if fact.accepted and not (deltas or fact.check or fact.queued or has_handler):
        flags.append("empty")
    if len(called) == 1 and called[0] in health:
        flags.append("health")
    return Effect(
        changed=tuple(state for state, ticks in deltas if ticks),
        doubled=tuple(state for state, ticks in deltas if ticks == 2),
        irregular=tuple((state, ticks - 1) for state, ticks in deltas if ticks not in (0, 1, 2)),
        called=called,
        added=added,
        removed=removed,
        ticks=sum(ticks for _, ticks in deltas),
        flags=tuple(flags),
    )
