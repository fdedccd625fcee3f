"""The list of machines, all at the moment of the session."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from am_dbg.session import Session
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.session_view import SearchableView, tab, widest
from am_dbg.viewmodels import machines
from am_dbg.viewmodels.spans import Line, Role, Span


class MachineList(SearchableView):
    """Enter or a click selects the machine of a row."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._cursor_id: int | None = None
        self._selected_id: int | None = None

    def title(self, width: int) -> Line:
        long, short = machines.title(self.session), machines.title(self.session, with_times=False)
        if not self.main.is_narrow:
            return widest(width, long, short)
        other = tab("Schema", Pane.SCHEMA)
        return widest(width, (*long, Span("  "), other), (*short, Span("  "), other), (*short, Span(" "), other))

    def subtitle(self, width: int) -> Line:
        count = self.row_count()
        return (Span(f"{self.cursor_row() + 1:,} of {count:,}", Role.DIM),) if count > self.inner_height else ()

    def row_count(self) -> int:
        return len(self.session.order)

    def cursor_row(self) -> int:
        # The row cursor is a machine, not a number: rows move when machines arrive.
        if self.session.machine_id != self._selected_id:
            self._selected_id = self._cursor_id = self.session.machine_id
        rows = (row for row, listed in enumerate(self.session.order) if listed.machine_id == self._cursor_id)
        return next(rows, 0)

    @property
    def machine_id(self) -> int | None:
        """The machine run of the row cursor."""
        return self.session.order[self.cursor_row()].machine_id if self.session.order else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [row.line for row in machines.rows(self.session, first, count, width)]

    def names(self) -> Sequence[str]:
        return [listed.label for listed in self.session.order]

    def go_to_row(self, row: int) -> None:
        self._cursor_id = self.session.order[row].machine_id
        self.sync()

    def choose(self) -> None:
        if self.session.order:
            self.session.select_machine(self.session.order[self.cursor_row()].machine_id)

    def put_away(self) -> None:
        """Take the machine of the row from the list."""
        if self.session.order:
            row = self.cursor_row()
            machine_id = self.session.order[row].machine_id
            self.session.put_machine_away(machine_id)
            if self.session.machine_id != self._selected_id:
                return  # the selection has moved on, and the row cursor goes along
            self._cursor_id = self.session.order[min(row, len(self.session.order) - 1)].machine_id

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        index = self.top + offset
        self.go_to_row(index)
        self.session.select_machine(self.session.order[index].machine_id)
        self.main.paint_soon()
