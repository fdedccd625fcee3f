"""Finding a transition by what machines and programs call it. The cursor's own numbers count what was recorded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from am_telemetry.store.reading import Recording
from am_telemetry.store.timeline import Timeline

_COUNT: Final = re.compile("[0-9a-f]{8}")


def by_sequence(recording: Recording, machine_id: int, sequence: int) -> int | None:
    """The number of the transition with a machine's own count, or None when it was not recorded."""
    timeline = recording.timeline(machine_id)
    # Sequences grow at least as fast as numbers, so the number is never higher.
    number = _first(timeline, max(0, sequence), lambda n: recording.transition(machine_id, n).sequence >= sequence)
    if number and recording.transition(machine_id, number).sequence == sequence:
        return number
    return None


def by_id(recording: Recording, machine_id: int, transition_id: str) -> int | None:
    """The number of the transition with an id, or None.

    Ids that a machine makes of its prefix and its own count are found by bisection, recorded ones by their index.
    """
    prefix = next((machine.id_prefix for machine in recording.machines if machine.id == machine_id), "")
    count = transition_id[len(prefix) :]
    if prefix and transition_id.startswith(prefix) and _COUNT.fullmatch(count):
        number = by_sequence(recording, machine_id, int(count, 16))
        if number is not None:
            return number
    found = recording.find_transition_id(transition_id, machine_id)
    return None if found is None else found[1]


def by_queue_tick(recording: Recording, machine_id: int, queue_tick: int) -> int:
    """The first transition with at least a queue tick, else the last one; 0 when there are none.

    Queue ticks grow with the transitions; only prepended mutations have none (0) and count as the one before them.
    """

    timeline = recording.timeline(machine_id)

    def reached(number: int) -> bool:
        while timeline.holds(number):
            tick = recording.transition(machine_id, number).queue_tick
            if tick:
                return tick >= queue_tick
            number -= 1
        return False

    return _first(timeline, timeline.count, reached)


def _first(timeline: Timeline, last: int, holds: Callable[[int], bool]) -> int:
    """The first kept number for which a condition that stays true once it is true holds; else the last one.

    Args:
        timeline: of the machine.
        last: the highest number that may be asked for.
        holds: the condition.

    Returns:
        0 when no transition is kept up to ``last``.
    """
    pieces, end = timeline.pieces, timeline.pieces.floor(min(last, timeline.count))
    if not end:
        return 0
    low, high = 0, pieces.place(end)
    while low < high:
        middle = (low + high) // 2
        if holds(pieces.number(middle)):
            high = middle
        else:
            low = middle + 1
    return pieces.number(low)
