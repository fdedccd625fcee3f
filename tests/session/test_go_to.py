"""Places that are typed: distances, days, and where a text leads before anybody goes there."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.addressing import go_to
from am_dbg.timefmt import date_and_time, parse_local_time
from am_dbg.viewmodels.goto_preview import preview
from tests.support.memory_recording import START_NS, MemoryRecording

SECOND = 1_000_000_000


def orders() -> Session:
    """A transition each second; the cursor is on the tenth."""
    recording = MemoryRecording()
    machine = recording.machine("orders", ["Start", "Ready"], at_ns=START_NS)
    for second in range(300):
        machine.add("Ready", at_ns=START_NS + second * SECOND)
    recording.machine("+7", ["Start"]).add("Start")
    session = Session(recording, live=False)
    session.clear_filters()
    session.select_machine(1)
    session.go_to_number(10)
    return session


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+100", 110), ("-4", 6), ("-100", 0), ("+1000", 300), ("+5s", 15), ("-5 s", 5), ("+1500ms", 11), ("+2m", 130),
        ("-1h", 0), ("+1d", 300), ("+999999999999d", 300), ("-999999999999d", 0),
    ],
)  # fmt: skip
def test_distances_are_from_the_cursor(text: str, number: int) -> None:
    session = orders()
    assert go_to(session, text)
    assert session.number == number
    session.go_back()
    assert session.number == 10


def test_a_machine_that_is_called_like_a_distance_is_meant_first() -> None:
    session = orders()
    assert go_to(session, "+7")
    assert session.machine_id == 2


def test_a_day_and_a_time_of_day_lead_to_that_moment() -> None:
    session = orders()
    at_ns = START_NS + 42 * SECOND
    assert go_to(session, date_and_time(at_ns))
    assert (session.moment, session.number) == (at_ns, 43)
    assert go_to(session, date_and_time(at_ns)[:10])
    assert session.number == 0


def test_days_are_those_of_the_time_zone() -> None:
    assert parse_local_time("2023-11-14 22:13:20", UTC) == START_NS
    assert parse_local_time("2023-11-15T00:13:20", timezone(timedelta(hours=2))) == START_NS
    for text in ("2023-11-31", "2023-11-14 ", "2023-11-14 99:00", "14.11.2023"):
        if text.strip() == "2023-11-14":
            continue
        with pytest.raises(ValueError, match=r".+"):
            parse_local_time(text, UTC)


@given(st.text(st.sampled_from("#+-0123456789tq/:. smhdmach?=orders&runat"), max_size=24))
@example("mach://orders/#5?filter=canceled&view=rain&state=Ready")
@example("0001-01-01")
@example("9999-12-31 23:59")
@example("q99999999999999999")
@settings(max_examples=150, deadline=None)
def test_a_preview_says_where_the_text_leads_and_changes_nothing(text: str) -> None:
    session = orders()
    before = dict(vars(session))
    places = session.history.places
    there, words = preview(session, text)
    assert vars(session) == before
    assert session.history.places == places
    went = go_to(session, text) if text.strip() else True
    assert there == went
    if went and text.strip():
        assert f"#{session.number:,}" in words
