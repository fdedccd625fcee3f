"""The density strip: all visible transitions of the machine in one row of cells.

A cell stands for a run of consecutive visible transitions. Its height tells how fast they followed each other
(logarithmic), ``⚑`` a bookmark among them, ``◆`` the mark, ``✕`` an error, ``?`` that transitions were lost there,
``c`` a canceled one, ``⋯`` at the beginning that retention has removed earlier ones, and ``┃`` the cursor. Cost: a few
bitmap look-ups per cell, whatever the length of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from math import log
from typing import Final, Literal

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.view import SessionView
from am_dbg.viewmodels.spans import Line, Role, Span
from am_telemetry.store.timeline import Timeline

BARS: Final = "▁▂▃▄▅▆▇█"
ERROR_MARK: Final = "✕"
LOST_MARK: Final = "?"
CANCELED_MARK: Final = "c"
CURSOR_MARK: Final = "┃"
BOOKMARK: Final = "⚑"
MARK: Final = "◆"

REMOVED_MARK: Final = "⋯"

CellMark = Literal["", "mark", "bookmark", "error", "lost", "canceled", "removed"]

_MARKS: Final[dict[CellMark, tuple[str, Role]]] = {
    "mark": (MARK, Role.KEY),
    "bookmark": (BOOKMARK, Role.KEY),
    "error": (ERROR_MARK, Role.ERROR),
    "lost": (LOST_MARK, Role.ERROR_RECENT),
    "canceled": (CANCELED_MARK, Role.CANCELED),
    "removed": (REMOVED_MARK, Role.DIM),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """``height`` 1 to 8; ``first`` and ``last`` are transition numbers, ``problem`` the one a mark points at or 0."""

    height: int
    first: int
    last: int
    mark: CellMark = ""
    problem: int = 0


@dataclass(frozen=True, slots=True)
class Strip:
    """The cells, and the exact mapping between them and transitions. Cells are counted from 0."""

    visible: BitMap
    cells: tuple[Cell, ...]
    """At most as many as there are visible transitions; the rest of the width stays empty."""
    width: int

    def cell_of(self, number: int) -> int | None:
        """The cell of a transition, or of the last visible one before it; None before the first one."""
        rank = navigation.rank(self.visible, number)
        total = len(self.visible)
        return (min(rank, total) - 1) * len(self.cells) // total if rank and self.cells else None

    def number_of(self, cell: int) -> int:
        """Where a click on a cell leads; 0 when there is nothing.

        To the transition that the mark points at; else to the last transition on the last cell, else to the first one
        of the cell. Clicks beyond the ends count as on the outermost cell.
        """
        if not self.cells:
            return 0
        place = max(0, min(cell, len(self.cells) - 1))
        chosen = self.cells[place]
        return chosen.problem or (chosen.last if place == len(self.cells) - 1 else chosen.first)

    def line(self, number: int) -> Line:
        """The row with the cursor at a transition, ``width`` cells wide."""
        at = self.cell_of(number)
        drawn = [_draw(cell, place == at) for place, cell in enumerate(self.cells)]
        spans = [Span("".join(c for c, *_ in run), *style) for style, run in _runs(drawn)]
        rest = self.width - len(self.cells)
        return (*spans, Span(" " * rest)) if rest > 0 else tuple(spans)


def build(session: SessionView, width: int) -> Strip:
    """The strip of the selected machine in ``width`` cells. Valid until new transitions come or filters change."""
    timeline = session.timeline
    visible = session.visible
    count = min(width, len(visible))
    if timeline is None or count <= 0:
        return Strip(visible, (), max(0, width))
    total = len(visible)
    # Cell c holds the 0-based ranks r with r * count // total == c.
    firsts = [-(-cell * total // count) for cell in range(count + 1)]
    numbers = [(visible[firsts[c]], visible[firsts[c + 1] - 1]) for c in range(count)]
    heights = _heights(timeline, firsts, numbers)
    cells: list[Cell] = []
    marked, bookmarked = (_Marks(_places(visible, places), visible) for places in _marked(session))
    errors = _Marks(timeline.errors | timeline.broken, visible)
    lost = _Marks(_behind_gaps(timeline, visible), visible)
    canceled = _Marks(timeline.canceled - timeline.refused_auto, visible)
    for height, (first, last) in zip(heights, numbers, strict=True):
        mark: CellMark = ""
        if problem := marked.within(first, last):
            mark = "mark"
        elif problem := bookmarked.within(first, last):
            mark = "bookmark"
        elif problem := errors.within(first, last):
            mark = "error"
        elif problem := lost.within(first, last):
            mark = "lost"
        elif problem := canceled.within(first, last):
            mark = "canceled"
        if not cells and timeline.first > 1 and mark in ("", "canceled"):
            mark, problem = "removed", 0
        cells.append(Cell(height, first, last, mark, problem))
    return Strip(visible, tuple(cells), width)


def _marked(session: SessionView) -> tuple[list[int], list[int]]:
    """The mark, and the bookmarks of the selected machine."""
    mark = session.mark
    marks = [mark.number] if mark is not None and mark.machine_id == session.machine_id else []
    return marks, [bookmark.number for bookmark in session.bookmarks if bookmark.machine_id == session.machine_id]


def _places(visible: BitMap, numbers: Iterable[int]) -> BitMap:
    """Where some places are drawn: on the last visible transition until then, or else on the first one."""
    return BitMap(navigation.at_or_before(visible, number) or int(visible[0]) for number in numbers)


def _behind_gaps(timeline: Timeline, visible: BitMap) -> BitMap:
    """For each hole the next visible transition, or the last one where none follows."""
    last = navigation.at_or_before(visible, timeline.count)
    return BitMap(navigation.following(visible, number - 1) or last for number in timeline.gaps)


class _Marks:
    """The first visible member of a set inside a range."""

    def __init__(self, members: BitMap, visible: BitMap) -> None:
        self._members = members & visible
        self._next = navigation.following(self._members, 0)

    def within(self, first: int, last: int) -> int:
        """Ranges must come in ascending order."""
        if self._next is not None and self._next < first:
            self._next = navigation.following(self._members, first - 1)
        return self._next if self._next is not None and self._next <= last else 0


def _heights(timeline: Timeline, firsts: list[int], numbers: list[tuple[int, int]]) -> list[int]:
    """1 to 8 by the logarithm of transitions per time, measured from the end of one cell to the end of the next."""
    rates: list[float] = []
    before = timeline.at(numbers[0][0])
    for place, (_, last) in enumerate(numbers):
        until = timeline.at(last)
        # One microsecond is the least: clocks that stand still or run backwards must not dwarf everything else.
        rates.append(log((firsts[place + 1] - firsts[place]) / max(1_000, until - before)))
        before = until
    if len(numbers) > 1 and firsts[1] == 1:
        rates[0] = rates[1]  # a single transition has no distance to measure
    low, high = min(rates), max(rates)
    if high - low < 0.7:  # less than a factor of two is an even flow
        return [1] * len(rates)
    return [1 + round(7 * (rate - low) / (high - low)) for rate in rates]


Style = tuple[Role, bool, bool, bool]

_PLAIN: Final[Style] = (Role.ACCEPTED, False, False, False)


def _draw(cell: Cell, cursor: bool) -> tuple[str, Style]:
    if not cell.mark:
        return (CURSOR_MARK, (Role.CURSOR, True, False, False)) if cursor else (BARS[cell.height - 1], _PLAIN)
    # On a marked cell the cursor shows by reversing it, so that the mark stays readable; it is underlined, because
    # without colours marks of errors are reversed anyway.
    char, role = _MARKS[cell.mark]
    return char, (role, True, cursor, cursor)


def _runs(drawn: list[tuple[str, Style]]) -> list[tuple[Style, list[tuple[str, Style]]]]:
    return [(style, list(run)) for style, run in groupby(drawn, key=lambda item: item[1])]
