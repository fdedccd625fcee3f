"""Importing on a thread of its own, so that the sender goes on emptying the ring meanwhile.

An import reads many small files, and each read gives up the interpreter's lock. Next to a program that computes without
pause every one of them waits for the lock again, which makes a tenth of a second into several.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
from typing import Final

_logger = logging.getLogger("am_telemetry")

FORK_PATIENCE: Final = 5.0
"""Seconds for which a fork waits for imports."""

_running: set[threading.Event] = set()
_gate = threading.Lock()
"""Held by whoever begins an import, and around forks."""


def _before_fork() -> None:
    """Wait for imports that are under way, and keep others from beginning.

    A child would inherit modules that are half there, and their locks, held by a thread that it does not have.
    """
    until = time.monotonic() + FORK_PATIENCE
    _gate.acquire()
    for over in tuple(_running):
        over.wait(max(0.0, until - time.monotonic()))


def _after_fork_in_child() -> None:
    _running.clear()
    _gate.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_gate.release, after_in_child=_after_fork_in_child)


class BackgroundImport:
    """Modules that are being imported. Used by one thread.

    Args:
        modules: absolute names, imported in order.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._over = threading.Event()
        with _gate:
            _running.add(self._over)
        try:
            threading.Thread(target=self._load, name="am-telemetry-import", daemon=True).start()
        except RuntimeError:  # the interpreter is shutting down: whoever needs the modules imports them in place
            self._end()

    @property
    def ready(self) -> bool:
        """Whether it is over. A failure shows when the modules are imported where they are needed."""
        return self._over.is_set()

    def _load(self) -> None:
        try:
            for module in self._modules:
                importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  # reported again, with its effect, where the module is needed
            _logger.debug("%s cannot be imported: %r", self._modules, error)
        finally:
            self._end()

    def _end(self) -> None:
        _running.discard(self._over)
        self._over.set()
