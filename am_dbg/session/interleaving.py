"""The visible transitions of several machines as one sequence by time, found page by page around a place.

No list of all transitions is made, and no machine is filtered that has nothing near the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.clocks import corrections
from am_dbg.session.log_options import LogScope
from am_dbg.session.log_places import NEAR, LogPlace
from am_dbg.session.merged_pages import LATEST, MachineSource, following, preceding
from am_dbg.session.view import Mode, SessionView

PAGE: Final = 3 * NEAR
_KEPT_PAGE: Final = 4_096


class Interleaved:
    """The log of several machines. For one thread.

    Args:
        session: whose ``log.scope`` and ``pinned`` say which machines.
    """

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._sources: dict[int, MachineSource] = {}
        self._version = -1
        self._selection: object = None
        self._scope: object = None
        self._known_machines = 0
        self._page: list[LogPlace] = []
        self._index: dict[LogPlace, int] = {}
        self._complete = False
        self._fresh: dict[int, MachineSource] = {}
        """Machines that went on since the page was known to be complete."""
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
        if session.filters.selection != self._selection or scope != self._scope:
            self._selection, self._scope, self._version, self._known_machines = session.filters.selection, scope, -1, 0
            self._sources, self._fresh, self._ends = {}, {}, None
            self._turn_to(())
        if session.recording.version == self._version:
            return
        self._version = session.recording.version
        self._take_in_machines()
        self._take_in_transitions()

    def first(self) -> LogPlace | None:
        return self._first_and_last()[0]

    def last(self) -> LogPlace | None:
        return self._first_and_last()[1]

    def after(self, place: LogPlace) -> LogPlace | None:
        position = self._position(place)
        if position + 1 >= len(self._page):
            # Behind a page that was complete there can be transitions of those machines only that went on since.
            sources = self._fresh if self._complete else self._sources
            more = following(sources, self._session.filters, place, PAGE) if sources else []
            complete = len(more) < PAGE
            if complete:
                self._fresh = {}
            self._turn_to([*self._page, *more][-_KEPT_PAGE:], complete=complete)
            if not more:
                return None
            position = self._index[place]
        return self._page[position + 1]

    def before(self, place: LogPlace) -> LogPlace | None:
        position = self._position(place)
        if position == 0:
            more = self._preceding(place, PAGE)
            if not more:
                return None
            page = [*more, *self._page]
            self._turn_to(page[:_KEPT_PAGE], complete=self._complete and len(page) <= _KEPT_PAGE)
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
        found = self._preceding(LogPlace(moment, LATEST, LATEST), 1)
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
        self._ends = None
        self._turn_to(())
        shifts = corrections(session.recording)
        for machine in machines[self._known_machines :]:
            if session.log.scope is LogScope.ALL or machine.name in session.pinned:
                timeline = session.recording.timeline(machine.id)
                self._sources[machine.id] = MachineSource(machine.id, timeline, shifts.get(machine.process_id, 0))
        self._known_machines = len(machines)
        # Another process may tell more about the clock of a host.
        for machine in machines:
            if machine.id in self._sources and self._sources[machine.id].shift != shifts.get(machine.process_id, 0):
                self._sources[machine.id].shift = shifts.get(machine.process_id, 0)

    def _take_in_transitions(self) -> None:
        """Sort what is new behind the page; turn the page away when something belongs into it."""
        end = self._page[-1].at_ns if self._page else LATEST
        into_page = removed = False
        for source in self._sources.values():
            known, timeline = source.count, source.timeline
            if source.pieces is not timeline.pieces:
                source.pieces = timeline.pieces
                removed = True
            if timeline.count > known:
                source.count = timeline.count
                self._fresh[source.machine_id] = source
                into_page = into_page or not timeline.holds(known + 1) or source.time(known + 1) <= end
                self._widen_ends(source, known)
        if removed:
            self._ends = None
        if removed or into_page:
            self._turn_to(())

    def _widen_ends(self, source: MachineSource, known: int) -> None:
        """Take in that a machine has transitions after a number."""
        if self._ends is None:
            return
        first, last = self._ends
        numbers = source.numbers(self._session.filters)
        earliest, latest = navigation.following(numbers, known), navigation.at_or_before(numbers, source.count)
        if earliest is None:
            return
        begin = LogPlace(source.time(earliest), source.machine_id, earliest)
        end = LogPlace(source.time(latest), source.machine_id, latest)
        self._ends = (begin if first is None else min(first, begin), end if last is None else max(last, end))

    def _turn_to(self, places: Sequence[LogPlace], *, complete: bool = False) -> None:
        """Have other places in the page.

        Args:
            complete: the last one is the last of the log, but for what ``_fresh`` machines have.
        """
        self._complete = complete
        self._page = list(places)
        self._index = {place: position for position, place in enumerate(self._page)}

    def _position(self, place: LogPlace) -> int:
        """Where a place is in the page, which is turned to it if need be."""
        self.refresh()
        position = self._index.get(place)
        if position is None:
            before = self._preceding(place, PAGE)
            after = self._following(place, PAGE)
            self._fresh = {}
            self._turn_to([*before, place, *after], complete=len(after) < PAGE)
            position = len(before)
        return position

    def _first_and_last(self) -> tuple[LogPlace | None, LogPlace | None]:
        self.refresh()
        if self._ends is None:
            first = self._following(LogPlace(-LATEST, 0, 0), 1)
            last = self._preceding(LogPlace(LATEST, LATEST, LATEST), 1)
            self._ends = (first[0] if first else None, last[0] if last else None)
        return self._ends

    def _following(self, place: LogPlace, limit: int) -> list[LogPlace]:
        return following(self._sources, self._session.filters, place, limit)

    def _preceding(self, place: LogPlace, limit: int) -> list[LogPlace]:
        return preceding(self._sources, self._session.filters, place, limit)
