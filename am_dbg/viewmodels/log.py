"""The log pane: an endless list of which only the rows in the window are made.

How many rows a transition has is known only after its log entries were read, so rows have no global index. A place in
the log is a visible transition (by rank) and a row of it; the pane scrolls from place to place. Every visible
transition has at least one row: what was not logged is told from its pattern.

Inside a transition its steps so far stand below its rows, the last one marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from am_dbg.session import navigation
from am_dbg.session.filters import LOG_LEVELS
from am_dbg.session.steps import PartlyApplied
from am_dbg.session.targets import GoToStep, GoToTransition
from am_dbg.session.view import SessionView
from am_dbg.timefmt import SECOND, second_label, thousands
from am_dbg.viewmodels import steps
from am_dbg.viewmodels.describe import error_place, error_text
from am_dbg.viewmodels.log_text import gutter, parse, summary
from am_dbg.viewmodels.spans import Line, Role, Span
from am_telemetry.store.records import LogRecord
from am_telemetry.store.timeline import Timeline

_CHUNK: Final = 32
_NEAR: Final = 256
_KEPT: Final = 4_000
_STEPS_SHOWN: Final = 8


class LogPosition(NamedTuple):
    """A row of the log: 0-based rank of the visible transition, and row of that transition."""

    rank: int
    row: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row. ``number`` is its transition; ``current`` marks the rows of the transition at the cursor."""

    position: LogPosition
    number: int
    line: Line
    current: bool


def title(session: SessionView) -> Line:
    """``Log changes · t412``: the level and the machine time at the cursor."""
    level = LOG_LEVELS[session.filters.log_level]
    head = (Span("Log ", Role.TITLE, bold=True), Span(level, Role.VALUE))
    timeline = session.timeline
    if timeline is None:
        return head
    return (*head, Span(" · t", Role.DIM), Span(thousands(timeline.machine_time(session.number)), Role.VALUE))


def step_lines(timeline: Timeline, inside: PartlyApplied) -> tuple[Line, ...]:
    """The steps that were done, one per line; of many the last ones. Following a line leads to that step."""
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
    return tuple(out)


class LogModel:
    """The log of a session's selected machine, with the place of its window. For one thread.

    Call ``follow`` when the cursor moved, ``scroll`` when the user scrolls, ``rows`` to draw. New transitions leave the
    place as it is; other filters or another machine bring the cursor's transition into view.
    """

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self.top = LogPosition(0, 0)
        """The first row of the window."""
        self._key: tuple[object, ...] = ()
        self._elsewhere = True
        self._lines: dict[int, tuple[Line, ...]] = {}
        self._drawn = (-1, 0)
        """Version of the recording, and the machine's last transition then."""

    @property
    def total(self) -> int:
        """Number of transitions in the log."""
        return len(self._session.visible)

    def rows(self, height: int) -> list[LogRow]:
        """The rows of the window, at most ``height``."""
        self._refresh()
        out: list[LogRow] = []
        current = self._current
        rank, skip = self.top
        total = self.total
        if not total:
            return [
                LogRow(LogPosition(0, row), 0, line, current=False) for row, line in enumerate(self._early()[:height])
            ]
        while rank < total and len(out) < height:
            number = navigation.select(self._session.visible, rank)
            for row, line in enumerate(self._lines_of(rank)):
                if row >= skip and len(out) < height:
                    out.append(LogRow(LogPosition(rank, row), number, line, number == current))
            rank, skip = rank + 1, 0
        return out

    def follow(self, height: int) -> bool:
        """Show the transition at the cursor; True when the window moved.

        A neighbour comes into view with the least scrolling, a distant place in the middle of the window.
        """
        self._refresh()
        before, elsewhere = self.top, self._elsewhere
        self._elsewhere = False
        rank = self._session.visible_rank - 1
        if self._session.inside is not None:
            rank += 1
        if rank < 0:
            self.top = LogPosition(0, 0)
            return self.top != before
        size = len(self._lines_of(rank))
        # Of steps the newest is what matters; of a transition with more rows than fit, the beginning.
        first = LogPosition(rank, max(0, size - height) if self._session.inside is not None else 0)
        last = LogPosition(rank, max(0, min(first.row + height, size) - 1))
        if elsewhere or rank < self.top.rank - 1 or rank > self._last_rank(height) + 1:
            self.top = self._moved(first, -(height // 2))
        if first < self.top:
            self.top = first
        elif not self._within(last, height):
            self.top = self._moved(last, 1 - height)
        self._fill(height)
        return self.top != before

    def scroll(self, rows: int, height: int) -> bool:
        """Move the window down (or, when negative, up) by rows, stopping at the ends; True when it moved."""
        self._refresh()
        before = self.top
        self.top = self._moved(self.top, rows)
        self._fill(height)
        return self.top != before

    def window(self, height: int) -> tuple[float, float]:
        """Where the window begins and how much it shows, as shares of all transitions: for a scroll bar."""
        total = self.total
        shown = self.rows(height)
        if not total or not shown:
            return 0.0, 1.0
        return shown[0].position.rank / total, (shown[-1].position.rank + 1 - shown[0].position.rank) / total

    # -- places --------------------------------------------------------------------------------------------------

    def _moved(self, place: LogPosition, rows: int) -> LogPosition:
        rank, row = place.rank, place.row + rows
        while row < 0 and rank > 0:
            rank -= 1
            row += len(self._lines_of(rank))
        total = self.total
        while rank < total and row >= (size := len(self._lines_of(rank))):
            if rank == total - 1:
                return LogPosition(rank, size - 1)
            rank, row = rank + 1, row - size
        return LogPosition(max(0, min(rank, total - 1)), max(0, row))

    def _last_rank(self, height: int) -> int:
        """The transition of the last row in the window."""
        rank, rows = self.top.rank, len(self._lines_of(self.top.rank)) - self.top.row
        while rows < height and rank + 1 < self.total:
            rank += 1
            rows += len(self._lines_of(rank))
        return rank

    def _within(self, place: LogPosition, height: int) -> bool:
        if not self.top <= place or place.rank - self.top.rank >= height:
            return False
        before = sum(len(self._lines_of(rank)) for rank in range(self.top.rank, place.rank))
        return before - self.top.row + place.row < height

    def _fill(self, height: int) -> None:
        """Leave no blank rows at the end while there are rows before the window."""
        total = self.total
        if not total:
            self.top = LogPosition(0, 0)
            return
        if total - self.top.rank <= height:
            end = LogPosition(total - 1, len(self._lines_of(total - 1)) - 1)
            self.top = min(self.top, self._moved(end, 1 - height))

    # -- lines ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        session = self._session
        timeline = session.timeline
        key = (session.machine_id, id(timeline), session.filters)
        self._forget_last()
        if key == self._key:
            return
        self._key = key
        self._elsewhere = True
        self._lines.clear()
        self.top = LogPosition(max(0, session.visible_rank - 1), 0)

    def _forget_last(self) -> None:
        """Lines may have been added after the transition that was the last one."""
        timeline = self._session.timeline
        drawn = (self._session.recording.version, timeline.count if timeline is not None else 0)
        if drawn != self._drawn:
            self._lines.pop(self._drawn[1], None)
            self._drawn = drawn

    def _early(self) -> list[Line]:
        """Lines of a machine that has done nothing so far."""
        session, timeline = self._session, self._session.timeline
        if timeline is None or session.machine_id is None or timeline.count:
            return []
        names, level = timeline.schema.names, session.filters.log_level
        entries = session.recording.log_lines(session.machine_id, 0, 0)
        lines: list[Line] = [(Span("  "), *parse(entry.text, names, [])) for entry in entries if entry.level <= level]
        return lines + self._running(timeline)

    def _running(self, timeline: Timeline) -> list[Line]:
        """What has begun and is not over: a handler that takes long, or hangs."""
        machine_id = self._session.machine_id
        found = self._session.recording.running(machine_id) if machine_id is not None else None
        if found is None:
            return []
        doing = f"{found.mutation} {' '.join(found.called)}"
        where = f" · in {found.handler}" if found.handler else ""
        late = " · over its time limit" if found.timed_out else ""
        since = f"not over since {second_label(found.started_ns)}"
        return [(Span("▶ ", Role.ERROR, bold=True), Span(f"{doing} {since}{where}{late}", Role.ERROR))]

    @property
    def _current(self) -> int:
        """The transition whose rows are marked: the one at the cursor, or the one inside which the session stands."""
        inside = self._session.inside
        return self._session.number if inside is None else inside.number

    def _lines_of(self, rank: int) -> tuple[Line, ...]:
        number = navigation.select(self._session.visible, rank)
        inside, timeline = self._session.inside, self._session.timeline
        if inside is not None and timeline is not None and inside.number == number:
            return self._logged_lines(rank, number) + step_lines(timeline, inside)
        return self._logged_lines(rank, number)

    def _logged_lines(self, rank: int, number: int) -> tuple[Line, ...]:
        lines = self._lines.get(number)
        if lines is None:
            if len(self._lines) > _KEPT:
                self._lines.clear()
            self._load(rank - rank % _CHUNK)
            lines = self._lines[number]
        return lines

    def _load(self, rank: int) -> None:
        """Make the rows of a chunk of transitions, reading their log entries with few queries."""
        session, timeline = self._session, self._session.timeline
        if timeline is None or session.machine_id is None:
            return
        visible = session.visible
        numbers = [int(number) for number in visible[rank : rank + _CHUNK]]
        entries: dict[int, list[LogRecord]] = {}
        logged = [number for number in numbers if number in timeline.logged]
        while logged:
            first = logged[0]
            near = [number for number in logged if number - first < _NEAR]
            for entry in session.recording.log_lines(session.machine_id, first, near[-1]):
                entries.setdefault(entry.number, []).append(entry)
            logged = logged[len(near) :]
        before = navigation.select(visible, rank - 1) if rank else None
        for number in numbers:
            self._lines[number] = self._rows_of(timeline, number, entries.get(number, []), before)
            before = number

    def _rows_of(
        self, timeline: Timeline, number: int, entries: list[LogRecord], before: int | None
    ) -> tuple[Line, ...]:
        session = self._session
        filters = session.filters
        record = timeline.pattern(number)
        out: list[Line] = []
        at_ns = timeline.at(number)
        if filters.show_times and (before is None or timeline.at(before) // SECOND != at_ns // SECOND):
            label = f"{second_label(at_ns)} ─── t{thousands(timeline.machine_time(number))}"
            out.append((Span(label, Role.DIM),))
        # A hole belongs to the transition behind it, which may be hidden.
        if lost := sum(n for at, n in timeline.gaps.items() if (before or 0) < at <= number):
            out.append((Span(f"! {thousands(lost)} transitions were lost here", Role.ERROR, bold=True),))
        if any((before or 0) < at <= number for at in timeline.restored):
            out.append((Span("⟲ restored from a snapshot here", Role.DIM),))
        machine_id = session.machine_id if session.machine_id is not None else 0
        target = GoToTransition(machine_id, number)
        sign = gutter(record.fact, number in timeline.errors or number in timeline.broken)
        names = timeline.schema.names
        called = [record.schema.state_name(state) for state in record.fact.called]
        own = False
        beside = Span("  ", target=target)
        shown = [entry for entry in entries if entry.level <= filters.log_level]
        for entry in shown:
            if not entry.after:
                own = own or not entry.before
                out.append((beside if entry.before else sign, *parse(entry.text, names, called)))
        if not own:
            out.append((sign, *summary(record)))
        if number in timeline.errors:
            out[-1] = (*out[-1], *self._error(machine_id, number, entries))
        out += [(beside, *parse(entry.text, names, called)) for entry in shown if entry.after]
        if number == timeline.count:
            out += self._running(timeline)
        return tuple(out)

    def _error(self, machine_id: int, number: int, entries: list[LogRecord]) -> Line:
        """`` · ValueError: bad input  at shop.py:41``; nothing when only the state is known, or all has been logged."""
        error = self._session.recording.transition(machine_id, number).error
        level = self._session.filters.log_level
        if error is None or any(entry.level <= level and error.type in entry.text for entry in entries):
            return ()
        place = error_place(error)
        return (
            Span(" · ", Role.DIM),
            Span(error_text(error), Role.ERROR, bold=True),
            *((Span(f"  at {place}", Role.ERROR),) if place else ()),
        )
