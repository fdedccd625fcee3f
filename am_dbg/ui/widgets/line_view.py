"""The base of all panes: a framed window on a virtual list of lines.

A pane never holds its rows. It asks for those that are visible, compares them with what is on the screen and redraws
only what differs, so the cost of a move depends on what changed and not on the length of the recording.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from am_dbg.ui.styles import RoleStyles
from am_dbg.ui.widgets.difference import changed_columns
from am_dbg.viewmodels.spans import Line, Role, Span, cut_line, line_width

_log = logging.getLogger(__name__)

WHEEL_ROWS = 3
RIGHT_BUTTON = 3
_TITLE_AT = 3
"""Column at which the text of the title begins."""


class _Drawn(NamedTuple):
    """What one screen row shows; equal rows need no redraw."""

    line: Line
    kind: str
    """``top``, ``bottom``, ``row``, ``cursor`` or ``current``."""
    edge: str
    """The character on the right edge."""
    focused: bool
    left: int


class Window(NamedTuple):
    """The visible rows, with places counted from the first of them."""

    rows: Sequence[Line]
    cursor: int | None
    current: Container[int]
    """Rows on the quieter background."""
    thumb: Container[int]
    """Rows beside which the scroll bar shows where the window is."""


class LineView(Widget, can_focus=True, inherit_bindings=False):
    """A framed, scrollable list. Subclasses say what is in it."""

    DEFAULT_CSS = "LineView { height: 1fr; width: 1fr; background: $background; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.top = 0
        """Index of the first visible row."""
        self.left = 0
        """Columns scrolled to the right."""
        self._drawn: list[_Drawn] = []
        self._strips: list[Strip | None] = []
        """Those rows in colours, as far as they were needed since they changed."""
        self._strips_styles: RoleStyles | None = None
        self._followed: int | None = None
        self._failed = ""

    # -- for subclasses ------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        """What the upper edge says."""
        return ()

    def subtitle(self, width: int) -> Line:
        """What the lower edge says."""
        return ()

    def row_count(self) -> int:
        """How many rows there are."""
        return 0

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        """The rows from index ``first`` on, at most ``count``."""
        return ()

    def cursor_row(self) -> int | None:
        """Index of the row that must stay in view."""
        return None

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        """A click on a visible row (counted from the first visible one), or on a span of it with a target."""

    def on_ctrl_row(self, offset: int, target: object, event: events.Click) -> bool:
        """A click with Ctrl on a visible row; False when it is to count as any other click."""
        return False

    def on_title(self, target: object) -> None:
        """A click on a span of the title that has a target."""

    def on_subtitle(self, target: object) -> None:
        """A click on a span of the lower edge that has a target."""

    def on_menu(self, offset: int | None, event: events.Click) -> None:
        """A click with the right button on a visible row, or with None beside all of them."""

    def move_cursor(self, step: int) -> None:
        """Up (negative) or down by rows. Without a cursor, scroll."""
        self.scroll_rows(step)

    def choose(self) -> None:
        """Enter on the row under the cursor."""

    # -- geometry ------------------------------------------------------------------------------------------------

    @property
    def inner_width(self) -> int:
        """Columns inside the frame."""
        return max(0, self.size.width - 2)

    @property
    def inner_height(self) -> int:
        """Rows inside the frame."""
        return max(0, self.size.height - 2)

    @property
    def page(self) -> int:
        """Rows that one page moves."""
        return max(1, self.inner_height - 1)

    def scroll_rows(self, step: int) -> None:
        """Move the window without moving the cursor."""
        self.top += step
        self.sync()

    def scroll_columns(self, step: int) -> None:
        """Move the window sideways."""
        self.left = max(0, min(self.left + step, 1 << 16))
        self.sync()

    # -- drawing -------------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Compare what should be visible with what is, and redraw the difference."""
        if not self.size.width or not self.is_mounted:
            return
        wanted = self._wanted()
        old, strips = self._drawn, self._strips
        self._drawn = wanted
        if len(old) != len(wanted) or self._strips_styles is not self._role_styles():
            self._strips = [None] * len(wanted)
            self._strips_styles = self._role_styles()
            self.refresh()
            return
        for y, (before, after) in enumerate(zip(old, wanted, strict=True)):
            if before != after:
                shown = strips[y] or self._strip_of(before)
                strips[y] = strip = self._strip_of(after)
                for start, count in changed_columns(shown, strip):
                    self.refresh(Region(start, y, count, 1))

    def redraw(self) -> None:
        """Redraw everything, for instance in other colours."""
        self._drawn = []
        self.sync()

    def window(self, width: int, height: int) -> Window:
        """What to show. Lists of known length leave this as it is and give ``rows``."""
        count = self.row_count()
        cursor = self.cursor_row()
        self._follow(cursor, count, height)
        self.top = max(0, min(self.top, count - height))
        rows = self.rows(self.top, min(height, count - self.top), width) if count and height else ()
        return Window(rows, None if cursor is None else cursor - self.top, range(0), thumb(self.top, count, height))

    def _wanted(self) -> list[_Drawn]:
        focused = self.has_focus
        width, height = self.inner_width, self.inner_height
        try:
            window = self.window(width, height)
            room = max(0, width - 4)  # beside the corners, and with a blank on either side
            top = _Drawn(cut_line(self.title(room), room), "top", "", focused, 0)
            bottom = _Drawn(cut_line(self.subtitle(room), room), "bottom", "", focused, 0)
            self._failed = ""
        except Exception as error:  # noqa: BLE001 - one pane may fail without taking the screen with it
            return self._failure(error)
        drawn = [top]
        for offset in range(height):
            line = window.rows[offset] if offset < len(window.rows) else ()
            kind = "cursor" if offset == window.cursor and line else "current" if offset in window.current else "row"
            drawn.append(_Drawn(line, kind, "█" if offset in window.thumb else "", focused, self.left))
        drawn.append(bottom)
        return drawn

    def _failure(self, error: Exception) -> list[_Drawn]:
        text = f"This pane failed: {type(error).__name__}: {error}"[:500]
        if text != self._failed:
            self._failed = text
            _log.exception("pane %s failed", self.id)
        shown = "".join(c if c.isprintable() else "?" for c in text)
        width = max(1, self.inner_width - 2)
        parts = [shown[i : i + width] for i in range(0, len(shown), width)]
        empty = _Drawn((), "row", "", self.has_focus, 0)
        body = [empty._replace(line=(Span(" " + part, Role.ERROR),)) for part in parts[: self.inner_height]]
        body += [empty] * (self.inner_height - len(body))
        return [empty._replace(kind="top"), *body, empty._replace(kind="bottom")]

    def _follow(self, cursor: int | None, count: int, height: int) -> None:
        """Scroll when the cursor has moved out of the window, and only then."""
        if cursor is None or cursor == self._followed:
            return
        self._followed = cursor
        if self.top <= cursor < self.top + height:
            return
        if cursor == self.top + height:
            self.top += 1
        elif cursor == self.top - 1:
            self.top -= 1
        else:
            self.top = cursor - height // 2

    def follow_again(self) -> None:
        """Bring the cursor into view at the next drawing even if it has not moved."""
        self._followed = None

    def render_line(self, y: int) -> Strip:
        """One row of the screen, from what the last ``sync`` found."""
        if y >= len(self._drawn):
            return Strip.blank(self.size.width, self.rich_style)
        strip = self._strips[y] if y < len(self._strips) else None
        if strip is None or strip.cell_length != self.size.width or self._strips_styles is not self._role_styles():
            strip = self._strip_of(self._drawn[y])
            if y < len(self._strips) and self._strips_styles is self._role_styles():
                self._strips[y] = strip
        return strip

    def _strip_of(self, drawn: _Drawn) -> Strip:
        styles: RoleStyles = self._role_styles()
        base = self.rich_style
        if drawn.kind in ("top", "bottom"):
            return self._edge(drawn, styles, base)
        frame = styles.frame_focused if drawn.focused else styles.frame
        side = Segment("┃" if drawn.focused else "│", base + frame)
        right = Segment(drawn.edge, base + frame) if drawn.edge else side
        row = base
        if drawn.kind == "cursor":
            row = base + (styles.cursor_focused if drawn.focused else styles.cursor_blurred)
        elif drawn.kind == "current":
            row = base + styles.current
        width = self.inner_width
        body = Strip(styles.segments(drawn.line, row))
        if body.cell_length > drawn.left + width > 0:
            # A cut line says so, because what explains a failure tends to stand at its end.
            more = Segment("…", row + styles.frame)
            body = Strip([*body.crop(drawn.left, drawn.left + width - 1), more])
        elif drawn.left:
            body = body.crop(drawn.left, drawn.left + width)
        body = body.adjust_cell_length(width, row)
        return Strip([side, *body, right], width + 2)

    def _edge(self, drawn: _Drawn, styles: RoleStyles, base: Style) -> Strip:
        frame = base + (styles.frame_focused if drawn.focused else styles.frame)
        if drawn.kind == "top":
            first, last = ("┏", "┓") if drawn.focused else ("╭", "╮")
        else:
            first, last = ("┗", "┛") if drawn.focused else ("╰", "╯")
        rule = "━" if drawn.focused else "─"
        width = self.inner_width
        label: list[Segment] = []
        if drawn.line and width > 4:
            label = [Segment(" ", base), *styles.segments(drawn.line, base), Segment(" ", base)]
        used = sum(cell_len(segment.text) for segment in label)
        lead = 1 if drawn.kind == "top" or not label else max(1, width - used - 1)
        tail = max(0, width - lead - used)
        return Strip([Segment(first + rule * lead, frame), *label, Segment(rule * tail + last, frame)], width + 2)

    def _role_styles(self) -> RoleStyles:
        app: Any = self.app
        styles: RoleStyles = app.role_styles
        return styles

    # -- events --------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._drawn = []
        self.follow_again()
        self.sync()

    def on_focus(self) -> None:
        self.sync()

    def on_blur(self) -> None:
        self.sync()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        y = event.y - 1
        if event.button == RIGHT_BUTTON:
            known = 0 <= y < self.inner_height and y + 1 < len(self._drawn) and bool(self._drawn[y + 1].line)
            self.on_menu(y if known else None, event)
            return
        if y < 0 and self._drawn and (target := target_at(self._drawn[0].line, event.x - _TITLE_AT)) is not None:
            self.on_title(target)
        if y == self.inner_height and len(self._drawn) == y + 2:
            line = self._drawn[-1].line
            start = self.size.width - line_width(line) - 3  # beside the corner and the blank before it
            if (target := target_at(line, event.x - start)) is not None:
                self.on_subtitle(target)
        if not 0 <= y < self.inner_height or y + 1 >= len(self._drawn):
            return
        line = self._drawn[y + 1].line
        if line:
            target = target_at(line, event.x - 1 + self.left)
            if not (event.ctrl and self.on_ctrl_row(y, target, event)):
                self.on_row(y, target, event)


def thumb(top: int, count: int, height: int) -> range:
    """The rows beside which the scroll bar shows which part of the list is in the window; none when all of it is."""
    if count <= height or not height:
        return range(0)
    size = max(1, height * height // count)
    start = (height - size) * top // max(1, count - height)
    return range(start, start + size)


def target_at(line: Line, column: int) -> object:
    """The target of the span that covers a column; None beside all of them."""
    position = 0
    for span in line:
        position += cell_len(span.text)
        if 0 <= column < position:
            return span.target
    return None
