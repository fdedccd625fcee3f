"""The log of the selected machine: an endless list with a place, not an index."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from am_dbg.session import Mode, Session
from am_dbg.session.targets import GoToStep
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.content_tabs import content_title
from am_dbg.ui.widgets.empty_pane import centered
from am_dbg.ui.widgets.line_view import Window
from am_dbg.ui.widgets.session_view import SessionView
from am_dbg.viewmodels import empty, log
from am_dbg.viewmodels.spans import Line, Role, Span


class LogView(SessionView):
    """Rows of the current transition are marked; Enter or a click goes to the transition of a row."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._model = log.LogModel(session)
        self._shown: Sequence[log.LogRow] = ()
        self._cursor: log.LogPosition | None = None
        self._session_followed: tuple[object, ...] = ()

    def title(self, width: int) -> Line:
        return content_title(Pane.LOG, log.title(self.session), width)

    def subtitle(self, width: int) -> Line:
        if self.left:
            return (Span(f"→ {self.left} columns", Role.DIM),)
        return ()

    def window(self, width: int, height: int) -> Window:
        session = self.session
        if not len(session.visible):
            self._shown = ()
            text = empty.text(session) if session.machine is not None else ()
            return Window(centered(text, width, height), None, (), ())
        self._follow_session(height)
        self._shown = self._model.rows(height)
        current = {offset for offset, row in enumerate(self._shown) if row.current}
        cursor = next((offset for offset, row in enumerate(self._shown) if row.position == self._cursor), None)
        return Window([row.line for row in self._shown], cursor, current, self._bar(height))

    def _follow_session(self, height: int) -> None:
        session = self.session
        key = (session.machine_id, session.number, session.filters, height, session.step)
        if key == self._session_followed:
            return
        moved_back = bool(self._session_followed) and session.number < int(str(self._session_followed[1]))
        self._session_followed = key
        self._cursor = None
        if self._model.follow(height) and session.mode is not Mode.TAIL:
            # Turn the page instead of creeping by a line: most moves then redraw two rows and not all of them.
            self._model.scroll((-1 if moved_back else 1) * (height * 2 // 3), height)
            self._model.follow(height)

    def _bar(self, height: int) -> range:
        start, share = self._model.window(height)
        if share >= 1:
            return range(0)
        size = max(1, min(height, round(share * height)))
        first = round(start * height)
        return range(min(first, height - size), min(first, height - size) + size)

    def scroll_rows(self, step: int) -> None:
        self._model.scroll(step, self.inner_height)
        self.sync()

    def move_cursor(self, step: int) -> None:
        self.sync()  # a move in time may not have been painted yet
        rows, height = self._shown, self.inner_height
        if not rows:
            return
        offset = next((i for i, row in enumerate(rows) if row.position == self._cursor), None)
        if offset is None:
            offset = next((i for i, row in enumerate(rows) if row.current), 0)
        wanted = offset + step
        if not 0 <= wanted < len(rows):
            self._model.scroll(wanted - len(rows) + 1 if wanted > 0 else wanted, height)
            rows = self._model.rows(height)
        self._cursor = rows[max(0, min(wanted, len(rows) - 1))].position
        self.sync()

    def choose(self) -> None:
        row = next((row for row in self._shown if row.position == self._cursor), None)
        if row is not None:
            self._go_to(row)

    def _go_to(self, row: log.LogRow) -> None:
        """To the transition of a row, or to the step that it tells about."""
        step = next((span.target for span in row.line if isinstance(span.target, GoToStep)), None)
        if step is not None:
            self.session.follow(step)
        else:
            self.session.go_to_number(row.number)

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if offset < len(self._shown):
            row = self._shown[offset]
            self._go_to(row)
            if target is not None and not isinstance(target, GoToStep):
                self.session.follow(target)  # type: ignore[arg-type]  # spans only carry targets of the session
        elif target is not None:
            self.follow(target)
        self.main.paint_soon()
