"""How a screen is coloured, as text that can be read and compared line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from string import ascii_letters

import pyte
from pyte.screens import Char

_LETTERS = ascii_letters + "αβγδεζηθικλμνξοπρστυφχψω" + "".join(map(chr, range(0x430, 0x450)))


class StyleMarks:
    """Gives each style a letter as it appears; the same for all screens of one theme."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._ground = ""

    def rows(self, screen: pyte.Screen) -> Iterator[str]:
        """``3-5 a12 b3``: rows 3 to 5 begin with twelve cells of style a. The bare ground is a dot."""
        if not self._ground:
            cells = (cell.bg for row in screen.buffer.values() for cell in row.values())
            self._ground = Counter(cells).most_common(1)[0][0]
        lines = [self._row(screen, y) for y in range(screen.lines)]
        for line, group in groupby(range(screen.lines), key=lines.__getitem__):
            numbers = list(group)
            if line:
                yield f"{_range(numbers[0], numbers[-1])} {line}"

    def legend(self) -> Iterator[str]:
        """The ground, and ``a bold red on 24384a``: one style a line."""
        yield f"ground {self._ground}"
        yield from (f"{letter} {style}" for style, letter in self._letters.items())

    def _row(self, screen: pyte.Screen, y: int) -> str:
        cells = [_style(screen.buffer[y][x], self._ground) for x in range(screen.columns)]
        runs = [(style, len(list(group))) for style, group in groupby(cells)]
        while runs and runs[-1][0] == _NOTHING:
            runs.pop()
        return " ".join(f"{self._letter(style)}{count}" for style, count in runs)

    def _letter(self, style: str) -> str:
        if style == _NOTHING:
            return "."
        return self._letters.setdefault(style, _LETTERS[len(self._letters)])


_NOTHING = ""


def _style(cell: Char, ground: str) -> str:
    shows_ink = cell.data.strip() or cell.reverse or cell.underscore
    words: Iterable[str] = (
        "bold" if cell.bold and shows_ink else "",
        "underline" if cell.underscore else "",
        "reverse" if cell.reverse else "",
        cell.fg if shows_ink and cell.fg != "default" else "",
        f"on {cell.bg}" if cell.bg != ground else "",
    )
    return " ".join(word for word in words if word)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
