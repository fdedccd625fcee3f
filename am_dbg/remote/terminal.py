"""What a transport must offer so that an app can be shown on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Protocol

ColorSystem = Literal["truecolor", "256", "standard", "none"]

MIN_SIZE: Final = (1, 1)
MAX_SIZE: Final = (500, 200)
"""Columns and rows. A far end chooses its size, so without a limit it would choose our memory use too."""


class Terminal(Protocol):
    """The far end. All members are used in the event loop of the app, never from another thread."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        ...

    @property
    def color_system(self) -> ColorSystem:
        """What the far end can draw."""
        ...

    def write(self, data: bytes) -> None:
        """Take bytes for the screen. Must neither block nor raise when the far end is gone."""


def clamp(width: int, height: int) -> tuple[int, int]:
    """A size that is safe to lay out."""
    return (
        min(max(width, MIN_SIZE[0]), MAX_SIZE[0]),
        min(max(height, MIN_SIZE[1]), MAX_SIZE[1]),
    )


def color_system_of(environment: Mapping[str, str]) -> ColorSystem:
    """The colours of a terminal, from the variables its user sent (``TERM``, ``COLORTERM``, ``NO_COLOR``)."""
    term = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR") or term in {"dumb", "vt100", "vt220"}:
        return "none"
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or term.endswith("-direct"):
        return "truecolor"
    return (
        "256"
        if "256" in term or term in {"xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty"}
        else "standard"
    )
