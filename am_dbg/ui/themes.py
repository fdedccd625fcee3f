"""Colours, by meaning.

Every colour a pane uses is a theme variable named after what it means (``$am-error``), so a theme is complete when it
gives all of ``VARIABLES``. Colour never carries information alone: the view-models add a sign, a letter or a weight.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = "am-dark"
LIGHT: Final = "am-light"
PLAIN: Final = "am-plain"
"""Without any colour; for ``NO_COLOR`` and for terminals that have none."""

_DARK_COLORS: Final = {
    "am-text": "#c8ced6",
    "am-bright": "#f2f5f8",
    "am-dim": "#79838f",
    "am-faint": "#4a525d",
    "am-line": "#353c46",
    "am-focus": "#7aa2f7",
    "am-title": "#aeb7c2",
    "am-active": "#e3c268",
    "am-multi": "#b6d97a",
    "am-inactive": "#82a68d",
    "am-error": "#ff6b76",
    "am-error-recent": "#f0955a",
    "am-error-bg": "#4a2328",
    "am-prefix": "#a79a6a",
    "am-key": "#8fb3d9",
    "am-value": "#a3c9a8",
    "am-link": "#8ab4f8",
    "am-added": "#8fd18b",
    "am-removed": "#d99a86",
    "am-called": "#e7e9ee",
    "am-accepted": "#5b8a78",
    "am-highlight": "#dce8f5",
    "am-canceled": "#ef7e87",
    "am-queued": "#d9bb62",
    "am-empty": "#6c7681",
    "am-hl1": "#24384a",
    "am-hl2": "#262c35",
    "am-hl3": "#1f242b",
    "am-strip": "#5f8fb8",
    "am-cursor": "#ffd75f",
    "am-bar": "#1d2229",
}

_LIGHT_COLORS: Final = {
    "am-text": "#2b3138",
    "am-bright": "#000000",
    "am-dim": "#68717b",
    "am-faint": "#a3abb4",
    "am-line": "#c3cad1",
    "am-focus": "#1f5fc4",
    "am-title": "#48515b",
    "am-active": "#7b6200",
    "am-multi": "#2f6a00",
    "am-inactive": "#2f7050",
    "am-error": "#c00020",
    "am-error-recent": "#b34a00",
    "am-error-bg": "#f6d3d6",
    "am-prefix": "#7d6c1e",
    "am-key": "#275e94",
    "am-value": "#20693a",
    "am-link": "#1a56b0",
    "am-added": "#1c7a2c",
    "am-removed": "#9a4a2c",
    "am-called": "#15191d",
    "am-accepted": "#5f9a86",
    "am-highlight": "#0d2a45",
    "am-canceled": "#b71c33",
    "am-queued": "#806400",
    "am-empty": "#78818a",
    "am-hl1": "#cfe3f2",
    "am-hl2": "#e3e8ed",
    "am-hl3": "#eef1f4",
    "am-strip": "#3f7aa8",
    "am-cursor": "#b35c00",
    "am-bar": "#e6eaee",
}

VARIABLES: Final = tuple(_DARK_COLORS)

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
            variables=_DARK_COLORS,
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
            variables=_LIGHT_COLORS,
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
