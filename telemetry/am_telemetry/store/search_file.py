"""The file that holds the search index of a session."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Final

SUFFIX: Final = "-search"
_FORMAT: Final = "1"
_BUSY_S: Final = 10.0
_LAYOUT: Final = """
CREATE VIRTUAL TABLE words USING fts5 (body, content='', detail=none, tokenize="unicode61 tokenchars '_'");
CREATE TABLE lines (text_id INTEGER, transition_id INTEGER, PRIMARY KEY (text_id, transition_id)) WITHOUT ROWID;
CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE identity (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def open_index(session_path: Path, session: sqlite3.Connection) -> sqlite3.Connection:
    """The index beside a session as it is, or a new one where it is missing, damaged, or that of another session.

    Where the folder cannot be written to, a new one in memory.

    Raises:
        sqlite3.Error: the session cannot be read, or others kept the index locked for too long.
    """
    identity = _identity(session)
    path = session_path.with_name(session_path.name + SUFFIX)
    for _ in range(2):
        try:
            connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error:
            break
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if _fits(connection, session, identity):
                return connection
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                connection.close()
                raise
            if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL")):
                connection.close()
                break
        connection.close()
        forget(session_path)
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _fits(connection, session, identity)
    return connection


def _fits(connection: sqlite3.Connection, session: sqlite3.Connection, identity: dict[str, str]) -> bool:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            for statement in filter(None, map(str.strip, _LAYOUT.split(";"))):
                connection.execute(statement)
            connection.executemany("INSERT INTO identity VALUES (?, ?)", identity.items())
        found = dict(connection.execute("SELECT key, value FROM identity"))
        indexed = connection.execute("SELECT position FROM cursors WHERE name = 'log_lines'").fetchone()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    top = session.execute("SELECT coalesce(max(id), 0) FROM transitions").fetchone()[0]
    return found == identity and (indexed is None or indexed[0] <= top)


def forget(path: Path) -> None:
    """Delete the index of a session file; it is made anew by the next search."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + SUFFIX + suffix).unlink()


def _identity(session: sqlite3.Connection) -> dict[str, str]:
    """What tells a session from another one that has taken its name."""
    meta = dict(session.execute("SELECT key, value FROM meta WHERE key IN ('created', 'made_by')"))
    row: Any = session.execute("SELECT session FROM processes ORDER BY id LIMIT 1").fetchone()
    return {"format": _FORMAT, "process": row[0] if row else "", **meta}
