"""Translate the colours of rendered output for terminals that can show fewer.

The user interface always renders 24-bit colours, because the renderer's caches are shared by all apps in a process and
do not know about colour depth. Poorer terminals are served by rewriting the colour parameters of the SGR sequences.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from am_dbg.remote.terminal import ColorSystem

_SGR: Final = re.compile(rb"\x1b\[([0-9;]*)m")
_CUBE: Final = (0, 95, 135, 175, 215, 255)
_BASIC: Final = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
"""The sixteen colours as xterm draws them."""


def downgrade(data: bytes, system: ColorSystem) -> bytes:
    """Rewrite every SGR sequence in ``data``. Sequences must not be cut at the ends of ``data``."""
    if system == "truecolor":
        return data
    return _SGR.sub(lambda match: _translate(match[1], system), data)


@lru_cache(maxsize=4096)
def _translate(parameters: bytes, system: ColorSystem) -> bytes:
    codes = [int(code or b"0") for code in parameters.split(b";")]
    kept: list[str] = []
    position = 0
    while position < len(codes):
        code = codes[position]
        if code in (38, 48):
            color, length = _color_at(codes, position)
            position += length
            if color is not None and system != "none":
                kept.append(_indexed(color, code == 48, system))
            continue
        is_color = 30 <= code <= 49 or 90 <= code <= 107
        if not (is_color and system == "none"):
            kept.append(str(code))
        position += 1
    if not kept and parameters:
        return b""
    return f"\x1b[{';'.join(kept)}m".encode("ascii")


def _color_at(codes: list[int], position: int) -> tuple[tuple[int, int, int] | None, int]:
    kind = codes[position + 1] if position + 1 < len(codes) else 0
    if kind == 2 and position + 4 < len(codes):
        red, green, blue = codes[position + 2 : position + 5]
        return (red & 255, green & 255, blue & 255), 5
    if kind == 5 and position + 2 < len(codes):
        return xterm_color(codes[position + 2] & 255), 3
    return None, len(codes) - position


def xterm_color(index: int) -> tuple[int, int, int]:
    """Red, green and blue of one of the 256 colours of xterm."""
    if index < 16:
        return _BASIC[index]
    if index >= 232:
        grey = 8 + 10 * (index - 232)
        return grey, grey, grey
    cube = index - 16
    return _CUBE[cube // 36], _CUBE[cube // 6 % 6], _CUBE[cube % 6]


def _indexed(color: tuple[int, int, int], background: bool, system: ColorSystem) -> str:
    if system == "256":
        return f"{48 if background else 38};5;{_nearest_256(color)}"
    index = _nearest_16(color)
    base = (40 if background else 30) if index < 8 else (92 if background else 82)
    return str(base + index)


@lru_cache(maxsize=4096)
def _nearest_256(color: tuple[int, int, int]) -> int:
    """The nearest of the cube colours and greys; the 16 basic ones are the user's to choose and thus not used."""
    steps = [min(range(6), key=lambda i: abs(_CUBE[i] - channel)) for channel in color]
    cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    grey = 232 + min(max(round((sum(color) / 3 - 8) / 10), 0), 23)
    return min((cube, grey), key=lambda index: _distance(color, xterm_color(index)))


@lru_cache(maxsize=4096)
def _nearest_16(color: tuple[int, int, int]) -> int:
    return min(range(16), key=lambda index: _distance(color, _BASIC[index]))


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
