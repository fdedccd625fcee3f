"""Lines broken, shifted and marked: what happens to a row between its text and the columns of a pane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from am_dbg.viewmodels.spans import Line, Role, Span, char_width, line_width, width


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


def marked(line: Line, text: str) -> Line:
    """The line with every occurrence of a text, in any case of letters, drawn in reverse."""
    wanted = text.casefold()
    if not wanted:
        return line
    whole = "".join(span.text for span in line)
    folded = whole.casefold()
    if len(folded) != len(whole):
        folded = whole.lower() if len(whole.lower()) == len(whole) else whole
    hits: list[tuple[int, int]] = []
    start = folded.find(wanted)
    while start >= 0:
        hits.append((start, start + len(wanted)))
        start = folded.find(wanted, start + len(wanted))
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
