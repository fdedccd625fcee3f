"""Importing on a thread of its own, so that the sender goes on emptying the ring meanwhile.

An import reads many small files, and each read gives up the interpreter's lock. Next to a program that computes without
pause every one of them waits for the lock again, which makes a tenth of a second into several.
"""

from __future__ import annotations

import importlib
import logging
import threading

_logger = logging.getLogger("am_telemetry")


class BackgroundImport:
    """Modules that are being imported. Used by one thread.

    Args:
        modules: absolute names, imported in order.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._thread: threading.Thread | None = threading.Thread(
            target=self._load, name="am-telemetry-import", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is shutting down: whoever needs the modules imports them in place
            self._thread = None

    @property
    def ready(self) -> bool:
        """Whether it is over. A failure shows when the modules are imported where they are needed."""
        return self._thread is None or not self._thread.is_alive()

    def _load(self) -> None:
        try:
            for module in self._modules:
                importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  # reported again, with its effect, where the module is needed
            _logger.debug("%s cannot be imported: %r", self._modules, error)
