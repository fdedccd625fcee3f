"""The step inspector: all steps of a transition as a table, in which one can walk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import step_table
from am_dbg.viewmodels.spans import Line, Role, Span


class StepsScreen(Dialog):
    """Enter goes to the moment after a step; the keys for steps and transitions work as outside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", show=False),
        Binding("less_than_sign,alt+j", "step(-1)", "Step back", show=False),
        Binding("greater_than_sign,alt+k", "step(1)", "Step", show=False),
        Binding("left,comma", "transition(-1)", "Transition before", show=False),
        Binding("right,full_stop", "transition(1)", "Transition after", show=False),
        Binding("I,q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._table = _StepTable(session)
        super().__init__(self._table)

    def wanted_size(self) -> tuple[int, int]:
        return 130, max(10, len(step_table.rows(self._session)) + 3)

    def action_choose(self) -> None:
        self._table.go()
        self.dismiss(None)

    def action_step(self, direction: int) -> None:
        if direction > 0:
            self._session.next_step()
        else:
            self._session.previous_step()
        self._moved()

    def action_transition(self, direction: int) -> None:
        if direction > 0:
            self._session.next()
        else:
            self._session.previous()
        self._moved()

    def _moved(self) -> None:
        self._fit(*self.app.size)
        self._table.sync()


class _StepTable(LineView):
    """The first row holds the names of the columns."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="step-table")
        self._session = session
        self._row = 0
        self._shown: tuple[object, ...] = ()

    def title(self, width: int) -> Line:
        return step_table.title(self._session)

    def subtitle(self, width: int) -> Line:
        done, total = step_table.done_count(self._session), self._total
        place = (Span(f"{done}/{total}", Role.VALUE, bold=True),) if total else ()
        return (*place, Span("  Enter go  <> step  ←→ transition  Esc", Role.DIM))

    @property
    def _total(self) -> int:
        return len(step_table.rows(self._session))

    def row_count(self) -> int:
        return self._total + 1 if self._total else len(step_table.empty_text(self._session))

    def cursor_row(self) -> int | None:
        session = self._session
        now = (session.machine_id, session.number, session.step)
        if now != self._shown:
            self._shown = now
            self._row = max(0, step_table.done_count(session) - 1)
            if session.step <= 1:
                self.top = 0
        return self._row + 1 if self._total else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        table = step_table.rows(self._session)
        if not table:
            return [(Span(" "), *line) for line in step_table.empty_text(self._session)][first : first + count]
        done = step_table.done_count(self._session)
        head = [step_table.header(table, width)] if first == 0 else []
        return head + step_table.lines(table, done, width, max(0, first - 1), count - len(head))

    def move_cursor(self, step: int) -> None:
        self._row = max(0, min(self._row + step, self._total - 1))
        if not self._row:
            self.top = 0
        self.sync()

    def go(self) -> None:
        """To the moment after the step of the row."""
        number = step_table.shown_number(self._session)
        if number is not None and self._total:
            self._session.go_to_step(number, self._row + 1)

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        row = self.top + offset - 1
        if 0 <= row < self._total:
            self._row = row
            self.go()
            self.sync()
