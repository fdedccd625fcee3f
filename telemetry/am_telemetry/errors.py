"""The base of every expected failure in the telemetry packages."""

from __future__ import annotations

from typing import ClassVar


class TelemetryError(Exception):
    """What happened and what to do next.

    Args:
        message: one sentence on what happened.
        hint: what to do next; may be empty.
    """

    exit_code: ClassVar[int] = 1
    """Exit code of a command that ends with this error."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
