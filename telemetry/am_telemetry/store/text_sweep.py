"""Removes log texts that no line uses any more, while others are being added.

Which texts are in use is found out by a thread that reads all lines of one moment; the writer removes the others in
portions. Whatever it has handed out since that moment stays.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pyroaring import BitMap64

from am_telemetry.store import files
from am_telemetry.store.catalog import Catalog
from am_telemetry.store.errors import StoreError

LEAST_LINES: Final = 2_000
"""Lines that have to go before it is worth looking."""
PORTION: Final = 2_000
_CHUNK: Final = 20_000

_log = logging.getLogger("am_telemetry.store")


class TextSweep:
    """For the writing thread.

    Args:
        path: of the session.
        connection: that writes.
        catalog: whose texts these are.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, catalog: Catalog) -> None:
        self._path = path
        self._db = connection
        self._catalog = catalog
        self._gone = 0
        self._texts = catalog.last_text
        """About how many there are."""
        self._unused: list[int] = []
        self._search: threading.Thread | None = None
        self._found: list[int] = []

    def note(self, lines: int) -> None:
        """Log lines were removed."""
        self._gone += lines

    @property
    def busy(self) -> bool:
        """Whether texts are looked for or removed."""
        return bool(self._unused) or self._search is not None

    @property
    def waiting(self) -> bool:
        """Whether :meth:`step` has something to remove."""
        return bool(self._unused) or (self._search is not None and not self._search.is_alive())

    def begin(self, in_use: Iterable[int]) -> None:
        """Between two transactions: begin to look for unused texts when that is worth it.

        Args:
            in_use: ids that programs may refer to at any time.
        """
        if self._search is not None or self._unused or self._gone < max(LEAST_LINES, self._texts // 4):
            return
        self._gone = 0
        self._catalog.watch(in_use)
        # The newest one stays, so that its id is not given out again after a restart.
        limit = self._catalog.last_text
        self._search = threading.Thread(target=self._look, args=(limit,), name="am-dbg-texts", daemon=True)
        self._search.start()

    def step(self) -> bool:
        """Within a transaction: remove a portion; whether there was anything."""
        if self._search is not None and not self._search.is_alive():
            self._search = None
            self._unused, self._found = self._found, []
            self._catalog.forget(set(self._unused))
        if not self._unused:
            return False
        portion, rest = self._unused[:PORTION], self._unused[PORTION:]
        handed = self._catalog.handed
        self._db.executemany("DELETE FROM texts WHERE id = ?", [(one,) for one in portion if one not in handed])
        self._unused = rest
        if not rest:
            self._catalog.stop_watching()
        return True

    def _look(self, limit: int) -> None:
        try:
            connection = files.connect_reader(self._path)
        except StoreError as error:
            _log.warning("unused log texts were not looked for: %s", error)
            return
        try:
            connection.execute("BEGIN")
            used = BitMap64()
            for table in ("log_lines", "late_log_lines"):
                cursor = connection.execute(f"SELECT text_id FROM {table}")  # noqa: S608 - constant
                while rows := cursor.fetchmany(_CHUNK):
                    used.update([row[0] for row in rows])
            ids = [row[0] for row in connection.execute("SELECT id FROM texts WHERE id < ? ORDER BY id", (limit,))]
            self._found = [one for one in ids if one not in used]
            self._texts = len(ids) - len(self._found)
        except sqlite3.Error as error:
            _log.warning("unused log texts were not looked for: %s", error)
        finally:
            connection.close()
