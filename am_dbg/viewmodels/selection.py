"""Which states are selected, in words."""

from __future__ import annotations

from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.spans import Line, Role, Span, clean, line_width

_LEAST = 8


def selected_states(session: SessionView, cells: int) -> Line:
    """``selected Ready Start +2``: the names for which there is room, at least the first; empty without any."""
    names = session.states
    if not names:
        return ()
    spans = [Span("selected ", Role.DIM), Span(clean(names[0], max(_LEAST, cells - 14)), Role.TEXT, bold=True)]
    for place, name in enumerate(names[1:], 1):
        text = Span(f" {clean(name, 60)}", Role.TEXT, bold=True)
        left = len(names) - place
        more = Span(f" +{thousands(left)}", Role.VALUE)
        room = cells if left == 1 else cells - line_width((Span(f" +{thousands(left - 1)}"),))
        if line_width((*spans, text)) > room:
            return (*spans, more)
        spans.append(text)
    return tuple(spans)
