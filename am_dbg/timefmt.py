"""Moments, durations, counts, sizes as people read them. Times are integer nanoseconds, rounded by nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_LATEST_S: Final = 253_402_300_799  # 9999-12-31 23:59:59 UTC
_EARLIEST_S: Final = -62_135_596_800  # 0001-01-01 00:00:00 UTC


def local_time(at_ns: int, tz: tzinfo | None = None) -> datetime:
    """A moment cut to seconds, in a time zone (default: the local one). Clamped to the years 1 to 9999."""
    seconds = max(_EARLIEST_S, min(at_ns // SECOND, _LATEST_S))
    moment = _EPOCH + timedelta(seconds=seconds)
    try:
        return moment.astimezone(tz)
    except (OverflowError, ValueError, OSError):  # the edge of the calendar has no local time
        return moment


def second_label(at_ns: int, tz: tzinfo | None = None) -> str:
    """``12:03:07``."""
    return f"{local_time(at_ns, tz):%H:%M:%S}"


def time_of_day(at_ns: int, tz: tzinfo | None = None) -> str:
    """``12:03:07.120 004 511``: to the nanosecond, in groups of three digits."""
    fraction = f"{at_ns % SECOND:09d}"
    return f"{second_label(at_ns, tz)}.{fraction[:3]} {fraction[3:6]} {fraction[6:]}"


def date_and_time(at_ns: int, tz: tzinfo | None = None) -> str:
    """``2023-11-14 12:03:07``."""
    return f"{local_time(at_ns, tz):%Y-%m-%d %H:%M:%S}"


def duration(ns: int) -> str:
    """A length of time, short: ``850 ns``, ``12 µs``, ``0.3 ms``, ``4.2 s``, ``2 m 05 s``."""
    if ns < 0:
        return "-" + duration(-ns)
    if ns < 1_000:
        return f"{ns} ns"
    if ns < 100_000:
        return f"{_short(ns / 1_000)} µs"
    if ns < SECOND:
        return f"{_short(ns / 1_000_000)} ms"
    if ns < 60 * SECOND:
        return f"{_short(ns / SECOND)} s"
    return age(ns)


def age(ns: int) -> str:
    """A length of time in its two largest units: ``42 s``, ``2 m 05 s``, ``3 h 10 m``, ``2 d 04 h``."""
    seconds = max(0, ns) // SECOND
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"
    return f"{thousands(seconds // 86400)} d {seconds % 86400 // 3600:02d} h"


def thousands(number: int) -> str:
    """``18,220``."""
    return f"{number:,}"


_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def byte_size(count: int) -> str:
    """Bytes in three digits: ``812 B``, ``4.2 MB``, ``13 GB``; powers of 1000."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit and value < 9.95 else f"{value:.0f} {_UNITS[unit]}"


def rfc3339(at_ns: int) -> str:
    """A moment in UTC with nine decimals, as in ``2023-11-14T12:03:07.120004511Z``; years 1 to 9999 only."""
    return f"{local_time(at_ns, UTC):%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{at_ns % SECOND:09d}Z"


def parse_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 moment.

    Raises:
        ValueError: the text is no such moment.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not a moment like 2023-11-14T12:03:07.120004511Z: {text!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    offset = timedelta(0)
    if match[9]:
        offset = timedelta(hours=int(match[10]), minutes=int(match[11])) * (-1 if match[9] == "-" else 1)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * SECOND + int((match[7] or "0").ljust(9, "0"))


def parse_time_of_day(text: str, near_ns: int, tz: tzinfo | None = None) -> int:
    """A time of day such as ``12:03`` or ``12:03:07.12`` on the day of another moment, as nanoseconds since the epoch.

    Raises:
        ValueError: the text is no time of day.
    """
    match = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.([\d ]{1,11}))?)?", text.strip(), re.ASCII)
    if match is None:
        raise ValueError(f"not a time of day like 12:03:07: {text!r}")
    fraction = (match[4] or "0").replace(" ", "")[:9].ljust(9, "0")
    moment = local_time(near_ns, tz).replace(hour=int(match[1]), minute=int(match[2]), second=int(match[3] or 0))
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * SECOND + int(fraction)


def parse_local_time(text: str, tz: tzinfo | None = None) -> int:
    """``2025-01-31``, ``2025-01-31 12:03`` or ``2025-01-31T12:03:07.5``, as nanoseconds since the epoch.

    Raises:
        ValueError: the text is no such moment, or there is no such day.
    """
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[Tt ](.+))?", text.strip(), re.ASCII)
    if match is None:
        raise ValueError(f"not a moment like 2025-01-31 12:03: {text!r}")
    # Noon is on the same day, whatever the clocks did in the night.
    noon = datetime.fromisoformat(match[1]) + timedelta(hours=12)
    noon = noon.replace(tzinfo=tz) if tz is not None else noon.astimezone()
    since = noon - _EPOCH
    return parse_time_of_day(match[2] or "00:00", (since.days * 86400 + since.seconds) * SECOND, tz)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
