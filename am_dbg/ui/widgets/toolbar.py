"""Toggles for the mouse, where the window is tall enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from am_dbg.session import Mode
from am_dbg.session.filters import LOG_LEVELS, ONLY_ON_REQUEST, Filter
from am_dbg.session.targets import ClearQuery, SetLogLevel, SetMode, ShowReader, Target, ToggleFilter
from am_dbg.ui.widgets.address_bar import SessionBar
from am_dbg.viewmodels.spans import Line, Role, Span, clean, line_width

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen

_SHORT: Final = {
    Filter.CANCELED: "canceled",
    Filter.AUTO: "auto",
    Filter.REFUSED_AUTO: "in vain",
    Filter.EMPTY: "empty",
    Filter.HEALTH: "health",
    Filter.CHECKS: "dry runs",
    Filter.QUEUED: "queued",
    Filter.OUT_OF_GROUP: "out of group",
    Filter.ERRORS: "errors",
    Filter.LOGGED: "logged",
}


class Toolbar(SessionBar):
    """Log level, what is shown, play and tail."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        session = self.session
        playing, tailing = session.mode is Mode.PLAYING, session.mode is Mode.TAIL
        reads = cast("MainScreen", self.screen).shows_reader
        spans: list[Span] = [
            *_toggle("play", playing, SetMode("paused" if playing else "playing")),
            *_toggle("tail", tailing, SetMode("paused" if tailing else "tail")),
            *_toggle("reader", reads, ShowReader(not reads)),
            Span(" │ ", Role.DIM),
            *_levels(session.log_level),
            Span("│ show: ", Role.DIM),
        ]
        query = session.filters.query
        if query is not None:
            spans.append(Span(f"[only] {clean(query.text, 40)}  ", Role.CURSOR, bold=True, target=ClearQuery()))
        has_queued = session.timeline is not None and len(session.timeline.queued) > 0
        for kind in Filter:
            if kind is Filter.OUT_OF_GROUP and not session.filters.group:
                continue
            if kind is Filter.QUEUED and not has_queued:
                continue  # only some recordings of Go programs have them, and the line is full
            if kind in session.filters.only:
                spans.append(Span(f"[only] {_SHORT[kind]}  ", Role.CURSOR, bold=True, target=ToggleFilter(kind)))
                continue
            if kind in ONLY_ON_REQUEST:
                continue
            spans += _toggle(_SHORT[kind], session.filters.shows(kind), ToggleFilter(kind))
        return [whole_toggles((Span(" "), *spans), width)]


def _levels(chosen: int) -> list[Span]:
    """``L0 1[2]3 4 5``: a click on a level chooses it."""
    spans = [Span("L", Role.DIM)]
    for level in range(len(LOG_LEVELS)):
        left = "[" if level == chosen else "" if level == chosen + 1 else " "
        right = "]" if level == chosen else " " if level == len(LOG_LEVELS) - 1 else ""
        role = Role.VALUE if level == chosen else Role.DIM
        spans.append(Span(f"{left}{level}{right}", role, bold=level == chosen, target=SetLogLevel(level)))
    return spans


def _toggle(label: str, on: bool, target: Target) -> list[Span]:
    return [
        Span("[x] " if on else "[ ] ", Role.ACTIVE if on else Role.DIM, bold=on, target=target),
        Span(f"{label}  ", Role.TEXT if on else Role.DIM, target=target),
    ]


def whole_toggles(line: Line, width: int) -> Line:
    """The line without those spans at its end for which there is no room; a box never stays without its label."""
    used = end = 0
    for count, span in enumerate(line, 1):
        used += line_width((span,))
        label = span.text.rstrip(" ")
        if used - len(span.text) + len(label) > width:
            break
        if not label.startswith("["):
            end = count
    return line[:end]
