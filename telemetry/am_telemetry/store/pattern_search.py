"""Which transitions have a pattern of some kind: each distinct pattern is looked at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from pyroaring import BitMap

from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline

_FEW = 512


def numbers_with(timeline: Timeline, matches: Callable[[PatternRecord], bool], first: int, last: int) -> BitMap:
    """A new set of the transitions from ``first`` to ``last`` whose pattern matches."""
    numbers = BitMap(range(first, last + 1)) & timeline.pieces.numbers(last)
    if not numbers:
        return numbers
    start = timeline.pieces.place(int(numbers[0]))
    codes = timeline.pattern_ids
    size = len(numbers)
    ids = (codes[start + i] for i in range(size)) if size < _FEW else islice(codes, start, start + size)
    known: dict[int, bool] = {}
    found: list[int] = []
    for number, pattern_id in zip(numbers, ids, strict=False):
        fits = known.get(pattern_id)
        if fits is None:
            fits = known[pattern_id] = matches(timeline.pattern(number))
        if fits:
            found.append(number)
    return BitMap(found)
