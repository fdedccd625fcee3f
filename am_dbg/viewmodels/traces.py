"""The further lines of a log entry or an error: stack traces of Python and Go, and whatever else has several lines."""

from __future__ import annotations

import re
from typing import Final

from am_dbg.viewmodels.spans import Line, Role, Span, clean

LINES_LIMIT: Final = 200
"""Lines of one entry that are shown; the others are counted."""
_SHOWN: Final = 400
"""Characters of one line."""
_PYTHON: Final = re.compile(r'(\s*File ")([^"\n]{1,1000}", line \d{1,9})(, in )?(.*)\Z', re.DOTALL)
_GO_FILE: Final = re.compile(r"(\s+)(\S{1,1000}:\d{1,9})( .*)?\Z", re.DOTALL)


def trace_lines(text: str) -> tuple[Line, ...]:
    """The lines after the first one. Files and functions stand out from the rest."""
    lines = text.strip("\r\n").split("\n", LINES_LIMIT + 1)[1:]
    return cut_to_limit(lines, text.strip("\r\n").count("\n"))


def traceback_lines(text: str) -> tuple[Line, ...]:
    """All lines of a traceback that was recorded apart from the log."""
    stripped = text.strip("\r\n")
    return cut_to_limit(stripped.split("\n", LINES_LIMIT), stripped.count("\n") + 1) if stripped else ()


def cut_to_limit(lines: list[str], total: int) -> tuple[Line, ...]:
    """Some lines, and how many more there are."""
    out = [_line(line.rstrip("\r")) for line in lines[:LINES_LIMIT]]
    if total > LINES_LIMIT:
        out.append((Span(f"… (+{total - LINES_LIMIT} lines)", Role.DIM),))
    return tuple(out)


def _line(raw: str) -> Line:
    if python := _PYTHON.match(raw):
        lead, place, where, function = python.groups()
        return (
            Span(clean(lead), Role.DIM),
            Span(clean(place, _SHOWN), Role.TEXT),
            Span(clean(where or ""), Role.DIM),
            Span(clean(function, _SHOWN), Role.TEXT, bold=True),
        )
    if go_file := _GO_FILE.match(raw):
        lead, place, rest = go_file.groups()
        return (
            Span(clean(lead), Role.DIM),
            Span(clean(place, _SHOWN), Role.TEXT),
            Span(clean(rest or "", _SHOWN), Role.DIM),
        )
    return (Span(clean(raw, _SHOWN), Role.DIM),)
