"""Moments that people marked in a session: where they are kept, and what a session knows of them."""

from __future__ import annotations

import getpass
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from am_telemetry.store.bookmarks import Bookmark, add_bookmark, read_bookmarks, remove_bookmark
from am_telemetry.store.errors import StoreError, from_sqlite
from am_telemetry.store.reading import Recording
from am_telemetry.store.session_file import SessionFile


class BookmarkShelf(Protocol):
    """Where bookmarks are kept. Changes may wait for the file for a while; any thread may ask for them."""

    def read(self) -> Sequence[Bookmark]:
        """All bookmarks in the order in which they were made; for the thread that reads the recording.

        Raises:
            StoreError: they cannot be read.
        """
        ...

    def add(self, machine_id: int, number: int, title: str, note: str) -> None:
        """Mark a transition, or with 0 the moment before the first one; what is marked already gets the new texts.

        Raises:
            StoreError: the file cannot be written to, or has no such transition any more.
        """
        ...

    def remove(self, bookmark_id: int) -> None:
        """Unmark. Harmless when repeated.

        Raises:
            StoreError: the file cannot be written to.
        """
        ...


class FileShelf:
    """The bookmarks of a session file. Another program may be recording into it."""

    def __init__(self, recording: SessionFile) -> None:
        self._recording = recording

    @property
    def path(self) -> Path:
        """The session file."""
        return self._recording.path

    def read(self) -> Sequence[Bookmark]:
        try:
            return read_bookmarks(self._recording.reader())
        except sqlite3.Error as error:
            raise from_sqlite(self.path, error) from error

    def add(self, machine_id: int, number: int, title: str, note: str) -> None:
        add_bookmark(self.path, machine_id, number, title=title, note=note, author=user_name())

    def remove(self, bookmark_id: int) -> None:
        remove_bookmark(self.path, bookmark_id)


def shelf_of(recording: Recording) -> BookmarkShelf | None:
    """Where the bookmarks of a recording are; None for one that is not kept in a file."""
    return FileShelf(recording) if isinstance(recording, SessionFile) else None


def user_name() -> str:
    """Who marks; empty for a user without a name, as in containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


__all__ = ["Bookmark", "BookmarkShelf", "FileShelf", "StoreError", "shelf_of", "user_name"]
