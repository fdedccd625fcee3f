"""The tree behind ``C``: what caused the transition at the cursor, and what it caused, over all machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.causes import CauseTree
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.store.records import TransitionRecord


class CausesScreen(Dialog):
    """Enter or a click goes to a transition; ``C`` once more goes to the direct cause.

    Args:
        session: whose cursor moves.
        record: the transition that the tree is about.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", show=False),
        Binding("C", "direct", "The direct cause", show=False),
        Binding("q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session, record: TransitionRecord) -> None:
        self._session = session
        self._causes = _CauseView(session, record)
        super().__init__(self._causes)

    def wanted_size(self) -> tuple[int, int]:
        return 120, max(6, self._causes.row_count() + 2)

    def action_choose(self) -> None:
        if self._causes.go():
            self.dismiss(None)

    def action_direct(self) -> None:
        self._session.go_to_cause()
        self.dismiss(None)


class _CauseView(LineView):
    def __init__(self, session: Session, record: TransitionRecord) -> None:
        super().__init__(id="cause-list")
        self._session = session
        self._tree = CauseTree(session, record)
        self._about = f"{clean(session.label(record.machine_id), 60)} #{record.number:,}"
        self._cursor = self._tree.here

    def title(self, width: int) -> Line:
        return (Span("Causes and effects of ", Role.TITLE, bold=True), Span(self._about, Role.TEXT, bold=True))

    def subtitle(self, width: int) -> Line:
        return (Span("Enter go  Home first cause  C direct cause  Esc", Role.DIM),)

    def row_count(self) -> int:
        return len(self._tree.rows)

    def cursor_row(self) -> int:
        return self._cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [(Span(" "), *row.line) for row in self._tree.rows[first : first + count]]

    def move_cursor(self, step: int) -> None:
        self._cursor = max(self._tree.roots, min(self._cursor + step, len(self._tree.rows) - 1))
        if self._cursor == self._tree.roots:
            self.top = 0
        self.sync()

    def go(self) -> bool:
        """To the transition under the cursor; False when the row is none."""
        target = self._tree.rows[self._cursor].target
        if target is None:
            return False
        self._session.follow(target)
        return True

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        screen = self.screen
        if self.top + offset < len(self._tree.rows) and isinstance(screen, CausesScreen):
            self._cursor = self.top + offset
            screen.action_choose()
