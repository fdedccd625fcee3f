"""The steps of the next transition as one row of cells, for looking and for pointing."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from am_dbg.session import Session
from am_dbg.ui.widgets.pane_bar import PaneBar
from am_dbg.viewmodels import step_strip
from am_dbg.viewmodels.spans import Line, Role, Span


class StepStrip(PaneBar, can_focus=True):
    """Click or drag to go there; the wheel steps. Brackets show the focus."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session = session
        self._dragged: int | None = None
        """The transition whose steps are being dragged through."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        left, right = ("▐", "▌") if self.has_focus else (" ", " ")
        cells = step_strip.build(self._session, width - 2).line(width - 2)
        return [(Span(left, Role.CURSOR), *cells, Span(right, Role.CURSOR))]

    def _go_to_column(self, x: int) -> None:
        model = step_strip.build(self._session, self.size.width - 2)
        if model.number is not None and model.number == self._dragged:
            step = model.step_of(x - 1)
            if step != self._session.step:
                self._session.go_to_step(model.number, step)
                self.main.paint_soon()

    def on_click(self, event: events.Click) -> None:
        event.stop()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self._dragged = self._session.next_number
        self.capture_mouse()
        self._go_to_column(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged is not None:
            event.stop()
            self._go_to_column(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        event.stop()
        self._dragged = None
        self.release_mouse()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._session.next_step()
        self.main.paint_soon()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._session.previous_step()
        self.main.paint_soon()
