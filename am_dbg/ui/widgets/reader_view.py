"""The reader: what is pending, where the current transition came from and what it led to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from textual import events

from am_dbg.session import Mode, Session
from am_dbg.session.targets import ToggleSection
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.content_tabs import content_title
from am_dbg.ui.widgets.session_view import SessionView
from am_dbg.viewmodels import reader
from am_dbg.viewmodels.reader_rows import ReaderRow
from am_dbg.viewmodels.spans import Line

TICK_SECONDS: Final = 1.0
"""How often ages are counted on while nothing happens."""


class ReaderView(SessionView):
    """Enter or a click follows an entry, and folds or unfolds a section."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._model = reader.ReaderModel(session, time.time_ns)
        self._cursor = ""
        self._place = 0

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        if self.display and self.session.mode is Mode.TAIL:
            self.sync()

    def title(self, width: int) -> Line:
        own = reader.title(self.session)
        return content_title(Pane.READER, own, width) if self.main.is_narrow else own

    def _rows(self) -> Sequence[ReaderRow]:
        return self._model.rows(self.inner_width)

    def row_count(self) -> int:
        return len(self._rows())

    def cursor_row(self) -> int | None:
        rows = self._rows()
        if not rows:
            return None
        found = next((place for place, row in enumerate(rows) if row.key == self._cursor), None)
        if found is None:
            # What it stood on is gone: the row that is there now.
            found = min(self._place, len(rows) - 1)
            self._cursor = rows[found].key
        self._place = found
        return found

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [row.line for row in self._rows()[first : first + count]]

    def move_cursor(self, step: int) -> None:
        rows = self._rows()
        if rows:
            self._go_to(max(0, min((self.cursor_row() or 0) + step, len(rows) - 1)))

    def choose(self) -> None:
        place = self.cursor_row()
        if place is not None:
            self._follow_row(place)

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        place = self.top + offset
        if place >= self.row_count():
            return
        self._cursor, self._place = self._rows()[place].key, place
        if target is not None:
            self.follow(target)
        else:
            self._follow_row(place)

    def toggle_all(self) -> None:
        """Fold all sections, or unfold them."""
        self.session.toggle_sections(reader.SECTIONS)

    def _go_to(self, place: int) -> None:
        row = self._rows()[place]
        self._cursor, self._place = row.key, place
        if row.state:
            self.session.select_state(row.state)
        self.main.paint_soon()

    def _follow_row(self, place: int) -> None:
        row = self._rows()[place]
        if row.section:
            self.follow(ToggleSection(row.section))
        elif row.target is not None:
            self.follow(row.target)
