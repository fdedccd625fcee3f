"""Lines beside a list that connect pairs of its rows, drawn with box characters.

Every connection has a column of its own, except that one below another may use the same. It leaves the row it starts
at to the right, runs along its column, and ends with an arrowhead at the row it leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from am_dbg.viewmodels.spans import Line, Role, Span

_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_CHARS: Final = {
    0: " ",
    _LEFT | _RIGHT: "─",
    _UP | _DOWN: "│",
    _LEFT | _DOWN: "╮",
    _LEFT | _UP: "╯",
    _LEFT | _UP | _DOWN: "┤",
    _LEFT | _RIGHT | _DOWN: "┬",
    _LEFT | _RIGHT | _UP: "┴",
    _LEFT | _RIGHT | _UP | _DOWN: "┼",
}
ARROW: Final = "◂"


@dataclass(frozen=True, slots=True)
class Connection:
    """From one row to another, counted from the top of the list. ``drawn`` ones show, others only keep their place."""

    start: int
    end: int
    drawn: bool = True
    current: bool = False
    """Stands out from the others."""


def columns(connections: Sequence[Connection], most: int) -> list[int | None]:
    """The column of each connection, from the left; None for those beyond the ``most`` there is room for."""
    last_rows: list[int] = []
    chosen: list[int | None] = []
    for connection in connections:
        top, bottom = sorted((connection.start, connection.end))
        taken: int | None = None
        # A column is free again below everything that it holds so far.
        for column, last in enumerate(last_rows):
            if last < top:
                taken = column
                break
        if taken is None and len(last_rows) < most:
            taken = len(last_rows)
            last_rows.append(bottom)
        elif taken is not None:
            last_rows[taken] = bottom
        chosen.append(taken)
    return chosen


def beside(
    connections: Sequence[Connection], placed: Sequence[int | None], rows: Iterable[int], width: int
) -> list[Line]:
    """What stands beside some rows, ``width`` cells each: a cell for the arrowhead, then the columns."""
    return [_row(connections, placed, row, width) for row in rows]


def _row(connections: Sequence[Connection], placed: Sequence[int | None], row: int, width: int) -> Line:
    cells = [0] * max(0, width - 1)
    roles = [Role.DIM] * len(cells)
    head, head_role = " ", Role.DIM
    for connection, column in zip(connections, placed, strict=True):
        top, bottom = sorted((connection.start, connection.end))
        if column is None or not connection.drawn or column >= len(cells) or top == bottom or not top <= row <= bottom:
            continue
        role = Role.CURSOR if connection.current else Role.KEY
        if top < row < bottom:
            cells[column] |= _UP | _DOWN
        else:
            cells[column] |= _LEFT | (_DOWN if row == top else _UP)
            for crossed in range(column):
                cells[crossed] |= _LEFT | _RIGHT
                if connection.current:
                    roles[crossed] = role
            if row == connection.end:
                head, head_role = ARROW, role
            elif head == " ":
                head, head_role = "─", role
        if connection.current or roles[column] is Role.DIM:
            roles[column] = role
    drawn = [(head, head_role), *((_CHARS[cell], role) for cell, role in zip(cells, roles, strict=True))]
    return _merged(drawn[:width])


def _merged(drawn: Sequence[tuple[str, Role]]) -> Line:
    spans: list[Span] = []
    for char, role in drawn:
        if spans and spans[-1].role is role:
            spans[-1] = Span(spans[-1].text + char, role, bold=role is Role.CURSOR)
        else:
            spans.append(Span(char, role, bold=role is Role.CURSOR))
    return tuple(spans)
