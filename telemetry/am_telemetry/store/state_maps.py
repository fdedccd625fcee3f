"""When the states of a machine were what, as bitmaps that are unpacked when somebody asks for a state."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Final, Self

from pyroaring import BitMap

_HEAD: Final = Struct("<B4I")
"""Which bitmaps are written as differences, and the lengths of all."""
_DOUBLED_DIFFERS: Final = 1
_CALLED_DIFFERS: Final = 2


@dataclass(slots=True)
class StateMaps:
    """When one state was what. Numbers of transitions."""

    active: BitMap = field(default_factory=BitMap)
    changed: BitMap = field(default_factory=BitMap)
    doubled: BitMap = field(default_factory=BitMap)
    called: BitMap = field(default_factory=BitMap)
    irregular: list[tuple[int, int]] = field(default_factory=list)
    """(number, cumulated ticks beyond changed + doubled); only for recordings with lost or rewritten ticks."""

    def ticks_until(self, number: int) -> int:
        """The ticks that the state gained in the kept transitions up to one."""
        total = int(self.changed.rank(number)) + int(self.doubled.rank(number))
        if self.irregular:
            position = bisect_right(self.irregular, number, key=_number)
            if position:
                total += self.irregular[position - 1][1]
        return total

    def cut(self, first: int, last: int) -> None:
        """Take numbers away, and with number 1 also the moment before it."""
        for numbers in (self.changed, self.doubled, self.called):
            numbers.remove_range(first, last + 1)
        self.active.remove_range(first if first > 1 else 0, last + 1)
        if self.irregular:
            left: list[tuple[int, int]] = []
            before = total = 0
            for number, cumulated in self.irregular:
                if not first <= number <= last:
                    total += cumulated - before
                    left.append((number, total))
                before = cumulated
            self.irregular = left

    def pack(self) -> bytes:
        """The bitmaps as bytes. What is irregular is not part of it."""
        changed = pack(self.changed)
        # Most states are called when they change, and those that can be doubled mostly are.
        doubled, doubled_differs = _shorter(self.doubled, self.changed)
        called, called_differs = _shorter(self.called, self.changed)
        flags = doubled_differs * _DOUBLED_DIFFERS | called_differs * _CALLED_DIFFERS
        parts = (pack(self.active), changed, doubled, called)
        return b"".join((_HEAD.pack(flags, *map(len, parts)), *parts))

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """The bitmaps that were packed."""
        flags, *lengths = _HEAD.unpack_from(content)
        at = _HEAD.size
        maps = []
        for length in lengths:
            maps.append(unpack(content[at : at + length]))
            at += length
        active, changed, doubled, called = maps
        if flags & _DOUBLED_DIFFERS:
            doubled ^= changed
        if flags & _CALLED_DIFFERS:
            called ^= changed
        return cls(active, changed, doubled, called)


NOTHING: Final = StateMaps()
"""Of all states to which nothing has happened, so that idle machines take little. Never written to."""


class AllStates:
    """The maps of all states of a machine, by index."""

    __slots__ = ("_maps", "_packed", "_size")

    def __init__(self, size: int = 0) -> None:
        self._size = size
        self._maps: dict[int, StateMaps] = {}
        self._packed: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[StateMaps]:
        return map(self.__getitem__, range(self._size))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AllStates) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it is compared by contents, and not a key

    def __getitem__(self, state: int) -> StateMaps:
        """The maps of a state. Do not modify.

        Raises:
            IndexError: there is no such state.
        """
        maps = self._maps.get(state)
        if maps is not None:
            return maps
        if not 0 <= state < self._size:
            raise IndexError(state)
        packed = self._packed.get(state)
        if packed is None:  # or another thread has just unpacked it
            return self._maps.get(state, NOTHING)
        made = StateMaps.unpack(packed[0])
        made.irregular = packed[1]
        maps = self._maps.setdefault(state, made)
        self._packed.pop(state, None)
        return maps

    def own(self, state: int) -> StateMaps:
        """The maps of a state, to be modified."""
        maps = self._maps.get(state) or self[state]
        return self._maps.setdefault(state, StateMaps()) if maps is NOTHING else maps

    def grow(self, size: int) -> None:
        """Have that many states at least."""
        self._size = max(size, self._size)

    def cut(self, first: int, last: int) -> None:
        """Take numbers of transitions away."""
        for state in [*self._packed, *self._maps]:
            self[state].cut(first, last)

    def pack(self) -> list[tuple[int, bytes, list[tuple[int, int]]]]:
        """(state, bitmaps as bytes, what is irregular) of all states to which something has happened."""
        packed = [(state, content, irregular) for state, (content, irregular) in self._packed.items()]
        return sorted([*packed, *((state, maps.pack(), maps.irregular) for state, maps in self._maps.items())])

    def put(self, state: int, content: bytes, irregular: list[tuple[int, int]]) -> None:
        """Take over the maps of a state as they were packed. The content must be that of ``pack``, unharmed."""
        self._packed[state] = (content, irregular)


def pack(bitmap: BitMap) -> bytes:
    """A bitmap as bytes."""
    if not bitmap:
        return b""
    compact = bitmap.copy()
    compact.run_optimize()
    content: bytes = compact.serialize()
    return content


def unpack(content: bytes) -> BitMap:
    """The bitmap that was packed."""
    return BitMap.deserialize(content) if content else BitMap()


def _shorter(bitmap: BitMap, changed: BitMap) -> tuple[bytes, bool]:
    plain, differs = pack(bitmap), pack(bitmap ^ changed)
    return (differs, True) if len(differs) < len(plain) else (plain, False)


def _number(row: tuple[int, int]) -> int:
    return row[0]
