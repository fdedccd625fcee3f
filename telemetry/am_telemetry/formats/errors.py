"""What can be wrong with foreign data, in words for the person who owns the file."""

from __future__ import annotations

from typing import ClassVar

from am_telemetry.errors import TelemetryError


class FormatError(TelemetryError):
    """The data are not what they claim to be."""

    exit_code: ClassVar[int] = 4


class GobError(FormatError):
    """Bytes that no Go ``encoding/gob`` encoder writes, or more of them than the limits allow.

    Args:
        reason: what is wrong, without the place.
        offset: position in the decoded stream, counted from its first byte.
    """

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} (at byte {offset:,} of the gob stream)")
        self.reason = reason
        self.offset = offset

    def moved(self, base: int) -> GobError:
        """The same error, seen from a stream in which the buffer begins at ``base``."""
        return GobError(self.reason, self.offset + base)
