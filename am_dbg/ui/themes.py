"""Colours, by meaning.

Every colour a pane uses is a theme variable named after what it means (``$am-error``), so a theme is complete when it
gives all of ``VARIABLES``. Colour never carries information alone: the view-models add a sign, a letter or a weight.

Colours of text are taken from the 256 of xterm: common terminals show them exactly, and they take half the bytes.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = "am-dark"
LIGHT: Final = "am-light"
PLAIN: Final = "am-plain"
"""Without any colour; for ``NO_COLOR`` and for terminals that have none."""

_DARK_COLORS: Final = {
    "am-text": "#d0d0d0",
    "am-bright": "#eeeeee",
    "am-dim": "#808080",
    "am-faint": "#4e4e4e",
    "am-line": "#444444",
    "am-focus": "#87afff",
    "am-title": "#bcbcbc",
    "am-active": "#d7af5f",
    "am-multi": "#afd787",
    "am-inactive": "#87af87",
    "am-error": "#ff5f5f",
    "am-error-recent": "#ff875f",
    "am-error-bg": "#4a2328",
    "am-prefix": "#afaf87",
    "am-key": "#87afd7",
    "am-value": "#afd7af",
    "am-link": "#87afff",
    "am-added": "#87d787",
    "am-removed": "#d7875f",
    "am-called": "#eeeeee",
    "am-accepted": "#5f8787",
    "am-highlight": "#afd7ff",
    "am-canceled": "#ff8787",
    "am-queued": "#d7af5f",
    "am-empty": "#767676",
    "am-hl1": "#24384a",
    "am-hl2": "#262c35",
    "am-hl3": "#1f242b",
    "am-strip": "#5f87af",
    "am-cursor": "#ffd75f",
    "am-bar": "#1d2229",
}

_LIGHT_COLORS: Final = {
    "am-text": "#303030",
    "am-bright": "#080808",
    "am-dim": "#6c6c6c",
    "am-faint": "#a8a8a8",
    "am-line": "#bcbcbc",
    "am-focus": "#005fd7",
    "am-title": "#4e4e4e",
    "am-active": "#875f00",
    "am-multi": "#5f8700",
    "am-inactive": "#5f875f",
    "am-error": "#d70000",
    "am-error-recent": "#d75f00",
    "am-error-bg": "#f6d3d6",
    "am-prefix": "#87875f",
    "am-key": "#005f87",
    "am-value": "#005f5f",
    "am-link": "#005faf",
    "am-added": "#008700",
    "am-removed": "#af5f00",
    "am-called": "#121212",
    "am-accepted": "#5f8787",
    "am-highlight": "#005f87",
    "am-canceled": "#d7005f",
    "am-queued": "#875f00",
    "am-empty": "#767676",
    "am-hl1": "#cfe3f2",
    "am-hl2": "#e3e8ed",
    "am-hl3": "#eef1f4",
    "am-strip": "#5f87af",
    "am-cursor": "#d75f00",
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
