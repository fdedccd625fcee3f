"""The log pane: an endless list of which only the rows in the window are made.

How many rows a transition has is known only after its log entries were read, so rows have no global index. A place in
the log is a visible transition and a row of it; the pane scrolls from place to place. Every visible transition has at
least one row: what was not logged is told from its pattern.

Inside a transition its steps so far stand below its rows, the last one marked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from am_dbg.session.filters import LOG_LEVELS
from am_dbg.session.interleaving import Interleaved
from am_dbg.session.log_options import LogScope
from am_dbg.session.log_places import LogOrder, LogPlace, OneMachine
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.line_cutting import wrapped
from am_dbg.viewmodels.log_columns import LogColumns
from am_dbg.viewmodels.log_rows import NOT_AN_ENTRY, ContentRow, LogRows, step_rows
from am_dbg.viewmodels.spans import Line, Role, Span

NOWHERE = LogPlace(0, 0, 0)


class LogPosition(NamedTuple):
    """A row of the log: its transition, and which of the transition's rows it is."""

    place: LogPlace
    row: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row. ``current`` marks the rows of the transition at the cursor."""

    position: LogPosition
    line: Line
    lead: int
    """How many spans at the beginning stand still when the text is scrolled sideways."""
    current: bool
    entry: int = NOT_AN_ENTRY
    """Which log entry of the transition the row belongs to."""

    @property
    def number(self) -> int:
        """The transition, 0 for none."""
        return self.position.place.number

    @property
    def machine_id(self) -> int:
        """The machine run of the transition, 0 for none."""
        return self.position.place.machine_id


class LogModel:
    """The log of a session, with the place of its window. For one thread.

    Call ``follow`` when the cursor moved, ``scroll`` when the user scrolls, ``rows`` to draw. New transitions leave the
    place as it is; other filters or another machine bring the cursor's transition into view.
    """

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._one = OneMachine(session)
        self.merged = Interleaved(session)
        """The log of several machines; only up to date while that is the one shown."""
        self.columns = LogColumns(session, self.merged)
        self.content = LogRows(session)
        self.top = LogPosition(NOWHERE, 0)
        """The first row of the window."""
        self._key: tuple[object, ...] = ()
        self._options: tuple[object, ...] = ()
        self._elsewhere = True
        self._wrapped: dict[LogPlace, tuple[int, tuple[ContentRow, ...], tuple[ContentRow, ...]]] = {}

    @property
    def order(self) -> LogOrder:
        """The transitions of the log."""
        return self._one if self._session.log.scope is LogScope.MACHINE else self.merged

    def rows(self, height: int) -> list[LogRow]:
        """The rows of the window, at most ``height``."""
        self._refresh()
        if self.top.place == NOWHERE:
            return self._early(height)
        out: list[LogRow] = []
        for row in self.rows_from(self.top):
            if len(out) >= height:
                break
            out.append(row)
        return out

    def rows_from(self, start: LogPosition) -> Iterator[LogRow]:
        """All rows from one on, to the end of the log."""
        order, skip = self.order, start.row
        place: LogPlace | None = start.place
        while place is not None:
            yield from self._drawn(place, skip)
            place, skip = order.after(place), 0

    def title(self) -> Line:
        """``Log changes · t412``: the level, and the machine time at the cursor or whose log it is."""
        return title(self._session, self.merged.machines if self.columns.is_merged else 0)

    def follow(self, height: int) -> bool:
        """Show the transition at the cursor; True when the window moved.

        A neighbour comes into view with the least scrolling, a distant place in the middle of the window.
        """
        self._refresh()
        before, elsewhere = self.top, self._elsewhere
        self._elsewhere = False
        place = self._focus()
        if place is None:
            self.top = LogPosition(self.order.first() or NOWHERE, 0)
            return self.top != before
        size = len(self._rows_of(place))
        # Of steps the newest is what matters; of a transition with more rows than fit, the beginning.
        first = LogPosition(place, max(0, size - height) if self._session.inside is not None else 0)
        last = LogPosition(place, max(0, min(first.row + height, size) - 1))
        if elsewhere or self._is_distant(place, height):
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
        if before.place != NOWHERE:
            self.top = self._moved(self.top, rows)
            self._fill(height)
        return self.top != before

    def window(self, shown: list[LogRow]) -> tuple[float, float]:
        """Where the window begins and how much it shows, as shares of all transitions: for a scroll bar."""
        if not shown or not shown[0].number:
            return 0.0, 1.0
        first, last = shown[0].position.place, shown[-1].position.place
        if first == self.order.first() and last == self.order.last():
            return 0.0, 1.0
        start = self.order.share(first)
        return start, self.order.share(last) - start

    # -- places ------------------------------------------------------------------------------------------------------

    def _focus(self) -> LogPlace | None:
        """The transition to show: the one at the cursor, or the one inside which the session stands."""
        inside = self._session.inside
        if inside is not None and (place := self.order.of(inside.number)) is not None:
            return place
        return self.order.cursor()

    def _moved(self, position: LogPosition, rows: int) -> LogPosition:
        order = self.order
        place, row = position.place, position.row + rows
        while row < 0:
            earlier = order.before(place)
            if earlier is None:
                return LogPosition(place, 0)
            place = earlier
            row += len(self._rows_of(place))
        while row >= (size := len(self._rows_of(place))):
            later = order.after(place)
            if later is None:
                return LogPosition(place, size - 1)
            place, row = later, row - size
        return LogPosition(place, row)

    def _is_distant(self, place: LogPlace, height: int) -> bool:
        """Whether a transition is neither in the window nor beside it."""
        order = self.order
        if place < self.top.place:
            return order.after(place) != self.top.place
        last, rows = self.top.place, len(self._rows_of(self.top.place)) - self.top.row
        while rows < height and last < place and (later := order.after(last)) is not None:
            last = later
            rows += len(self._rows_of(last))
        return last < place and order.before(place) != last

    def _within(self, position: LogPosition, height: int) -> bool:
        rows = -self.top.row
        place: LogPlace | None = self.top.place
        while place is not None and place < position.place and rows < height:
            rows += len(self._rows_of(place))
            place = self.order.after(place)
        return place == position.place and 0 <= rows + position.row < height

    def _fill(self, height: int) -> None:
        """Leave no blank rows at the end while there are rows before the window."""
        rows = len(self._rows_of(self.top.place)) - self.top.row
        place = self.top.place
        while rows < height:
            later = self.order.after(place)
            if later is None:
                end = LogPosition(place, len(self._rows_of(place)) - 1)
                self.top = min(self.top, self._moved(end, 1 - height))
                return
            place = later
            rows += len(self._rows_of(place))

    # -- rows --------------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        session = self._session
        merged = self.columns.is_merged
        whose: tuple[object, ...] = (session.pinned,) if merged else (session.machine_id, id(session.timeline))
        key = (session.log.scope, *whose, session.filters.selection, session.log_level)
        options = (session.log.traces, session.log.wrap, session.log.times, self.columns.width, self.columns.cells)
        self.content.refresh()
        self.order.refresh()
        if key != self._key:
            self._key = key
            self._elsewhere = True
            self.content.forget()
            self.top = LogPosition(self._focus() or self.order.first() or NOWHERE, 0)
        if options != self._options:
            if self._options[:1] != options[:1]:
                self.content.forget()
            self._options = options
            self._wrapped.clear()
            self.top = LogPosition(self.top.place, 0)
        place = self.order.first() if self.top.place == NOWHERE else self.order.again(self.top.place)
        if place is None or place != self.top.place:
            self.top = LogPosition(place or NOWHERE, 0)
        elif self.top.row:
            self.top = LogPosition(place, min(self.top.row, len(self._rows_of(place)) - 1))

    def _early(self, height: int) -> list[LogRow]:
        """Rows of a machine that has done nothing so far."""
        rows = () if self.columns.is_merged else self.content.early()
        out: list[LogRow] = []
        for number, row in enumerate(rows[:height]):
            line, lead = self.columns.line(NOWHERE, row, head=False, current=False)
            out.append(LogRow(LogPosition(NOWHERE, number), line, lead, current=False))
        return out

    def _rows_of(self, place: LogPlace) -> tuple[ContentRow, ...]:
        """The rows of a transition with what its neighbours and the cursor add to them."""
        content = self.content.of(place, self.order)
        if self._session.log.wrap:
            content = self._wrapped_rows(place, content)
        label = self.columns.label(place, self.order.before(place))
        if label:
            content = (ContentRow(label, is_label=True), *content)
        inside, timeline = self._session.inside, self._session.timeline
        if (
            inside is not None
            and timeline is not None
            and (inside.number, self._session.machine_id) == (place.number, place.machine_id)
        ):
            content += step_rows(timeline, inside)
        return content

    def _wrapped_rows(self, place: LogPlace, content: tuple[ContentRow, ...]) -> tuple[ContentRow, ...]:
        cells = max(8, self.columns.cells - self.columns.width)
        known = self._wrapped.get(place)
        if known is not None and known[0] == cells and known[1] is content:
            return known[2]
        if len(self._wrapped) > 1_000:
            self._wrapped.clear()
        out: list[ContentRow] = []
        for row in content:
            for part, line in enumerate(wrapped(row.line, cells)):
                goes_on = part > 0 and row.sign is not None
                sign = Span("  ", target=row.sign.target) if goes_on and row.sign is not None else row.sign
                out.append(replace(row, line=line, sign=sign))
        self._wrapped[place] = (cells, content, tuple(out))
        return tuple(out)

    def _drawn(self, place: LogPlace, skip: int) -> Iterator[LogRow]:
        session = self._session
        number = session.number if session.inside is None else session.inside.number
        current = (place.machine_id, place.number) == (session.machine_id, number)
        head = True
        for position, row in enumerate(self._rows_of(place)):
            if position >= skip:
                if row.is_label:
                    line, lead = row.line, len(row.line)
                else:
                    line, lead = self.columns.line(place, row, head=head, current=current)
                yield LogRow(LogPosition(place, position), line, lead, current, row.entry)
            head = head and row.is_label


def title(session: SessionView, machines: int = 0) -> Line:
    """``Log changes · t412``.

    Args:
        machines: how many machines the log is of, when it is one of several.
    """
    head = (Span("Log ", Role.TITLE, bold=True), Span(LOG_LEVELS[session.log_level], Role.VALUE))
    if session.log.scope is not LogScope.MACHINE:
        which = "pinned" if session.log.scope is LogScope.PINNED else "all"
        return (*head, Span(f" · {which} {thousands(machines)}", Role.VALUE), Span(" machines", Role.DIM))
    timeline = session.timeline
    if timeline is None:
        return head
    return (*head, Span(" · t", Role.DIM), Span(thousands(timeline.machine_time(session.number)), Role.VALUE))
