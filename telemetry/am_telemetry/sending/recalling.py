"""Recognising a transition by what it has changed, without looking at the states that it has not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from operator import sub
from typing import Any, Final, NamedTuple

from am_telemetry.batch import PatternDef

MAX_WAYS: Final = 4_096
"""Of one schema."""
MAX_RECALLED: Final = 8
"""Transitions alike in everything but their ticks that are told apart quickly."""


class Recalled(NamedTuple):
    """The ticks of a transition that was met before."""

    definition: PatternDef
    total: int
    """Of all ticks gained. None are ever lost, so equal totals and equal gains of some states leave none for others."""
    gains: tuple[tuple[int, int, int], ...]
    """(state, ticks gained, 1 when it was active before)."""

    @classmethod
    def of(cls, definition: PatternDef, before: Sequence[int], after: Sequence[int]) -> Recalled:
        """What to compare others with."""
        gains = [(state, new - old, old & 1) for state, (old, new) in enumerate(zip(before, after, strict=True))]
        return cls(definition, sum(after) - sum(before), tuple(gain for gain in gains if gain[1]))


class Way(NamedTuple):
    """A transition of which the engine tells the ticks."""

    definition: PatternDef
    ticks: tuple[int, ...]


Ways = dict[tuple[Any, ...], Way]
"""By everything that tells patterns apart, with the states that were active before."""
RecalledByKind = dict[tuple[Any, ...], list[Recalled]]
"""By everything else that tells patterns apart."""


def recall(candidates: list[Recalled], before: Sequence[int], after: Sequence[int]) -> PatternDef | None:
    """The definition of the transition that has led from some ticks to others; None when it was not met before."""
    total = 0 if before is after else sum(after) - sum(before)
    for definition, wanted, gains in candidates:
        if wanted == total:
            for state, ticks, was_active in gains:
                old = before[state]
                if after[state] - old != ticks or old & 1 != was_active:
                    break
            else:
                return definition
    return None


def movement(before: Sequence[int], after: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ticks gained by state index, empty for none; for every state that gained some, 1 when it was active before."""
    if before is after or before == after:
        return (), ()
    moved = tuple(map(sub, after, before))
    return moved, tuple([tick & 1 for tick in compress(before, moved)])


def movement_of(ticks: Sequence[int], active: int, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same from indexes of states, once for every tick, and the mask of those that were active before.

    Args:
        size: number of states.
    """
    if not ticks:
        return (), ()
    moved = [0] * size
    for state in ticks:
        moved[state] += 1
    return tuple(moved), tuple([active >> state & 1 for state, count in enumerate(moved) if count])
