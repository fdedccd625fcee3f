"""What can go wrong with a session file, each with a sentence on what to do next."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar

from am_telemetry.errors import TelemetryError


class StoreError(TelemetryError):
    """A session file cannot be used as asked."""

    exit_code: ClassVar[int] = 4


class SessionMissingError(StoreError):
    """There is no such file."""


class SessionExistsError(StoreError):
    """A new session file would overwrite another file."""


class NotASessionError(StoreError):
    """The file is something else."""


class NewerSessionError(StoreError):
    """The file was written by a later version of the program."""


class DamagedSessionError(StoreError):
    """The file is a session file, but parts of it are missing or wrong."""


class SessionLockedError(StoreError):
    """Another program is writing to the file."""


class StorageError(StoreError):
    """The disk is full, read-only or failing."""


class WriterClosedError(StoreError):
    """Something was handed to a writer that had already been closed."""


def not_a_session(path: Path) -> NotASessionError:
    return NotASessionError(
        f"{path} is not an am-dbg session.",
        "Session files are SQLite databases made by am-dbg; recordings of other programs go through `am-dbg import`.",
    )


def damaged(path: Path, detail: str) -> DamagedSessionError:
    return DamagedSessionError(
        f"{path} is damaged: {detail}.",
        'Rows that can still be read are saved by `sqlite3 FILE ".recover" | sqlite3 rescued.db`.',
    )


def from_sqlite(path: Path, error: sqlite3.Error) -> StoreError:
    """The store's own error for one of SQLite's."""
    text = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_NOTADB"):
        return not_a_session(path)
    if name.startswith("SQLITE_CORRUPT"):
        return damaged(path, text)
    if name.startswith("SQLITE_FULL"):
        return StorageError(f"The disk is full, {path} cannot grow.", "Free some space; writing goes on by itself.")
    if name.startswith("SQLITE_READONLY"):
        return StorageError(f"{path} is read-only.", "Give write permission to the file and its folder.")
    if name.startswith("SQLITE_CANTOPEN"):
        return StorageError(f"{path} cannot be opened: {text}.", "Check the permissions of the file and of its folder.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return SessionLockedError(f"{path} is locked by another program.", "Close it, or try again later.")
    if name.startswith("SQLITE_IOERR"):
        return StorageError(f"Reading or writing {path} failed: {text}.", "Check the disk and the permissions.")
    return damaged(path, text)


def is_temporary(error: sqlite3.Error) -> bool:
    """Whether the same write may succeed later: a full disk, a lock, an I/O error."""
    name = getattr(error, "sqlite_errorname", "") or ""
    return name.startswith(
        (
            "SQLITE_FULL",
            "SQLITE_IOERR",
            "SQLITE_BUSY",
            "SQLITE_LOCKED",
            "SQLITE_CANTOPEN",
            "SQLITE_READONLY",
            "SQLITE_NOMEM",
        )
    )
