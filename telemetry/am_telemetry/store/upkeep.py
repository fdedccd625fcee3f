"""What the writing thread does between two groups of batches: keeping the session within its limits."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import Final

from am_telemetry.store.changes import Changes
from am_telemetry.store.errors import from_sqlite, is_temporary
from am_telemetry.store.ingest import Ingest
from am_telemetry.store.trimming import Limits, Trimmer

STEP_S: Final = 0.02
"""How long a portion should take: batches wait for it."""
LOOK_S: Final = 0.5
"""How often is looked whether something has to go."""
_ROWS: Final = (128, 1_024, 16_384)
RETRY_S: Final = 5.0
"""How long to wait after a failure."""

_log = logging.getLogger("am_telemetry.store")


class Upkeep:
    """See the module. For the writing thread only.

    Args:
        path: of the session, for messages.
        connection: that writes.
        ingest: over the same connection.
        limits: what to keep.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, ingest: Ingest, limits: Limits) -> None:
        self._path = path
        self._ingest = ingest
        self._limits = limits
        self._trimmer = Trimmer(connection, limits)
        self._rows = _ROWS[1]
        self._at = time.monotonic() + LOOK_S
        self._failed = False
        self.longest_s = 0.0
        """The longest time that batches had to wait for a portion."""
        self.removed = 0
        """Transitions removed so far."""

    def wait_s(self) -> float | None:
        """Seconds until there is something to do, None when there never is."""
        return max(0.0, self._at - time.monotonic()) if self._limits.limited else None

    def run(self) -> Changes | None:
        """Remove a portion if it is time for that.

        Returns:
            What readers need to know, if anything was removed.
        """
        begin = time.monotonic()
        if not self._limits.limited or begin < self._at:
            return None
        changes, more = self._remove()
        end = time.monotonic()
        self._at = end + (RETRY_S if self._failed else 0.0 if more else LOOK_S)
        if changes is not None:
            self.longest_s = max(self.longest_s, end - begin)
            fitting = int(self._rows * STEP_S / max(end - begin, 0.001))
            self._rows = max(_ROWS[0], min(_ROWS[2], fitting, 2 * self._rows))
        return changes

    def _remove(self) -> tuple[Changes | None, bool]:
        try:
            self._ingest.begin()
            portion = self._ingest.trim(self._trimmer, time.time_ns(), self._rows)
            if portion.empty:
                self._ingest.rollback()
                return None, portion.more
            changes = self._ingest.commit()
        except Exception as error:  # noqa: BLE001 - recording goes on whatever happens here; it is told and tried again
            self._ingest.rollback()
            self._trimmer.forget()
            self._tell(error)
            return None, False
        if self._failed:
            self._failed = False
            _log.warning("%s: transitions beyond the limits are removed again.", self._path)
        self.removed += portion.transitions
        return changes, portion.more

    def _tell(self, error: Exception) -> None:
        if self._failed:
            return
        self._failed = True
        if isinstance(error, sqlite3.Error) and is_temporary(error):
            _log.warning("nothing beyond the limits can be removed at present: %s", from_sqlite(self._path, error))
        else:
            _log.error("%s: transitions beyond the limits cannot be removed: %r", self._path, error)
