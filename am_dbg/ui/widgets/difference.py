"""Which columns of a row have to be drawn again."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

WORTH_SKIPPING = 10
"""Equal columns between two changes that cost more to send than to jump over."""

_Cell = tuple[str, Style | None]


def changed_columns(before: Strip, after: Strip) -> list[tuple[int, int]]:
    """First column and number of columns of each part that differs between two states of a row of the same width."""
    equal, ours, others = _without_equal_ends(list(before), list(after))
    old, new = _cells(ours), _cells(others)
    if len(old) != len(new):
        return [(0, max(before.cell_length, after.cell_length))]
    parts: list[tuple[int, int]] = []
    for column, (one, other) in enumerate(zip(old, new, strict=True), len(_cells(equal))):
        if one == other:
            continue
        if parts and column - sum(parts[-1]) < WORTH_SKIPPING:
            parts[-1] = (parts[-1][0], column + 1 - parts[-1][0])
        else:
            parts.append((column, 1))
    return parts


_Segments = list[Segment]


def _without_equal_ends(before: _Segments, after: _Segments) -> tuple[_Segments, _Segments, _Segments]:
    """The segments at the beginning that are equal, and what differs of both before those that are equal at the end."""
    shorter = min(len(before), len(after))
    first = 0
    while first < shorter and before[first] == after[first]:
        first += 1
    # What begins a segment may belong to the character before it, unless it is a plain one.
    if first and not all(segments[first].text[:1].isascii() for segments in (before, after) if first < len(segments)):
        first -= 1
    end = 0
    while end < shorter - first and before[-1 - end] == after[-1 - end]:
        end += 1
    return before[:first], before[first : len(before) - end], after[first : len(after) - end]


def _cells(strip: Iterable[Segment]) -> list[_Cell]:
    """One entry per column; a wide character is followed by an empty one and belongs to it."""
    cells: list[_Cell] = []
    for segment in strip:
        style = segment.style
        if segment.text.isascii():
            cells += [(char, style) for char in segment.text]
            continue
        for char in segment.text:
            size = cell_len(char)
            if size == 0 and cells:
                cells[-1] = (cells[-1][0] + char, cells[-1][1])
            else:
                # Both columns carry the character, so that a difference in either redraws it as a whole.
                cells += [(char if size < 2 else f"{char}{part}", style) for part in range(size)]
    return cells
