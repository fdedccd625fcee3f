"""The log: an endless list with a place, not an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from textual import events

from am_dbg.session import Mode, Session
from am_dbg.session.log_options import LogScope
from am_dbg.session.targets import GoToStep, GoToTransition
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.content_tabs import content_title
from am_dbg.ui.widgets.empty_pane import centered
from am_dbg.ui.widgets.line_view import Window
from am_dbg.ui.widgets.session_view import SessionView
from am_dbg.viewmodels import empty, log, log_edges
from am_dbg.viewmodels.line_cutting import marked, shifted
from am_dbg.viewmodels.log_copy import copied
from am_dbg.viewmodels.spans import Line, line_width

WHEEL_COLUMNS: Final = 8


class LogView(SessionView):
    """Rows of the current transition are marked; Enter or a click goes to the transition of a row.

    On a row of the current transition Enter goes through what the row names: states, handlers, machines.
    """

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._model = log.LogModel(session)
        self._shown: list[log.LogRow] = []
        self._cursor: log.LogPosition | None = None
        self._selected_from: log.LogPosition | None = None
        self._followed_link = 0
        self._session_followed: tuple[Any, ...] = ()
        self._columns_left = 0

    # -- what is shown -----------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        return content_title(Pane.LOG, self._model.title(), width)

    def subtitle(self, width: int) -> Line:
        return log_edges.lower(self.session, self._model, self._shown, self._columns_left, width)

    def on_subtitle(self, target: object) -> None:
        self.follow(target)

    def window(self, width: int, height: int) -> Window:
        self._model.columns.cells = width
        if instead := self._instead():
            self._shown = []
            return Window(centered(instead, width, height), None, (), ())
        self._follow_session(height)
        self._shown = self._model.rows(height)
        if not self._shown:
            return Window(centered(self._nothing(), width, height), None, (), ())
        widest = max(line_width(row.line) for row in self._shown)
        self._columns_left = max(0, min(self._columns_left, widest - width))
        current = {offset for offset, row in enumerate(self._shown) if row.current or self._is_selected(row.position)}
        cursor = next((offset for offset, row in enumerate(self._shown) if row.position == self._cursor), None)
        return Window([self._line(row) for row in self._shown], cursor, current, self._bar(height))

    def _instead(self) -> Sequence[Line]:
        """What to say where no row may be shown."""
        session = self.session
        return empty.log_is_off(session) if session.machine is not None and session.log_level == 0 else ()

    def _nothing(self) -> Sequence[Line]:
        if self.session.log.scope is not LogScope.MACHINE:
            return empty.several_hidden(self._model.merged.machines)
        return empty.text(self.session) if self.session.machine is not None else ()

    def _line(self, row: log.LogRow) -> Line:
        line = row.line
        if self._is_selected(row.position):
            line = log_edges.as_selected(line, row.lead)
        if self._columns_left:
            line = (*line[: row.lead], *shifted(line[row.lead :], self._columns_left))
        return marked(log_edges.with_states(line, self.session.states), self.session.highlight)

    def _follow_session(self, height: int) -> None:
        session = self.session
        growing = session.recording.version if session.mode is Mode.TAIL and self._model.columns.is_merged else 0
        place = (session.machine_id, session.number)
        what = (session.filters.selection, session.log_level, session.log.scope, session.pinned)
        key = (place, what, height, session.step, growing)
        if key == self._session_followed:
            return
        before, self._session_followed = self._session_followed, key
        if before[:2] != key[:2]:
            self._cursor = self._selected_from = None
        elif before[2:4] == key[2:4] and not growing:
            return  # the tail was left, which moves nothing
        moved_back = bool(before) and before[0][0] == place[0] and session.number < before[0][1]
        if self._model.follow(height) and session.mode is not Mode.TAIL:
            # Turn the page instead of creeping by a line: most moves then redraw two rows and not all of them.
            self._model.scroll((-1 if moved_back else 1) * (height * 2 // 3), height)
            self._model.follow(height)

    def follow_again(self) -> None:
        super().follow_again()
        self._session_followed = ()

    def _bar(self, height: int) -> range:
        start, share = self._model.window(self._shown)
        if share >= 1:
            return range(0)
        size = max(1, min(height, round(share * height)))
        first = round(start * height)
        return range(min(first, height - size), min(first, height - size) + size)

    # -- scrolling ---------------------------------------------------------------------------------------------------

    def scroll_rows(self, step: int) -> None:
        self.sync()  # a move in time may not have been painted yet
        if self._model.scroll(step, self.inner_height) and step < 0:
            self._leave_tail()
        self.sync()

    def scroll_columns(self, step: int) -> None:
        if self.session.log.wrap:
            return self.session.say("long lines go on in the next row; w lets them end at the edge")
        self._columns_left = max(0, self._columns_left + step)
        return self.sync()

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self.scroll_columns(WHEEL_COLUMNS)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self.scroll_columns(-WHEEL_COLUMNS)

    def _leave_tail(self) -> None:
        """Who scrolls back wants to read: what arrives must not take the place away."""
        if self.session.mode is Mode.TAIL:
            self.session.set_mode(Mode.PAUSED)
            self.session.say("paused to keep this place; T follows the newest again")
            self.main.paint_soon()

    # -- row cursor --------------------------------------------------------------------------------------------------

    def move_cursor(self, step: int) -> None:
        self._selected_from = None
        self._move(step)

    def select(self, step: int) -> None:
        """Extend the selected rows up (negative) or down."""
        if self._selected_from is None:
            row = self._row()
            self._selected_from = row.position if row is not None else None
        self._move(step)

    def _move(self, step: int) -> None:
        self.sync()  # a move in time may not have been painted yet
        rows, height = self._shown, self.inner_height
        if not rows:
            return
        offset = next((i for i, row in enumerate(rows) if row.position == self._cursor), None)
        if offset is None:
            offset = next((i for i, row in enumerate(rows) if row.current), 0)
        wanted = offset + step
        if not 0 <= wanted < len(rows):
            if self._model.scroll(wanted - len(rows) + 1 if wanted > 0 else wanted, height) and step < 0:
                self._leave_tail()
            rows = self._model.rows(height)
        self._cursor = rows[max(0, min(wanted, len(rows) - 1))].position
        self._followed_link = 0
        self.sync()

    def _row(self) -> log.LogRow | None:
        """The row at the row cursor, else the first one of the current transition."""
        row = next((row for row in self._shown if row.position == self._cursor), None)
        return row if row is not None else next((row for row in self._shown if row.current), None)

    def _is_selected(self, position: log.LogPosition) -> bool:
        first, last = self._selected_from, self._cursor
        return first is not None and last is not None and min(first, last) <= position <= max(first, last)

    def choose(self) -> None:
        row = self._row()
        if row is None or not row.number:
            return
        if row.current:
            self._follow_link(row)
        else:
            self._go_to(row)
            self._keep_cursor(row.position)

    def _follow_link(self, row: log.LogRow) -> None:
        links = log_edges.links(row.line)
        if not links:
            return self.session.say("this line names no state and no machine")
        index = self._followed_link % len(links)
        self.session.follow(links[index])
        self._keep_cursor(row.position)
        self._followed_link = index + 1
        if len(links) > 1 and not self.session.message:
            name = log_edges.link_name(links[index])
            self.session.say(f"{name}: {index + 1} of {len(links)} in this line; Enter again for the next")
        return None

    def _keep_cursor(self, position: log.LogPosition) -> None:
        """The row cursor stays on its row although the session has moved to its transition."""
        self.sync()
        if any(row.position == position for row in self._shown):
            self._cursor = position
            self.sync()

    def _go_to(self, row: log.LogRow) -> None:
        """To the transition of a row, or to the step that it tells about."""
        step = next((span.target for span in row.line if isinstance(span.target, GoToStep)), None)
        if step is not None:
            self.session.follow(step)
        elif row.machine_id == self.session.machine_id:
            self.session.go_to_number(row.number)
        else:
            self.session.follow(GoToTransition(row.machine_id, row.number))

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if offset < len(self._shown) and self._shown[offset].number:
            row = self._shown[offset]
            if event.shift:
                self._selected_from = self._selected_from or self._cursor or row.position
                self._cursor = row.position
            else:
                self._click(row, target)
        elif target is not None:
            self.follow(target)
        self.main.paint_soon()

    def _click(self, row: log.LogRow, target: object) -> None:
        leads_elsewhere = target is not None and not isinstance(target, GoToStep | GoToTransition)
        self._go_to(row)
        self._keep_cursor(row.position)
        if leads_elsewhere:
            self.follow(target)

    # -- copying -----------------------------------------------------------------------------------------------------

    def copy(self) -> None:
        """Send the selected rows, or the whole entry of the row, to the clipboard of the terminal."""
        row = self._row()
        if row is None:
            return self.session.say("there is no line to copy")
        first, last = row.position, row.position
        if self._selected_from is not None and self._cursor is not None:
            first, last = min(self._selected_from, self._cursor), max(self._selected_from, self._cursor)
        text = copied(self._model, first, last)
        # Nobody answers whether the terminal took it.
        self.app.copy_to_clipboard(text.text)
        return self.session.say(text.sentence)
