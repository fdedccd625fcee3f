"""Errors that end a command: what happened, what to do next, and the exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes shared by all commands."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NO_CONNECTION = 3
    """Cannot connect or listen."""
    BAD_DATA = 4
    """Data unreadable, or written by a newer version."""
    REFUSED = 5
    """Not authorised."""
    INTERRUPTED = 130


class AmDbgError(Exception):
    """An expected failure of a command, shown without a traceback.

    Args:
        message: one sentence on what happened.
        hint: what to do next; may be empty.
        exit_code: the process's exit code.
    """

    def __init__(self, message: str, hint: str = "", exit_code: ExitCode = ExitCode.FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
