"""The timeline of the selected machine as one row of cells, for looking and for pointing."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content

from am_dbg.session import Session
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.line_view import RIGHT_BUTTON
from am_dbg.ui.widgets.pane_bar import PaneBar
from am_dbg.viewmodels import strip, strip_note
from am_dbg.viewmodels.spans import Line, Role, Span

WHEEL_STEPS = 1
CTRL_WHEEL_STEPS = 10


class DensityStrip(PaneBar, can_focus=True):
    """Click or drag to go there; the wheel steps. Brackets show the focus."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session = session
        self._built: tuple[tuple[object, ...], strip.Strip] | None = None
        self._dragging = False
        self._explained: int | None = None
        """The cell that the note beside the pointer is about."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        left, right = ("▐", "▌") if self.has_focus else (" ", " ")
        cells = self._strip(width - 2).line(self._session.number)
        return [(Span(left, Role.CURSOR), *cells, Span(right, Role.CURSOR))]

    def _strip(self, width: int) -> strip.Strip:
        session = self._session
        lost = len(session.timeline.gaps) if session.timeline is not None else 0
        first = session.timeline.first if session.timeline is not None else 0
        size = (session.count, session.size, first)
        marked = (session.bookmarks, session.mark)
        key = (session.machine_id, size, lost, session.filters.selection, marked, width)
        if self._built is None or self._built[0] != key:
            self._built = (key, strip.build(session, width))
        return self._built[1]

    def _go_to_column(self, x: int) -> None:
        number = self._strip(self.size.width - 2).number_of(x - 1)
        if number and number != self._session.number:
            self._session.go_to_number(number)
            self.main.paint_soon()

    def _explain(self, x: int) -> None:
        """Have a note beside the pointer tell what the cell stands for."""
        model = self._strip(self.size.width - 2)
        cell = x - 1 if 0 < x <= len(model.cells) else None
        if cell != self._explained:
            self._explained = cell
            text = "" if cell is None else strip_note.note(self._session, model.cells[cell])
            self.tooltip = Content(text) if text else None

    def on_leave(self) -> None:
        self._explained = None
        self.tooltip = None

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.button == RIGHT_BUTTON:
            self.main.open_menu(Pane.STRIP, (event.screen_x, event.screen_y))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self._dragging = True
        self.capture_mouse()
        self._go_to_column(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            event.stop()
            self._go_to_column(event.x)
        else:
            self._explain(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        event.stop()
        self._dragging = False
        self.release_mouse()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._session.next(CTRL_WHEEL_STEPS if event.ctrl else WHEEL_STEPS)
        self.main.paint_soon()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._session.previous(CTRL_WHEEL_STEPS if event.ctrl else WHEEL_STEPS)
        self.main.paint_soon()
