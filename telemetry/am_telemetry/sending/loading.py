"""Importing so that the sender goes on emptying the ring meanwhile, and that children of forks can import, too.

An import reads many small files, and each read gives up the interpreter's lock. Next to a program that computes without
pause every one of them waits for the lock again, which makes a tenth of a second into several. Hence a thread of its
own.

A module that is being imported while the process forks stays half-imported in the child, behind a lock whose holder
does not exist there: whoever imports it waits for ever. Hence everything that telemetry's threads import, they import
where forks wait for it.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_logger = logging.getLogger("am_telemetry")

FORK_PATIENCE: Final = 5.0
"""Seconds for which a fork waits for imports."""

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

_running: set[threading.Event] = set()
_gate = threading.Lock()
"""Held by whoever begins an import, and around forks."""


def _before_fork() -> None:
    """Wait for imports that are under way, and keep others from beginning."""
    until = time.monotonic() + FORK_PATIENCE
    _gate.acquire()
    for over in tuple(_running):
        over.wait(max(0.0, until - time.monotonic()))


def _after_fork_in_child() -> None:
    _running.clear()
    _gate.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_gate.release, after_in_child=_after_fork_in_child)


@contextmanager
def importing() -> Iterator[None]:
    """Within it, a telemetry thread may import what it likes; a fork waits for the end. Must not take long."""
    over = threading.Event()
    with _gate:
        _running.add(over)
    try:
        yield
    finally:
        _running.discard(over)
        over.set()


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
