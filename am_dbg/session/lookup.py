"""Finding a transition by what machines and programs call it. The cursor's own numbers count what was recorded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from am_telemetry.store.reading import Recording

SCAN_LIMIT: Final = 5_000
"""Transitions that are read one by one in search of an id that does not tell its number."""


def by_sequence(recording: Recording, machine_id: int, sequence: int) -> int | None:
    """The number of the transition with a machine's own count, or None when it was not recorded."""
    count = recording.timeline(machine_id).count
    # Sequences grow at least as fast as numbers, so the number is never higher.
    number = _first(min(count, max(0, sequence)), lambda n: recording.transition(machine_id, n).sequence >= sequence)
    if 1 <= number <= count and recording.transition(machine_id, number).sequence == sequence:
        return number
    return None


def by_id(recording: Recording, machine_id: int, transition_id: str) -> int | None:
    """The number of the transition with an id, or None.

    Ids of Python machines end with the transition's own count in hexadecimal, which is found by bisection; others are
    looked for one by one among the first ``SCAN_LIMIT`` transitions.
    """
    if re.fullmatch(r"[0-9a-f]{16}", transition_id):
        number = by_sequence(recording, machine_id, int(transition_id[8:], 16))
        if number is not None and recording.transition(machine_id, number).transition_id == transition_id:
            return number
    for number in range(1, min(recording.timeline(machine_id).count, SCAN_LIMIT) + 1):
        if recording.transition(machine_id, number).transition_id == transition_id:
            return number
    return None


def by_queue_tick(recording: Recording, machine_id: int, queue_tick: int) -> int:
    """The first transition with at least a queue tick, else the last one; 0 when there are none.

    Queue ticks grow with the transitions; only prepended mutations have none (0) and count as the one before them.
    """

    def reached(number: int) -> bool:
        while number > 0:
            tick = recording.transition(machine_id, number).queue_tick
            if tick:
                return tick >= queue_tick
            number -= 1
        return False

    return _first(recording.timeline(machine_id).count, reached)


def _first(last: int, holds: Callable[[int], bool]) -> int:
    """The first number from 1 on for which a condition that stays true once it is true holds; else ``last``."""
    low, high = min(1, last), last
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
