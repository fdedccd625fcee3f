"""Applies the limits of the sessions folder while something else goes on."""

from __future__ import annotations

import logging
import threading

from am_telemetry.store.drafts import remove_stale_drafts
from am_telemetry.store.errors import StoreError
from am_telemetry.store.folder import collect_garbage
from am_telemetry.store.limits import folder_policy
from am_telemetry.store.paths import sessions_dir

_log = logging.getLogger("am_telemetry.store")


def tidy_in_background() -> threading.Thread:
    """Remove what ``AM_DBG_KEEP`` and ``AM_DBG_KEEP_SIZE`` say, and what killed programs left unfinished.

    That happens on a thread that does not keep the program alive.
    """
    thread = threading.Thread(target=_tidy, name="am-dbg-tidying", daemon=True)
    thread.start()
    return thread


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
