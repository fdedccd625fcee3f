"""The base of all dialogs: one framed list in the middle of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.ui.widgets.line_view import LineView


class Dialog(ClosesOnce, ModalScreen[None], inherit_bindings=False):
    """Shows a ``LineView``; Escape or a click beside it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-100000)", "Top", show=False),
        Binding("end", "move(100000)", "Bottom", show=False),
    ]

    def __init__(self, view: LineView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view

    def wanted_size(self) -> tuple[int, int]:
        """Columns and rows of the dialog, where there is room for it."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self._fit(*self.app.size)
        self.view.focus()

    def on_resize(self, event: events.Resize) -> None:
        self._fit(*event.size)

    def _fit(self, width: int, height: int) -> None:
        columns, rows = self.wanted_size()
        self.view.styles.width = max(1, min(columns, width - 4))
        self.view.styles.height = max(1, min(rows, height - 2))

    def action_close(self) -> None:
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        self.view.move_cursor(step)

    def action_page(self, pages: int) -> None:
        self.view.move_cursor(pages * self.view.page)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
