"""Lines of machines as records of the standard library's ``logging``."""

from __future__ import annotations

import logging
import re
import sys
import weakref
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from am_core.logs import ID_LENGTH, LogLevel

if TYPE_CHECKING:
    from am_core.machine import Machine

LOGGER_NAME: Final = "am_core"
LEVELS: Final[Mapping[LogLevel, int]] = MappingProxyType(
    {
        LogLevel.EXTERNAL: logging.INFO,
        LogLevel.CHANGES: logging.INFO,
        LogLevel.OPS: logging.DEBUG,
        LogLevel.DECISIONS: logging.DEBUG - 2,
        LogLevel.EVERYTHING: logging.DEBUG - 4,
    }
)
"""Level of a machine's line to that of its record."""
CATEGORY_LEVELS: Final[Mapping[str, int]] = MappingProxyType({"error": logging.ERROR, "breakpoint": logging.WARNING})
"""Categories whose records have a level of their own."""
CATEGORY: Final = re.compile(r"\[([^\]:\s]+)(?::[^\]]*)?\]")


class LoggingBridge:
    """Logger of one machine that makes records; see :func:`log_to`. Thread-safe."""

    __slots__ = ("_levels", "_logger", "_machine")

    def __init__(self, machine: Machine, logger: logging.Logger, levels: Mapping[LogLevel, int]) -> None:
        # The machine holds its logger, which must not keep the machine alive.
        self._machine = weakref.ref(machine)
        self._logger = logger
        self._levels = levels

    def __call__(self, level: int, line: str) -> None:
        """Log one line of the machine."""
        machine = self._machine()
        if machine is None:
            return
        text = line.removeprefix(f"[{machine.id[:ID_LENGTH]}] ") if machine.log_id else line
        category = category_of(text)
        severity = CATEGORY_LEVELS.get(category) or self._levels[LogLevel(level)]
        if not self._logger.isEnabledFor(severity):
            return
        tx = machine.transition
        running = tx if tx is not None and not tx.is_completed else None
        error = running.error if running is not None and category == "error" else None
        extra = {
            "machine_id": machine.id,
            "category": category,
            "machine_level": str(LogLevel(level)),
            "transition_id": "" if running is None else running.id,
        }
        # The text is an argument, so that its percent signs are not taken for places of arguments.
        self._logger.log(severity, "%s", text, extra=extra, exc_info=error, stacklevel=_depth())


def _depth() -> int:
    """How far up the stack, seen from the caller, the code stands that uses the engine."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        if frame.f_back is None:
            return 1
        depth, frame = depth + 1, frame.f_back
    return depth


def category_of(text: str) -> str:
    """What kind of line it is: ``queue`` for ``[queue:add] A``, empty when it does not say.

    Changes by automatic states, which begin with ``[auto_]``, are changes of states like all others.
    """
    found = CATEGORY.match(text)
    if found is None:
        return ""
    return "state" if found[1] == "auto_" else found[1]


def log_to(
    machine: Machine,
    logger: logging.Logger | str = LOGGER_NAME,
    *,
    level: LogLevel | int | str | None = None,
    levels: Mapping[LogLevel, int] = LEVELS,
) -> LoggingBridge:
    """Send the machine's lines to ``logging`` instead of its current logger, from now on.

    Records carry ``machine_id``, ``category``, ``machine_level`` and ``transition_id`` (empty between transitions), and
    errors their exception. They are located where the program called the engine. ``machine.set_logger(None)`` ends it.

    Args:
        machine: decides by its ``log_level`` which lines there are.
        logger: a logger, or the name of one.
        level: new log level of the machine; None leaves it.
        levels: levels of records by levels of lines; those left out are taken from :data:`LEVELS`.
    """
    chosen = logging.getLogger(logger) if isinstance(logger, str) else logger
    bridge = LoggingBridge(machine, chosen, {**LEVELS, **levels})
    machine.set_logger(bridge)
    if level is not None:
        machine.log_level = level
    return bridge
