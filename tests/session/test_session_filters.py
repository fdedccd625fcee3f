"""Which transitions are visible, and that growing a recording gives the same answer as opening it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.filters import DEFAULT_FILTERS, Filter, FilterSet, VisibleSet, hidden_counts, hiding, visible
from tests.support.memory_recording import MemoryRecording
from tests.support.random_recordings import SCHEMA, recordings, transitions, write

kinds_of_filters = st.frozensets(st.sampled_from(list(Filter)))
filter_sets = st.builds(FilterSet, kinds_of_filters, st.just(frozenset()) | kinds_of_filters)


def every_kind() -> MemoryRecording:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Ready", "Heartbeat"])
    machine.add("Ready")  # 1: plain
    machine.add("Ready", accepted=False)  # 2: canceled
    machine.remove("Ready", auto=True)  # 3: auto
    machine.remove("Ready")  # 4: empty
    machine.add("Heartbeat")  # 5: health
    machine.add("Ready", check=True)  # 6: check
    machine.add("Ready", accepted=False, queued=True)  # 7: queued
    machine.remove("Ready", handlers=("AnyState",))  # 8: no ticks, but a handler ran
    return recording


def test_by_default_what_has_no_effect_is_hidden_and_what_was_refused_is_shown() -> None:
    session = Session(every_kind(), live=False)
    assert list(session.visible) == [1, 2, 3, 8]


def test_each_filter_hides_its_own_kind_only() -> None:
    session = Session(every_kind(), live=False)
    session.clear_filters()
    everything = list(session.visible)
    assert everything == [1, 2, 3, 4, 5, 6, 7, 8]
    kinds = {"canceled": 2, "auto": 3, "empty": 4, "health": 5, "checks": 6, "queued": 7}
    for name, number in kinds.items():
        session.toggle_filter(Filter(name))
        assert [n for n in everything if n not in session.visible] == [number]
        assert session.timeline is not None
        assert hidden_counts(session.timeline, session.filters) == {Filter(name): 1}
        assert hiding(session.timeline, session.filters, number) == [name]
        session.toggle_filter(Filter(name))


def test_filters_tell_what_they_did() -> None:
    session = Session(every_kind(), live=False)
    session.toggle_filter(Filter.HEALTH)
    assert session.message == "health checks are shown"
    session.toggle_filter(Filter.HEALTH)
    assert session.message == "health checks are hidden"
    session.set_log_level(9)
    assert (session.log_level, session.message) == (5, "log level 5: everything of m")
    session.clear_filters()
    session.reset_filters()
    assert session.filters == DEFAULT_FILTERS
    assert session.log_level == 5


@settings(max_examples=60)
@given(parts=st.lists(st.lists(transitions(), max_size=6), max_size=5), filters=filter_sets)
def test_filtering_as_transitions_arrive_equals_filtering_them_all(
    parts: list[list[dict[str, object]]], filters: FilterSet
) -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", SCHEMA)
    recording.catch_up()
    timeline = recording.timeline(1)
    growing = VisibleSet(timeline, filters)
    for part in parts:
        write(machine, part)
        recording.catch_up()
        growing.extend()
    anew = VisibleSet(timeline, filters)
    assert growing.numbers == anew.numbers == visible(timeline, filters)
    assert growing.problems == anew.problems
    assert growing.upto == timeline.count


@settings(max_examples=60)
@given(recording=recordings(machines=1), kinds=st.lists(st.sampled_from(list(Filter)), max_size=6), data=st.data())
def test_toggling_every_filter_twice_changes_nothing(
    recording: MemoryRecording, kinds: list[Filter], data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    session.go_to_number(data.draw(st.integers(0, session.count)))
    before = (session.filters, list(session.visible), session.number, session.moment)
    for kind in [*kinds, *reversed(kinds)]:
        session.toggle_filter(kind)
        assert session.number == 0 or session.number in session.visible
    assert (session.filters, list(session.visible), session.number, session.moment) == before


@settings(max_examples=40)
@given(recording=recordings(machines=1), filters=filter_sets)
def test_a_transition_is_visible_exactly_when_no_active_filter_matches_its_pattern(
    recording: MemoryRecording, filters: FilterSet
) -> None:
    timeline = recording.timeline(1)
    shown = visible(timeline, filters)
    for number in range(1, timeline.count + 1):
        fact = timeline.pattern(number).fact
        kinds = {
            Filter.CANCELED: not (fact.accepted or fact.check or fact.queued),
            Filter.AUTO: fact.auto,
            Filter.REFUSED_AUTO: fact.auto and not (fact.accepted or fact.check or fact.queued),
            Filter.EMPTY: fact.accepted and not (fact.deltas or fact.check or fact.queued or fact.handlers),
            Filter.HEALTH: [SCHEMA.names[s] for s in fact.called] == ["Heartbeat"],
            Filter.CHECKS: fact.check,
            Filter.QUEUED: fact.queued,
            Filter.OUT_OF_GROUP: False,  # no group was chosen
            Filter.ERRORS: fact.broken or number in timeline.errors,
            Filter.LOGGED: number in timeline.logged,
        }
        wanted = not filters.only or any(kinds[kind] for kind in filters.only)
        assert (number in shown) is (wanted and not any(kinds[kind] for kind in filters.hidden))
        assert hiding(timeline, filters, number) == [k for k in Filter if k in filters.hidden and kinds[k]]


def test_a_kind_is_shown_then_hidden_then_all_that_is_shown() -> None:
    session = Session(every_kind(), live=False)
    session.cycle_filter(Filter.CANCELED)
    assert list(session.visible) == [1, 3, 8]
    session.cycle_filter(Filter.CANCELED)
    assert (list(session.visible), session.message) == ([2], "only canceled transitions are shown")
    session.cycle_filter(Filter.CANCELED)
    assert list(session.visible) == [1, 2, 3, 8]


def test_only_two_kinds_means_either_and_hidden_kinds_stay_hidden() -> None:
    session = Session(every_kind(), live=False)
    for kind in (Filter.CANCELED, Filter.CANCELED, Filter.HEALTH):
        session.cycle_filter(kind)
    assert list(session.visible) == [2, 5]
    session.toggle_filter(Filter.HEALTH)
    assert list(session.visible) == [2]
    session.toggle_filter(Filter.EMPTY)
    assert list(session.visible) == [2]


def test_what_is_not_among_the_only_kinds_is_said_to_be_hidden_by_them() -> None:
    session = Session(every_kind(), live=False)
    session.cycle_filter(Filter.ERRORS)
    session.go_to_number(3)
    assert session.message.startswith("#3 is hidden, as only errors, failed handlers are shown")


def test_all_filters_are_switched_off_and_on_again_with_one_command() -> None:
    session = Session(every_kind(), live=False)
    session.cycle_filter(Filter.AUTO)
    before = session.filters
    session.toggle_all_filters()
    assert len(session.visible) == session.count
    session.toggle_all_filters()
    assert session.filters == before
