"""The pinned machines side by side, above everything else."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from am_dbg.session import Session
from am_dbg.session.pins import pinned_runs
from am_dbg.timefmt import local_time, thousands
from am_dbg.ui.widgets.session_view import SessionView
from am_dbg.viewmodels import pins
from am_dbg.viewmodels.spans import Line, Role, Span


class PinnedView(SessionView):
    """Enter or a click selects the machine of a row, at the same moment."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._cursor_name = ""
        self._selected_id: int | None = None
        self._found: tuple[tuple[object, ...], list[int]] = ((), [])

    def _runs(self) -> list[int]:
        session = self.session
        key = (session.pinned, session.recording.version, session.moment, session.machine_id)
        if key != self._found[0]:  # looking through thousands of machines takes too long to do it for every question
            self._found = (key, pinned_runs(session))
        return self._found[1]

    def title(self, width: int) -> Line:
        moment = local_time(self.session.moment) if self.session.moment else None
        at = f" · all at {moment:%H:%M:%S}" if moment is not None else ""
        count = len(self.session.pinned)
        return (
            Span("Pinned ", Role.TITLE, bold=True),
            Span(thousands(count), Role.VALUE),
            Span(at, Role.DIM),
        )

    def subtitle(self, width: int) -> Line:
        return (Span("Enter select  * release", Role.DIM),) if self.has_focus else ()

    def row_count(self) -> int:
        return len(self._runs())

    def cursor_row(self) -> int:
        if self.session.machine_id != self._selected_id:
            self._selected_id = self.session.machine_id
            if self.session.machine is not None and self.session.machine.name in self.session.pinned:
                self._cursor_name = self.session.machine.name
        names = [self.session.record(machine_id).name for machine_id in self._runs()]
        return names.index(self._cursor_name) if self._cursor_name in names else 0

    @property
    def machine_id(self) -> int | None:
        """The machine run of the row cursor."""
        runs = self._runs()
        return runs[min(self.cursor_row(), len(runs) - 1)] if runs else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        runs = self._runs()
        names = pins.name_width(self.session, runs, width)
        return [pins.row(self.session, machine_id, width, names) for machine_id in runs[first : first + count]]

    def move_cursor(self, step: int) -> None:
        runs = self._runs()
        if runs:
            row = max(0, min(self.cursor_row() + step, len(runs) - 1))
            self._cursor_name = self.session.record(runs[row]).name
            self.sync()

    def choose(self) -> None:
        if (machine_id := self.machine_id) is not None:
            self.session.select_machine(machine_id)

    def point_at(self, offset: int, event: events.Click) -> None:
        self.move_cursor(self.top + offset - self.cursor_row())

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        runs = self._runs()
        if self.top + offset < len(runs):
            self._cursor_name = self.session.record(runs[self.top + offset]).name
            self.follow(target) if target is not None else self.choose()
            self.main.paint_soon()
