"""The context menu: what can be done with what was pointed at, each with its key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.ui.actions import Action, Pane
from am_dbg.ui.keymap import Keymap
from am_dbg.ui.menus import menu_of
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, cut_line, pad
from am_dbg.viewmodels.spans import width as cells_of

_OWN: Final = frozenset({"enter", "escape", "up", "down", "pageup", "pagedown", "home", "end"})


class MenuScreen(Dialog):
    """Enter, a click or the key of a row does it; ``chosen`` tells which action that is, once the menu has closed.

    Args:
        pane: whose menu.
        keys: what to show beside the rows.
        subject: what was pointed at.
        at: column and row of the screen near which the menu opens.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Do it", show=False)]

    def __init__(self, pane: Pane, keys: Keymap, subject: str, at: tuple[int, int]) -> None:
        self._menu = _Menu(menu_of(pane), keys, subject)
        super().__init__(self._menu)
        self._pane = pane
        self._keys = keys
        self._at = at
        self.chosen: str | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.styles.align = ("left", "top")

    def wanted_size(self) -> tuple[int, int]:
        return self._menu.wanted_width(), self._menu.row_count() + 2

    def _fit(self, width: int, height: int) -> None:
        super()._fit(width, height)
        columns, rows = self.wanted_size()
        x = max(0, min(self._at[0], width - min(columns, width - 4)))
        y = max(0, min(self._at[1], height - min(rows, height - 2)))
        self.view.styles.offset = (x, y)

    def on_key(self, event: events.Key) -> None:
        if event.key in _OWN:
            return
        action = self._keys.action(event.aliases, self._pane)
        if action in {entry.id for entry in self._menu.entries}:
            event.stop()
            self._choose(action)

    def action_choose(self) -> None:
        self._choose(self._menu.entries[self._menu.cursor].id)

    def _choose(self, action: str | None) -> None:
        self.chosen = action
        self.dismiss(None)

    def pick(self, row: int) -> None:
        """A row was clicked."""
        self._choose(self._menu.entries[row].id)


class _Menu(LineView):
    def __init__(self, entries: Sequence[Action], keys: Keymap, subject: str) -> None:
        super().__init__(id="menu-list")
        self.entries = entries
        self.cursor = 0
        self._keys = [keys.printed(entry, 1) for entry in entries]
        self._subject = subject

    def wanted_width(self) -> int:
        """Columns for the longest row."""
        rows = (cells_of(entry.title) + cells_of(key) for entry, key in zip(self.entries, self._keys, strict=True))
        return max(*rows, cells_of(self._subject)) + 8

    def title(self, width: int) -> Line:
        return (Span(self._subject, Role.TITLE, bold=True),) if self._subject else ()

    def row_count(self) -> int:
        return len(self.entries)

    def cursor_row(self) -> int | None:
        return self.cursor

    def move_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(self.entries) - 1))
        self.sync()

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        some = list(zip(self.entries, self._keys, strict=True))[first : first + count]
        return [
            cut_line(
                (
                    Span(" " + pad(entry.title, max(1, width - cells_of(key) - 3)) + " ", Role.TEXT),
                    Span(f"{key} ", Role.KEY, bold=True),
                ),
                width,
            )
            for entry, key in some
        ]

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        screen = self.screen
        if isinstance(screen, MenuScreen):
            screen.pick(self.top + offset)
