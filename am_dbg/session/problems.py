"""Everything that went wrong on any machine, newest first, without reading transitions one by one.

The timelines know the numbers of problems as bitmaps; a heap merges them, only as far as somebody looks.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyroaring import BitMap

from am_telemetry.store.reading import Recording
from am_telemetry.store.timeline import Timeline


class Problem(StrEnum):
    """What went wrong."""

    ERROR = "error"
    """An error state became active or was entered again, or a handler failed without that being told."""
    CANCELED = "canceled"
    """Somebody asked for it and it was refused."""
    LOST = "lost"
    """Transitions before this one are missing."""


PROBLEM_TITLES: Final[dict[Problem, str]] = {
    Problem.ERROR: "errors",
    Problem.CANCELED: "canceled",
    Problem.LOST: "lost",
}


@dataclass(frozen=True, slots=True)
class ProblemPlace:
    """Where something went wrong.

    ``number`` is the transition, for lost ones the first that is there again; it may be one more than there are yet.
    """

    machine_id: int
    number: int
    at_ns: int
    kind: Problem


def problem_numbers(timeline: Timeline, kind: Problem) -> BitMap:
    """The transitions with a kind of problem, as a set that may be modified."""
    match kind:
        case Problem.ERROR:
            # The error of a handler is told by the transition after the one that broke: together they are one problem.
            return timeline.errors | (timeline.broken - timeline.errors.shift(-1))
        case Problem.CANCELED:
            return (timeline.canceled - timeline.auto) - timeline.errors - timeline.broken
        case Problem.LOST:
            return BitMap(timeline.gaps)


class ProblemList:
    """The problems of some kinds on all machines or on one, newest first. For one thread.

    What is recorded later does not appear; make another list then, which is cheap.

    Args:
        recording: whose machines are looked through.
        kinds: which problems are of interest.
        machine_id: only those of this machine run; None for all.
    """

    def __init__(self, recording: Recording, kinds: Iterable[Problem], machine_id: int | None = None) -> None:
        self._numbers: list[tuple[Timeline, int, Problem, BitMap]] = []
        self._heap: list[tuple[int, int, int, int]] = []
        self._places: list[ProblemPlace] = []
        self.total = 0
        """How many there are."""
        ids = [machine.id for machine in recording.machines] if machine_id is None else [machine_id]
        for kind in sorted(set(kinds)):
            for run in ids:
                timeline = recording.timeline(run)
                numbers = problem_numbers(timeline, kind)
                if numbers:
                    self.total += len(numbers)
                    self._numbers.append((timeline, run, kind, numbers))
                    self._push(len(self._numbers) - 1, len(numbers) - 1)

    def places(self, first: int, count: int) -> list[ProblemPlace]:
        """Some of them, by 0-based position; fewer at the end."""
        while len(self._places) < first + count and self._heap:
            _, _, source, rank = heapq.heappop(self._heap)
            timeline, run, kind, numbers = self._numbers[source]
            number = int(numbers[rank])
            self._places.append(ProblemPlace(run, number, _time(timeline, number), kind))
            if rank:
                self._push(source, rank - 1)
        return self._places[first : first + count]

    def find(self, place: ProblemPlace, within: int) -> int | None:
        """The position of a place among the ``within`` newest, None when it is not there."""
        for position, other in enumerate(self.places(0, within)):
            if (other.machine_id, other.number, other.kind) == (place.machine_id, place.number, place.kind):
                return position
        return None

    def _push(self, source: int, rank: int) -> None:
        timeline, _, _, numbers = self._numbers[source]
        number = int(numbers[rank])
        heapq.heappush(self._heap, (-_time(timeline, number), -number, source, rank))


def _time(timeline: Timeline, number: int) -> int:
    """When a transition began; for one that is yet to come, when the last one did."""
    last = timeline.pieces.floor(min(number, timeline.count))
    return timeline.at(last) if last else 0
