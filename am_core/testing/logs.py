"""Logs of machines in the output of tests."""

from __future__ import annotations

import sys

from am_core.logs import LogLevel
from am_core.machine import Machine


def log_to_test_log(machine: Machine, level: int | str = LogLevel.OPS) -> None:
    """Print what a machine logs: test runners capture that and show it with the tests that fail."""
    machine.log_level = level
    machine.set_logger(_print)


def _print(_: int, line: str) -> None:
    # Looked up each time, since runners replace it for every test.
    sys.stdout.write(line + "\n")
