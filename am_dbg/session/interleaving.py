"""The visible transitions of several machines as one sequence by time, found page by page around a place.

No list of all transitions is made: a page is merged from what each machine has next to a moment, which takes a
bisection for each machine and a step of a heap for each transition of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Final

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.clocks import corrections
from am_dbg.session.filters import FilterSet, VisibleSet
from am_dbg.session.log_options import LogScope
from am_dbg.session.log_places import NEAR, LogPlace
from am_dbg.session.view import Mode, SessionView
from am_telemetry.store.timeline import Timeline

PAGE: Final = 3 * NEAR
_KEPT_PAGE: Final = 4_096
_LATEST: Final = (1 << 63) - 1


class _Source:
    """A machine run in the sequence."""

    __slots__ = ("count", "machine_id", "shift", "timeline", "visible")

    def __init__(self, machine_id: int, timeline: Timeline, shift: int) -> None:
        self.machine_id = machine_id
        self.timeline = timeline
        self.shift = shift
        self.count = timeline.count
        """Transitions that the page knows about."""
        self.visible: VisibleSet | None = None

    def numbers(self, filters: FilterSet) -> BitMap:
        """The visible transitions; only asked for where the machine has some near the page."""
        if self.visible is None:
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
        low, high = own, _LATEST
        while low < high:
            middle = (low + high) // 2
            if timeline.number_at(middle) >= number:
                high = middle
            else:
                low = middle + 1
        return low + self.shift

    def until(self, at_ns: int) -> int:
        """The last transition up to a moment."""
        return self.timeline.number_at(at_ns - self.shift)


class Interleaved:
    """The log of several machines. For one thread.

    Args:
        session: whose ``log.scope`` and ``pinned`` say which machines.
    """

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._sources: dict[int, _Source] = {}
        self._version = -1
        self._hidden: object = None
        self._scope: object = None
        self._known_machines = 0
        self._page: list[LogPlace] = []
        self._index: dict[LogPlace, int] = {}
        self._ends: tuple[LogPlace | None, LogPlace | None] | None = None

    @property
    def machines(self) -> int:
        """How many machine runs are in the log."""
        self.refresh()
        return len(self._sources)

    @property
    def machine_ids(self) -> Iterable[int]:
        """Database ids of these runs."""
        return self._sources.keys()

    @property
    def corrected(self) -> int:
        """How many of them have their times put right."""
        return sum(1 for source in self._sources.values() if source.shift)

    def shift(self, machine_id: int | None) -> int:
        """Nanoseconds that are added to the times of a machine; 0 for one that is not in the log."""
        source = self._sources.get(machine_id or 0)
        return source.shift if source is not None else 0

    def refresh(self) -> None:
        session = self._session
        scope = (session.log.scope, session.pinned)
        if session.filters.hidden != self._hidden or scope != self._scope:
            self._hidden, self._scope, self._version, self._known_machines = session.filters.hidden, scope, -1, 0
            self._sources = {}
            self._turn_to(())
        if session.recording.version == self._version:
            return
        self._version = session.recording.version
        self._ends = None
        self._take_in_machines()
        if self._page and self._is_behind():
            self._turn_to(())

    def first(self) -> LogPlace | None:
        return self._first_and_last()[0]

    def last(self) -> LogPlace | None:
        return self._first_and_last()[1]

    def after(self, place: LogPlace) -> LogPlace | None:
        position = self._position(place)
        if position + 1 >= len(self._page):
            more = self._following(place, PAGE)
            if not more:
                return None
            self._turn_to([*self._page, *more][-_KEPT_PAGE:])
            position = self._index[place]
        return self._page[position + 1]

    def before(self, place: LogPlace) -> LogPlace | None:
        position = self._position(place)
        if position == 0:
            more = self._preceding(place, PAGE)
            if not more:
                return None
            self._turn_to([*more, *self._page][:_KEPT_PAGE])
            position = self._index[place]
        return self._page[position - 1]

    def near(self, place: LogPlace) -> list[LogPlace]:
        position = self._position(place)
        start = position - position % NEAR
        return self._page[start : start + NEAR]

    def again(self, place: LogPlace) -> LogPlace | None:
        source = self._sources.get(place.machine_id)
        if source is None or place.number not in source.numbers(self._session.filters):
            return self.cursor() or self.first()
        return LogPlace(source.time(place.number), place.machine_id, place.number)

    def cursor(self) -> LogPlace | None:
        session = self._session
        self.refresh()
        if session.mode is Mode.TAIL:
            return self.last()
        own = self.of(session.number)
        if own is not None:
            return own
        moment = session.moment + self.shift(session.machine_id)
        found = self._preceding(LogPlace(moment, _LATEST, _LATEST), 1)
        return found[0] if found else None

    def of(self, number: int) -> LogPlace | None:
        source = self._sources.get(self._session.machine_id or 0)
        if source is None or number not in source.numbers(self._session.filters):
            return None
        return LogPlace(source.time(number), source.machine_id, number)

    def visible_of(self, machine_id: int) -> BitMap:
        return self._sources[machine_id].numbers(self._session.filters)

    def share(self, place: LogPlace) -> float:
        first, last = self._first_and_last()
        if first is None or last is None or last.at_ns <= first.at_ns:
            return 0.0
        return min(1.0, max(0.0, (place.at_ns - first.at_ns) / (last.at_ns - first.at_ns)))

    def behind(self, place: LogPlace) -> int | None:
        return 0 if place == self.last() else None

    # -- inside ------------------------------------------------------------------------------------------------------

    def _take_in_machines(self) -> None:
        """Machines only ever come, so those that are known stay."""
        session = self._session
        machines = session.recording.machines
        if len(machines) == self._known_machines:
            return
        shifts = corrections(session.recording)
        for machine in machines[self._known_machines :]:
            if session.log.scope is LogScope.ALL or machine.name in session.pinned:
                timeline = session.recording.timeline(machine.id)
                self._sources[machine.id] = _Source(machine.id, timeline, shifts.get(machine.process_id, 0))
        self._known_machines = len(machines)
        # Another process may tell more about the clock of a host.
        for machine in machines:
            if machine.id in self._sources and self._sources[machine.id].shift != shifts.get(machine.process_id, 0):
                self._sources[machine.id].shift = shifts.get(machine.process_id, 0)
                self._turn_to(())

    def _is_behind(self) -> bool:
        """Whether transitions have come that belong into the page, and not behind it."""
        end = self._page[-1].at_ns
        behind = False
        for source in self._sources.values():
            known, count = source.count, source.timeline.count
            if count > known:
                source.count = count
                behind = behind or source.time(known + 1) <= end
        return behind

    def _turn_to(self, places: Sequence[LogPlace]) -> None:
        if not self._page:
            for source in self._sources.values():
                source.count = source.timeline.count
        self._page = list(places)
        self._index = {place: position for position, place in enumerate(self._page)}

    def _position(self, place: LogPlace) -> int:
        """Where a place is in the page, which is turned to it if need be."""
        self.refresh()
        position = self._index.get(place)
        if position is None:
            self._turn_to(())
            before = self._preceding(place, PAGE)
            self._turn_to([*before, place, *self._following(place, PAGE)])
            position = len(before)
        return position

    def _first_and_last(self) -> tuple[LogPlace | None, LogPlace | None]:
        self.refresh()
        if self._ends is None:
            first = self._following(LogPlace(-_LATEST, 0, 0), 1)
            last = self._preceding(LogPlace(_LATEST, _LATEST, _LATEST), 1)
            self._ends = (first[0] if first else None, last[0] if last else None)
        return self._ends

    def _following(self, place: LogPlace, limit: int) -> list[LogPlace]:
        """The next places after one, in order."""
        filters = self._session.filters
        heap: list[tuple[int, int, int, bool]] = []
        for source in self._sources.values():
            number = self._beside(source, place) + 1
            if number <= source.timeline.count:
                heap.append((source.time(number), source.machine_id, number, False))
        heapify(heap)
        out: list[LogPlace] = []
        while heap and len(out) < limit:
            at_ns, machine_id, number, is_visible = heap[0]
            source = self._sources[machine_id]
            if is_visible:
                out.append(LogPlace(at_ns, machine_id, number))
                number += 1
            following = navigation.following(source.numbers(filters), number - 1)
            if following is None:
                heappop(heap)
            else:
                heapreplace(heap, (source.time(following), machine_id, following, True))
        return out

    def _preceding(self, place: LogPlace, limit: int) -> list[LogPlace]:
        """The places before one, in order."""
        filters = self._session.filters
        heap: list[tuple[int, int, int, bool]] = []
        for source in self._sources.values():
            number = self._beside(source, place)
            if source.machine_id == place.machine_id:
                number = place.number - 1
            if number > 0:
                heap.append((-source.time(number), -source.machine_id, -number, False))
        heapify(heap)
        out: list[LogPlace] = []
        while heap and len(out) < limit:
            at_ns, machine_id, number, is_visible = heap[0]
            source = self._sources[-machine_id]
            if is_visible:
                out.append(LogPlace(-at_ns, -machine_id, -number))
                number += 1
            preceding = navigation.at_or_before(source.numbers(filters), -number)
            if not preceding:
                heappop(heap)
            else:
                heapreplace(heap, (-source.time(preceding), machine_id, -preceding, True))
        out.reverse()
        return out

    def _beside(self, source: _Source, place: LogPlace) -> int:
        """The last transition of a machine that is not after a place."""
        if source.machine_id == place.machine_id:
            return place.number
        return source.until(place.at_ns if source.machine_id < place.machine_id else place.at_ns - 1)
