"""Which columns of a row have to be drawn again."""

from __future__ import annotations

from rich.cells import cell_len

from am_dbg.viewmodels.spans import Line, Role

_Cell = tuple[str, Role, bool, bool, bool]


def changed_columns(before: Line, after: Line, width: int) -> tuple[int, int]:
    """First column and number of columns that differ between two states of a row of ``width`` columns."""
    old, new = _cells(before), _cells(after)
    head = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        head += 1
    if head == len(old) == len(new):
        return 0, 0
    start = cell_len("".join(cell[0] for cell in new[:head]))
    old_rest, new_rest = old[head:], new[head:]
    if _width(old_rest) != _width(new_rest):
        return start, width - start
    tail = 0
    for one, other in zip(reversed(old_rest), reversed(new_rest), strict=False):
        if one != other:
            break
        tail += 1
    return start, _width(new_rest[: len(new_rest) - tail])


def _cells(line: Line) -> list[_Cell]:
    return [(char, span.role, span.bold, span.underline, span.reverse) for span in line for char in span.text]


def _width(cells: list[_Cell]) -> int:
    return cell_len("".join(cell[0] for cell in cells))
