"""A timeline from which transitions were removed answers like the full one, as far as it still goes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from test_timeline_model import actions, play, starts

from am_telemetry.store.pieces import Pieces
from am_telemetry.store.timeline import Timeline
from am_telemetry.store.timeline_blob import dump, load
from am_telemetry.store.timeline_parts import FLAGS


def runs(numbers: set[int]) -> list[tuple[int, int]]:
    """(first, last) of consecutive numbers."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def remove(timeline: Timeline, full: Timeline, first: int, last: int) -> None:
    """Take a range away as retention does: told where the machine stood behind it."""
    names = full.schema.names
    ticks = dict(zip(names, full.clock(last), strict=True))
    timeline.remove(first, last, ticks, [names[state] for state in full.active_states(last)])


def check(timeline: Timeline, full: Timeline, gone: set[int]) -> None:
    kept = [number for number in range(1, full.count + 1) if number not in gone]
    assert (timeline.count, timeline.size) == (full.count, len(kept))
    assert list(timeline.all()) == kept
    assert timeline.first == (kept[0] if kept else full.count + 1)
    for number in kept:
        assert timeline.holds(number)
        assert timeline.at(number) == full.at(number)
        assert timeline.pattern(number).fact == full.pattern(number).fact
        for moment in (number - 1, number):
            assert timeline.clock(moment) == full.clock(moment)
            assert timeline.active_states(moment) == full.active_states(moment)
    assert not any(timeline.holds(number) for number in gone)
    start = timeline.first - 1
    assert timeline.clock(0) == full.clock(start)
    assert timeline.active_states(0) == full.active_states(start)
    for name in FLAGS:
        assert list(getattr(timeline, name)) == [n for n in getattr(full, name) if n not in gone]
    for state in range(len(full.states)):
        for which in ("changed", "called", "active"):
            numbers = getattr(timeline, which)(state)
            assert [n for n in numbers if n in set(kept)] == [n for n in getattr(full, which)(state) if n in set(kept)]
    assert timeline.gaps == {n: lost for n, lost in full.gaps.items() if n not in gone}
    assert timeline.restored == full.restored - gone
    high, highs = None, []
    for number in kept:
        high = full.at(number) if high is None else max(high, full.at(number))
        highs.append(high)
    for moment in range(min(full.times, default=0) - 2, max(full.times, default=0) + 3):
        behind = sum(high <= moment for high in highs)
        assert timeline.number_at(moment) == (kept[behind - 1] if behind else 0)


@given(starts, actions, st.data())
@settings(max_examples=80)
def test_what_is_left_is_what_it_was(start: list[int], script: list, data: st.DataObject) -> None:
    """Whatever goes, in whatever order, and also after it was stored."""
    _, full, _ = play(start, script, [])
    _, timeline, records = play(start, script, [])
    gone: set[int] = set()
    for _ in range(data.draw(st.integers(1, 3))):
        if not full.count:
            break
        gone |= data.draw(st.sets(st.integers(1, full.count)))
        for first, last in runs(gone):
            remove(timeline, full, first, last)
        check(timeline, full, gone)
    check(load(dump(timeline), records), full, gone)


@given(starts, actions, actions, st.data())
@settings(max_examples=60)
def test_it_goes_on_behind_what_was_removed(start: list[int], script: list, rest: list, data: st.DataObject) -> None:
    """Also where the removed ones had never been appended: the reader was slower than retention."""
    more = [action for action in rest if isinstance(action, list)]
    _, full, _ = play(start, [*script, *more], [])
    _, timeline, records = play(start, script, [])
    count = timeline.count
    last = data.draw(st.integers(0, full.count))
    if last:
        remove(timeline, full, 1, last)
    if data.draw(st.booleans()):
        timeline = load(dump(timeline), records)
    places = range(timeline.count, full.count)
    timeline.extend(
        [full.times[place] for place in places],
        [replace(full.pattern(place + 1), id=10_000 + full.pattern(place + 1).id) for place in places],
        [offset for offset, place in enumerate(places) if place + 1 in full.logged],
    )
    if last <= count:
        check(timeline, full, set(range(1, last + 1)))
    else:
        assert list(timeline.all()) == list(range(last + 1, full.count + 1))
        assert [timeline.clock(n) for n in range(last, full.count + 1)] == [
            full.clock(n) for n in range(last, full.count + 1)
        ]


@given(st.sets(st.integers(1, 30)), st.integers(0, 30))
def test_pieces_count_like_a_list(gone: set[int], count: int) -> None:
    pieces = Pieces()
    for first, last in runs({number for number in gone if number <= count}):
        pieces = pieces.without(first, last, count)
    kept = [number for number in range(1, count + 1) if number not in gone]
    assert list(pieces.numbers(count)) == kept
    for place, number in enumerate([*kept, count + 1]):
        assert pieces.place(number) == place
        assert pieces.number(place) == number
    for number in range(count + 1):
        before = [k for k in kept if k <= number]
        assert pieces.floor(number) == (before[-1] if before else 0)
        if number in kept:
            later = [k for k in [*kept, count + 1] if k > number]
            assert pieces.reach(number) == later[0] - 1


def test_removing_twice_changes_nothing() -> None:
    _, full, _ = play([1], [[("add", {0: 1}, [0], 1, 1, True, False)] * 6], [])
    _, timeline, _ = play([1], [[("add", {0: 1}, [0], 1, 1, True, False)] * 6], [])
    remove(timeline, full, 1, 4)
    before = dump(timeline)
    remove(timeline, full, 1, 4)
    remove(timeline, full, 1, 3)
    assert dump(timeline) == before
