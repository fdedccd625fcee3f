"""One writer per session file.

The lock is an exclusive transaction on an empty SQLite database beside the file: SQLite already knows how to lock files
on every system, and the operating system drops the lock when the process dies, however it dies.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from am_telemetry.store.errors import SessionLockedError, from_sqlite


class WriterLock:
    """Held from construction to :meth:`release`.

    Raises:
        SessionLockedError: somebody else holds it.
        StorageError: the lock file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-lock")
        for _ in range(100):
            connection = self._acquire(path)
            if self._is_current(connection):
                self._connection = connection
                return
            connection.close()
        raise SessionLockedError(f"{path} is being opened and closed by another program.", "Try again.")

    def release(self) -> None:
        """Give the lock back and remove its file. May be called from any thread, once."""
        if os.name == "nt":
            self._connection.close()
        # Removed before it is unlocked: whoever locks the orphaned file afterwards notices that it is gone.
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._connection.close()

    def _acquire(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            connection.close()
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise SessionLockedError(
                    f"Another program is writing to {path}.", "Attach to that one, or record into another file."
                ) from error
            raise from_sqlite(self._path, error) from error
        return connection

    def _is_current(self, connection: sqlite3.Connection) -> bool:
        """Whether the locked file is still the one at the path: a second opener must be turned away."""
        del connection
        probe = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            probe.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            return True
        finally:
            probe.close()
        return False
