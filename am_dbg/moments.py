"""Moments as people write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

from am_dbg.timefmt import parse_rfc3339, parse_time_of_day
from am_telemetry.store.limits import parse_length

_LOCAL: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?", re.ASCII)
FORMS: Final = "2025-01-31T12:03:07Z, 2025-01-31 12:03 (local time), 12:03:07 (on the last day), -10m (before the end)"


def parse_moment(text: str, end_ns: int, tz: tzinfo | None = None) -> int:
    """Nanoseconds since the epoch.

    Args:
        text: in one of the :data:`FORMS`.
        end_ns: the end of the recording, for the relative forms.
        tz: for tests; the local time zone by default.

    Raises:
        ValueError: the text has none of these forms.
    """
    stripped = text.strip()
    try:
        if stripped.startswith("-"):
            return end_ns - parse_length(stripped[1:])
        local = _LOCAL.fullmatch(stripped)
        if local is not None:
            midnight = datetime.fromisoformat(local[1])
            midnight = midnight.replace(tzinfo=tz) if tz is not None else midnight.astimezone()
            # Noon is on the same day, whatever the clocks did in the night.
            near = round((midnight + timedelta(hours=12)).timestamp()) * 10**9
            return parse_time_of_day(local[2] or "00:00", near, tz)
        if ":" in stripped and "-" not in stripped:
            return parse_time_of_day(stripped, end_ns, tz)
        return parse_rfc3339(stripped)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a moment like one of {FORMS}: {text!r}") from error
