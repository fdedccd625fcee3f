"""Machine times of many machines at a moment that moves by small steps."""

from __future__ import annotations

from typing import Final

from am_telemetry.store.timeline import Timeline

_NEAR: Final = 8


class MachineTimes:
    """Remembers the machine time of each machine where it was last asked for, and walks from there when that is near.

    Counting all ticks costs a look-up per state; a step costs one look-up per transition.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Timeline, int, int]] = {}

    def at(self, machine_id: int, timeline: Timeline, number: int) -> int:
        """The sum of all ticks of a machine after a transition."""
        known = self._known.get(machine_id)
        if known is not None and known[0] is timeline:
            _, old, total = known
            if old == number:
                return total
            if abs(old - number) <= _NEAR and not timeline.gaps and timeline.pieces.whole:
                for step in range(old + 1, number + 1):
                    total += _ticks(timeline, step)
                for step in range(number + 1, old + 1):
                    total -= _ticks(timeline, step)
                self._known[machine_id] = (timeline, number, total)
                return total
        total = timeline.machine_time(number)
        self._known[machine_id] = (timeline, number, total)
        return total


def _ticks(timeline: Timeline, number: int) -> int:
    return sum(ticks for _, ticks in timeline.pattern(number).fact.deltas)
