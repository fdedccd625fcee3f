"""Instead of the panes, while there is nothing to show in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from am_dbg.ui.widgets.session_view import SessionView
from am_dbg.viewmodels import empty
from am_dbg.viewmodels.spans import Line, Role, Span, line_width

if TYPE_CHECKING:
    from am_dbg.ui.app import DebuggerApp


class EmptyPane(SessionView, can_focus=False):
    """Says why nothing is there, and what to do about it."""

    def title(self, width: int) -> Line:
        return (Span("Welcome to am-dbg", Role.TITLE, bold=True),)

    def row_count(self) -> int:
        return self.inner_height

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        text = empty.text(self.session, cast("DebuggerApp", self.app).listen)
        return centered(text, width, count)


def centered(text: Sequence[Line], width: int, height: int) -> list[Line]:
    """A block of left-aligned lines in the middle of an area, a little above the centre."""
    block = max((line_width(line) for line in text), default=0)
    indent = Span(" " * max(0, (width - block) // 2))
    lines: list[Line] = [()] * max(0, (height - len(text)) * 2 // 5)
    lines += [(indent, *line) for line in text]
    lines += [()] * max(0, height - len(lines))
    return lines[:height]
