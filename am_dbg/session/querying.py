"""Answering a query with set algebra on the timelines of a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import Final

from pyroaring import BitMap

from am_dbg.moments import parse_moment
from am_dbg.session.filters import Filter, members
from am_dbg.session.query_measures import within
from am_dbg.session.query_names import named
from am_dbg.session.query_syntax import parse
from am_dbg.session.query_terms import (
    Between,
    Both,
    Either,
    Flagged,
    Having,
    Negated,
    OfState,
    QueryError,
    Term,
    Texts,
    Within,
    texts_of,
)
from am_telemetry.store.pattern_search import numbers_with
from am_telemetry.store.reading import Recording
from am_telemetry.store.records import MachineRecord, PatternRecord
from am_telemetry.store.timeline import Timeline

Found = Mapping[int, Sequence[int]]
"""Numbers of transitions by machine run."""

_SETS: Final[dict[str, Filter]] = {
    "canceled": Filter.CANCELED,
    "auto": Filter.AUTO,
    "check": Filter.CHECKS,
    "queued": Filter.QUEUED,
    "error": Filter.ERRORS,
    "empty": Filter.EMPTY,
    "health": Filter.HEALTH,
    "logged": Filter.LOGGED,
}


class Query:
    """A query about one recording. Compared by identity: two of the same text may hold different texts found.

    Args:
        text: what to look for.
        recording: whose machines are asked.
        states: names of states that win where a beginning may mean several.
        tz: of times of day; the local one by default.

    Raises:
        QueryError: the text cannot be understood, or names what the recording does not have.
    """

    def __init__(self, text: str, recording: Recording, states: Iterable[str] = (), tz: tzinfo | None = None) -> None:
        self.text = " ".join(text.split())
        self._recording = recording
        self._term = named(parse(text), recording, states)
        self._found: dict[Texts, Found] = {}
        self._machines: dict[Timeline, MachineRecord] = {}
        self._times: dict[Between, tuple[int | None, int | None]] = {}
        for term in _times_of(self._term):
            self._times[term] = _limits(term, recording, tz)

    @property
    def texts(self) -> list[Texts]:
        """The texts that somebody has to look up before the query can be answered; see :meth:`take`."""
        return texts_of(self._term)

    def take(self, texts: Texts, found: Found) -> None:
        """Where a text occurs."""
        self._found[texts] = found

    def everywhere(self) -> dict[int, Sequence[int]]:
        """The transitions that match, ascending, by machine run; only runs that have any."""
        found: dict[int, Sequence[int]] = {}
        for machine in self._recording.machines:
            timeline = self._recording.timeline(machine.id)
            numbers = self._answer(machine, timeline, 1, timeline.count)
            if numbers:
                found[machine.id] = numbers.to_array()
        return found

    def numbers(self, timeline: Timeline, first: int = 1, last: int | None = None) -> BitMap:
        """A new set of the matching transitions ``first`` to ``last`` (default: all) of a timeline of the recording."""
        machine = self._machines.get(timeline)
        if machine is None:
            self._machines = {self._recording.timeline(m.id): m for m in self._recording.machines}
            machine = self._machines[timeline]
        return self._answer(machine, timeline, first, timeline.count if last is None else min(last, timeline.count))

    def _answer(self, machine: MachineRecord, timeline: Timeline, first: int, last: int) -> BitMap:
        if first > last:
            return BitMap()
        return _Answer(self._recording, machine, timeline, first, last, self._found, self._times).of(self._term)


class _Answer:
    """The answer for some transitions of one machine run. Sets are within these transitions, and not to be modified."""

    def __init__(
        self,
        recording: Recording,
        machine: MachineRecord,
        timeline: Timeline,
        first: int,
        last: int,
        found: Mapping[Texts, Found],
        times: Mapping[Between, tuple[int | None, int | None]],
    ) -> None:
        self._recording = recording
        self._machine = machine
        self._timeline = timeline
        self._first = first
        self._last = last
        self._found = found
        self._times = times
        self._all = BitMap(range(first, last + 1))
        if not timeline.pieces.whole:
            self._all &= timeline.pieces.numbers(last)

    def of(self, term: Term) -> BitMap:
        match term:
            case Both(parts):
                numbers = self.of(parts[0])
                for part in parts[1:]:
                    if not numbers:
                        break
                    numbers = numbers & self.of(part)  # not in place: it may be the set of all
                return numbers
            case Either(parts):
                return BitMap.union(*(self.of(part) for part in parts))
            case Negated(part):
                return self._all - self.of(part)
            case OfState(aspect, name):
                state = self._timeline.schema.index.get(name)
                return BitMap() if state is None else self._all & _aspect(self._timeline, aspect, state)
            case Flagged(flag):
                return self._all & self._flag(flag)
            case Having():
                return self._having(term)
            case Within():
                return within(self._recording, self._machine.id, self._timeline, term, self._all)
            case Between():
                low, high = self._times[term]
                return self._between(low, high)
            case Texts():
                return self._all & BitMap(self._found.get(term, {}).get(self._machine.id, ()))

    def _flag(self, flag: str) -> BitMap:
        if flag in _SETS:
            return members(self._timeline, _SETS[flag])
        return self._timeline.broken if flag == "broken" else self._timeline.accepted

    def _having(self, term: Having) -> BitMap:
        value, machine, timeline = term.value, self._machine, self._timeline
        match term.what:
            case "machine":
                fits = fnmatchcase(machine.name, value)
            case "tag":
                fits = any(fnmatchcase(tag, value) for tag in machine.tags)
            case "run":
                fits = machine.run == int(value)
            case "group":
                members_of = dict(timeline.schema.groups).get(value, ())
                return self._all & BitMap.union(BitMap(), *(timeline.active(state) for state in members_of))
            case "kind":
                return self._with(lambda record: record.fact.mutation == value)
            case "handler":
                return self._with(lambda record: any(fnmatchcase(name, value) for name in record.fact.handlers))
        return self._all.copy() if fits else BitMap()

    def _with(self, matches: Callable[[PatternRecord], bool]) -> BitMap:
        return numbers_with(self._timeline, matches, self._first, self._last)

    def _between(self, low: int | None, high: int | None) -> BitMap:
        timeline = self._timeline
        if timeline.ordered:
            numbers = self._all
            if low is not None:
                numbers = numbers & BitMap(range(timeline.number_at(low - 1) + 1, self._last + 1))
            if high is not None:
                numbers = numbers & BitMap(range(timeline.number_at(high) + 1))
            return numbers
        return BitMap(
            number
            for number in self._all
            if (low is None or timeline.at(number) >= low) and (high is None or timeline.at(number) <= high)
        )


def _aspect(timeline: Timeline, aspect: str, state: int) -> BitMap:
    maps = timeline.states[state]
    match aspect:
        case "active":
            return maps.active
        case "changed":
            return maps.changed
        case "called":
            return maps.called
    turned = maps.changed - maps.doubled  # by one tick; only odd numbers of ticks turn a state on or off
    before = 0
    for number, surplus in maps.irregular:
        if (surplus - before) % 2:
            turned.discard(number)
        before = surplus
    return turned & maps.active if aspect == "added" else turned - maps.active


def _times_of(term: Term) -> list[Between]:
    match term:
        case Both(parts) | Either(parts):
            return [found for part in parts for found in _times_of(part)]
        case Negated(part):
            return _times_of(part)
        case Between():
            return [term]
        case _:
            return []


def _limits(term: Between, recording: Recording, tz: tzinfo | None) -> tuple[int | None, int | None]:
    timelines = [recording.timeline(machine.id) for machine in recording.machines]
    end_ns = max((timeline.times[-1] for timeline in timelines if timeline.size), default=0)
    try:
        low = parse_moment(term.low, end_ns, tz) if term.low else None
        high = parse_moment(term.high, end_ns, tz) if term.high else None
    except ValueError as error:
        raise QueryError(str(error), term.column, "as in @12:03..12:05, @-10m.. or @12:03:07") from error
    if term.low == term.high and high is not None:
        high += _width(term.low) - 1
    return low, high


def _width(moment: str) -> int:
    """How long the time lasts that somebody writes: ``12:03`` is a minute."""
    clock = moment.rpartition("T")[2]
    second = 1_000_000_000
    return 60 * second if clock.count(":") == 1 else 1 if "." in clock else second
