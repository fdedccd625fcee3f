"""Times, durations and counts as people read them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_dbg.timefmt import (
    age,
    date_and_time,
    duration,
    parse_rfc3339,
    parse_time_of_day,
    rfc3339,
    thousands,
    time_of_day,
)

MOMENT = 1_700_000_000_120_004_511


def test_the_time_of_day_is_shown_to_the_nanosecond_in_groups() -> None:
    assert time_of_day(MOMENT, UTC) == "22:13:20.120 004 511"
    assert time_of_day(MOMENT, timezone(timedelta(hours=2))) == "00:13:20.120 004 511"
    assert date_and_time(MOMENT, UTC) == "2023-11-14 22:13:20"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (25_000, "25 µs"),
        (300_000, "0.3 ms"),
        (12_345_678, "12 ms"),
        (4_200_000_000, "4.2 s"),
        (125_000_000_000, "2 m 05 s"),
        (-1_500, "-1.5 µs"),
    ],
)
def test_durations_are_short(ns: int, text: str) -> None:
    assert duration(ns) == text


def test_ages_have_two_units() -> None:
    assert [age(s * 10**9) for s in (42, 125, 11_400, 187_200)] == ["42 s", "2 m 05 s", "3 h 10 m", "2 d 04 h"]
    assert thousands(18220) == "18,220"


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9))
def test_rfc3339_keeps_every_nanosecond(at_ns: int) -> None:
    assert parse_rfc3339(rfc3339(at_ns)) == at_ns


def test_rfc3339_offsets_are_honoured() -> None:
    assert parse_rfc3339("2023-11-15T00:13:20.120004511+02:00") == MOMENT


@pytest.mark.parametrize(
    "text", ["", "2023-11-14", "2023-13-40T00:00:00Z", "2023-11-14T22:13:20", "٢023-11-14T00:00:00Z"]
)
def test_other_texts_are_no_moments(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)


def test_a_time_of_day_is_on_the_day_of_the_given_moment() -> None:
    assert parse_time_of_day("22:13:20.120 004 511", MOMENT, UTC) == MOMENT
    assert parse_time_of_day("22:13", MOMENT, UTC) == MOMENT // 10**9 * 10**9 - 20 * 10**9
    with pytest.raises(ValueError, match=r".+"):
        parse_time_of_day("25:00", MOMENT, UTC)


@given(st.integers(-(2**70), 2**70))
def test_no_time_is_too_far_away_to_be_shown(at_ns: int) -> None:
    assert len(time_of_day(at_ns, UTC)) == len("22:13:20.120 004 511")
