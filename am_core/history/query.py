"""Questions to a history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from am_core.history.errors import ConditionError
from am_core.history.records import Record, to_ns

Range = tuple[int | None, int | None]
"""From and to, both included; None leaves an end open."""
TimeRange = tuple[datetime | None, datetime | None]
Names = Iterable[str]

STATES: Final = ("active", "activated", "inactive", "deactivated")
SUMS: Final = (
    "mtime_sum", "mtime_tracked_sum", "mtime_diff_sum", "mtime_tracked_diff_sum", "mtime_record_diff_sum",
    "machine_tick",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions on records, all of which have to hold. Without any it finds everything.

    ``Query(activated=["Ready"], human_time=(yesterday, None), mtime_sum=(10, 20))``

    Ranges include both ends, and None leaves an end open. Raises :class:`ConditionError` for values of other types.
    """

    active: Names = ()
    """States that are active after the transition."""
    activated: Names = ()
    """States that are active after the transition, and were not in the record before."""
    inactive: Names = ()
    """States that are inactive after the transition."""
    deactivated: Names = ()
    """States that are inactive after the transition, and were active in the record before."""
    human_time: TimeRange | None = None
    """When the transition ended; with time zones."""
    mtime: Mapping[str, Range] = field(default_factory=dict)
    """Ticks of single states."""
    mtime_sum: Range | None = None
    mtime_tracked_sum: Range | None = None
    mtime_diff_sum: Range | None = None
    mtime_tracked_diff_sum: Range | None = None
    mtime_record_diff_sum: Range | None = None
    machine_tick: Range | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in STATES:
            value = getattr(self, name)
            if isinstance(value, str):
                raise ConditionError(f"{name} is the text {value!r}, a list of names was expected")
            put(self, name, tuple(dict.fromkeys(value)))
        put(self, "mtime", {state: _checked(f"mtime of {state}", pair) for state, pair in self.mtime.items()})
        for name in SUMS:
            pair = getattr(self, name)
            if pair is not None:
                put(self, name, _checked(name, pair))
        if self.human_time is not None:
            _pair("human_time", self.human_time)
            for moment in self.human_time:
                if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
                    raise ConditionError(f"human_time has {moment!r}, a datetime with a time zone was expected")

    def states(self) -> list[str]:
        """Every state that a condition names."""
        named = [name for condition in STATES for name in getattr(self, condition)]
        return list(dict.fromkeys([*named, *self.mtime]))

    def check(self, tracked: Names, machine_id: str) -> None:
        """Raise :class:`ConditionError` listing the states that are not tracked."""
        known = list(tracked)
        missing = [name for name in self.states() if name not in known]
        if missing:
            near = [hit for name in missing for hit in get_close_matches(name, known, 1)]
            hint = f"did you mean {', '.join(near)}?" if near else f"tracked are {', '.join(known)}"
            raise ConditionError(f"{', '.join(missing)} not tracked by the history of {machine_id}; {hint}")

    def ranges(self) -> Iterator[tuple[str, Range]]:
        """Fields of a record that are numbers, with the range they have to be in."""
        if self.human_time is not None:
            yield "human_time_ns", ns_range(self.human_time)
        for name in SUMS:
            pair: Range | None = getattr(self, name)
            if pair is not None:
                yield name, pair

    def matches(self, record: Record) -> bool:
        """Whether all conditions hold for a record."""
        return (
            all(_odd(record, state) is True for state in self.active)
            and all(_odd(record, state) is False for state in self.inactive)
            and all(state in record.activated for state in self.activated)
            and all(state in record.deactivated for state in self.deactivated)
            and all(_within(record.tick(state), pair) for state, pair in self.mtime.items())
            and all(_within(getattr(record, name), pair) for name, pair in self.ranges())
        )


def ns_range(pair: TimeRange) -> Range:
    """A range of moments in nanoseconds; the last microsecond is included as a whole."""
    start, end = pair
    return None if start is None else to_ns(start), None if end is None else to_ns(end) + 999


def _odd(record: Record, state: str) -> bool | None:
    tick = record.tick(state)
    return None if tick is None else tick % 2 == 1


def _within(value: int | None, pair: Range) -> bool:
    start, end = pair
    return value is not None and (start is None or start <= value) and (end is None or value <= end)


def _pair(name: str, pair: object) -> None:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ConditionError(f"{name} is {pair!r}, a pair (from, to) was expected; None leaves an end open")


def _checked(name: str, pair: Range) -> Range:
    _pair(name, pair)
    for end in pair:
        if end is not None and (not isinstance(end, int) or isinstance(end, bool)):
            raise ConditionError(f"{name} has {end!r}, a whole number or None was expected")
    return pair
