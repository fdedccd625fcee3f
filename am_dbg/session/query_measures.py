"""Which transitions have a number within limits: ticks, lengths of time, places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, pairwise

from pyroaring import BitMap

from am_dbg.session.query_terms import Within
from am_telemetry.store.pattern_search import numbers_with
from am_telemetry.store.reading import Recording
from am_telemetry.store.timeline import Timeline


def within(recording: Recording, machine_id: int, timeline: Timeline, term: Within, numbers: BitMap) -> BitMap:
    """A new set of those of some transitions whose number is within the limits of a term."""
    if not numbers:
        return BitMap()
    first, last = int(numbers[0]), int(numbers[-1])
    match term.measure:
        case "number":
            low = 0 if term.low is None else min(term.low, last + 1)
            high = last if term.high is None else min(term.high, last)
            return numbers & BitMap(range(low, high + 1))
        case "duration" | "queue" | "queue tick":
            rows = recording.numbers_within(machine_id, term.measure, term.low, term.high, first, last)
            return numbers & BitMap(rows)
        case "ticks":
            return numbers & numbers_with(
                timeline, lambda record: _fits(term, sum(ticks for _, ticks in record.fact.deltas)), first, last
            )
        case "gap":
            return BitMap(_after_gaps(timeline, term, numbers))
        case "machine time":
            return _by_bisection(timeline, term, numbers, timeline.machine_time)
        case "tick":
            state = timeline.schema.index.get(term.state)
            return BitMap() if state is None else _by_bisection(timeline, term, numbers, partial(timeline.tick, state))
        case "active for":
            state = timeline.schema.index.get(term.state)
            return BitMap() if state is None else _active_for(timeline, state, term, numbers)


def _fits(term: Within, value: int) -> bool:
    return (term.low is None or value >= term.low) and (term.high is None or value <= term.high)


def _after_gaps(timeline: Timeline, term: Within, numbers: BitMap) -> Iterator[int]:
    """Transitions that began some time after the one before them."""
    first = timeline.pieces.place(int(numbers[0]))
    before = timeline.times[first - 1] if first else None
    for number, at in zip(numbers, islice(timeline.times, first, None), strict=False):
        if before is not None and _fits(term, at - before):
            yield number
        before = at


def _by_bisection(timeline: Timeline, term: Within, numbers: BitMap, value: Callable[[int], int]) -> BitMap:
    """Where ticks count on, they only grow; between holes the limits are found by bisection."""
    cuts = sorted({int(numbers[0]), *(frame.since for frame in timeline.keyframes), int(numbers[-1]) + 1})
    found = BitMap()
    for start, end in pairwise(cuts):
        piece = numbers & BitMap(range(start, end))
        if not piece:
            continue
        low = 0 if term.low is None else _first_from(piece, value, term.low)
        high = len(piece) if term.high is None else _first_from(piece, value, term.high + 1)
        if low < high:
            found |= piece & BitMap(range(int(piece[low]), int(piece[high - 1]) + 1))
    return found


def _first_from(piece: BitMap, value: Callable[[int], int], limit: int) -> int:
    """The place of the first number whose value is at least a limit."""
    low, high = 0, len(piece)
    while low < high:
        middle = (low + high) // 2
        if value(int(piece[middle])) >= limit:
            high = middle
        else:
            low = middle + 1
    return low


def _active_for(timeline: Timeline, state: int, term: Within, numbers: BitMap) -> BitMap:
    """Transitions after which a state has been active for some time, as far as the recording goes back."""
    active = timeline.active(state)
    starts = active - active.shift(1)
    ends = active - (active.shift(-1) if active else active)
    found: list[int] = []
    for start, end in zip(starts, ends, strict=True):
        held = numbers & BitMap(range(start, end + 1))
        if not held:
            continue
        kept = BitMap(range(start, end + 1)) & timeline.pieces.numbers(end) if not timeline.holds(start) else (start,)
        since = timeline.at(int(kept[0]))
        if timeline.ordered:
            low = 0 if term.low is None else _first_from(held, timeline.at, since + term.low)
            high = len(held) if term.high is None else _first_from(held, timeline.at, since + term.high + 1)
            found.extend(held[low:high])
        else:
            found.extend(number for number in held if _fits(term, timeline.at(number) - since))
    return BitMap(found)
