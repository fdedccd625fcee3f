"""What stands before the text of a log row: the time, the machine, the gutter; and the rows that tell the time."""

from __future__ import annotations

from typing import Final

from am_dbg.session.interleaving import Interleaved
from am_dbg.session.log_options import LogScope, LogTimes
from am_dbg.session.log_places import LogPlace
from am_dbg.session.view import SessionView
from am_dbg.timefmt import SECOND, duration, second_label, thousands
from am_dbg.viewmodels.log_rows import ContentRow
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, pad, width

_EACH: Final = 13
_RELATIVE: Final = 11
_MANY: Final = 200
CURRENT_SIGN: Final = "›"
SELECTED_SIGN: Final = "▐"


class LogColumns:
    """The columns for the present width and options of a session's log."""

    def __init__(self, session: SessionView, merged: Interleaved) -> None:
        self._session = session
        self._merged = merged
        self._names: dict[int, str] = {}
        self._name_cells: tuple[object, int] = (None, 0)
        self.cells = 80
        """Columns of the pane."""

    @property
    def is_merged(self) -> bool:
        """Whether the log is one of several machines."""
        return self._session.log.scope is not LogScope.MACHINE

    @property
    def width(self) -> int:
        """Cells that all columns take, the gutter included."""
        return self._time_cells + self._machine_cells + 2

    def time(self, place: LogPlace) -> int:
        """When a transition was, by the clock that the log goes by."""
        if self.is_merged:
            return place.at_ns
        return self._session.recording.timeline(place.machine_id).at(place.number)

    def label(self, place: LogPlace, before: LogPlace | None) -> Line:
        """The row that tells the time before a transition, where that differs from the one before; else nothing."""
        times = self._session.log.times
        if times not in (LogTimes.SECOND, LogTimes.MINUTE):
            return ()
        at_ns = self.time(place)
        unit = SECOND if times is LogTimes.SECOND else 60 * SECOND
        if before is not None and self.time(before) // unit == at_ns // unit:
            return ()
        text = second_label(at_ns)[: 8 if times is LogTimes.SECOND else 5] + " ───"
        if not self.is_merged:
            timeline = self._session.recording.timeline(place.machine_id)
            text += f" t{thousands(timeline.machine_time(place.number))}"
        return (Span(text, Role.DIM),)

    def line(self, place: LogPlace, row: ContentRow, *, head: bool, current: bool) -> tuple[Line, int]:
        """A whole row, and how many of its spans stand still when the text is scrolled sideways.

        Args:
            head: whether it is the first row of its transition, the only one with time and machine.
            current: whether the transition is the one at the cursor.
        """
        lead: list[Span] = []
        if self._time_cells:
            lead.append(Span(pad(self._time(place) if head else "", self._time_cells), Role.DIM))
        if self._machine_cells:
            own = place.machine_id == self._session.machine_id
            name = self._name(place.machine_id) if head else ""
            lead.append(Span(pad(name, self._machine_cells - 1), Role.TITLE if own else Role.VALUE, underline=own))
            lead.append(Span(" "))
        if row.sign is not None:
            if current:
                lead.append(_replaced(row.sign))
                lead.append(Span(CURRENT_SIGN, Role.CURSOR, bold=True, target=row.sign.target))
            else:
                lead.append(row.sign)
        return (*lead, *row.line), len(lead)

    @property
    def _time_cells(self) -> int:
        return {LogTimes.EACH: _EACH, LogTimes.RELATIVE: _RELATIVE}.get(self._session.log.times, 0)

    @property
    def _machine_cells(self) -> int:
        if not self.is_merged:
            return 0
        machines = self._merged.machines
        most = 20 if self.cells >= 110 else 14 if self.cells >= 60 else 10
        key = (machines, most, self._session.log.scope, self._session.pinned)
        if self._name_cells[0] != key:
            self._names.clear()
            longest = most
            if machines <= _MANY:
                longest = max((width(clean(self._session.label(i), 80)) for i in self._merged.machine_ids), default=4)
            self._name_cells = (key, min(most, longest))
        return self._name_cells[1] + 1

    def _name(self, machine_id: int) -> str:
        name = self._names.get(machine_id)
        if name is None:
            name = self._names[machine_id] = _shortened(clean(self._session.label(machine_id), 80), self._name_cells[1])
        return name

    def _time(self, place: LogPlace) -> str:
        at_ns = self.time(place)
        if self._session.log.times is LogTimes.EACH:
            return f"{second_label(at_ns)}.{at_ns % SECOND // 1_000_000:03d}"
        apart = at_ns - self._reference()
        return f"{('+' if apart > 0 else '') + duration(apart) if apart else '·':>{_RELATIVE - 1}}"

    def _reference(self) -> int:
        """The time of the cursor."""
        session = self._session
        shift = self._merged.shift(session.machine_id) if self.is_merged else 0
        if session.number and session.timeline is not None:
            return session.timeline.at(session.number) + shift
        return session.moment + shift


def _replaced(sign: Span) -> Span:
    """The sign without the blank behind it."""
    return Span(sign.text[:-1], sign.role, sign.bold, target=sign.target)


def _shortened(name: str, cells: int) -> str:
    """Ids of machines often differ in their ends, so what is left out is in the middle."""
    if width(name) <= cells or not name.isascii() or cells < 5:
        return cut(name, cells)
    tail = (cells - 1) // 2
    return f"{name[: cells - 1 - tail]}…{name[-tail:]}"
