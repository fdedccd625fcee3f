"""Go's binary times are exact to the nanosecond."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.go_time import GoTime, decode_time

EPOCH = 62_135_596_800


def marshal(unix_ns: int, offset_s: int | None) -> bytes:
    """What ``Time.MarshalBinary`` writes; offset None is UTC."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    minutes, rest = (-1, 0) if offset_s is None else divmod(abs(offset_s), 60)
    if offset_s is not None and offset_s < 0:
        minutes, rest = -minutes, -rest
    head = struct.pack(">qih", seconds + EPOCH, nanoseconds, minutes)
    return (b"\2" + head + struct.pack(">b", rest)) if rest else b"\1" + head


# Go itself cannot write offsets of -1 minute, which it spells UTC.
OFFSETS = st.integers(-14 * 3600, 14 * 3600).filter(lambda offset: not -120 < offset <= -60)


@given(st.integers(-(2**62), 2**62), st.none() | OFFSETS)
def test_a_time_keeps_its_nanoseconds_and_its_zone(unix_ns: int, offset_s: int | None) -> None:
    """Before and after 1970, UTC or not, odd zone seconds or not."""
    assert decode_time(marshal(unix_ns, offset_s)) == GoTime(unix_ns, offset_s or 0)


def test_the_zero_time_means_not_set() -> None:
    """The year 1 is Go's way to say nothing."""
    assert decode_time(marshal(-EPOCH * 1_000_000_000, None)) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"\1", b"\3" + bytes(14), b"\2" + bytes(14), b"\1" + bytes(15), b"\1" + b"\x7f" + bytes(13)],
)
def test_anything_else_is_refused(data: bytes) -> None:
    """Wrong lengths, unknown versions, times far outside of what fits."""
    with pytest.raises(FormatError):
        decode_time(data)


def test_impossible_nanoseconds_are_refused() -> None:
    """A second has no 2 billion nanoseconds."""
    with pytest.raises(FormatError, match="nanoseconds"):
        decode_time(b"\1" + struct.pack(">qih", EPOCH, 2_000_000_000, 0))
