"""Columns of long recordings: a few bytes per transition, in memory as in the file, so that loading them is copying.

Entries are counted from 0. One thread appends; any number may read entries that were published before.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, islice
from operator import eq, le, sub
from struct import Struct
from typing import Final, Self

BLOCK: Final = 256
"""Entries of a block."""
_BLOCK_HEAD: Final = Struct("<Bqq")
"""Bytes per difference, the first moment, the least difference."""
_PLAIN: Final = 8
"""Instead of bytes per difference: all moments follow as they are."""
_TIMES_HEAD: Final = Struct("<QQB")
_CODES_HEAD: Final = Struct("<BIQ")
_KEPT_BLOCKS: Final = 1_024
_CODE_TYPES: Final = ((1 << 8, "B"), (1 << 16, "H"), (1 << 32, "I"))


class Times:
    """Moments, mostly ascending: 256 of them are a block of the first one and differences, as narrow as these permit.

    Blocks are unpacked when somebody looks into them; those of all columns that were looked at last are kept.
    """

    __slots__ = ("_blocks", "_high", "_highs", "_skip", "_tail", "ordered")

    def __init__(self, values: Sequence[int] = ()) -> None:
        self.ordered = True
        """Whether no moment is earlier than one before it."""
        self._blocks: list[bytes] = []
        self._highs = array("q")
        """The latest moment up to the end of each block."""
        self._tail: tuple[int, array[int]] = (0, array("q"))
        """Where it begins, and the entries behind the last block. Replaced once blocks are made of it."""
        self._high: int | None = None
        self._skip = 0
        """How many entries of the first block were cut off."""
        self.extend(values)

    def __len__(self) -> int:
        start, tail = self._tail
        return start + len(tail) - self._skip

    def __getitem__(self, place: int) -> int:
        """An entry; the last one is also -1, and so on."""
        start, tail = self._tail
        at = place + self._skip if place >= 0 else place + start + len(tail)
        if at < self._skip:
            raise IndexError(place)
        return tail[at - start] if at >= start else _unpacked(self._blocks[at // BLOCK])[at % BLOCK]

    def __iter__(self) -> Iterator[int]:
        _, tail = self._tail
        return islice(chain(chain.from_iterable(map(_unpacked, self._blocks)), tail), self._skip, None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Times) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it is compared by contents, and not a key

    def extend(self, values: Sequence[int]) -> None:
        """Append moments, nanoseconds that fit 64 bits.

        Raises:
            OverflowError: one does not fit.
        """
        if not values:
            return
        fresh = array("q", values)
        if self.ordered:
            last = self[-1] if len(self) else fresh[0]
            self.ordered = all(map(le, chain((last,), fresh), fresh))
        start, tail = self._tail
        tail.extend(fresh)
        full = len(tail) - len(tail) % BLOCK
        if not full:
            return
        for begin in range(0, full, BLOCK):
            block = tail[begin : begin + BLOCK]
            highest = block[-1] if self.ordered else max(block)
            self._high = highest if self._high is None else max(self._high, highest)
            self._blocks.append(_packed(block))
            self._highs.append(self._high)
        self._tail = (start + full, tail[full:])

    def until(self, at_ns: int) -> int:
        """How many entries begin the column of which none is later than a moment, or stands behind a later one."""
        start, tail = self._tail
        blocks = start // BLOCK
        block = bisect_right(self._highs, at_ns, 0, blocks)
        values: Sequence[int] = _unpacked(self._blocks[block]) if block < blocks else tail
        if not self.ordered:
            values = list(accumulate(values, max))
        return max(0, block * BLOCK + bisect_right(values, at_ns) - self._skip)

    def cut(self, first: int, end: int) -> None:
        """Take out the entries from ``first`` to before ``end``. Quick at the beginning of ordered columns."""
        start, tail = self._tail
        gone = self._skip + end
        if first == 0 and self.ordered and gone <= start:
            blocks = gone // BLOCK
            self._skip = gone % BLOCK
            self._blocks, self._highs = self._blocks[blocks:], self._highs[blocks:]
            self._tail = (start - blocks * BLOCK, tail)
        else:
            left = array("q", self)
            del left[first:end]
            anew = Times(left)
            self.ordered, self._skip, self._high = anew.ordered, anew._skip, anew._high
            self._blocks, self._highs, self._tail = anew._blocks, anew._highs, anew._tail

    def dump(self) -> bytes:
        """The column as bytes."""
        start, tail = self._tail
        return b"".join(
            (
                _TIMES_HEAD.pack(start + len(tail), self._skip, self.ordered),
                _bytes(self._highs),
                *self._blocks,
                _bytes(tail),
            )
        )

    @classmethod
    def load(cls, content: memoryview) -> Self:
        """The column that was dumped.

        Raises:
            ValueError: these bytes are none.
        """
        _check(len(content) >= _TIMES_HEAD.size)
        count, skip, ordered = _TIMES_HEAD.unpack_from(content)
        blocks = count // BLOCK
        times = cls()
        times.ordered, times._skip = bool(ordered), skip
        at = _TIMES_HEAD.size
        times._highs = _array("q", content[at : at + 8 * blocks])
        at += 8 * blocks
        for _ in range(blocks):
            _check(at < len(content) and content[at] <= _PLAIN)
            end = at + _BLOCK_HEAD.size + content[at] * (BLOCK if content[at] == _PLAIN else BLOCK - 1)
            _check(end <= len(content))
            times._blocks.append(bytes(content[at:end]))
            at = end
        tail = _array("q", content[at:])
        _check(len(times._highs) == blocks and len(tail) == count % BLOCK and skip <= min(count, BLOCK))
        times._tail = (blocks * BLOCK, tail)
        times._high = times._highs[-1] if blocks else None
        return times


class Codes:
    """Numbers that repeat, as small codes into a table of the distinct ones, each of which has a weight."""

    __slots__ = ("_codes", "_ids", "_places", "_skip", "_sums", "_weights")

    def __init__(self) -> None:
        self._ids = array("q")
        self._weights = array("q")
        """By code."""
        self._places: dict[int, int] = {}
        self._codes = array("B")
        self._sums = array("q", (0,))
        """What all entries before each block weigh."""
        self._skip = 0
        """How many entries of the first block were cut off."""

    def __len__(self) -> int:
        return len(self._codes) - self._skip

    def __getitem__(self, place: int) -> int:
        return self._ids[self._codes[place + self._skip]]

    def __iter__(self) -> Iterator[int]:
        return map(self._ids.__getitem__, islice(self._codes, self._skip, None))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Codes)
            and len(self) == len(other)
            and all(map(eq, self, other))
            and self.weight(len(self)) == other.weight(len(other))
        )

    __hash__ = None  # type: ignore[assignment]  # it is compared by contents, and not a key

    @property
    def distinct(self) -> set[int]:
        """All numbers that occur; also some that occurred before a cut, until the column was saved and loaded."""
        return set(self._ids)

    def extend(self, values: Sequence[int], weights: Mapping[int, int]) -> None:
        """Append numbers.

        Args:
            values: the numbers.
            weights: what each of them weighs from now on, in 64 bits.
        """
        for value, weight in weights.items():
            code = self._places.get(value)
            if code is None or self._weights[code] != weight:
                self._learn(value, weight)
        self._codes.extend(map(self._places.__getitem__, values))
        self._weigh()

    def among(self, values: Container[int], start: int, end: int) -> Iterator[bool]:
        """For each entry from ``start`` to before ``end``, whether it is one of some numbers."""
        known = [value in values for value in self._ids]
        return map(known.__getitem__, islice(self._codes, self._skip + start, self._skip + end))

    def weight(self, count: int) -> int:
        """What the first ``count`` entries weigh together."""
        return self._weight(self._skip + count) - self._weight(self._skip)

    def cut(self, first: int, end: int) -> None:
        """Take out the entries from ``first`` to before ``end``."""
        if first == 0:
            blocks, self._skip = divmod(self._skip + end, BLOCK)
            del self._codes[: blocks * BLOCK], self._sums[:blocks]
        else:
            del self._codes[self._skip + first : self._skip + end]
            del self._sums[1 + (self._skip + first) // BLOCK :]
            self._weigh()

    def dump(self) -> bytes:
        """The column as bytes, with no more in its table than occurs."""
        used = sorted(set(self._codes))
        if self._skip or len(used) < len(self._ids):
            return self._compact().dump()
        head = _CODES_HEAD.pack(self._codes.itemsize, len(self._ids), len(self._codes))
        return b"".join((head, *map(_bytes, (self._ids, self._weights, self._sums, self._codes))))

    @classmethod
    def load(cls, content: memoryview) -> Self:
        """The column that was dumped.

        Raises:
            ValueError: these bytes are none.
        """
        _check(len(content) >= _CODES_HEAD.size)
        width, size, count = _CODES_HEAD.unpack_from(content)
        made = cls()
        at = _CODES_HEAD.size
        columns = []
        for length in (size, size, 1 + count // BLOCK):
            columns.append(_array("q", content[at : at + 8 * length]))
            _check(len(columns[-1]) == length)
            at += 8 * length
        made._ids, made._weights, made._sums = columns
        made._places = {value: code for code, value in enumerate(made._ids)}
        made._codes = codes = _array(_code_type(size), content[at:])
        _check(width == codes.itemsize and len(codes) == count)
        if width == 1:  # of wider ones it would take long, and checksums are compared elsewhere
            _check(not codes.tobytes().translate(None, bytes(range(size))))
        return made

    def _compact(self) -> Codes:
        made = Codes()
        codes = self._codes[self._skip :]
        places: dict[int, int] = {}
        for code in sorted(set(codes)):
            places[code] = len(made._ids)
            made._ids.append(self._ids[code])
            made._weights.append(self._weights[code])
        made._places = {value: code for code, value in enumerate(made._ids)}
        made._codes = array(_code_type(len(places)), map(places.__getitem__, codes))
        made._weigh()
        return made

    def _learn(self, value: int, weight: int) -> None:
        """Note a number, or that it weighs something else from now on: then it is another entry of the table."""
        self._places[value] = len(self._ids)
        self._ids.append(value)
        self._weights.append(weight)
        if len(self._ids) > 1 << 8 * self._codes.itemsize:
            self._codes = array(_code_type(len(self._ids)), self._codes)

    def _weigh(self) -> None:
        for block in range(len(self._sums) - 1, len(self._codes) // BLOCK):
            codes = self._codes[block * BLOCK : (block + 1) * BLOCK]
            self._sums.append(self._sums[-1] + sum(map(self._weights.__getitem__, codes)))

    def _weight(self, end: int) -> int:
        block = end // BLOCK
        return self._sums[block] + sum(map(self._weights.__getitem__, self._codes[block * BLOCK : end]))


def _packed(block: array[int]) -> bytes:
    differences = list(map(sub, block[1:], block))
    lowest = min(differences)
    low = min(0, lowest)
    width = ((max(differences) - low).bit_length() + 7) // 8
    if width >= _PLAIN:
        return _BLOCK_HEAD.pack(_PLAIN, 0, 0) + _bytes(block)
    raw = _bytes(array("q", [difference - low for difference in differences] if low else differences))
    # All lowest bytes first, then those above them; of the highest ones, which are 0, none.
    return _BLOCK_HEAD.pack(width, block[0], low) + b"".join([raw[byte::8] for byte in range(width)])


@lru_cache(maxsize=_KEPT_BLOCKS)
def _unpacked(block: bytes) -> array[int]:
    width, first, low = _BLOCK_HEAD.unpack_from(block)
    if width == _PLAIN:
        return _array("q", memoryview(block)[_BLOCK_HEAD.size :])
    size, at = BLOCK - 1, _BLOCK_HEAD.size
    raw = bytearray(8 * size)
    for byte in range(width):
        raw[byte::8] = block[at : at + size]
        at += size
    differences: Iterable[int] = _array("q", memoryview(raw))
    if low:
        differences = [difference + low for difference in differences]
    return array("q", accumulate(differences, initial=first))


def _code_type(size: int) -> str:
    return next(code_type for limit, code_type in _CODE_TYPES if size <= limit)


def _bytes(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values.tobytes()


def _array(code_type: str, content: memoryview) -> array[int]:
    values: array[int] = array(code_type)
    values.frombytes(content)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError("the column is incomplete")
