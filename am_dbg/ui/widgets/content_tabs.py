"""The panes that share the place on the right, as tabs in their titles."""

from __future__ import annotations

from typing import Final

from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.session_view import tab, widest
from am_dbg.viewmodels.spans import Line, Span

CONTENT_PANES: Final = (Pane.LOG, Pane.MATRIX, Pane.RAIN, Pane.READER)
_NAMES: Final = {Pane.LOG: "Log", Pane.MATRIX: "Matrix", Pane.RAIN: "Rain", Pane.READER: "Reader"}


def content_title(pane: Pane, own: Line, width: int) -> Line:
    """A pane's own title between the names of the other ones, which are left out where there is no room."""
    before: list[Span] = []
    after: list[Span] = []
    for other in CONTENT_PANES:
        if other is pane:
            continue
        place = before if CONTENT_PANES.index(other) < CONTENT_PANES.index(pane) else after
        place += [tab(_NAMES[other], other), Span("  ")] if place is before else [Span("  "), tab(_NAMES[other], other)]
    whole: Line = (*before, *own, *after)
    without_last = whole if pane is Pane.READER else (*before, *own, *after[:-2])
    return widest(width, whole, without_last, own)
