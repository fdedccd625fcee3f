"""A thread that writes what others hand over, so that these never wait."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from am_core.clock import Time
from am_core.history.errors import HistoryError
from am_core.history.records import Record

if TYPE_CHECKING:
    from am_core.history.sqlite import SqliteHistory

_RETRY: Final = (0.02, 0.1, 0.25, 0.5, 1.0)
"""Seconds between attempts to write what could not be written; the last one repeats."""
_GATHER: Final = 0.02
"""Seconds for which records are gathered while nobody waits for them."""
_FULL: Final = 512
"""As many records are written at once without gathering more."""


class Pending(NamedTuple):
    """A record on its way to the file."""

    history: SqliteHistory
    record: Record
    time: Time
    """Ticks of all states."""


class BackgroundWriter:
    """Writes batches of records on a thread of its own: everything that has come in while the last one was written.

    At most ``limit`` records are pending. What fails for a reason that may pass, such as a locked file or a full disk,
    is tried again; everything else is given up and counted. Thread-safe.
    """

    def __init__(self, name: str, write: Callable[[list[Pending]], None], limit: int) -> None:
        self.error: BaseException | None = None
        """Why writing failed the last time; None when it did not."""
        self._name = name
        self._write = write
        self._limit = limit
        self._pid = os.getpid()
        self._pending: list[Pending] = []
        self._changed = threading.Condition()
        self._accepted = self._settled = 0
        self._awaited = 0
        """Everything up to this number is waited for."""
        self._closing = False
        self._give_up_at = float("inf")
        self._thread = threading.Thread(target=self._run, name=f"am-history-{name}", daemon=True)
        self._thread.start()

    def append(self, item: Pending) -> bool:
        """Take a record without waiting; False when too many are pending, or nobody writes any more."""
        if self.is_inherited:
            return False
        with self._changed:
            if self._closing or self._accepted - self._settled >= self._limit:
                return False
            self._pending.append(item)
            self._accepted += 1
            if len(self._pending) in (1, _FULL):
                self._changed.notify_all()
        return True

    def sync(self, timeout: float) -> None:
        """Wait until everything taken so far was written or given up; :class:`HistoryError` when that takes longer."""
        with self._changed:
            wanted = self._awaited = self._accepted
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._settled >= wanted, timeout):
                reason = "" if self.error is None else f": {self.error}"
                raise HistoryError(f"{self._name} could not be written within {timeout} s{reason}")

    def close(self, timeout: float) -> bool:
        """Write what is pending and end; False when that takes longer than ``timeout`` seconds.

        In a forked process nothing happens: the thread, and the file, are those of the parent.
        """
        if self.is_inherited:
            return False
        with self._changed:
            self._closing = True
            self._give_up_at = min(self._give_up_at, monotonic() + timeout / 2)
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_inherited(self) -> bool:
        """Whether this is a forked process; its locks may be held by threads that exist in the parent only."""
        return self._pid != os.getpid()

    @property
    def closing(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closing

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closing)
                self._changed.wait_for(self._is_urgent, _GATHER)
                batch, self._pending = self._pending, []
            if not batch:
                return
            self._write_out(batch)
            with self._changed:
                self._settled += len(batch)
                self._changed.notify_all()

    def _is_urgent(self) -> bool:
        return self._closing or len(self._pending) >= _FULL or self._awaited > self._settled

    def _write_out(self, batch: list[Pending]) -> None:
        attempt = 0
        while True:
            try:
                self._write(batch)
            except sqlite3.OperationalError as error:
                self.error = error
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR or monotonic() >= self._give_up_at:
                    # The statement itself is wrong for this file, or there is no time left.
                    give_up(batch, error)
                    return
                with self._changed:
                    self._changed.wait(_RETRY[min(attempt, len(_RETRY) - 1)])
                attempt += 1
            except Exception as error:  # noqa: BLE001 - counted and told; the next batch may do better
                self.error = error
                give_up(batch, error)
                return
            else:
                self.error = None
                return


def give_up(batch: list[Pending], reason: BaseException) -> None:
    """Count records as dropped, and tell their machines."""
    for item in batch:
        item.history._note_dropped(f"{type(reason).__name__}: {reason}")
