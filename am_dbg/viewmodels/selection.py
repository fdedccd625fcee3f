"""Which states are selected, in words."""

from __future__ import annotations

from typing import Final

from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, line_width

_LEAST: Final = 8


def selected_states(session: SessionView, cells: int) -> Line:
    """``selected Ready Start +2``: the names for which there is room, at least the first; empty without any."""
    names = session.states
    if not names:
        return ()
    head, last = Span("selected ", Role.DIM), len(names) - 1
    room = cells - line_width((head, _more(last)))
    spans = [head, Span(cut(clean(names[0]), max(_LEAST, room)), Role.TEXT, bold=True)]
    for place, name in enumerate(names[1:], 1):
        text = Span(f" {clean(name, 60)}", Role.TEXT, bold=True)
        if line_width((*spans, text, _more(last - place))) > cells:
            return (*spans, _more(last - place + 1))
        spans.append(text)
    return tuple(spans)


def _more(count: int) -> Span:
    return Span(f" +{thousands(count)}" if count else "", Role.VALUE)


def selected_with_tick(session: SessionView, cells: int) -> Line:
    """As :func:`selected_states`; a single one with its place in the schema, its tick and whether it is active.

    Inside a transition that is left to the rows, where states are on their way.
    """
    line = selected_states(session, cells)
    timeline, state = session.timeline, session.state_index
    if len(session.states) != 1 or timeline is None or state is None or session.inside is not None:
        return line
    tick = timeline.tick(state, session.number)
    activity = "active" if timeline.is_active(state, session.number) else "inactive"
    details = f" · {state + 1} of {len(timeline.schema.names)} · tick {thousands(tick)} · {activity}"
    longer = (*line, Span(details, Role.DIM))
    return longer if line_width(longer) <= cells else line
