"""What the environment asks for while debugging."""

from __future__ import annotations

import os
import sys
from typing import Final

from am_core.logs import LogLevel, log_args_mapper
from am_core.machine import Machine

DEBUG: Final = "AM_DEBUG"
TELEMETRY: Final = "AM_DBG_ADDR"
LOG: Final = "AM_LOG"
LOG_PRINT: Final = "AM_LOG_PRINT"
LOG_FULL: Final = "AM_LOG_FULL"
LOG_STEPS: Final = "AM_LOG_STEPS"
LOG_ARGS: Final = "AM_LOG_ARGS"
TEST_RUNNER: Final = "AM_TEST_RUNNER"
TEST_DEBUG: Final = "AM_TEST_DEBUG"
HEALTHCHECK: Final = "AM_HEALTHCHECK"

DEBUG_FACTOR: Final = 100
"""How much longer helpers wait in debug mode, where somebody may be looking at a breakpoint."""
DEBUG_HANDLER_TIMEOUT: Final = 600.0
"""Seconds a handler may take in debug mode."""


def is_set(variable: str) -> bool:
    """Whether an environment variable is there and neither empty nor ``0``."""
    return os.environ.get(variable, "") not in ("", "0")


def is_debug() -> bool:
    """Whether ``AM_DEBUG`` is set: limits are generous then."""
    return is_set(DEBUG)


def is_telemetry() -> bool:
    """Whether ``AM_DBG_ADDR`` is set: a debugger or hub is expected to listen."""
    return is_set(TELEMETRY)


def is_test_runner() -> bool:
    """Whether ``AM_TEST_RUNNER`` is set: an automatic test run, on a machine that may be slow."""
    return is_set(TEST_RUNNER)


def is_test_debug() -> bool:
    """Whether ``AM_TEST_DEBUG`` is set: tests are being debugged."""
    return is_set(TEST_DEBUG)


def is_healthcheck() -> bool:
    """Whether ``AM_HEALTHCHECK`` is set: machines should give signs of life."""
    return is_set(HEALTHCHECK)


def limit(timeout: float | None) -> float | None:
    """A time limit in seconds as it counts now: :data:`DEBUG_FACTOR` times longer in debug mode."""
    return timeout * DEBUG_FACTOR if timeout is not None and is_debug() else timeout


def enable_debugging(stdout: bool = False) -> None:
    """Switch this process, and those it starts, to debug mode: generous limits, telemetry, detailed logs.

    To be called before machines are made. Sets ``AM_DEBUG``, ``AM_DBG_ADDR`` (to ``1``, the default port of this
    computer), ``AM_LOG`` (to ``ops``) and ``AM_LOG_FULL``, and ``AM_LOG_PRINT`` when logs should also be printed.
    """
    os.environ.update({DEBUG: "1", TELEMETRY: "1", LOG_FULL: "1"})
    set_env_log_level(LogLevel.OPS)
    if stdout:
        os.environ[LOG_PRINT] = "1"


def set_env_log_level(level: int | str) -> None:
    """Set ``AM_LOG`` for this process and those it starts."""
    os.environ[LOG] = str(int(LogLevel.parse(level)))


def env_log_level(default: int | str = LogLevel.NOTHING) -> LogLevel:
    """The level in ``AM_LOG``, as a number or name."""
    return LogLevel.parse(os.environ.get(LOG) or default)


def mach_debug(machine: Machine, level: int | str = LogLevel.OPS, *, stdout: bool = False, steps: bool = True) -> None:
    """Make one machine tell more: a log level, steps of transitions, and optionally lines on the standard output.

    In debug mode its handlers also get :data:`DEBUG_HANDLER_TIMEOUT`. Sending what it tells to a debugger is the
    business of ``am_telemetry.init()``, which finds all machines by itself.
    """
    machine.log_level = level
    machine.record_steps = steps
    if machine.log_args is None:
        machine.log_args = log_args_mapper()
    if stdout:
        machine.set_logger(_print)
    if is_debug():
        machine.handler_timeout = max(machine.handler_timeout, DEBUG_HANDLER_TIMEOUT)


def mach_debug_env(machine: Machine) -> None:
    """Make one machine tell what the environment asks for; nothing without ``AM_LOG``.

    ``AM_LOG`` is the level. ``AM_LOG_FULL`` adds steps and arguments, ``AM_LOG_STEPS`` and ``AM_LOG_ARGS`` one of them.
    ``AM_LOG_PRINT`` prints the lines.
    """
    level = env_log_level()
    if level is LogLevel.NOTHING:
        return
    machine.log_level = level
    if is_set(LOG_FULL) or is_set(LOG_STEPS):
        machine.record_steps = True
    if machine.log_args is None and (is_set(LOG_FULL) or is_set(LOG_ARGS)):
        machine.log_args = log_args_mapper()
    if is_set(LOG_PRINT):
        machine.set_logger(_print)
    if is_debug():
        machine.handler_timeout = max(machine.handler_timeout, DEBUG_HANDLER_TIMEOUT)


def _print(_: int, line: str) -> None:
    sys.stdout.write(line + "\n")
