"""Pages of one sequence by time, merged from the transitions of several machines around a place.

A page takes a bisection for each machine, and a step of a heap for each transition in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from heapq import heapify, heappop, heapreplace
from typing import Final

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.filters import FilterSet, VisibleSet
from am_dbg.session.log_places import LogPlace
from am_telemetry.store.timeline import Timeline

LATEST: Final = (1 << 63) - 1


class MachineSource:
    """A machine run in the sequence."""

    __slots__ = ("count", "machine_id", "pieces", "shift", "timeline", "visible")

    def __init__(self, machine_id: int, timeline: Timeline, shift: int) -> None:
        self.machine_id = machine_id
        self.timeline = timeline
        self.shift = shift
        self.count = timeline.count
        """Transitions that the page knows about."""
        self.pieces = timeline.pieces
        self.visible: VisibleSet | None = None

    def numbers(self, filters: FilterSet) -> BitMap:
        """The visible transitions; only asked for where the machine has some near the page."""
        if self.visible is None or self.visible.is_stale:
            self.visible = VisibleSet(self.timeline, filters)
        else:
            self.visible.extend()
        return self.visible.numbers

    def time(self, number: int) -> int:
        """What a transition is ordered by: its corrected time, or that of one before it if the clock was set back."""
        timeline = self.timeline
        own = timeline.at(number)
        if timeline.ordered or timeline.number_at(own) >= number:
            return own + self.shift
        low, high = own, LATEST
        while low < high:
            middle = (low + high) // 2
            if timeline.number_at(middle) >= number:
                high = middle
            else:
                low = middle + 1
        return low + self.shift

    def after(self, place: LogPlace) -> tuple[int, int] | None:
        """The first transition after a place of another machine, hidden ones included: its time and number."""
        timeline = self.timeline
        count, moment = timeline.count, place.at_ns - self.shift
        bisect = bisect_right if self.machine_id < place.machine_id else bisect_left
        if timeline.ordered and timeline.pieces.whole:
            index = bisect(timeline.times, moment, 0, count)
            return (timeline.times[index] + self.shift, index + 1) if index < count else None
        number = timeline.number_at(moment if bisect is bisect_right else moment - 1) + 1
        return self._kept(number) if number <= count else None

    def before(self, place: LogPlace) -> tuple[int, int] | None:
        """The last transition before a place of another machine, hidden ones included: its time and number."""
        timeline = self.timeline
        moment = place.at_ns - self.shift
        bisect = bisect_right if self.machine_id < place.machine_id else bisect_left
        if timeline.ordered and timeline.pieces.whole:
            number = bisect(timeline.times, moment, 0, timeline.count)
            return (timeline.times[number - 1] + self.shift, number) if number else None
        number = timeline.pieces.floor(timeline.number_at(moment if bisect is bisect_right else moment - 1))
        return (self.time(number), number) if number else None

    def _kept(self, number: int) -> tuple[int, int] | None:
        """A transition, or the next one where retention has removed it."""
        while not self.timeline.holds(number):
            later = [start for start in self.timeline.pieces.starts if start > number]
            if not later or later[0] > self.timeline.count:
                return None
            number = later[0]
        return self.time(number), number


def following(sources: Mapping[int, MachineSource], filters: FilterSet, place: LogPlace, limit: int) -> list[LogPlace]:
    """The next visible places after one, in order, at most ``limit``."""
    heap: list[tuple[int, int, int, bool]] = []
    for machine_id, source in sources.items():
        if machine_id == place.machine_id:
            number = navigation.following(source.numbers(filters), place.number)
            if number is not None:
                heap.append((source.time(number), machine_id, number, True))
        elif candidate := source.after(place):
            heap.append((candidate[0], machine_id, candidate[1], False))
    heapify(heap)
    out: list[LogPlace] = []
    while heap and len(out) < limit:
        at_ns, machine_id, number, is_visible = heap[0]
        source = sources[machine_id]
        if is_visible:
            out.append(LogPlace(at_ns, machine_id, number))
            number += 1
        # Only here it is known that the machine matters, and worth while to filter it.
        shown = navigation.following(source.numbers(filters), number - 1)
        if shown is None:
            heappop(heap)
        else:
            heapreplace(heap, (source.time(shown), machine_id, shown, True))
    return out


def preceding(sources: Mapping[int, MachineSource], filters: FilterSet, place: LogPlace, limit: int) -> list[LogPlace]:
    """The visible places before one, in order, at most ``limit``."""
    heap: list[tuple[int, int, int, bool]] = []
    for machine_id, source in sources.items():
        if machine_id == place.machine_id:
            number = navigation.preceding(source.numbers(filters), place.number)
            if number is not None:
                heap.append((-source.time(number), -machine_id, -number, True))
        elif candidate := source.before(place):
            heap.append((-candidate[0], -machine_id, -candidate[1], False))
    heapify(heap)
    out: list[LogPlace] = []
    while heap and len(out) < limit:
        at_ns, machine_id, number, is_visible = heap[0]
        source = sources[-machine_id]
        if is_visible:
            out.append(LogPlace(-at_ns, -machine_id, -number))
            number += 1
        shown = navigation.at_or_before(source.numbers(filters), -number)
        if not shown:
            heappop(heap)
        else:
            heapreplace(heap, (-source.time(shown), machine_id, -shown, True))
    out.reverse()
    return out
