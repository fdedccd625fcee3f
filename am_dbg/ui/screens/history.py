"""Where somebody has been, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.session.history import Place
from am_dbg.timefmt import thousands, time_of_day
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.describe import names
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, pad


class HistoryScreen(Dialog):
    """Enter or a click returns to a place; those before and after it stay in the history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", show=False),
        Binding("left_square_bracket", "move(1)", "Older", show=False),
        Binding("right_square_bracket", "move(-1)", "Newer", show=False),
        Binding("ctrl+y,q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session) -> None:
        self._visited = _VisitedView(session)
        super().__init__(self._visited)

    def wanted_size(self) -> tuple[int, int]:
        return 100, max(8, self._visited.row_count() + 2)

    def action_choose(self) -> None:
        self._visited.go()
        self.dismiss(None)


class _VisitedView(LineView):
    def __init__(self, session: Session) -> None:
        super().__init__(id="history-list")
        self._session = session
        self._places = session.history.places
        self._row = len(self._places) - 1 - session.history.position if self._places else 0

    def _place_of(self, row: int) -> int:
        return len(self._places) - 1 - row

    def title(self, width: int) -> Line:
        return (Span("Where you have been", Role.TITLE, bold=True), Span(f" {len(self._places)}", Role.VALUE))

    def subtitle(self, width: int) -> Line:
        return (Span("Enter go  ▸ where you are  Esc", Role.DIM),)

    def row_count(self) -> int:
        return max(1, len(self._places))

    def cursor_row(self) -> int | None:
        return self._row if self._places else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        if not self._places:
            return [(Span(" Nowhere yet.", Role.TEXT),)]
        return [
            self._line(self._places[self._place_of(row)], self._place_of(row), width)
            for row in range(first, min(first + count, len(self._places)))
        ]

    def _line(self, place: Place, position: int, width: int) -> Line:
        session = self._session
        timeline = session.recording.timeline(place.machine_id)
        here = position == session.history.position
        when, what = "start", ""
        if timeline.holds(place.number):
            when = time_of_day(timeline.at(place.number))[:12]
            record = timeline.pattern(place.number)
            what = f"{record.fact.mutation} {' '.join(names(record.schema, record.fact.called, 4))}"
        elif place.number:
            when = "removed"
        room = max(10, min(30, width - 44))
        return (
            Span(" ▸ " if here else "   ", Role.CURSOR, bold=True),
            Span(pad(when, 13), Role.DIM),
            Span(pad(clean(session.label(place.machine_id)), room) + " ", Role.TEXT, bold=True),
            Span(pad(f"#{thousands(place.number)}", 8) + " ", Role.LINK),
            Span(cut(what, max(0, width - room - 27)), Role.DIM),
        )

    def go(self) -> None:
        """Return to the place of the row under the cursor."""
        if self._places:
            self._session.go_to_visited(self._place_of(self._row))

    def move_cursor(self, step: int) -> None:
        self._row = max(0, min(self._row + step, len(self._places) - 1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self.top + offset < len(self._places):
            self._row = self.top + offset
            self.go()
            self.screen.dismiss(None)
