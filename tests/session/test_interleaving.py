"""The log of several machines: one sequence by time, found page by page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session, interleaving
from am_dbg.session.filters import Filter, visible
from am_dbg.session.interleaving import Interleaved
from am_dbg.session.log_options import LogOptions, LogScope
from am_dbg.session.log_places import LogPlace
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings

SECOND = 1_000_000_000


def merged(session: Session, scope: LogScope = LogScope.ALL) -> Interleaved:
    session.set_log(LogOptions(scope=scope))
    return Interleaved(session)


def forwards(order: Interleaved) -> Iterator[LogPlace]:
    place = order.first()
    while place is not None:
        yield place
        place = order.after(place)


def backwards(order: Interleaved) -> Iterator[LogPlace]:
    place = order.last()
    while place is not None:
        yield place
        place = order.before(place)


def expected(session: Session) -> list[tuple[int, int, int]]:
    """All places, sorted the plain way: no transition comes before an earlier one of its machine."""
    out = []
    for machine in session.recording.machines:
        timeline = session.recording.timeline(machine.id)
        latest = 0
        shown = visible(timeline, session.filters)
        for number in range(1, timeline.count + 1):
            latest = max(latest, timeline.at(number))
            if number in shown:
                out.append((latest, machine.id, number))
    return sorted(out)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaving, "PAGE", 3)


@settings(max_examples=60, deadline=None)
@given(recording=recordings(), shows_all=st.booleans(), page=st.integers(1, 7), data=st.data())
def test_both_ways_lead_through_all_visible_transitions_in_the_order_of_time(
    recording: MemoryRecording, shows_all: bool, page: int, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    if shows_all:
        session.clear_filters()
    everything = expected(session)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interleaving, "PAGE", page)
        assert [tuple(place) for place in forwards(merged(session))] == everything
        assert [tuple(place) for place in backwards(merged(session))] == everything[::-1]
        if everything:
            order = merged(session)
            index = data.draw(st.integers(0, len(everything) - 1))
            place = LogPlace(*everything[index])
            assert order.near(place).count(place) == 1
            later = order.after(place)
            assert (None if later is None else tuple(later)) == (everything[index + 1 :] or [None])[0]
            earlier = order.before(place)
            assert (None if earlier is None else tuple(earlier)) == ([None, *everything][: index + 1])[-1]


@pytest.mark.usefixtures("small_pages")
def test_what_arrives_late_takes_its_place_in_time() -> None:
    recording = MemoryRecording()
    first, second = recording.machine("first", ["A"]), recording.machine("second", ["A"])
    for moment in range(10, 30):
        first.mutate("add" if moment % 2 else "remove", ["A"], at_ns=START_NS + moment * SECOND)
    first.remove("A")
    session = Session(recording, live=False)
    order = merged(session)
    assert len(list(forwards(order))) == len(expected(session))
    second.add("A", at_ns=START_NS + 15 * SECOND)
    second.remove("A", at_ns=START_NS + 500 * SECOND)
    session.refresh()
    assert [tuple(place) for place in forwards(order)] == expected(session)
    third = recording.machine("third", ["A"])
    third.add("A", at_ns=START_NS + 1 * SECOND)
    session.refresh()
    assert [tuple(place) for place in forwards(order)] == expected(session)
    session.toggle_filter(Filter.CANCELED)
    session.toggle_filter(Filter.EMPTY)
    assert [tuple(place) for place in forwards(order)] == expected(session)


def test_the_log_of_pinned_machines_has_no_others() -> None:
    recording = MemoryRecording()
    for name in ("a", "b", "c"):
        machine = recording.machine(name, ["A"])
        machine.add("A")
    session = Session(recording, live=False)
    order = merged(session, LogScope.PINNED)
    assert list(forwards(order)) == []
    session.toggle_pin()
    session.next_machine(2)
    session.toggle_pin()
    assert [place.machine_id for place in forwards(order)] == [1, 3]
    assert order.machines == 2


def test_the_cursor_is_its_own_transition_or_what_comes_last_before_the_moment() -> None:
    recording = MemoryRecording(step_ns=SECOND)
    first, second = recording.machine("first", ["A"]), recording.machine("second", ["A"])
    for machine in (first, second, first, second):
        machine.add("A") if not machine.clock[0] % 2 else machine.remove("A")
    session = Session(recording, live=False)
    order = merged(session)
    session.go_to_number(2)
    place = order.cursor()
    assert place is not None
    assert (place.machine_id, place.number) == (1, 2)
    session.go_to_number(0)
    session.toggle_pin()
    session.select_machine(2)
    pinned = merged(session, LogScope.PINNED)
    session.go_to_number(1)
    place = pinned.cursor()
    assert place is not None
    assert (place.machine_id, place.number) == (1, 1)


class TestClocks:
    @staticmethod
    def two_hosts(skew_ns: int) -> Session:
        recording = MemoryRecording()
        here = recording.machine("here", ["A"], process_id=1)
        away = recording.machine("away", ["A"], process_id=2)
        recording.process_hosts[2] = "away"
        recording.process_skews.update({1: 2_000_000, 2: skew_ns})
        here.add("A", at_ns=START_NS + 10 * SECOND)
        away.add("A", at_ns=START_NS + 10 * SECOND - skew_ns + SECOND)
        here.remove("A", at_ns=START_NS + 12 * SECOND)
        return Session(recording, live=False)

    @pytest.mark.parametrize("skew_ns", [3_600 * SECOND, -3_600 * SECOND])
    def test_times_of_a_host_whose_clock_is_wrong_are_put_right(self, skew_ns: int) -> None:
        order = merged(self.two_hosts(skew_ns))
        assert [place.machine_id for place in forwards(order)] == [1, 2, 1]
        assert order.corrected == 1

    def test_what_may_be_nothing_but_a_slow_network_is_left_alone(self) -> None:
        order = merged(self.two_hosts(150_000_000))
        assert len(list(forwards(order))) == 3
        assert order.corrected == 0

    def test_processes_of_one_host_share_the_best_estimate(self) -> None:
        recording = MemoryRecording()
        for process, skew in ((2, 5 * SECOND), (3, 5 * SECOND + 700_000_000)):
            recording.process_hosts[process] = "away"
            recording.process_skews[process] = skew
            recording.machine(f"m{process}", ["A"], process_id=process).add("A")
        order = merged(Session(recording, live=False))
        assert list(forwards(order))
        assert [order.shift(1), order.shift(2)] == [5 * SECOND, 5 * SECOND]


@pytest.mark.usefixtures("small_pages")
def test_transitions_that_retention_removed_are_not_listed() -> None:
    recording = MemoryRecording()
    machines = [recording.machine(name, ["A"]) for name in ("first", "second")]
    for turn in range(12):
        for machine in machines:
            machine.mutate("remove" if turn % 2 else "add", ["A"])
    session = Session(recording, live=False)
    order = merged(session)
    assert len(list(forwards(order))) == 24
    recording.later(lambda: recording.timeline(1).remove(1, 4, {"A": 4}, ()))
    recording.later(lambda: recording.timeline(2).remove(6, 8, {"A": 8}, ()))
    session.refresh()
    kept = [(1, n) for n in range(5, 13)] + [(2, n) for n in (*range(1, 6), *range(9, 13))]
    assert sorted((place.machine_id, place.number) for place in forwards(order)) == kept
    assert list(backwards(order)) == list(forwards(order))[::-1]
    session.set_log(LogOptions())
    assert list(session.visible) == list(range(5, 13))
