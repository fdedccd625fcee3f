"""The list behind ``'``: the bookmarks of the session, in the order of their times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.session.targets import GoToTransition
from am_dbg.timefmt import local_time, thousands
from am_dbg.ui.screens.bookmark_note import BookmarkScreen, Texts
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import bookmark_rows
from am_dbg.viewmodels.spans import Line, Role, Span
from am_telemetry.store.bookmarks import Bookmark

Keep = Callable[[int, int, Texts], None]
"""Writes a bookmark: machine run, number, and what is said about it."""
_REFRESH_SECONDS = 0.5


class BookmarksScreen(Dialog):
    """Enter or a click goes to the bookmark.

    Args:
        session: whose bookmarks are listed.
        keep: writes one.
        remove: removes one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", show=False),
        Binding("e", "edit", "Edit", show=False),
        Binding("d,delete,backspace", "remove", "Remove", show=False),
        Binding("u", "undo", "Undo", show=False),
        Binding("apostrophe,q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session, keep: Keep, remove: Callable[[Bookmark], None]) -> None:
        self._session = session
        self._list = _BookmarkView(session)
        self._keep = keep
        self._remove = remove
        super().__init__(self._list)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(_REFRESH_SECONDS, self._list.sync)

    def wanted_size(self) -> tuple[int, int]:
        return 120, max(10, len(self._session.bookmarks) + 2)

    def action_choose(self) -> None:
        self.go()

    def go(self) -> None:
        """To the bookmark under the cursor."""
        chosen = self._list.chosen
        if chosen is None:
            return
        last = self._session.recording.timeline(chosen.machine_id).count
        self._session.follow(GoToTransition(chosen.machine_id, min(chosen.number, last)))
        self.dismiss(None)

    def action_edit(self) -> None:
        chosen = self._list.chosen
        if chosen is None:
            return

        def done(texts: Texts | None) -> None:
            if texts is not None:
                self._keep(chosen.machine_id, chosen.number, texts)

        self.app.push_screen(BookmarkScreen(self._session, chosen.machine_id, chosen.number, chosen), done)

    def action_remove(self) -> None:
        chosen = self._list.chosen
        if chosen is not None:
            self._list.removed.append(chosen)
            self._remove(chosen)

    def action_undo(self) -> None:
        if self._list.removed:
            back = self._list.removed.pop()
            self._keep(back.machine_id, back.number, Texts(back.title, back.note))


class _BookmarkView(LineView):
    def __init__(self, session: Session) -> None:
        super().__init__(id="bookmark-list")
        self._session = session
        self._row = 0
        self.removed: list[Bookmark] = []
        """Taken away since the list was opened, the last one last."""

    @property
    def _listed(self) -> list[Bookmark]:
        session = self._session
        return sorted(session.bookmarks, key=lambda mark: (bookmark_rows.time_of(session, mark) or 0, mark.id))

    @property
    def chosen(self) -> Bookmark | None:
        """The bookmark under the cursor."""
        listed = self._listed
        return listed[min(self._row, len(listed) - 1)] if listed else None

    def title(self, width: int) -> Line:
        return (
            Span("Bookmarks", Role.TITLE, bold=True),
            Span(f" {thousands(len(self._session.bookmarks))}", Role.VALUE, bold=True),
        )

    def subtitle(self, width: int) -> Line:
        keys = "Enter go  e edit  d remove" if self._session.bookmarks else ""
        return (Span(f"{keys}{'  u undo' if self.removed else ''}  Esc".lstrip(), Role.DIM),)

    def row_count(self) -> int:
        return len(self._session.bookmarks) or len(bookmark_rows.EMPTY)

    def cursor_row(self) -> int | None:
        count = len(self._session.bookmarks)
        return min(self._row, count - 1) if count else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        listed = self._listed
        if not listed:
            return [(Span(" "), *line) for line in bookmark_rows.EMPTY][first : first + count]
        times = [bookmark_rows.time_of(self._session, mark) for mark in listed]
        dated = len({local_time(at).date() for at in times if at is not None}) > 1
        return [
            (Span(" "), *bookmark_rows.row(self._session, mark, width - 2, dated=dated))
            for mark in listed[first : first + count]
        ]

    def move_cursor(self, step: int) -> None:
        self._row = max(0, min(self._row + step, len(self._session.bookmarks) - 1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self.top + offset < len(self._session.bookmarks):
            self._row = self.top + offset
            if isinstance(self.screen, BookmarksScreen):
                self.screen.go()
