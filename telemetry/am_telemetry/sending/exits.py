"""Being told of the end of the process, however it was started."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Callable
from typing import Final

_logger = logging.getLogger("am_telemetry")

LAST: Final = -1_000_000
"""Priority of what ``multiprocessing`` does at the end of a process; the program's own things come first."""


class Exit:
    """Calls a function when the process ends.

    Child processes of ``multiprocessing`` that were forked run none of the interpreter's exit functions, only those
    of ``multiprocessing`` itself, which in turn are forgotten when a child begins.

    Args:
        close: called when the process ends and nobody works any more. Not called by :meth:`cancel`.
        flush: called instead when threads go on working for a while.
    """

    def __init__(self, close: Callable[[], object], flush: Callable[[], object]) -> None:
        self._close = close
        self._flush = flush
        self._canceled = False
        self._known = False
        atexit.register(self._over)
        self.notice_multiprocessing()

    def cancel(self) -> None:
        """Call nothing any more."""
        self._canceled = True
        atexit.unregister(self._over)

    def notice_multiprocessing(self) -> None:
        """Register with ``multiprocessing``, if the program has loaded it. Call it in children of forks as well."""
        util = sys.modules.get("multiprocessing.util")
        if util is None or self._known:
            return
        self._known = True
        util.register_after_fork(self, Exit._begun)
        if sys.modules["multiprocessing.process"].parent_process() is not None:
            self._begun()

    def _begun(self) -> None:
        """A child of ``multiprocessing`` begins its work."""
        sys.modules["multiprocessing.util"].Finalize(None, self._child_over, exitpriority=LAST)

    def _child_over(self) -> None:
        here = threading.current_thread()
        if any(not thread.daemon and thread is not here for thread in threading.enumerate()):
            self._call(self._flush)
        else:
            self._over()

    def _over(self) -> None:
        self._call(self._close)

    def _call(self, function: Callable[[], object]) -> None:
        try:
            if not self._canceled:
                function()
        except Exception:
            _logger.debug("telemetry did not end properly", exc_info=True)
