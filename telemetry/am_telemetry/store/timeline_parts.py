"""What a timeline is made of, and how transitions are cut out of it."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pyroaring import BitMap

FLAGS: Final = (
    "accepted",
    "canceled",
    "refused_auto",
    "auto",
    "checks",
    "queued",
    "broken",
    "errors",
    "empty",
    "health",
    "logged",
)
"""Attributes of a timeline that are sets of its transitions."""


@dataclass(slots=True)
class StateMaps:
    """When one state was what. Numbers of transitions."""

    active: BitMap = field(default_factory=BitMap)
    changed: BitMap = field(default_factory=BitMap)
    doubled: BitMap = field(default_factory=BitMap)
    called: BitMap = field(default_factory=BitMap)
    irregular: list[tuple[int, int]] = field(default_factory=list)
    """(number, cumulated ticks beyond changed + doubled); only for recordings with lost or rewritten ticks."""


NOTHING: Final = StateMaps()
"""Of all states to which nothing has happened, so that idle machines take little. Never written to."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The ticks of all states behind a transition, where they do not follow from what came before."""

    number: int
    clock: tuple[int, ...]
    since: int
    """The first number whose ticks count from here: behind a hole the next one, in front of what retention has left
    the first that it took away."""


def since(frame: Keyframe) -> int:
    """The order of keyframes."""
    return frame.since


def ticks_until(maps: StateMaps, number: int) -> int:
    """The ticks that a state gained in the kept transitions up to one."""
    total = int(maps.changed.rank(number)) + int(maps.doubled.rank(number))
    if maps.irregular:
        position = bisect_right(maps.irregular, number, key=_number)
        if position:
            total += maps.irregular[position - 1][1]
    return total


def cut_state(maps: StateMaps, first: int, last: int) -> None:
    """Take numbers away, and with number 1 also the moment before it."""
    if maps is NOTHING:
        return
    for numbers in (maps.changed, maps.doubled, maps.called):
        numbers.remove_range(first, last + 1)
    maps.active.remove_range(first if first > 1 else 0, last + 1)
    if maps.irregular:
        left: list[tuple[int, int]] = []
        before = total = 0
        for number, cumulated in maps.irregular:
            if not first <= number <= last:
                total += cumulated - before
                left.append((number, total))
            before = cumulated
        maps.irregular = left


def cut_keyframes(frames: list[Keyframe], first: int, last: int, base: Keyframe) -> list[Keyframe]:
    """The keyframes that are left when transitions are taken away, with the new one in front of what follows them."""
    begin = first if first > 1 else 0
    before = [frame for frame in frames if frame.since < begin]
    return [*before, base, *(frame for frame in frames if frame.since > last)]


def cut_highs(times: array[int], highs: array[int], start: int, stop: int) -> array[int] | None:
    """The running maximum of times when some of them are taken away; None when it is the same as the times then.

    Args:
        times: those that are left.
        highs: of all.
        start: place of the first that was taken away.
        stop: place behind the last one.
    """
    left = highs[:start] + highs[stop:]
    high = left[start - 1] if start else None
    for place in range(start, len(left)):
        high = times[place] if high is None else max(high, times[place])
        if left[place] == high:
            break
        left[place] = high
    return None if left == times else left


def cut_numbers(numbers: Iterable[int], first: int, last: int) -> set[int]:
    """Those of some numbers that are left."""
    return {number for number in numbers if not first <= number <= last}


def _number(row: tuple[int, int]) -> int:
    return row[0]
