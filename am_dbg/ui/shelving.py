"""Writing bookmarks beside the user interface: a session file may have to be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from am_dbg.session import Session
from am_telemetry.store.errors import StoreError

if TYPE_CHECKING:
    from am_dbg.ui.screens.bookmark_note import Texts
    from am_dbg.ui.screens.main import MainScreen
    from am_telemetry.store.bookmarks import Bookmark


class Shelving:
    """Changes the bookmarks of a session on another thread, one change after the other, and says how that went."""

    def __init__(self, session: Session, screen: MainScreen) -> None:
        self._session = session
        self._screen = screen
        self._turn = asyncio.Lock()

    def keep(self, machine_id: int, number: int, texts: Texts) -> None:
        """Mark a moment, or say something else about it."""
        shelf = self._session.shelf
        if shelf is not None:
            add = shelf.add
            self._start(lambda: add(machine_id, number, texts.title, texts.note), "bookmarked; ' lists the bookmarks")

    def remove(self, bookmark: Bookmark) -> None:
        """Take a bookmark away."""
        shelf = self._session.shelf
        if shelf is not None:
            remove = shelf.remove
            self._start(lambda: remove(bookmark.id), "the bookmark is gone")

    def _start(self, change: Callable[[], None], done: str) -> None:
        self._screen.run_worker(self._change(change, done), group="bookmarks")

    async def _change(self, change: Callable[[], None], done: str) -> None:
        async with self._turn:
            try:
                await asyncio.to_thread(change)
            except StoreError as error:
                self._session.say(f"not written: {error}")
            else:
                self._session.refresh_bookmarks()
                self._session.say(done)
        self._screen.paint_soon()
