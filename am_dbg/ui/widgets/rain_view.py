"""The rain of the selected machine: a window on all its visible transitions."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from am_dbg.session import Mode, Session
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.content_tabs import content_title
from am_dbg.ui.widgets.empty_pane import centered
from am_dbg.ui.widgets.line_view import Window, thumb
from am_dbg.ui.widgets.session_view import SearchableView
from am_dbg.viewmodels import empty, rain, rain_lines
from am_dbg.viewmodels.selection import selected_states
from am_dbg.viewmodels.spans import Line, Role, Span


class RainView(SearchableView):
    """The row cursor is the cursor of the session; a click chooses a transition and a state."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._model = rain.RainModel(session)
        self._shape: rain_lines.Frame | None = None
        self._first = 0
        self._header_rows = 0
        self._session_followed: tuple[object, ...] = ()
        self._cursor_followed = 0
        self._state_followed: tuple[object, ...] = ()
        self._lines: dict[int, Line] = {}
        """Lines of the window by their place, without the mark of the cursor."""
        self._lines_for: tuple[object, ...] = ()

    # -- what is shown -------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        return content_title(Pane.RAIN, rain_lines.title(self.session), width)

    def subtitle(self, width: int) -> Line:
        shape = self._shape
        if shape is None:
            return ()
        spans = list(selected_states(self.session, width - 30))
        timeline = self.session.timeline
        states = len(timeline.schema.names) if timeline is not None else 0
        if shape.total < states:
            gap = "  " if spans else ""
            spans.append(Span(f"{gap}{shape.total} of {states} states  U all", Role.DIM))
        elif len(shape.columns) < shape.total:
            until = shape.first + len(shape.columns)
            gap = "  " if spans else ""
            spans.append(Span(f"{gap}states {shape.first + 1}–{until} of {shape.total}", Role.DIM))
        return tuple(spans)

    def window(self, width: int, height: int) -> Window:
        session = self.session
        if not len(session.visible):
            self._shape, self._header_rows = None, 0
            text = empty.text(session) if session.machine is not None else ()
            return Window(centered(text, width, height), None, (), ())
        columns = self._model.columns()
        shape = rain_lines.frame(session, columns, self._first, width, height)
        shape = self._show_selected(columns, shape, width, height)
        self._shape, self._first = shape, shape.first
        header = rain_lines.header(session, shape, width)[:height]
        self._header_rows = len(header)
        room = max(0, height - len(header))
        total = self._model.length
        cursor = session.visible_rank
        self._follow_session(cursor, total, room)
        self.top = max(0, min(self.top, total - room))
        rows = self._body(shape, width, room)
        at = cursor - self.top
        marked: list[Line] = [
            (Span(rain_lines.CURSOR_SIGN if place == at else " ", Role.CURSOR, bold=True), *line)
            for place, line in enumerate(rows)
        ]
        bar = thumb(self.top, total, room)
        return Window(
            [*header, *marked],
            at + len(header) if 0 <= at < room else None,
            (),
            range(bar.start + len(header), bar.stop + len(header)),
        )

    def _show_selected(
        self, columns: Sequence[int], shape: rain_lines.Frame, width: int, height: int
    ) -> rain_lines.Frame:
        """Bring the column of a state that has just been selected into view."""
        session = self.session
        key = (session.machine_id, session.state, width)
        if key == self._state_followed:
            return shape
        self._state_followed = key
        state = session.state_index
        if state is None or state in shape.columns or state not in columns:
            return shape
        first = columns.index(state) - len(shape.columns) // 2
        return rain_lines.frame(session, columns, first, width, height)

    def _follow_session(self, cursor: int, total: int, room: int) -> None:
        session = self.session
        end = total if session.mode is Mode.TAIL else None
        key = (session.machine_id, session.number, session.filters.selection, end, room)
        if key == self._session_followed:
            return
        first = not self._session_followed or self._session_followed[0] != session.machine_id
        back = cursor < self._cursor_followed
        self._session_followed, self._cursor_followed = key, cursor
        if session.mode is Mode.TAIL:
            self.top = total - room
        elif first:
            self.top = cursor - room // 2
        elif cursor == self.top + room:
            # Turn the page instead of creeping by a line: most moves then redraw two rows and not all of them.
            self.top = cursor - room // 3
        elif cursor == self.top - 1:
            self.top = cursor - room * 2 // 3
        elif not self.top <= cursor < self.top + room:
            self.top = cursor - (room * 2 // 3 if back else room // 3)

    def _body(self, shape: rain_lines.Frame, width: int, room: int) -> list[Line]:
        """The lines of the window; those that were in it before are not made again."""
        session = self.session
        timeline = session.timeline
        key = (session.machine_id, timeline, session.filters.selection, session.states, shape, width)
        if key != self._lines_for:
            self._lines_for = key
            self._lines = {}
        end = min(self.top + room, self._model.length)
        kept = self._lines
        self._lines = {}
        place = self.top
        while place < end:
            if place in kept:
                self._lines[place] = kept[place]
                place += 1
                continue
            until = place + 1
            while until < end and until not in kept:
                until += 1
            made = rain_lines.body(session, self._model, shape, place, until - place, width)
            self._lines.update(zip(range(place, until), made, strict=True))
            place = until
        return list(self._lines.values())

    # -- moving --------------------------------------------------------------------------------------------------

    def move_cursor(self, step: int) -> None:
        if step > 0:
            self.session.next(step)
        else:
            self.session.previous(-step)
        self.main.paint_soon()

    def scroll_columns(self, step: int) -> None:
        """Select the state beside the selected one."""
        columns = self._model.columns()
        if not columns:
            return
        row = self.cursor_row()
        at = (row + (1 if step > 0 else -1)) if row is not None else (0 if step > 0 else len(columns) - 1)
        self.go_to_row(max(0, min(at, len(columns) - 1)))

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        shape = self._shape
        if shape is None:
            if target is not None:
                self.follow(target)
            return
        state = shape.column_at(event.x - 1)
        timeline = self.session.timeline
        if state is not None and timeline is not None:
            self.session.select_state(timeline.schema.names[state])
        if offset >= self._header_rows:
            number = self._model.number(self.top + offset - self._header_rows)
            if number != self.session.number or self.session.mode is not Mode.PAUSED:
                self.session.go_to_number(number)
        self.main.paint_soon()

    def state_at(self, offset: int, event: events.Click) -> str:
        timeline = self.session.timeline
        state = self._shape.column_at(event.x - 1) if self._shape is not None else None
        return "" if state is None or timeline is None else timeline.schema.names[state]

    # -- searching for a state -----------------------------------------------------------------------------------

    def cursor_row(self) -> int | None:
        state, columns = self.session.state_index, self._model.columns()
        return columns.index(state) if state in columns else None

    def names(self) -> Sequence[str]:
        timeline = self.session.timeline
        return [timeline.schema.names[state] for state in self._model.columns()] if timeline is not None else []

    def go_to_row(self, row: int) -> None:
        self.session.select_state(self.names()[row])
        self.main.paint_soon()
