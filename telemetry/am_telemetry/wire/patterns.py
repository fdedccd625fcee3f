"""Patterns from protobuf, checked against the number of states of their schema."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from am_proto import telemetry_pb2 as pb
from am_telemetry.facts import Flag, PatternFact, StepFact
from am_telemetry.wire.limits import MAX_INT, MAX_NAME, MAX_STEPS, WireError
from am_telemetry.wire.names import (
    MUTATIONS,
    RELATIONS,
    STEP_ENTER,
    STEP_FINAL,
    STEP_INDEX_OFFSET,
    STEP_KINDS,
    STEP_SELF,
)

_ALL_FLAGS = sum(Flag)


def decode_pattern(message: pb.Pattern, states: int) -> PatternFact:
    """The fact behind a definition.

    Raises:
        WireError: an index, number or name is out of range.
    """
    if not 0 <= message.mutation < len(MUTATIONS):
        raise WireError(f"unknown kind of mutation {message.mutation}")
    if message.flags & ~_ALL_FLAGS:
        raise WireError(f"unknown flags {message.flags:#x}")
    if len(message.delta_state) != len(message.delta_ticks):
        raise WireError("the tick changes of a pattern differ in length")
    if any(abs(ticks) > MAX_INT for ticks in message.delta_ticks):
        raise WireError("a tick change is out of range")
    handlers = tuple(message.handlers)
    if any(len(name) > MAX_NAME for name in (*handlers, message.canceled_by)):
        raise WireError("the name of a handler is too long")
    changed = _ascending(message.delta_state, states)
    return PatternFact(
        mutation=MUTATIONS[message.mutation],
        called=_indexes(message.called, states),
        flags=Flag(message.flags),
        deltas=tuple(zip(changed, message.delta_ticks, strict=True)),
        added=_ascending(message.added, states),
        removed=_ascending(message.removed, states),
        steps=_steps(message, states),
        handlers=handlers,
        canceled_by=message.canceled_by,
    )


def _indexes(values: Iterable[int], states: int) -> tuple[int, ...]:
    indexes = tuple(values)
    if indexes and max(indexes) >= states:
        raise WireError(f"a pattern names state {max(indexes)} of {states}")
    return indexes


def _ascending(values: Iterable[int], states: int) -> tuple[int, ...]:
    indexes = _indexes(values, states)
    if any(a >= b for a, b in pairwise(indexes)):
        raise WireError("the states of a pattern are not in order")
    return indexes


def _steps(message: pb.Pattern, states: int) -> tuple[StepFact, ...]:
    count = len(message.step_kind)
    if count > MAX_STEPS:
        raise WireError(f"a pattern has {count} steps")
    relations = list(message.step_relation) or [0] * count
    bits = list(message.step_bits) or [0] * count
    if not len(message.step_source) == len(message.step_target) == len(relations) == len(bits) == count:
        raise WireError("the steps of a pattern differ in length")
    return tuple(
        _step(*values, states)
        for values in zip(message.step_kind, relations, message.step_source, message.step_target, bits, strict=True)
    )


def _step(kind: int, relation: int, source: int, target: int, bits: int, states: int) -> StepFact:
    word = STEP_KINDS[kind] if kind < len(STEP_KINDS) else None
    if word is None or relation >= len(RELATIONS) or bits > STEP_FINAL | STEP_SELF | STEP_ENTER:
        raise WireError(f"unknown step ({kind}, {relation}, {bits})")
    if max(source, target) >= states + STEP_INDEX_OFFSET:
        raise WireError("a step names an unknown state")
    return StepFact(
        word,
        source - STEP_INDEX_OFFSET,
        target - STEP_INDEX_OFFSET,
        RELATIONS[relation],
        is_final=bool(bits & STEP_FINAL),
        is_self=bool(bits & STEP_SELF),
        is_enter=bool(bits & STEP_ENTER),
    )
