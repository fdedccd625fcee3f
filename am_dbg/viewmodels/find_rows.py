"""What a text search found as rows: when, on which machine, and the line in which the words stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from am_dbg.session.view import SessionView
from am_dbg.timefmt import local_time, second_label, thousands, time_of_day
from am_dbg.viewmodels.line_cutting import marked
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad, width
from am_telemetry.store.records import TransitionRecord
from am_telemetry.store.search_words import parse_query

_WIDE_FROM: Final = 90
_LINES_LOOKED_AT: Final = 400
"""Of one transition, for the one that the words are in."""
_BEFORE: Final = 20
"""Characters before the first word, where a line is too long to show from its beginning."""


def row(session: SessionView, place: tuple[int, int, int], query: str, cells: int) -> Line:
    """One hit in ``cells`` columns; ``place`` is (nanoseconds, machine run, number)."""
    at_ns, machine_id, number = place
    wide = cells >= _WIDE_FROM
    at = time_of_day(at_ns)[:12] if wide else second_label(at_ns)
    head = (
        Span(f" {at} ", Role.DIM),
        Span(pad(clean(session.label(machine_id)), 24 if wide else 10) + " ", Role.TEXT, bold=True),
        Span(pad(f"#{thousands(number)}", 8 if wide else 6) + " ", Role.LINK),
    )
    room = max(0, cells - sum(width(span.text) for span in head))
    words = query_words(query)
    text = _windowed(_line_with(session, machine_id, number, words), words, room)
    line: Line = (*head, Span(text, Role.TEXT))
    for word in words:
        line = marked(line, word)
    return line


def day(at_ns: int) -> str:
    """``2026-11-24``: where hits of several days are listed, the day of one."""
    return f"{local_time(at_ns):%Y-%m-%d}"


def query_words(query: str) -> list[str]:
    """What is looked for, piece by piece: phrases and words."""
    phrases, _ = parse_query(query)
    outside = " ".join(query.split('"')[::2])
    return phrases + [word.casefold() for word in outside.split()]


def _line_with(session: SessionView, machine_id: int, number: int, words: Sequence[str]) -> str:
    best, most = "", -1
    for text in _texts(session, machine_id, number):
        folded = text.casefold()
        found = sum(word in folded for word in words)
        if found > most:
            best, most = text, found
        if found == len(words):
            break
    return best


def _texts(session: SessionView, machine_id: int, number: int) -> Iterator[str]:
    """All that words of a transition can stand in, line by line."""
    for record in session.recording.log_lines(machine_id, number, number)[:_LINES_LOOKED_AT]:
        yield from record.text.split("\n", 50)
    found = session.recording.transition(machine_id, number)
    if found.error is not None:
        yield f"{found.error.type}: {found.error.message}"
        yield from found.error.traceback.split("\n", _LINES_LOOKED_AT)
    if found.arguments:
        yield from _arguments(found)


def _arguments(record: TransitionRecord) -> Iterator[str]:
    for name, value in (record.arguments or {}).items():
        yield f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)}"


def _windowed(text: str, words: Sequence[str], room: int) -> str:
    """The part of a line in which the first word stands."""
    folded = text.casefold()
    places = [place for word in words if (place := folded.find(word)) >= 0]
    start = min(places, default=0)
    if start + 12 > room and len(folded) == len(text):
        return "…" + clean(text[max(0, start - _BEFORE) : start + max(room, 1)], max(room, 1))
    return clean(text.strip(), max(room, 1) * 2)
