"""How wide the panes on the left are, where somebody has drawn the line between them and the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from am_dbg.session.layout import Shares
from am_dbg.ui.actions import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

    from am_dbg.ui.screens.main import MainScreen

LEAST: Final = 14
"""Columns that are left to each pane."""
STEP: Final = 4
"""Columns by which a key moves a line."""
MOST_LISTS: Final = 70
"""Percent of a narrow window that its one pane on the left can take."""
MOST_MACHINES: Final = 50
MOST_LEFT: Final = 80
"""Percent of a window that both panes on the left can take together, also after it has become smaller."""
USUAL: Final = 30
"""Percent that a pane takes at most while nobody has changed that."""


class Dividers:
    """Gives the panes of one screen the widths that the session keeps as shares of the window.

    The steps of a transition need room of their own, so that while stepping the widths are as they always were.
    """

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._applied: tuple[object, ...] = ()

    def edge_at(self, x: int) -> Pane | None:
        """The pane whose right edge is at a column of the screen, if it can be moved."""
        edges = (pane for pane in self._on_the_left() if self._widget(pane).region.right - 1 <= x)
        return next((pane for pane in edges if x <= self._widget(pane).region.right), None)

    def drag(self, pane: Pane, x: int) -> bool:
        """Move the right edge of a pane to a column. Returns whether that has changed anything."""
        return self._resize(pane, x + 1 - self._widget(pane).region.x)

    def change(self, focused: Pane, steps: int) -> bool:
        """Make the focused pane wider, or narrower (negative). What is on the right grows to the left."""
        panes = self._on_the_left()
        if not panes:
            return False
        pane, sign = (focused, 1) if focused in panes else (panes[-1], -1)
        return self._resize(pane, self._widget(pane).region.width + sign * steps * STEP)

    def apply(self) -> None:
        """Bring the widths of the panes up to date."""
        session, narrow = self._screen.session, self._screen.is_narrow
        wanted = (session.shares, narrow, session.inside is not None)
        if wanted == self._applied:
            return
        self._applied = wanted
        for pane in (Pane.MACHINES, Pane.SCHEMA):
            share = 0 if session.inside is not None else self._share(pane)
            styles = self._widget(pane).styles
            styles.width = f"{share}%" if share else None
            styles.max_width = "100%" if share else None

    def _on_the_left(self) -> list[Pane]:
        return [pane for pane in (Pane.MACHINES, Pane.SCHEMA) if self._widget(pane).region.width]

    def _widget(self, pane: Pane) -> Widget:
        return self._screen.query_one(f"#{pane}")

    def _share(self, pane: Pane) -> int:
        shares = self._screen.session.shares
        of_pane = shares.machines if pane is Pane.MACHINES else shares.schema
        return min(shares.lists if self._screen.is_narrow else of_pane, self._most(pane))

    def _most(self, pane: Pane) -> int:
        if self._screen.is_narrow:
            return MOST_LISTS
        if pane is Pane.MACHINES:
            return MOST_MACHINES
        return MOST_LEFT - (self._share(Pane.MACHINES) or USUAL)

    def _resize(self, pane: Pane, columns: int) -> bool:
        session, window = self._screen.session, self._screen.size.width
        if session.inside is not None:
            session.say("while stepping the widths of panes are fixed; Esc ends it")
            return False
        if not self._widget(pane).region.width:
            return False  # the window is too small for any pane
        others = sum(self._widget(other).region.width for other in self._on_the_left() if other is not pane)
        most = window - others - LEAST * 2
        share = min(round(max(LEAST, min(columns, most)) * 100 / window), self._most(pane))
        if share == self._share(pane):
            return False
        name = "lists" if self._screen.is_narrow else pane.value
        session.shares = session.shares.with_share(name, share)
        self._screen.paint_soon()
        return True

    def reset(self) -> None:
        """Back to the widths that fit most windows."""
        self._screen.session.shares = Shares()
        self._screen.paint_soon()
