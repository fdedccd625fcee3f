"""What transitions of a pattern do to the states of one timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyroaring import BitMap

from am_telemetry.facts import PatternFact, SchemaFact


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
    flags: tuple[BitMap, ...]


def translate(fact: PatternFact, axis: Mapping[int, int], schema: SchemaFact, bitmaps: Mapping[str, BitMap]) -> Effect:
    """The effect of a pattern.

    Args:
        fact: the pattern.
        axis: states of the pattern's schema -> states of the timeline.
        schema: of the timeline.
        bitmaps: of its flags, by name.
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
        flags=tuple(bitmaps[name] for name in flags),
    )
