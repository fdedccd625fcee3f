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

STEP_S: Final = 0.012
"""How long a portion should take of the processor: batches wait for it."""
PORTIONS: Final = 2
"""Portions in a row, at most. Removing is quicker than storing, so two keep up with the groups that are stored."""
LOOK_S: Final = 0.5
"""How often is looked whether something has to go."""
_ROWS: Final = (128, 1_024, 4_096)
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
        self._sweep = ingest.text_sweep(path)
        self._rows = _ROWS[1]
        self._at = time.monotonic() + LOOK_S
        self._failed = False
        self.longest_s = 0.0
        """The longest time that batches had to wait for that."""
        self.removed = 0
        """Transitions removed so far."""

    def wait_s(self) -> float | None:
        """Seconds until there is something to do, None when there never is."""
        return max(0.0, self._at - time.monotonic()) if self._limits.limited else None

    def run(self) -> list[Changes]:
        """Remove a portion if it is time for that, or two if there is much to remove.

        Returns:
            What readers need to know, one for each portion from which something was removed.
        """
        begin = time.monotonic()
        if not self._limits.limited or (begin < self._at and (self._failed or not self._trimmer.is_too_large())):
            return []
        self._sweep.begin(self._ingest.texts_in_use())
        found: list[Changes] = []
        more = True
        while more and len(found) < PORTIONS:
            work = time.thread_time()
            changes, more = self._remove()
            if changes is None:
                break
            found.append(changes)
            fitting = int(self._rows * STEP_S / max(time.thread_time() - work, 0.001))
            self._rows = max(_ROWS[0], min(_ROWS[2], fitting, 2 * self._rows))
        end = time.monotonic()
        self._at = end + (RETRY_S if self._failed else 0.0 if more else LOOK_S)
        if found:
            self.longest_s = max(self.longest_s, end - begin)
        return found

    def _remove(self) -> tuple[Changes | None, bool]:
        try:
            self._ingest.begin()
            swept = self._sweep.waiting and self._sweep.step()
            portion = self._ingest.trim(self._trimmer, time.time_ns(), self._rows, self._sweep.busy)
            if portion.empty and not swept:
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
        self._sweep.note(sum(portion.log_lines.values()))
        return changes, portion.more or self._sweep.waiting

    def _tell(self, error: Exception) -> None:
        if self._failed:
            return
        self._failed = True
        if isinstance(error, sqlite3.Error) and is_temporary(error):
            _log.warning("nothing beyond the limits can be removed at present: %s", from_sqlite(self._path, error))
        else:
            _log.error("%s: transitions beyond the limits cannot be removed: %r", self._path, error)
