"""The whole story of an error: the exception, its traceback, and what was logged with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from am_dbg.session import navigation
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands, time_of_day
from am_dbg.viewmodels.describe import error_text, names
from am_dbg.viewmodels.spans import Line, Role, Span, char_width, clean
from am_telemetry.store.records import TransitionRecord

_LINES_MOST: Final = 5_000
_FRAME: Final = re.compile(r"\s*File .+, line [0-9]+")
_NEAR: Final = 8
"""How many transitions after one that failed its error is looked for."""


@dataclass(frozen=True, slots=True)
class ErrorStory:
    """What is known about an error. Texts are as recorded, with anything in them."""

    record: TransitionRecord
    logged: tuple[str, ...]


def find(session: SessionView) -> ErrorStory | None:
    """The error of the transition at the cursor, or of the one being stepped through; None when there is none.

    The error of a handler is recorded with the transition after the one that it broke.
    """
    timeline, inside = session.timeline, session.inside
    number = session.number if inside is None else inside.number
    if timeline is None or not number:
        return None
    found = number
    if number in timeline.broken and number not in timeline.errors:
        following = navigation.following(timeline.errors, number)
        found = following if following is not None and following - number <= _NEAR else number
    record = session.transition(found)
    if record is None or (record.error is None and found not in timeline.errors and found not in timeline.broken):
        return None
    entries = session.recording.log_lines(record.machine_id, found, found)
    return ErrorStory(record, tuple(entry.text for entry in entries))


def lines(story: ErrorStory) -> list[Line]:
    """All of it, a line per line of text."""
    record = story.record
    fact, schema = record.pattern.fact, record.pattern.schema
    called = " ".join(names(schema, fact.called))
    place = f"#{thousands(record.number)} {fact.mutation} {called} · {time_of_day(record.at_ns)}"
    error = record.error
    out: list[Line] = []
    if error is not None:
        out.append((Span(error_text(error, 2_000), Role.ERROR, bold=True),))
    elif fact.broken:
        out.append((Span("A handler failed", Role.ERROR, bold=True),))
    else:
        states = names(schema, tuple(s for s in fact.added if s in schema.error_states) or fact.called)
        out.append((Span(f"Error states: {' '.join(states)}", Role.ERROR, bold=True),))
    out += [(Span(place, Role.DIM),), ()]
    traceback = error.traceback.strip("\r\n") if error is not None else ""
    if traceback:
        out += [_traceback_line(text) for text in _split(traceback)]
    else:
        out.append((Span("No traceback was recorded.", Role.DIM),))
    if story.logged:
        out += [(), (Span("Logged with it", Role.TITLE, bold=True, underline=True),)]
        out += [(Span(clean(text), Role.TEXT),) for entry in story.logged for text in _split(entry)]
    return out[:_LINES_MOST]


def text(story: ErrorStory) -> str:
    """All of it as text to be pasted elsewhere; free of control characters."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines(story)) + "\n"


def wrapped(story: ErrorStory, cells: int) -> list[Line]:
    """The lines broken where they are longer than ``cells``; what was broken off is indented."""
    out: list[Line] = []
    for line in lines(story):
        if not line:
            out.append(())
            continue
        span = line[0]
        indent = min(len(span.text) - len(span.text.lstrip(" ")) + 2, cells // 3)
        rest, room = span.text, cells
        while True:
            head, rest = _cut_off(rest, room)
            lead = "" if room == cells else " " * indent
            out.append((Span(lead + head, span.role, span.bold, span.underline),))
            if not rest:
                break
            room = cells - indent
    return out


def _traceback_line(raw: str) -> Line:
    role = Role.KEY if _FRAME.match(raw) else Role.TEXT
    return (Span(clean(raw), role, bold=role is Role.KEY),)


def _split(raw: str) -> list[str]:
    return [line.rstrip("\r") for line in raw.strip("\r\n").split("\n")]


def _cut_off(raw: str, cells: int) -> tuple[str, str]:
    """As much as fits, and the rest."""
    used = 0
    for place, char in enumerate(raw):
        used += char_width(char)
        if used > cells and place:
            return raw[:place], raw[place:]
    return raw, ""
