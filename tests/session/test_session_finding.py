"""Moving among the places of a text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.filters import DEFAULT_FILTERS, Filter
from am_dbg.session.finding import Finder, Hits
from am_telemetry.facts import LogFact
from tests.support.memory_index import MemoryIndex
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings

SECOND = 1_000_000_000


def two_machines() -> MemoryRecording:
    """``timeout`` at 2 s on orders (#3, canceled), at 1 s and 4 s on billing (#1 and #2)."""
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Ready", "Start"])
    billing = recording.machine("billing", ["Ready"])
    orders.add("Start", at_ns=START_NS)
    billing.add("Ready", at_ns=START_NS + SECOND, logs=[LogFact(2, "[extern] card timeout")])
    orders.add("Ready", at_ns=START_NS + SECOND + 5)
    orders.add("Ready", accepted=False, at_ns=START_NS + 2 * SECOND, logs=[LogFact(2, "Timeout of 3 s")])
    billing.remove("Ready", at_ns=START_NS + 4 * SECOND, logs=[LogFact(2, "no timeout left")])
    recording.catch_up()
    return recording


def looked_for(session: Session, recording: MemoryRecording, text: str) -> tuple[Finder, Hits]:
    finder = Finder(session)
    return finder, finder.collect(text, MemoryIndex(recording).numbers(text))


def place(session: Session) -> tuple[str, int]:
    assert session.machine is not None
    return session.machine.name, session.number


def test_hits_are_in_order_of_time_whatever_machine_they_are_on() -> None:
    recording = two_machines()
    _, hits = looked_for(Session(recording, live=False), recording, "timeout")
    assert [(machine, number) for _, machine, number in hits.places] == [(2, 1), (1, 3), (2, 2)]
    assert (hits.total, hits.machines) == (3, 2)


def test_the_first_hit_is_the_nearest_one_from_the_cursor_on() -> None:
    recording = two_machines()
    session = Session(recording, live=False)
    session.select_machine(1)
    session.go_to_number(2)
    finder, hits = looked_for(session, recording, "timeout")
    assert finder.nearest(hits) == 1
    finder.go(hits, 1)
    assert place(session) == ("orders", 3)
    assert "hit 2 of 3" in session.message
    assert session.highlight == "timeout"


def test_next_and_previous_go_across_machines_and_say_where_they_end() -> None:
    recording = two_machines()
    session = Session(recording, live=False)
    finder, hits = looked_for(session, recording, "timeout")
    finder.go(hits, 0)
    finder.next()
    assert place(session) == ("orders", 3)
    finder.next()
    assert place(session) == ("billing", 2)
    finder.next()
    assert place(session) == ("billing", 2)
    assert session.message == "no later hit for timeout"
    finder.previous()
    finder.previous()
    assert place(session) == ("billing", 1)
    finder.previous()
    assert session.message == "no earlier hit for timeout"


def test_a_hit_that_a_filter_hides_does_not_hold_one_up() -> None:
    recording = two_machines()
    session = Session(recording, live=False)
    session.set_filters(DEFAULT_FILTERS.toggled(Filter.CANCELED))
    finder, hits = looked_for(session, recording, "timeout")
    finder.go(hits, 1)
    assert "hidden by the filter" in session.message
    finder.next()
    assert place(session) == ("billing", 2)


def test_after_moving_by_hand_the_next_hit_is_the_next_one_in_time() -> None:
    recording = two_machines()
    session = Session(recording, live=False)
    finder, hits = looked_for(session, recording, "timeout")
    finder.go(hits, 2)
    session.select_machine(1)
    session.go_to_number(1)
    finder.next()
    assert place(session) == ("billing", 1)


def test_without_a_search_one_is_told_how_to_begin() -> None:
    session = Session(two_machines(), live=False)
    Finder(session).next()
    assert "/ finds" in session.message


@given(recordings(ordered=True), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_of_too_many_hits_the_nearest_are_kept_and_all_are_counted(recording: MemoryRecording, most: int) -> None:
    numbers = {
        machine.id: list(range(1, recording.timeline(machine.id).count + 1))
        for machine in recording.machines
        if recording.timeline(machine.id).count
    }
    session = Session(recording, live=False)
    hits = Finder(session).collect("x", numbers, most=most)
    assert hits.total == sum(map(len, numbers.values()))
    assert list(hits.places) == sorted(hits.places)
    for machine_id, found in numbers.items():
        listed = [number for _, machine, number in hits.places if machine == machine_id]
        share = max(1, most // len(numbers))
        assert len(listed) == min(share, len(found))
        at = session.position(machine_id)
        if listed and at >= 1:
            assert min(abs(number - at) for number in listed) <= 1
