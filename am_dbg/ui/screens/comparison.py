"""What differs between the mark and the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import comparison
from am_dbg.viewmodels.spans import Line, Role, Span


class ComparisonScreen(Dialog):
    """Enter or a click on a state selects it, so that H and L lead to its changes.

    Args:
        session: with a mark.
        choose_state: selects a state by its name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Select the state", show=False),
        Binding("D,q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session, choose_state: Callable[[str], None]) -> None:
        self._differences = _DifferenceView(session)
        self._choose_state = choose_state
        super().__init__(self._differences)

    def wanted_size(self) -> tuple[int, int]:
        return 110, max(8, self._differences.row_count() + 2)

    def action_choose(self) -> None:
        self.choose(self._differences.chosen_state())

    def choose(self, state: str) -> None:
        """Select a state and close."""
        if state:
            self._choose_state(state)
        self.dismiss(None)


class _DifferenceView(LineView):
    def __init__(self, session: Session) -> None:
        super().__init__(id="difference-list")
        self._title = comparison.title(session)
        self._found = comparison.rows(session)
        self._at = next((place for place, row in enumerate(self._found) if row.state), None)

    def title(self, width: int) -> Line:
        return self._title

    def subtitle(self, width: int) -> Line:
        return (Span("Enter select the state  Esc", Role.DIM),)

    def row_count(self) -> int:
        return len(self._found)

    def cursor_row(self) -> int | None:
        return self._at

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [(Span(" "), *row.line) for row in self._found[first : first + count]]

    def chosen_state(self) -> str:
        """The state of the row under the cursor; empty when there is none."""
        return "" if self._at is None else self._found[self._at].state

    def move_cursor(self, step: int) -> None:
        """Among the rows about a state; the heading above the first one comes into view with it."""
        places = [place for place, row in enumerate(self._found) if row.state]
        if self._at is None or not places:
            self.scroll_rows(step)
            return
        wanted = max(0, min(places.index(self._at) + step, len(places) - 1))
        self._at = places[wanted]
        if not wanted:
            self.top = 0
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        row = self._found[self.top + offset] if self.top + offset < len(self._found) else None
        screen = self.screen
        if row is not None and row.state and isinstance(screen, ComparisonScreen):
            screen.choose(row.state)
