"""The base of the bars: one or a few lines without a frame."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from am_dbg.ui.styles import RoleStyles
from am_dbg.ui.widgets.difference import changed_columns
from am_dbg.ui.widgets.line_view import target_at
from am_dbg.viewmodels.spans import Line, Role, Span

_log: Final = logging.getLogger(__name__)


class Bar(Widget, can_focus=False, inherit_bindings=False):
    """Lines at a fixed place. Redraws those that changed; a click on a span follows its target."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; background: $background; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._drawn: list[Line] = []

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What to show."""
        raise NotImplementedError

    def on_target(self, target: object, event: events.Click) -> None:
        """A click on a span with a target."""

    def sync(self) -> None:
        """Redraw the lines that differ from those on the screen."""
        width, height = self.size
        if not width or not self.is_mounted:
            return
        try:
            wanted = list(self.lines(width, height))[:height]
        except Exception as error:  # noqa: BLE001 - a bar may fail without taking the screen with it
            _log.exception("bar %s failed", self.id)
            shown = "".join(c if c.isprintable() else "?" for c in f"{type(error).__name__}: {error}")
            wanted = [(Span(f" This bar failed: {shown[:width]}", Role.ERROR),)]
        old, self._drawn = self._drawn, wanted
        if len(old) != len(wanted):
            self.refresh()
            return
        for y, (before, after) in enumerate(zip(old, wanted, strict=True)):
            if before != after:
                for start, count in changed_columns(self._strip_of(before), self._strip_of(after)):
                    self.refresh(Region(start, y, count, 1))

    def redraw(self) -> None:
        """Redraw everything, for instance in other colours."""
        self._drawn = []
        self.sync()

    def render_line(self, y: int) -> Strip:
        return self._strip_of(self._drawn[y] if y < len(self._drawn) else ())

    def _strip_of(self, line: Line) -> Strip:
        app: Any = self.app
        styles: RoleStyles = app.role_styles
        base = self.rich_style
        return Strip(styles.segments(line, base)).adjust_cell_length(self.size.width, base)

    def on_resize(self) -> None:
        self._drawn = []
        self.sync()

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < len(self._drawn):
            target = target_at(self._drawn[event.y], event.x)
            if target is not None:
                event.stop()
                self.on_target(target, event)
