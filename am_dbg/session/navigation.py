"""Moves on a set of transition numbers, each in logarithmic time: pure functions of Roaring bitmaps.

Number 0 is the place before the first transition; it belongs to every set of places, but to no bitmap.
"""

from __future__ import annotations

from pyroaring import BitMap

from am_telemetry.store.timeline import Timeline


def rank(numbers: BitMap, number: int) -> int:
    """How many members are at or before ``number``."""
    return int(numbers.rank(number)) if number > 0 else 0


def select(numbers: BitMap, position: int) -> int:
    """The member at a 0-based position.

    Raises:
        IndexError: there is no such member.
    """
    if not 0 <= position < len(numbers):
        raise IndexError(position)
    return int(numbers[position])


def following(numbers: BitMap, number: int) -> int | None:
    """The nearest member after ``number``, or None."""
    try:
        return int(numbers.next_set_bit(max(0, number + 1)))
    except ValueError:  # how the bitmap says "none"
        return None


def preceding(numbers: BitMap, number: int) -> int | None:
    """The nearest member before ``number``, or None."""
    position = rank(numbers, number - 1)
    return int(numbers[position - 1]) if position else None


def at_or_before(numbers: BitMap, number: int) -> int:
    """The last member at or before ``number``, or 0."""
    position = rank(numbers, number)
    return int(numbers[position - 1]) if position else 0


def nearest_forward(numbers: BitMap, number: int) -> int:
    """``number`` itself if it is a member, else the next one, else the last one before it, else 0."""
    if number in numbers:
        return number
    ahead = following(numbers, number)
    return at_or_before(numbers, number) if ahead is None else ahead


def moved(numbers: BitMap, number: int, steps: int) -> int:
    """The place ``steps`` members after (or, when negative, before) ``number``, clamped to 0 and the last member."""
    position = rank(numbers, number) + steps
    if steps < 0 and number > 0 and number not in numbers:
        position += 1
    if position <= 0:
        return 0
    return int(numbers[min(position, len(numbers)) - 1]) if numbers else 0


def involving(timeline: Timeline, state: int, numbers: BitMap) -> BitMap:
    """The members at which a state was added, removed or entered again, or was called (even if in vain)."""
    return (timeline.changed(state) | timeline.called(state)) & numbers


def machine_time_position(timeline: Timeline, machine_time: int) -> int:
    """The first transition after which the machine time is ``machine_time``, or else the last one with a lower one."""
    low, high = 0, timeline.count
    while low < high:  # first number whose machine time is not lower
        middle = (low + high) // 2
        if timeline.machine_time(middle) < machine_time:
            low = middle + 1
        else:
            high = middle
    return low if low == 0 or timeline.machine_time(low) <= machine_time else low - 1
