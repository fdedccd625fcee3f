"""Which transition numbers of a machine are kept, and at which place of a column each of them stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from pyroaring import BitMap


class Pieces:
    """Numbers count from 1 for ever; retention takes some away. What is left are pieces, the last of which grows.

    Columns hold the kept transitions one after the other, so a place counts from 0 without holes.

    Args:
        spans: (first, last) of all pieces but the last one, ascending.
        start: first number of the last piece, which may be one that does not exist yet.
    """

    __slots__ = ("_bounds", "_ends", "_shift", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int]] = (), start: int = 1) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._bounds: list[int] = []
        place = 0
        for first, last in spans:
            self._starts.append(first)
            self._ends.append(last)
            self._bounds.append(place)
            place += last - first + 1
        self._starts.append(start)
        self._bounds.append(place)
        self._shift = start - place

    @property
    def first(self) -> int:
        """The first number that is kept, or the next one to come when nothing is."""
        return self._starts[0]

    @property
    def last_start(self) -> int:
        """The first number of the piece that grows."""
        return self._starts[-1]

    @property
    def starts(self) -> list[int]:
        """First numbers of all pieces, ascending. Do not modify."""
        return self._starts

    @property
    def whole(self) -> bool:
        """Whether nothing was removed."""
        return self._starts == [1]

    def spans(self, last: int) -> list[tuple[int, int]]:
        """(first, last) of every piece when ``last`` is the last number; the last piece is empty where last < first."""
        return list(zip(self._starts, [*self._ends, last], strict=True))

    def place(self, number: int) -> int:
        """Where a kept number stands."""
        if number >= self._starts[-1]:
            return number - self._shift
        piece = max(0, bisect_right(self._starts, number) - 1)
        return self._bounds[piece] + number - self._starts[piece]

    def number(self, place: int) -> int:
        """The number at a place."""
        if place >= self._bounds[-1]:
            return place + self._shift
        piece = bisect_right(self._bounds, place) - 1
        return self._starts[piece] + place - self._bounds[piece]

    def floor(self, number: int) -> int:
        """The number itself when it is kept, else the last kept one before it, 0 when there is none."""
        if number >= self._starts[-1]:
            return number
        piece = bisect_right(self._starts, number) - 1
        return min(number, self._ends[piece]) if piece >= 0 else 0

    def reach(self, number: int) -> int:
        """The last of a kept number and the removed ones right behind it."""
        piece = bisect_right(self._starts, number) - 1
        if piece < 0:
            return self._starts[0] - 1
        closed = piece < len(self._ends)
        return self._starts[piece + 1] - 1 if closed and number >= self._ends[piece] else number

    def numbers(self, last: int) -> BitMap:
        """A new set of all kept numbers up to ``last``."""
        kept = BitMap()
        for first, end in self.spans(last):
            if first <= end:
                kept.add_range(first, end + 1)
        return kept

    def without(self, first: int, last: int, count: int) -> Pieces:
        """What is left when the numbers from ``first`` to ``last`` go as well.

        Args:
            first: at least 1.
            last: not smaller.
            count: the last number there is.
        """
        end = max(count, last)
        spans: list[tuple[int, int]] = []
        for begin, stop in self.spans(end):
            spans += [
                span for span in ((begin, min(stop, first - 1)), (max(begin, last + 1), stop)) if span[0] <= span[1]
            ]
        if spans and spans[-1][1] == end and last < end:
            return Pieces(spans[:-1], spans[-1][0])
        return Pieces(spans, end + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pieces) and (self._starts, self._ends) == (other._starts, other._ends)

    __hash__ = None  # type: ignore[assignment]  # it is compared by contents, and not a key
