"""Which transitions have a pattern of some kind: each distinct pattern is looked at once."""

from __future__ import annotations

from collections.abc import Callable

from pyroaring import BitMap

from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline


def numbers_with(timeline: Timeline, matches: Callable[[PatternRecord], bool], first: int, last: int) -> BitMap:
    """A new set of the transitions from ``first`` to ``last`` whose pattern matches."""
    wanted = {record.id for record in timeline.patterns() if matches(record)}
    if first > last or not wanted:
        return BitMap()
    return timeline.with_patterns(wanted, first) & BitMap(range(first, last + 1))
