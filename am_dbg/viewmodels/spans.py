"""Rows of text as the panes draw them: spans with a meaning, never with a colour.

A ``Line`` is a tuple of spans. The user interface maps a ``Role`` to a style of its theme. No role is the only carrier
of its meaning: beside it there is always a letter, a sign, bold or underline.

Text of spans is always safe to print: whatever came from outside went through ``clean``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from am_dbg.session.targets import Target


class Role(StrEnum):
    """What a span means. The values name the theme variables (``$am-active`` and so on)."""

    TEXT = "text"
    DIM = "dim"
    TITLE = "title"
    ACTIVE = "active"
    MULTI = "multi"
    INACTIVE = "inactive"
    ERROR = "error"
    ERROR_RECENT = "error-recent"
    PREFIX = "prefix"
    KEY = "key"
    VALUE = "value"
    ADDED = "added"
    REMOVED = "removed"
    CALLED = "called"
    ACCEPTED = "accepted"
    CANCELED = "canceled"
    QUEUED = "queued"
    EMPTY = "empty"
    CURSOR = "cursor"
    HIGHLIGHT = "highlight"
    """Refers to the selected state."""
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one row. ``target`` is what following it does (see ``Session.follow``)."""

    text: str
    role: Role = Role.TEXT
    bold: bool = False
    underline: bool = False
    reverse: bool = False
    target: Target | None = None
    band: bool = False
    """Belongs to the column of the selected state."""


Line = tuple[Span, ...]

TEXT_LIMIT: Final = 2_000
"""Characters of one text that are shown before it is cut."""
_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_MARKS_LIMIT: Final = 4
_VARIATION: Final = frozenset("\ufe0e\ufe0f")
# Medial and final Hangul letters join the preceding one, so terminals give them no cell of their own.
_JOINING_JAMO: Final = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF))
# Letters that are drawn as nothing, and skin tones, whose width depends on what stands before them.
_INVISIBLE: Final = ((0x115F, 0x1160), (0x3164, 0x3164), (0xFFA0, 0xFFA0), (0x1F3FB, 0x1F3FF))
# Trigrams, hexagrams and counting rods take two cells since Unicode 16, which older tables do not know.
_NEWLY_WIDE: Final = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D376))
_PLAIN: Final = re.compile(r"[ -~]*\Z")


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Make text from outside harmless and one line long.

    Control characters become pictures (``␛``), direction marks and invisible characters become escapes
    (``\\u202e``), tabs become spaces, lone surrogates become ``�``, and heaps of combining marks are cut. Text beyond
    ``limit`` characters is replaced by ``… (+n)``, n being the number of characters left out.
    """
    kept = text[:limit]
    if not _PLAIN.match(kept):
        kept = _harmless(kept)
    return kept if len(text) <= limit else f"{kept}… (+{len(text) - limit})"


def _harmless(text: str) -> str:
    out: list[str] = []
    marks, column = 0, 0
    for char in text:
        code = ord(char)
        if char == "\t":
            piece = " " * (4 - column % 4)
        elif code < 0x20:
            piece = chr(0x2400 + code)
        elif code < 0x7F:
            piece = char
        elif code == 0x7F:
            piece = "␡"
        else:
            category = unicodedata.category(char)
            if category in _MARKS:
                if char in _VARIATION:
                    continue
                marks += 1
                if marks > _MARKS_LIMIT:
                    continue
                out.append("◌" + char if not out else char)
                column += not out[:-1]
                continue
            piece = _visible(char, code, category)
        marks = 0
        column += len(piece)
        out.append(piece)
    return "".join(out)


def _visible(char: str, code: int, category: str) -> str:
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Cf", "Cn", "Zl", "Zp") or _within(code, _INVISIBLE):
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return " " if category == "Zs" and unicodedata.east_asian_width(char) not in "WF" else char


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """Terminal cells of one character of cleaned text: 0 for combining marks, 2 for wide ones, else 1."""
    code = ord(char)
    if unicodedata.category(char) in _MARKS or _within(code, _JOINING_JAMO):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" or _within(code, _NEWLY_WIDE) else 1


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def width(text: str) -> int:
    """Terminal cells of cleaned text."""
    return len(text) if text.isascii() else sum(map(char_width, text))


def cut(text: str, cells: int, ellipsis: str = "…") -> str:
    """The text, or its beginning with an ellipsis, in at most ``cells`` cells."""
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room < 0:
        return ""
    used = end = 0
    for char in text:
        used += char_width(char)
        if used > room:
            break
        end += 1
    return text[:end] + ellipsis


def pad(text: str, cells: int) -> str:
    """The text cut or filled with spaces to exactly ``cells`` cells."""
    shown = cut(text, cells)
    return shown + " " * (cells - width(shown))


def line_text(line: Iterable[Span]) -> str:
    """The bare text of a line."""
    return "".join(span.text for span in line)


def line_width(line: Iterable[Span]) -> int:
    """Terminal cells of a line."""
    return sum(width(span.text) for span in line)


def cut_line(line: Line, cells: int) -> Line:
    """The line in at most ``cells`` cells, with an ellipsis where it was cut."""
    if line_width(line) <= cells:
        return line
    out: list[Span] = []
    room = cells
    for position, span in enumerate(line):
        size = width(span.text)
        rest = position + 1 < len(line) and line_width(line[position + 1 :]) > 0
        if size < room or (size == room and not rest):
            out.append(span)
            room -= size
            continue
        shown = cut(span.text + (" " if rest else ""), room) if size >= room else span.text
        if shown:
            out.append(replace(span, text=shown))
        break
    return tuple(out)


def plain(text: str, role: Role = Role.TEXT) -> Line:
    """A line of one span; the text is cleaned."""
    return (Span(clean(text), role),)
