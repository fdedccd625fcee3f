"""Telling who blocks an event loop by waiting for other threads."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from time import monotonic
from typing import TYPE_CHECKING, Final

from am_core.traces import ENGINE

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from am_core.machine import Machine

PATIENCE: Final = 0.05
"""Seconds for which a loop may be blocked before it is worth a warning."""


def loop_here() -> AbstractEventLoop | None:
    """The event loop that is running on this thread, if any. Loads nothing."""
    # Where asyncio was never loaded, no loop can be running.
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


def watched_loop() -> AbstractEventLoop | None:
    """The loop of this thread when somebody wants to hear of it being blocked.

    That is in the debug mode of the loop, or with ``AM_DEBUG`` set to anything but 0.
    """
    loop = loop_here()
    if loop is None or not (loop.get_debug() or os.environ.get("AM_DEBUG", "0") not in ("", "0")):
        return None
    return loop


def wait_watched(event: threading.Event, timeout: float, machine: Machine, what: str, instead: str) -> bool:
    """Wait for an event; warn as :func:`warn_blocked` does when that blocks a loop for more than :data:`PATIENCE`."""
    if watched_loop() is None:
        return event.wait(timeout)
    started = monotonic()
    happened = event.wait(timeout)
    seconds = monotonic() - started
    if seconds > PATIENCE:
        warn_blocked(machine, seconds, what, instead)
    return happened


def warn_blocked(machine: Machine, seconds: float, what: str, instead: str) -> None:
    """Warn that something kept the loop of this thread from running; ``instead`` is what would not have."""
    text = f"{what} of machine {machine.id} blocked its event loop for {seconds * 1000:.0f} ms; {instead}"
    warnings.warn(text, RuntimeWarning, stacklevel=frames_to_user())


def frames_to_user() -> int:
    """The ``stacklevel`` with which a warning of the calling function points to the first frame outside the engine."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(ENGINE):
        frame = frame.f_back
        level += 1
    return level
