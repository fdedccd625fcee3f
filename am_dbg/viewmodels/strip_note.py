"""What one cell of the density strip stands for, in words."""

from __future__ import annotations

from typing import Final

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, thousands, time_of_day
from am_dbg.viewmodels.bookmark_rows import said
from am_dbg.viewmodels.spans import cut
from am_dbg.viewmodels.strip import BOOKMARK, Cell

_BOOKMARKS_MOST: Final = 3
_CELLS_MOST: Final = 60


def note(session: SessionView, cell: Cell) -> str:
    """``#12 to #18: 7 transitions in 2.1 s``, when, what went wrong, and bookmarks; a line each.

    Args:
        session: with the selected machine that the cell is about.
        cell: of its strip.
    """
    timeline = session.timeline
    if timeline is None:
        return ""

    def count(numbers: BitMap) -> int:
        shown = numbers & session.visible
        return navigation.rank(shown, cell.last) - navigation.rank(shown, cell.first - 1)

    begin, end = timeline.at(cell.first), timeline.at(cell.last)
    if cell.first == cell.last:
        lines = [f"#{thousands(cell.first)}", time_of_day(begin)]
    else:
        total = thousands(count(session.visible))
        lines = [
            f"#{thousands(cell.first)} to #{thousands(cell.last)}: {total} transitions in {duration(end - begin)}",
            f"{time_of_day(begin)[:12]} to {time_of_day(end)[:12]}",
        ]
    bad = [
        f"{thousands(found)} {what}"
        for found, what in (
            (count(timeline.errors | timeline.broken), "with errors"),
            (count(timeline.canceled - timeline.refused_auto), "canceled"),
            (sum(lost for at, lost in timeline.gaps.items() if cell.first <= at <= cell.last), "lost"),
        )
        if found
    ]
    if bad:
        lines.append(", ".join(bad))
    marks = [
        mark
        for mark in session.bookmarks
        if mark.machine_id == session.machine_id and cell.first <= mark.number <= cell.last
    ]
    for mark in marks[:_BOOKMARKS_MOST]:
        lines.append(cut(f"{BOOKMARK} #{thousands(mark.number)} {said(mark)}".rstrip(), _CELLS_MOST))
    return "\n".join(lines)
