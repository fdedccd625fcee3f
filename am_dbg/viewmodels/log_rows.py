"""The rows of a transition in the log: what was logged before, in and after it, or else what its pattern tells.

Every visible transition has at least one row. Rows are kept for the transitions looked at last, and their entries are
read for some neighbours at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from am_dbg.session import navigation
from am_dbg.session.kept import were_removed
from am_dbg.session.log_places import LogOrder, LogPlace
from am_dbg.session.steps import PartlyApplied
from am_dbg.session.targets import GoToStep, GoToTransition
from am_dbg.session.view import SessionView
from am_dbg.timefmt import second_label, thousands
from am_dbg.viewmodels import steps
from am_dbg.viewmodels.describe import error_place, error_text
from am_dbg.viewmodels.log_names import NO_MACHINES, MachineNames
from am_dbg.viewmodels.log_text import gutter, parse, summary
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_dbg.viewmodels.traces import trace_lines, traceback_lines
from am_telemetry.facts import ErrorFact
from am_telemetry.store.pieces import Pieces
from am_telemetry.store.records import LogRecord, OmissionRecord
from am_telemetry.store.timeline import Timeline

_NEAR: Final = 256
"""Entries of transitions no farther apart than this are read together."""
_KEPT: Final = 2_000
_STEPS_SHOWN: Final = 8
NOT_AN_ENTRY: Final = -1


@dataclass(frozen=True, slots=True)
class ContentRow:
    """A row of a transition, without what depends on where it stands."""

    line: Line
    sign: Span | None = None
    """The gutter: what became of the transition, a blank where that is said already; None for a row across it all."""
    entry: int = NOT_AN_ENTRY
    """Which of the transition's log entries it belongs to, counted from 0."""
    is_label: bool = False
    """Tells the time, and nothing of the transition."""


def step_rows(timeline: Timeline, inside: PartlyApplied) -> tuple[ContentRow, ...]:
    """The steps that were done, one per row; of many the last ones. Following a row leads to that step."""
    rows = steps.table(timeline, inside.number)[: inside.step]
    left_out = max(0, len(rows) - _STEPS_SHOWN)
    out: list[Line] = [(Span(f"    … {left_out} steps before", Role.DIM),)] if left_out else []
    for row in rows[left_out:]:
        last = row.number == inside.step
        target = GoToStep(inside.number, row.number)
        head = Span(
            f"  {'›' if last else ' '} {row.number} ", Role.CURSOR if last else Role.DIM, bold=last, target=target
        )
        out.append((head, Span(row.sentence, row.role if last else Role.DIM, bold=last, target=target)))
    return tuple(ContentRow(line) for line in out)


class LogRows:
    """Rows by machine and transition. For one thread; ``forget`` when other rows are to be shown."""

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._rows: dict[tuple[int, int], tuple[ContentRow, ...]] = {}
        self._machines: tuple[int, MachineNames] = (-1, NO_MACHINES)
        self._version = -1
        self._omitted: dict[int, list[OmissionRecord]] = {}
        self._pieces: dict[int, Pieces] = {}
        """What was kept of machines when their rows were made."""
        self._last: dict[int, int] = {}
        """The last visible transition of each machine, where it has rows."""

    def forget(self) -> None:
        """Make all rows anew."""
        self._rows.clear()
        self._last.clear()
        self._pieces.clear()

    def refresh(self) -> None:
        """Lines may have been added after the transitions that were the last ones of their machines."""
        recording = self._session.recording
        if self._version != recording.version:
            self._version = recording.version
            for machine_id, number in self._last.items():
                self._rows.pop((machine_id, number), None)
            self._last.clear()
            removed = [i for i, pieces in self._pieces.items() if recording.timeline(i).pieces is not pieces]
            if removed:
                self.forget()
            self._omitted.clear()

    def of(self, place: LogPlace, order: LogOrder) -> tuple[ContentRow, ...]:
        """The rows of a transition; those of its neighbours in the order are made with them."""
        key = (place.machine_id, place.number)
        rows = self._rows.get(key)
        if rows is None:
            if len(self._rows) > _KEPT:
                self.forget()
            self._load([place, *order.near(place)], order)
            rows = self._rows[key]
        return rows

    def early(self) -> tuple[ContentRow, ...]:
        """Of a selected machine that has done nothing so far: what it logged, and what has begun."""
        session, timeline = self._session, self._session.timeline
        if timeline is None or session.machine_id is None or timeline.count:
            return ()
        names, level = timeline.schema.names, session.log_level
        entries = session.recording.log_lines(session.machine_id, 0, 0)
        out: list[ContentRow] = []
        for position, entry in enumerate(entries):
            if entry.level <= level:
                out += self._entry(entry, position, Span("  "), names, [])
        return (*out, *self._running(session.machine_id))

    def entry_text(self, machine_id: int, number: int, entry: int) -> str:
        """A log entry as it was written, in full; empty when there is no such entry."""
        entries = self._session.recording.log_lines(machine_id, number, number)
        return entries[entry].text if 0 <= entry < len(entries) else ""

    # -- making rows -------------------------------------------------------------------------------------------------

    def _load(self, places: list[LogPlace], order: LogOrder) -> None:
        wanted: dict[int, list[int]] = {}
        for place in places:
            if (place.machine_id, place.number) not in self._rows:
                wanted.setdefault(place.machine_id, []).append(place.number)
        for machine_id, unordered in wanted.items():
            timeline = self._session.recording.timeline(machine_id)
            self._pieces.setdefault(machine_id, timeline.pieces)
            visible = order.visible_of(machine_id)
            numbers = sorted(set(unordered))
            entries = self._entries(machine_id, [number for number in numbers if number in timeline.logged])
            for number in numbers:
                before = navigation.preceding(visible, number) or 0
                rows = self._make(machine_id, timeline, number, before, entries.get(number, []))
                if navigation.following(visible, number) is None:
                    rows = (*rows, *self._running(machine_id))
                    self._last[machine_id] = number
                self._rows[machine_id, number] = rows

    def _entries(self, machine_id: int, logged: list[int]) -> dict[int, list[LogRecord]]:
        entries: dict[int, list[LogRecord]] = {}
        wanted = set(logged)
        while logged:
            near = [number for number in logged if number - logged[0] < _NEAR]
            for entry in self._session.recording.log_lines(machine_id, near[0], near[-1]):
                if entry.number in wanted:
                    entries.setdefault(entry.number, []).append(entry)
            logged = logged[len(near) :]
        return entries

    def _make(
        self, machine_id: int, timeline: Timeline, number: int, before: int, entries: list[LogRecord]
    ) -> tuple[ContentRow, ...]:
        out = [*self._removed(machine_id, timeline, before, number), *_interruptions(timeline, before, number)]
        out += [_omission(part) for part in self._omissions(machine_id) if before < max(part.first, 1) <= number]
        record = timeline.pattern(number)
        target = GoToTransition(machine_id, number)
        sign = gutter(record.fact, number in timeline.errors or number in timeline.broken)
        beside = Span("  ", target=target)
        names = timeline.schema.names
        called = [record.schema.state_name(state) for state in record.fact.called]
        level = self._session.log_level
        shown = [(position, entry) for position, entry in enumerate(entries) if entry.level <= level]
        own = False
        for position, entry in shown:
            if not entry.after:
                own = own or not entry.before
                out += self._entry(entry, position, beside if entry.before else sign, names, called)
        if not own:
            out.append(ContentRow(summary(record), sign))
        if number in timeline.errors:
            out = self._with_error(out, machine_id, number, [entry for _, entry in shown])
        for position, entry in shown:
            if entry.after:
                out += self._entry(entry, position, beside, names, called)
        return tuple(out)

    def _removed(self, machine_id: int, timeline: Timeline, before: int, number: int) -> Iterable[ContentRow]:
        """What retention has taken away since the visible transition before."""
        if not any(before < start <= number for start in timeline.pieces.starts if start > 1):
            return
        for removal in self._session.recording.removals(machine_id):
            if before <= removal.last < number:
                kept = f" (kept: {clean(removal.kept)})" if removal.kept else ""
                text = were_removed(removal.count, earlier=removal.first == 1)
                yield ContentRow((Span(f"⋯ {text}{kept}", Role.DIM),))

    def _entry(
        self, entry: LogRecord, position: int, sign: Span, names: tuple[str, ...], called: list[str]
    ) -> list[ContentRow]:
        if not self._session.log.traces:
            return [ContentRow(parse(entry.text, names, called, self._machine_names()), sign, position)]
        line = parse(entry.text, names, called, self._machine_names(), count=False)
        beside = Span("  ", target=sign.target)
        more = [ContentRow((Span("  "), *rest), beside, position) for rest in trace_lines(entry.text)]
        return [ContentRow(line, sign, position), *more]

    def _with_error(
        self, rows: list[ContentRow], machine_id: int, number: int, shown: list[LogRecord]
    ) -> list[ContentRow]:
        """The rows with what went wrong behind the last one, where that is known and was not logged."""
        error = self._session.recording.transition(machine_id, number).error
        if error is None or any(error.type in entry.text for entry in shown):
            return rows
        last = rows[-1]
        out = [*rows[:-1], ContentRow((*last.line, *_error(error)), last.sign, last.entry)]
        if self._session.log.traces:
            out += [ContentRow((Span("  "), *line), Span("  ")) for line in traceback_lines(error.traceback)]
        return out

    def _running(self, machine_id: int) -> list[ContentRow]:
        """What has begun and is not over: a handler that takes long, or hangs."""
        found = self._session.recording.running(machine_id)
        if found is None:
            return []
        doing = f"{found.mutation} {' '.join(found.called)}"
        where = f" · in {found.handler}" if found.handler else ""
        late = " · over its time limit" if found.timed_out else ""
        since = f"not over since {second_label(found.started_ns)}"
        text = clean(f"{doing} {since}{where}{late}")
        return [ContentRow((Span("▶ ", Role.ERROR, bold=True), Span(text, Role.ERROR)))]

    def _omissions(self, machine_id: int) -> list[OmissionRecord]:
        known = self._omitted.get(machine_id)
        if known is None:
            known = self._omitted[machine_id] = self._session.recording.omissions(machine_id)
        return known

    def _machine_names(self) -> MachineNames:
        machines = self._session.recording.machines
        if self._machines[0] != len(machines):
            self._machines = (len(machines), MachineNames(machine.name for machine in machines))
        return self._machines[1]


def _interruptions(timeline: Timeline, before: int, number: int) -> Iterable[ContentRow]:
    """What happened to the recording since the visible transition before: a hole belongs to the one behind it."""
    if lost := sum(n for at, n in timeline.gaps.items() if before < at <= number):
        yield ContentRow((Span(f"! {thousands(lost)} transitions were lost here", Role.ERROR, bold=True),))
    if any(before < at <= number for at in timeline.restored):
        yield ContentRow((Span("⟲ restored from a snapshot here", Role.DIM),))


def _omission(part: OmissionRecord) -> ContentRow:
    """What was left out at the far end, so that nobody takes its absence for an answer."""
    lines = f"{thousands(part.count)} {part.what}"
    some = "one transition" if part.count == 1 else f"{thousands(part.count)} transitions"
    what = lines if part.what != "steps" else f"the steps of {some}"
    until = f" until #{thousands(part.last)}" if part.last > part.first else ""
    return ContentRow((Span(clean(f"! {what} were left out from here{until}: {part.reason}"), Role.ERROR_RECENT),))


def _error(error: ErrorFact) -> Line:
    """`` · ValueError: bad input  at shop.py:41``."""
    place = error_place(error)
    return (
        Span(" · ", Role.DIM),
        Span(error_text(error), Role.ERROR, bold=True),
        *((Span(f"  at {place}", Role.ERROR),) if place else ()),
    )
