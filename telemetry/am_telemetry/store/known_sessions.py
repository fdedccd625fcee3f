"""The sessions that the writer remembers. The others are read from the file again when their programs come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from am_telemetry.store.catalog import Catalog
from am_telemetry.store.ledger import SessionState, load_session, sessions_with_open_machines
from am_telemetry.store.undo import UndoLog

MAX_GONE: Final = 500
"""Sessions kept after their programs have gone, because most of those that come back do so soon."""


class KnownSessions:
    """Works inside the transaction of its owner, on the same thread.

    Args:
        connection: that writes.
        catalog: of the same file.
        undo: puts back what a failed transaction has changed.
    """

    def __init__(self, connection: sqlite3.Connection, catalog: Catalog, undo: UndoLog) -> None:
        self._db = connection
        self._catalog = catalog
        self._undo = undo
        self._by_key: dict[str, SessionState] = {}
        self._gone: dict[str, None] = {}
        """Keys of those whose programs have gone, the one that went first at first."""

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: str) -> SessionState | None:
        """The session, if it was ever recorded."""
        session = self._by_key.get(key)
        if session is None:
            session = load_session(self._db, self._catalog, key)
            if session is not None:
                self._by_key[key] = session
                self._gone[key] = None
        return session

    def add(self, session: SessionState) -> None:
        """Remember a new one."""
        self._undo.put(self._by_key, session.process.session, session)

    def text_ids(self) -> Iterator[int]:
        """Ids of texts to which programs have handles."""
        for session in self._by_key.values():
            yield from session.texts.values()

    def with_open_machines(self) -> Iterator[SessionState]:
        """Sessions of which machines are recorded as running."""
        for key in sessions_with_open_machines(self._db):
            session = self.get(key)
            if session is not None:
                yield session

    def settle(self, seen: Iterable[SessionState]) -> None:
        """Take note of what a transaction, which is over, has made of some, and forget those that went long ago."""
        for session in seen:
            key = session.process.session
            self._gone.pop(key, None)
            if session.gone:
                self._gone[key] = None
        while len(self._gone) > MAX_GONE:
            key = next(iter(self._gone))
            del self._gone[key]
            self._by_key.pop(key, None)
