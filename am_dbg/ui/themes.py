"""The themes.

Every colour a pane uses is a theme variable named after what it means (``$am-error``), so a theme is complete when it
gives all of ``VARIABLES``. Colour never carries information alone: the view-models add a sign, a letter or a weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

from am_dbg.remote.terminal import color_system_of
from am_dbg.ui.palettes import ANSI_COLORS, CONTRAST_COLORS, DARK_COLORS, LIGHT_COLORS

DARK: Final = "am-dark"
LIGHT: Final = "am-light"
CONTRAST: Final = "am-contrast"
"""High contrast: nothing faint, and rows that stand out are drawn in reverse."""
ANSI: Final = "am-ansi"
"""The sixteen colours of the terminal, on its own background."""
PLAIN: Final = "am-plain"
"""Without any colour; for ``NO_COLOR`` and for terminals that have none."""

NAMES: Final[Mapping[str, str]] = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST, "ansi": ANSI}
"""What people call the themes to choose from, in the order of the key that goes through them."""
CHOICES: Final = tuple(NAMES.values())

VARIABLES: Final = tuple(DARK_COLORS)

_ANSI_VARIABLES: Final = (
    "ansi-background",
    "ansi-foreground",
    "border",
    "border-blurred",
    "block-cursor-foreground",
    "block-cursor-background",
    "block-cursor-blurred-foreground",
    "block-cursor-blurred-background",
    "input-cursor-background",
    "input-cursor-foreground",
    "input-selection-background",
    "input-selection-foreground",
    "screen-selection-background",
    "screen-selection-foreground",
)
"""What Textual itself wants from a theme that leaves colours to the terminal."""

_PLAIN_TEXT_STYLES: Final = {"block-cursor-text-style": "reverse", "input-cursor-text-style": "reverse"}


_ANSI_TEXT_STYLES: Final = {**_PLAIN_TEXT_STYLES, "border": "ansi_blue", "border-blurred": "ansi_bright_black"}


def fitting(theme: str, environment: Mapping[str, str]) -> str:
    """The theme for a terminal, from its variables: one that has sixteen colours gets those, for they are legible."""
    return ANSI if theme in (DARK, LIGHT) and color_system_of(environment) == "standard" else theme


def themes() -> list[Theme]:
    """All themes of the product."""
    return [
        Theme(
            name=DARK,
            dark=True,
            primary="#7aa2f7",
            secondary="#8fb3d9",
            accent="#e3c268",
            warning="#f0955a",
            error="#ff6b76",
            success="#8fd18b",
            foreground="#c8ced6",
            background="#13161b",
            surface="#181c22",
            panel="#1d2229",
            variables=DARK_COLORS,
        ),
        Theme(
            name=LIGHT,
            dark=False,
            primary="#1f5fc4",
            secondary="#275e94",
            accent="#7b6200",
            warning="#b34a00",
            error="#c00020",
            success="#1c7a2c",
            foreground="#2b3138",
            background="#fbfcfd",
            surface="#f4f6f8",
            panel="#e6eaee",
            variables=LIGHT_COLORS,
        ),
        Theme(
            name=CONTRAST,
            dark=True,
            primary="#87d7ff",
            secondary="#87d7ff",
            accent="#ffff00",
            warning="#ffaf5f",
            error="#ff8787",
            success="#87ff87",
            foreground="#ffffff",
            background="#000000",
            surface="#000000",
            panel="#1c1c1c",
            variables=CONTRAST_COLORS,
        ),
        Theme(
            name=ANSI,
            dark=True,
            ansi=True,
            primary="ansi_blue",
            secondary="ansi_cyan",
            accent="ansi_yellow",
            warning="ansi_magenta",
            error="ansi_red",
            success="ansi_green",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            variables={**dict.fromkeys(_ANSI_VARIABLES, "ansi_default"), **ANSI_COLORS, **_ANSI_TEXT_STYLES},
        ),
        Theme(
            name=PLAIN,
            dark=True,
            ansi=True,
            primary="ansi_default",
            secondary="ansi_default",
            accent="ansi_default",
            warning="ansi_default",
            error="ansi_default",
            success="ansi_default",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            variables={**dict.fromkeys((*VARIABLES, *_ANSI_VARIABLES), "ansi_default"), **_PLAIN_TEXT_STYLES},
        ),
    ]
