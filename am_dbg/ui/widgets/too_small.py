"""What is shown in a window that has no room for anything."""

from __future__ import annotations

from collections.abc import Sequence

from am_dbg.ui.widgets.bar import Bar
from am_dbg.viewmodels.spans import Line, Role, Span


class TooSmall(Bar):
    """One line that asks for a larger window."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        long = f"Please enlarge the window to 60×16 (it is {width}×{height})"
        text = long if len(long) <= width else "Enlarge: 60×16"
        empty: list[Line] = [()] * (height // 2)
        return [*empty, (Span(text.center(width)[:width], Role.TEXT, bold=True),)]
