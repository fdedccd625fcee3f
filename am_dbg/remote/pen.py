"""Styled text to terminal sequences, saying only what changes from one piece to the next."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.color import Color, ColorSystem
from rich.style import Style

from am_dbg.remote.colors import xterm_color

_ATTRIBUTE_CODES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""SGR codes in the order of the bits of a Rich style."""
_XTERM_NUMBERS = {xterm_color(number): number for number in range(255, 15, -1)}
_DEFAULT_FOREGROUND, _DEFAULT_BACKGROUND = "39", "49"
_OFF = {
    "1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29", "21": "24",
    "51": "54", "52": "54", "53": "55",
}  # fmt: skip
"""Attribute to the code that ends it."""
_INK_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Attributes that show on a blank."""


class _Codes(NamedTuple):
    attributes: tuple[str, ...]
    foreground: str
    background: str


_NOTHING = _Codes((), _DEFAULT_FOREGROUND, _DEFAULT_BACKGROUND)


class Pen:
    """Remembers the style that the terminal is in. Used for one burst of output, which ``lift`` ends."""

    def __init__(self, system: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self._system = system
        self._now = _NOTHING

    def write(self, text: str, style: Style | None) -> str:
        """The sequences that make the terminal draw ``text`` in a style."""
        wanted = _NOTHING if style is None else _codes(style, self._system)
        if not text.strip(" ") and not _INK_ON_BLANKS.intersection(wanted.attributes + self._now.attributes):
            wanted = self._now._replace(background=wanted.background)
        codes = self._change(wanted)
        link = style.link if style is not None else None
        shown = f"\x1b]8;;{link}\x1b\\{text}\x1b]8;;\x1b\\" if link else text
        return f"\x1b[{codes}m{shown}" if codes else shown

    def lift(self) -> str:
        """Back to the terminal's own style."""
        was, self._now = self._now, _NOTHING
        return "" if was == _NOTHING else "\x1b[0m"

    def _change(self, wanted: _Codes) -> str:
        was, self._now = self._now, wanted
        if wanted == was:
            return ""
        off = {_OFF[code] for code in was.attributes if code not in wanted.attributes}
        changes = sorted(off)
        # Bold and dim share one code that ends them, so what stays of the two is said again.
        changes += [code for code in wanted.attributes if code not in was.attributes or _OFF[code] in off]
        if wanted.foreground != was.foreground:
            changes.append(wanted.foreground)
        if wanted.background != was.background:
            changes.append(wanted.background)
        return ";".join(changes)


@lru_cache(maxsize=4096)
def _codes(style: Style, system: ColorSystem) -> _Codes:
    bits = style._attributes & style._set_attributes
    attributes = tuple(code for bit, code in enumerate(_ATTRIBUTE_CODES) if bits & 1 << bit)
    foreground, background = style.color, style.bgcolor
    return _Codes(
        attributes,
        _color_code(foreground, system, True) if foreground else _DEFAULT_FOREGROUND,
        _color_code(background, system, False) if background else _DEFAULT_BACKGROUND,
    )


def _color_code(color: Color, system: ColorSystem, foreground: bool) -> str:
    """The shortest code of a colour: by its number where it is one of the fixed 240 colours of xterm."""
    if system is ColorSystem.TRUECOLOR and color.triplet is not None:
        number = _XTERM_NUMBERS.get((color.triplet.red, color.triplet.green, color.triplet.blue))
        if number is not None:
            return f"{38 if foreground else 48};5;{number}"
    return ";".join(color.downgrade(system).get_ansi_codes(foreground=foreground))
