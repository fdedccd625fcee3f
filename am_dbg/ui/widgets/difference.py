"""Which columns of a row have to be drawn again."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

WORTH_SKIPPING = 10
"""Equal columns between two changes that cost more to send than to jump over."""

_Cell = tuple[str, Style | None]


def changed_columns(before: Strip, after: Strip) -> list[tuple[int, int]]:
    """First column and number of columns of each part that differs between two states of a row of the same width."""
    old, new = _cells(before), _cells(after)
    if len(old) != len(new):
        return [(0, max(len(old), len(new)))]
    parts: list[tuple[int, int]] = []
    for column, (one, other) in enumerate(zip(old, new, strict=True)):
        if one == other:
            continue
        if parts and column - sum(parts[-1]) < WORTH_SKIPPING:
            parts[-1] = (parts[-1][0], column + 1 - parts[-1][0])
        else:
            parts.append((column, 1))
    return parts


def _cells(strip: Strip) -> list[_Cell]:
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
