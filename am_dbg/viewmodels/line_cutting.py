"""Lines broken, shifted and marked: what happens to a row between its text and the columns of a pane."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from am_dbg.viewmodels.spans import Line, Role, Span, char_width, line_width, width

_WORD: Final = re.compile(r"\w+")
_HITS: Final = re.compile(rb"\x01+")


def wrapped(line: Line, cells: int, indent: int = 2) -> tuple[Line, ...]:
    """The line in rows of at most ``cells`` cells, broken between words where there are some.

    What goes on in a further row is indented. A character wider than the room there is stands alone in its row.
    """
    if line_width(line) <= cells:
        return (line,)
    rows: list[Line] = []
    rest = line
    room = max(1, cells)
    indent = min(indent, max(0, cells - 8))
    while rest:
        lead: Line = (Span(" " * indent, Role.DIM),) if rows and indent else ()
        head, rest = _broken(rest, max(1, room - (indent if rows else 0)))
        rows.append((*lead, *head))
    return tuple(rows)


def _broken(line: Line, cells: int) -> tuple[Line, Line]:
    """As much of a line as fits, and the rest of it."""
    if line_width(line) <= cells:
        return line, ()
    used = 0
    blank: tuple[int, int] | None = None
    for place, span in enumerate(line):
        for offset, char in enumerate(span.text):
            size = char_width(char)
            if used + size > cells and used:
                if char == " ":
                    return _split(line, place, offset, drop=1)
                # A word is kept whole unless much of the row would stay empty.
                if blank is not None and _width_until(line, *blank) * 2 >= cells:
                    return _split(line, *blank, drop=1)
                return _split(line, place, offset)
            if char == " ":
                blank = (place, offset)
            used += size
    return line, ()


def _width_until(line: Line, place: int, offset: int) -> int:
    return line_width(line[:place]) + width(line[place].text[:offset])


def _split(line: Line, place: int, offset: int, drop: int = 0) -> tuple[Line, Line]:
    span = line[place]
    head = [*line[:place], *([replace(span, text=span.text[:offset])] if offset else [])]
    tail_text = span.text[offset + drop :]
    tail = [*([replace(span, text=tail_text)] if tail_text else []), *line[place + 1 :]]
    return tuple(head), tuple(tail)


def shifted(line: Line, cells: int) -> Line:
    """The line without its first cells. A wide character that is cut in the middle leaves a blank."""
    if cells <= 0:
        return line
    out: list[Span] = []
    left = cells
    for span in line:
        if left <= 0:
            out.append(span)
            continue
        size = width(span.text)
        if size <= left:
            left -= size
            continue
        position = used = 0
        while used < left:
            used += char_width(span.text[position])
            position += 1
        while position < len(span.text) and char_width(span.text[position]) == 0:
            position += 1  # marks of a letter that is no longer there
        out.append(replace(span, text=" " * (used - left) + span.text[position:]))
        left = 0
    return tuple(out)


@lru_cache(maxsize=8)
def _searched(query: str) -> tuple[str, ...]:
    """What a query looks for: the words outside of double quotes, and what stands in them as a whole."""
    pieces = query.split('"')
    words = [word for piece in pieces[::2] for word in _WORD.findall(piece)]
    return tuple(text.lower() for text in (*words, *(piece.strip() for piece in pieces[1::2])) if text)


def marked(line: Line, query: str) -> Line:
    """The line with what a query looks for drawn in reverse wherever it occurs, in any case of letters.

    Args:
        query: words, and in double quotes texts as a whole; may be empty.
    """
    wanted = _searched(query)
    if not wanted:
        return line
    whole = "".join(span.text for span in line)
    lowered = whole.lower()
    if len(lowered) != len(whole):  # of few letters the small form is longer
        lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in whole)
    is_hit = bytearray(len(whole))
    for text in wanted:
        start = lowered.find(text)
        while start >= 0:
            is_hit[start : start + len(text)] = b"\1" * len(text)
            start = lowered.find(text, start + len(text))
    hits = [(match.start(), match.end()) for match in _HITS.finditer(is_hit)]
    return _reversed(line, hits) if hits else line


def _reversed(line: Line, hits: Sequence[tuple[int, int]]) -> Line:
    out: list[Span] = []
    position = 0
    for span in line:
        end = position + len(span.text)
        at = position
        for first, last in hits:
            begin, until = max(first, at), min(last, end)
            if begin >= until:
                continue
            if begin > at:
                out.append(replace(span, text=span.text[at - position : begin - position]))
            out.append(replace(span, text=span.text[begin - position : until - position], reverse=True))
            at = until
        if at < end:
            out.append(replace(span, text=span.text[at - position :]))
        position = end
    return tuple(out)
