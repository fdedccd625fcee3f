"""Go's binary form of ``time.Time``."""

from __future__ import annotations

from typing import Final, NamedTuple

from am_telemetry.formats.errors import FormatError

_UNIX_EPOCH: Final = 62_135_596_800
"""Seconds from the beginning of the year 1 to that of 1970."""
_UTC: Final = -1
_NS_LIMIT: Final = 2**63


class GoTime(NamedTuple):
    unix_ns: int
    """Nanoseconds since the Unix epoch, exact."""
    offset_s: int
    """Seconds east of UTC."""


def decode_time(data: bytes) -> GoTime | None:
    """Decode what ``MarshalBinary`` wrote, version 1 or 2 (which adds the seconds of odd zone offsets).

    Returns:
        None for Go's zero time, which stands for "not set".

    Raises:
        FormatError: for any other length, version or range.
    """
    version = data[0] if data else 0
    if (version, len(data)) not in ((1, 15), (2, 16)):
        raise FormatError(f"a time of {len(data)} bytes in the unknown version {version}")
    seconds = int.from_bytes(data[1:9], "big", signed=True)
    nanoseconds = int.from_bytes(data[9:13], "big", signed=True)
    minutes = int.from_bytes(data[13:15], "big", signed=True)
    if not 0 <= nanoseconds < 1_000_000_000:
        raise FormatError(f"a time with {nanoseconds} nanoseconds")
    if seconds == 0 and nanoseconds == 0:
        return None
    offset = 0 if minutes == _UTC else minutes * 60
    if version == 2:
        offset += int.from_bytes(data[15:16], "big", signed=True)
    unix_ns = (seconds - _UNIX_EPOCH) * 1_000_000_000 + nanoseconds
    if not -_NS_LIMIT <= unix_ns < _NS_LIMIT:
        raise FormatError(f"a time {seconds:,} seconds after the year 1, which is out of range")
    return GoTime(unix_ns, offset)
