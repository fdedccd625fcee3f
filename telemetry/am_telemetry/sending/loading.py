"""Importing on a thread of its own, so that the sender goes on emptying the ring meanwhile.

An import reads many small files, and each read gives up the interpreter's lock. Next to a program that computes without
pause every one of them waits for the lock again, which makes a tenth of a second into several.
"""

from __future__ import annotations

import importlib
import logging
import threading
from typing import Final

from am_telemetry.sending import forking

_logger = logging.getLogger("am_telemetry")

FIRST: Final = (
    "am_telemetry.sending.identity",
    "am_telemetry.sending.known",
    "am_telemetry.sending.reducing",
    "encodings.idna",  # by which the standard library resolves names
    "unicodedata",
)
"""What is needed before there is a connection."""
SECOND: Final = (
    "grpc",
    "grpc._channel",
    "grpc.experimental",
    "am_telemetry.sending.last_words",
    "am_telemetry.sending.replay",
    "email.parser",  # by which the standard library reads the metadata of distributions
)
"""What is needed for a connection."""


class BackgroundImport:
    """Modules that are being imported; forks wait for it. Used by one thread.

    Args:
        modules: absolute names, imported in order.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._over = forking.begin()
        try:
            threading.Thread(target=self._load, name="am-telemetry-import", daemon=True).start()
        except RuntimeError:  # the interpreter is shutting down: whoever needs the modules imports them in place
            forking.end(self._over)

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
            forking.end(self._over)
