"""Logical clocks: one tick per state, odd while the state is active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Clock = dict[str, int]
"""State name to tick."""


def is_active_tick(tick: int) -> bool:
    """Odd ticks mean active."""
    return tick % 2 == 1


def next_active_in(tick: int) -> int:
    """How many ticks until the state is activated the next time (the present activity does not count)."""
    return 2 if tick % 2 else 1


def next_inactive_in(tick: int) -> int:
    """How many ticks until the state is deactivated the next time."""
    return 1 if tick % 2 else 2


def next_active(tick: int) -> int:
    """Tick of the next activation."""
    return tick + next_active_in(tick)


def next_inactive(tick: int) -> int:
    """Tick of the next deactivation."""
    return tick + next_inactive_in(tick)


def is_time_after(first: Sequence[int], second: Sequence[int]) -> bool:
    """True when no tick of ``first`` is smaller and at least one is greater."""
    later = False
    for a, b in zip(first, second, strict=False):
        if a < b:
            return False
        later = later or a > b
    return later


class Time(tuple[int, ...]):
    """Ticks by state index. Immutable."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(map(str, self))

    def __repr__(self) -> str:
        return f"Time({list(self)})"

    def tick(self, index: int) -> int:
        """Tick at an index, 0 out of range."""
        return self[index] if 0 <= index < len(self) else 0

    def increment(self, index: int) -> Time:
        """A copy with one more tick at an index; unchanged out of range."""
        if not 0 <= index < len(self):
            return self
        return Time((*self[:index], self[index] + 1, *self[index + 1 :]))

    def add(self, other: Sequence[int]) -> Time:
        """Sum by element; unchanged when the lengths differ."""
        return Time(a + b for a, b in zip(self, other, strict=True)) if len(self) == len(other) else self

    def filter(self, indexes: Iterable[int]) -> Time:
        """The ticks at some indexes, 0 for those out of range."""
        return Time(self.tick(i) for i in indexes)

    def sum(self, indexes: Iterable[int] | None = None) -> int:
        """Sum of all ticks, or of those at some indexes."""
        return sum(self) if indexes is None else sum(self.tick(i) for i in indexes)

    def diff_since(self, before: Sequence[int]) -> Time:
        """Difference by element; zeros when the lengths differ."""
        if len(self) != len(before):
            return Time([0] * len(self))
        return Time(a - b for a, b in zip(self, before, strict=True))

    def non_zero_states(self) -> list[int]:
        """Indexes of states that have ever ticked."""
        return [i for i, tick in enumerate(self) if tick]

    def after(self, or_equal: bool, other: Sequence[int]) -> bool:
        """True when *every* shared tick is greater (or equal, with ``or_equal``)."""
        pairs = zip(self, other, strict=False)
        return all(a >= b for a, b in pairs) if or_equal else all(a > b for a, b in pairs)

    def before(self, or_equal: bool, other: Sequence[int]) -> bool:
        """True when *every* shared tick is smaller (or equal, with ``or_equal``)."""
        pairs = zip(self, other, strict=False)
        return all(a <= b for a, b in pairs) if or_equal else all(a < b for a, b in pairs)

    def equal(self, strict: bool, other: Sequence[int]) -> bool:
        """True when all shared ticks are equal; ``strict`` also compares the lengths."""
        return (not strict or len(self) == len(other)) and all(a == b for a, b in zip(self, other, strict=False))

    def is1(self, index: int) -> bool:
        """Whether a state is active; False out of range."""
        return self.tick(index) % 2 == 1

    def is_(self, indexes: Iterable[int]) -> bool:
        """Whether all are active; False for an empty list."""
        chosen = list(indexes)
        return bool(chosen) and all(map(self.is1, chosen))

    def not1(self, index: int) -> bool:
        """Whether a known state is inactive; False out of range."""
        return 0 <= index < len(self) and self[index] % 2 == 0

    def not_(self, indexes: Iterable[int]) -> bool:
        """Whether none is active; True for an empty list."""
        return not any(map(self.is1, indexes))

    def any(self, *lists: Iterable[int]) -> bool:
        """Whether one of the lists is entirely active."""
        return any(map(self.is_, lists))

    def any1(self, *indexes: int) -> bool:
        """Whether one of the states is active."""
        return any(map(self.is1, indexes))

    def active_states(self, indexes: Iterable[int] | None = None) -> list[int]:
        """Indexes of active states, out of all or of some."""
        return [i for i in (range(len(self)) if indexes is None else indexes) if self.is1(i)]

    def to_index(self, names: Sequence[str]) -> TimeIndex:
        """The same ticks with names."""
        return TimeIndex(self, names)


class TimeIndex:
    """Ticks together with the names of their states. Immutable."""

    __slots__ = ("_index", "names", "time")

    def __init__(self, time: Iterable[int], names: Sequence[str]) -> None:
        self.time = Time(time)
        self.names = tuple(names)
        self._index: Mapping[str, int] = {name: i for i, name in enumerate(self.names)}

    def state_name(self, index: int) -> str:
        """Name at an index; ``unknownN`` beyond the names."""
        return self.names[index] if 0 <= index < len(self.names) else f"unknown{index}"

    def index1(self, name: str) -> int:
        """Index of a state, -1 when it has no tick here."""
        return self._index.get(name, -1)

    def is1(self, name: str) -> bool:
        """Whether a state is active; False for unknown ones."""
        return self.time.is1(self.index1(name))

    def is_(self, names: Iterable[str]) -> bool:
        """Whether all states are active; False for an empty list and with unknown ones."""
        return self.time.is_(map(self.index1, names))

    def not_(self, names: Iterable[str]) -> bool:
        """Whether none of the states is active; unknown ones are not."""
        return self.time.not_(map(self.index1, names))

    def any1(self, *names: str) -> bool:
        """Whether one of the states is active."""
        return any(map(self.is1, names))

    def sum(self, names: Iterable[str] | None = None) -> int:
        """Sum of all ticks, or of those of some states."""
        return self.time.sum(None if names is None else map(self.index1, names))

    def filter(self, names: Iterable[str]) -> TimeIndex:
        """The ticks of some states, 0 for unknown ones."""
        chosen = list(names)
        return TimeIndex(self.time.filter(map(self.index1, chosen)), chosen)

    def non_zero_states(self) -> list[str]:
        """States that have ever ticked."""
        return [self.state_name(i) for i in self.time.non_zero_states()]

    def active_states(self, names: Iterable[str] | None = None) -> list[str]:
        """Active states in index order, or those of a subset in its order."""
        if names is not None:
            return [name for name in names if self.is1(name)]
        return [self.state_name(i) for i in self.time.active_states()]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimeIndex) and self.time == other.time and self.names == other.names

    def __hash__(self) -> int:
        return hash((self.time, self.names))

    def __str__(self) -> str:
        return " ".join(self.active_states())
