"""The whole error of a transition, to read and to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import error_text
from am_dbg.viewmodels.spans import Line, Role, Span


class ErrorScreen(Dialog):
    """A traceback with what was logged beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y,c", "copy", "Copy", show=False),
        Binding("P,q,enter", "close", "Close", show=False),
    ]

    def __init__(self, story: error_text.ErrorStory) -> None:
        self._story = story
        self._text = _StoryView(story)
        super().__init__(self._text)

    def wanted_size(self) -> tuple[int, int]:
        return 120, len(error_text.wrapped(self._story, min(118, max(20, self.app.size.width - 6)))) + 2

    def action_copy(self) -> None:
        """Nobody answers whether the terminal took it."""
        self.app.copy_to_clipboard(error_text.text(self._story))
        self._text.copied = True
        self._text.sync()


class _StoryView(LineView):
    def __init__(self, story: error_text.ErrorStory) -> None:
        super().__init__(id="error-view")
        self._story = story
        self._lines: list[Line] = []
        self._for_width = -1
        self.copied = False

    def title(self, width: int) -> Line:
        return (Span("Error", Role.TITLE, bold=True),)

    def subtitle(self, width: int) -> Line:
        if self.copied:
            return (Span("sent to the terminal's clipboard, if it takes it (OSC 52)", Role.TEXT),)
        return (Span("↑↓ scroll  y copy  Esc close", Role.DIM),)

    def row_count(self) -> int:
        self._lay_out()
        return len(self._lines)

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return self._lines[first : first + count]

    def _lay_out(self) -> None:
        if self._for_width != self.inner_width:
            self._for_width = self.inner_width
            wrapped = error_text.wrapped(self._story, max(10, self.inner_width - 2))
            self._lines = [(Span(" "), *line) for line in wrapped]
