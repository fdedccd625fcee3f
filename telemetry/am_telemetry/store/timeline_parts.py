"""What a timeline is made of, and how transitions are cut out of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

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


def cut_keyframes(frames: list[Keyframe], first: int, last: int, base: Keyframe) -> list[Keyframe]:
    """The keyframes that are left when transitions are taken away, with the new one in front of what follows them."""
    begin = first if first > 1 else 0
    before = [frame for frame in frames if frame.since < begin]
    return [*before, base, *(frame for frame in frames if frame.since > last)]


def cut_numbers(numbers: Iterable[int], first: int, last: int) -> set[int]:
    """Those of some numbers that are left."""
    return {number for number in numbers if not first <= number <= last}
