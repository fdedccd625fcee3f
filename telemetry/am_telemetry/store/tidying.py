"""Applies the limits of the sessions folder while something else goes on."""

from __future__ import annotations

import logging
import threading
from typing import Final

from am_telemetry.store.drafts import remove_stale_drafts
from am_telemetry.store.errors import StoreError
from am_telemetry.store.folder import collect_garbage
from am_telemetry.store.limits import folder_policy
from am_telemetry.store.paths import sessions_dir

EVERY_S: Final = 3_600.0

_log = logging.getLogger("am_telemetry.store")


class Tidying:
    """Removes what ``AM_DBG_KEEP`` and ``AM_DBG_KEEP_SIZE`` say, and what killed programs left unfinished.

    That happens at once and every hour from then on, on a thread that does not keep the program alive.

    Args:
        every_s: seconds from one time to the next.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="am-dbg-tidying", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Do it no more; what has begun goes on to its end. Harmless when repeated."""
        self._ended.set()

    def _run(self) -> None:
        _tidy()
        while not self._ended.wait(self._every_s):
            _tidy()


def _tidy() -> None:
    remove_stale_drafts(sessions_dir())
    policy, warnings = folder_policy()
    for warning in warnings:
        _log.warning("%s", warning)
    try:
        removed, failures = collect_garbage(policy)
    except StoreError as error:
        _log.warning("old sessions were not looked for: %s", error)
        return
    for verdict in removed:
        _log.info("removed the old session %s (%s)", verdict.session.path, verdict.reason)
    for failure in failures:
        _log.warning("an old session stays: %s", failure)
