"""The matrix of the transition at the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from am_dbg.session import Session
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.content_tabs import content_title
from am_dbg.ui.widgets.empty_pane import centered
from am_dbg.ui.widgets.line_view import Window, thumb
from am_dbg.ui.widgets.session_view import SearchableView
from am_dbg.viewmodels import empty, matrix, matrix_lines
from am_dbg.viewmodels.selection import selected_states
from am_dbg.viewmodels.spans import Line, Role, Span

_LEAST_ROWS = 6
"""Rows of the matrix that are worth more than a legend below it."""


class MatrixView(SearchableView):
    """The row cursor selects a state, and with it a row and a column."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._built: matrix.Matrix | None = None
        self._built_for: tuple[object, ...] = ()
        self._shape: matrix_lines.Frame | None = None
        self._first = 0
        self._header_rows = 0
        self._rows_shown = 0
        self._state_followed: tuple[object, ...] = ()

    # -- what is shown -------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        return content_title(Pane.MATRIX, matrix_lines.title(self.session), width)

    def subtitle(self, width: int) -> Line:
        shape, built = self._shape, self._built
        if shape is None or built is None:
            return ()
        spans = list(selected_states(self.session, width - 30))
        if spans:
            spans.append(Span("  "))
        if len(shape.widths) < shape.total:
            until = shape.first + len(shape.widths)
            spans.append(Span(f"sources {shape.first + 1}–{until} of {shape.total}  ", Role.DIM))
        if built.hidden:
            spans.append(Span(f"{built.hidden} untouched hidden  U all", Role.DIM))
        return tuple(spans)

    def window(self, width: int, height: int) -> Window:
        session = self.session
        built = self._matrix()
        if built is None or not built.entries:
            self._shape = None
            return Window(centered(self._nothing(), width, height), None, (), ())
        shape = matrix_lines.frame(built, self._first, width, height)
        shape = self._show_selected(built, shape, width, height)
        self._shape, self._first = shape, shape.first
        header = matrix_lines.header(session, built, shape, width)
        self._header_rows = len(header)
        room = max(1, height - len(header) - 1)
        legend = matrix_lines.legend(width) if built.steps else [matrix_lines.NO_STEPS]
        if room - len(legend) - 1 < min(len(built.entries), _LEAST_ROWS):
            legend = []
        else:
            room -= len(legend) + 1
        cursor = self.cursor_row()
        self._follow(cursor, len(built.entries), room)
        self.top = max(0, min(self.top, len(built.entries) - room))
        rows = matrix_lines.rows(session, built, shape, self.top, room)
        self._rows_shown = len(rows)
        foot = [matrix_lines.sums(built, shape)]
        if legend:
            foot += [(), *legend]
        bar = thumb(self.top, len(built.entries), room)
        at = None if cursor is None else cursor - self.top
        return Window(
            [*header, *rows, *foot][:height],
            at + len(header) if at is not None and 0 <= at < len(rows) else None,
            (),
            range(bar.start + len(header), bar.stop + len(header)),
        )

    def _matrix(self) -> matrix.Matrix | None:
        session = self.session
        schema = session.timeline.schema if session.timeline is not None else None
        key = (session.machine_id, session.number, session.step, session.next_number, schema, session.untouched)
        if key != self._built_for:
            self._built, self._built_for = matrix.build(session), key
        return self._built

    def _nothing(self) -> empty.Lines:
        session = self.session
        if session.machine is None or not len(session.visible):
            return empty.text(session) if session.machine is not None else ()
        if not session.number and session.inside is None:
            return (
                (Span("Before the first transition", Role.TITLE, bold=True),),
                empty.BLANK,
                (Span("There is nothing to show yet; "), Span("→", Role.KEY, bold=True), Span(" goes to the first.")),
            )
        return (
            (Span("No state took part in this transition", Role.TITLE, bold=True),),
            empty.BLANK,
            (Span("It named none and changed none; "), Span("U", Role.KEY, bold=True), Span(" shows all states.")),
        )

    def _show_selected(
        self, built: matrix.Matrix, shape: matrix_lines.Frame, width: int, height: int
    ) -> matrix_lines.Frame:
        """Bring the column of a state that has just been selected into view."""
        key = (self.session.machine_id, self.session.number, self.session.state, width)
        if key == self._state_followed:
            return shape
        self._state_followed = key
        place = self.cursor_row()
        if place is None or shape.first <= place < shape.first + len(shape.widths):
            return shape
        return matrix_lines.frame(built, max(0, place - len(shape.widths) // 2), width, height)

    # -- moving --------------------------------------------------------------------------------------------------

    def move_cursor(self, step: int) -> None:
        built = self._matrix()
        if built is None or not built.entries:
            return
        row = self.cursor_row()
        at = row + step if row is not None else 0 if step > 0 else len(built.entries) - 1
        self.go_to_row(max(0, min(at, len(built.entries) - 1)))

    def scroll_columns(self, step: int) -> None:
        self._first = max(0, self._first + (1 if step > 0 else -1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self._shape is None:
            if target is not None:
                self.follow(target)
            return
        built = self._matrix()
        place = self.top + offset - self._header_rows
        if built is not None and 0 <= offset - self._header_rows < self._rows_shown:
            self.go_to_row(place)
        elif offset < self._header_rows:
            column = self._shape.column_at(event.x - 1)
            if target is not None:
                self.follow(target)
            elif column is not None:
                self.go_to_row(column)

    def state_at(self, offset: int, event: events.Click) -> str:
        built, shape = self._matrix(), self._shape
        if built is None or shape is None:
            return ""
        row = offset - self._header_rows
        place = self.top + row if 0 <= row < self._rows_shown else None if row >= 0 else shape.column_at(event.x - 1)
        return built.entries[place].name if place is not None and place < len(built.entries) else ""

    # -- searching for a state -----------------------------------------------------------------------------------

    def cursor_row(self) -> int | None:
        built = self._matrix()
        state = self.session.state
        if built is None or not state:
            return None
        return next((row for row, entry in enumerate(built.entries) if entry.name == state), None)

    def names(self) -> Sequence[str]:
        built = self._matrix()
        return [entry.name for entry in built.entries] if built is not None else []

    def go_to_row(self, row: int) -> None:
        built = self._matrix()
        if built is not None and row < len(built.entries) and built.entries[row].state >= 0:
            self.session.select_state(built.entries[row].name)
            self.main.paint_soon()
