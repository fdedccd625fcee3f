"""Machine URLs survive a round trip, and typed places are found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session, lookup
from am_dbg.session.addressing import address, go_to, shared_address
from am_dbg.session.filters import Filter
from am_dbg.session.urls import MachineUrl, UrlError, format_url, parse_url
from tests.support.memory_recording import START_NS, MemoryRecording

ids = st.text(min_size=1, max_size=12)
odd_ids = st.sampled_from(["none", "t412", "2023-11-14T22:13:20Z", "2023-11-14T", "a,b", "9f0c3a", "#1"])
numbers = st.none() | st.integers(0, 10**15)
moments = st.none() | st.integers(-(10**18), 250_000_000_000 * 10**9)


@st.composite
def urls(draw: st.DrawFn) -> MachineUrl:
    place = draw(st.sampled_from(["", "number", "numbered step", "machine_time", "transition_id", "step"]))
    return MachineUrl(
        machine=draw(ids),
        number=draw(st.integers(0, 10**15)) if place in ("number", "numbered step") else None,
        machine_time=draw(st.integers(0, 10**15)) if place == "machine_time" else None,
        transition_id=draw(ids | odd_ids) if place in ("transition_id", "step") else "",
        step=draw(st.integers(0, 10**6)) if place in ("step", "numbered step") else None,
        run=draw(numbers),
        at_ns=draw(moments),
        queue_tick=draw(numbers),
        states=draw(st.lists(ids | odd_ids, max_size=3).map(tuple)),
        group=draw(st.text(max_size=8)),
        view=draw(st.text(max_size=8)),
        hidden=draw(st.none() | st.lists(ids | odd_ids, max_size=3).map(tuple)),
        session=draw(st.text(max_size=8)),
    )


@settings(max_examples=300)
@given(urls())
def test_reading_what_was_written_gives_the_same_url(url: MachineUrl) -> None:
    assert parse_url(format_url(url)) == url


@pytest.mark.parametrize(
    "machine", ["a/b", "a b", "#1", "?x", "%41", "t412", "naïve", "日本", "mach://x", "a&b=c", "\ud800"]
)
def test_odd_machine_ids_survive(machine: str) -> None:
    text = format_url(MachineUrl(machine, number=96))
    assert parse_url(text) == MachineUrl(machine, number=96)
    assert text.isascii()
    assert " " not in text


def test_urls_look_as_documented() -> None:
    assert format_url(MachineUrl("orders", number=96)) == "mach://orders/#96"
    assert format_url(MachineUrl("orders", number=96, step=5)) == "mach://orders/#96/5"
    assert format_url(MachineUrl("orders", transition_id="9f0c", step=5)) == "mach://orders/9f0c/5"
    assert format_url(MachineUrl("orders", hidden=("auto", "checks"))) == "mach://orders?filter=auto,checks"
    assert format_url(MachineUrl("orders", hidden=())) == "mach://orders?filter=none"
    assert format_url(MachineUrl("orders", machine_time=412, run=2)) == "mach://orders/t412?run=2"
    assert format_url(MachineUrl("a b", at_ns=START_NS + 5)) == "mach://a%20b?at=2023-11-14T22:13:20.000000005Z"


@settings(max_examples=300)
@given(st.text(max_size=30) | st.text(alphabet="mach:/#?%t=&0a", max_size=20))
def test_any_text_is_either_read_or_refused_with_a_message(text: str) -> None:
    try:
        machine = parse_url(text).machine
    except UrlError as error:
        machine = str(error)
    assert machine


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://orders", "mach://"),
        ("mach://", "missing"),
        ("mach://a/#x", "number"),
        ("mach://a/b/c/d", "too many"),
        ("mach://a?at=yesterday", "not a moment"),
        ("mach://a/t4/5", "a step belongs to a transition"),
        ("mach://a/#4/x", "the step is a number"),
    ],
)
def test_what_is_wrong_with_a_url_is_said(text: str, words: str) -> None:
    with pytest.raises(UrlError, match=words):
        parse_url(text)


def shop() -> Session:
    recording = MemoryRecording()
    for _ in range(2):
        orders = recording.machine("orders/eu", ["Ready", "Start"])
        for _ in range(5):
            orders.add("Start")
            orders.remove("Start")
    recording.machine("billing", ["Ready"]).add("Ready")
    recording.transition_ids["recorded-id"] = (1, 6)
    return Session(recording, live=False)


def test_the_address_of_every_place_leads_back_to_it() -> None:
    session = shop()
    for machine in session.recording.machines:
        for number in range(session.recording.timeline(machine.id).count + 1):
            session.select_machine(machine.id)
            session.go_to_number(number)
            text = address(session)
            session.select_machine(3)
            session.first()
            assert go_to(session, text)
            assert (session.machine_id, session.number) == (machine.id, number), text


names = st.lists(
    ids | st.sampled_from(["a/b", "a b", "#1", "t412", "mach://x", "q=1&run=2", "%2F", "none"]), max_size=5
)


@settings(max_examples=50)
@given(names, st.integers(0, 3), st.booleans())
def test_whatever_machines_are_called_addresses_lead_back(names: list[str], number: int, short: bool) -> None:
    recording = MemoryRecording()
    for name in [*names, "last"]:
        machine = recording.machine(name, ["A", "B c/d"])
        for _ in range(2):
            machine.add("A")
            machine.remove("A")
    session = Session(recording, live=False)
    for machine_record in recording.machines:
        session.select_machine(machine_record.id)
        session.go_to_number(number)
        session.select_state("B c/d")
        text = address(session) if short else shared_address(session)
        session.select_machine(len(names) + 1)
        session.last()
        session.clear_state()
        assert go_to(session, text), session.message
        assert (session.machine_id, session.number) == (machine_record.id, number), text
        assert session.state == ("" if short else "B c/d")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#4", 4),
        ("4", 4),
        ("t7", 7),
        ("mach://orders%2Feu/t3?run=1", 3),
        ("orders%2Feu/#9?run=1", 9),
        ("mach://orders%2Feu/0000000100000006?run=1", 6),
        ("mach://orders%2Feu?q=8&run=1", 8),
        ("mach://orders%2Feu/2023-11-14T22:13:20.050Z?run=1", 5),
        ("mach://orders%2Feu?t=3&run=1", 3),
        ("mach://orders%2Feu/recorded-id", 6),
        ("q8", 8),
        ("2023-11-14T22:13:20.050Z", 5),
    ],
)
def test_places_can_be_typed(text: str, number: int) -> None:
    session = shop()
    session.select_machine(1)
    session.first()
    assert go_to(session, text), session.message
    assert (session.machine_id, session.number) == (1, number)


def test_without_a_run_the_latest_one_is_meant() -> None:
    session = shop()
    assert go_to(session, "mach://orders%2Feu/#2")
    assert session.machine_id == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mach://biling", "did you mean 'billing'?"),
        ("mach://billing?run=7", "run"),
        ("mach://billing/ffffffffffffffff", "no transition with the id"),
        ("http://x", "mach://"),
    ],
)
def test_places_that_do_not_exist_change_nothing_but_the_message(text: str, words: str) -> None:
    session = shop()
    before = (session.machine_id, session.number, session.moment)
    assert not go_to(session, text)
    assert words in session.message
    assert (session.machine_id, session.number, session.moment) == before


@pytest.mark.parametrize("text", ["12:99:99", "25:00", "1:2", "12:03:07.", "2025-01-31 25:00", "2025-13-01 12:03"])
def test_what_looks_like_a_time_but_is_none_is_not_taken_for_a_machine(text: str) -> None:
    session = shop()
    before = session.number
    assert not go_to(session, text)
    assert session.message == f"{text} is no time of day; write it like 12:03, 12:03:07.5 or 2025-01-31 12:03"
    assert session.number == before


def test_ids_of_machines_and_recorded_ids_are_found() -> None:
    session = shop()
    recording = session.recording
    assert lookup.by_id(recording, 1, "0000000100000003") == 3
    assert lookup.by_id(recording, 1, "0000000200000003") is None
    assert lookup.by_id(recording, 1, "recorded-id") == 6
    assert lookup.by_id(recording, 2, "recorded-id") is None
    assert lookup.by_id(recording, 1, "anything") is None


def test_a_transition_id_finds_its_run() -> None:
    session = shop()
    assert go_to(session, "mach://orders%2Feu/0000000100000006")
    assert (session.machine_id, session.number) == (1, 6)


def test_what_is_handed_to_others_leads_to_the_same_sight() -> None:
    session, other = shop(), shop()
    session.select_machine(1)
    session.go_to_number(4)
    session.select_state("Ready")
    session.toggle_content("rain")
    session.toggle_filter(Filter.AUTO)
    text = shared_address(session)
    assert text.startswith("mach://orders%2Feu/0000000100000004?run=1&state=Ready&view=tree-rain&filter=auto,")
    assert go_to(other, text), other.message
    seen = [(s.machine_id, s.number, s.state, s.layout, s.filters.selection) for s in (session, other)]
    assert seen[0] == seen[1]


def test_a_url_shows_what_filters_of_the_sender_showed() -> None:
    session, other = shop(), shop()
    session.select_machine(1)
    session.clear_filters()
    text = shared_address(session)
    assert "filter=none" in text
    go_to(other, text)
    assert not other.filters.hidden


def test_a_url_says_which_kinds_alone_are_shown() -> None:
    session, other = shop(), shop()
    session.cycle_filter(Filter.ERRORS)
    text = shared_address(session)
    assert "only-errors" in text
    go_to(other, text)
    assert other.filters.selection == session.filters.selection


def test_unknown_views_and_filters_of_a_url_are_left_out() -> None:
    session = shop()
    assert go_to(session, "mach://billing?view=hologram&filter=auto,unheard-of")
    assert session.filters.hidden == {Filter.AUTO}


def test_a_state_that_the_machine_lacks_is_said_with_the_nearest_one() -> None:
    session = shop()
    assert go_to(session, "mach://billing/#1?state=Redy")
    assert session.message == "this machine has no state 'Redy'; did you mean 'Ready'?"


def test_transitions_are_found_by_the_machines_own_count_even_with_holes() -> None:
    recording = shop().recording
    original = recording.transition
    # As if the machine had run long before it was recorded, and every second transition had been lost.
    recording.transition = lambda m, n: replace(original(m, n), sequence=100 + 2 * n)  # type: ignore[method-assign]  # altered on purpose
    found = {s: lookup.by_sequence(recording, 1, s) for s in (0, 100, 102, 103, 110, 120, 122)}
    assert found == {0: None, 100: None, 102: 1, 103: None, 110: 5, 120: 10, 122: None}


def test_queue_ticks_lead_to_the_first_transition_that_reached_them() -> None:
    recording = shop().recording
    original = recording.transition
    ticks = [1, 2, 0, 0, 5, 6, 0, 8, 9, 10]
    recording.transition = lambda m, n: replace(original(m, n), queue_tick=ticks[n - 1])  # type: ignore[method-assign]  # altered on purpose
    assert [lookup.by_queue_tick(recording, 1, q) for q in (0, 1, 2, 3, 5, 7, 8, 99)] == [1, 1, 2, 5, 5, 8, 8, 10]
