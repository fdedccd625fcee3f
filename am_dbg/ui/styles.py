"""Roles of text to terminal styles, for the current theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from am_dbg.ui.themes import ANSI, CONTRAST, PLAIN
from am_dbg.viewmodels.spans import Line, Role, Span

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "error": "bold",
    "title": "bold",
    "cursor": "bold",
    "called": "bold",
    "bright": "bold",
}
"""Weights that belong to a meaning in every theme."""

_PLAIN_ATTRIBUTES: Final[Mapping[str, str]] = {
    **_ATTRIBUTES,
    "dim": "dim",
    "empty": "dim",
    "inactive": "dim",
    "prefix": "dim",
    "active": "bold",
    "multi": "bold",
    "error": "bold reverse",
    "error-recent": "bold",
    "canceled": "bold",
    "added": "bold",
    "removed": "bold",
    "link": "underline",
    "highlight": "bold",
    "highlight-error": "bold reverse",
}
"""Weights that replace colours where there are none."""

_FLAT: Final = (PLAIN, ANSI)
"""Themes that leave the background to the terminal."""
_STRONG: Final = (*_FLAT, CONTRAST)
"""Themes in which the row of the cursor is drawn in reverse, as its background says too little or nothing."""


class RoleStyles:
    """Resolves spans to Rich styles. Cheap to call: every combination is built once per theme.

    Args:
        variables: theme variables, name to colour.
        theme: name of the theme they come from.
    """

    def __init__(self, variables: Mapping[str, str], theme: str) -> None:
        self.theme = theme
        self.plain = theme == PLAIN
        self._variables = variables
        self._cache: dict[tuple[str, bool, bool, bool, bool], Style] = {}
        reverse, bold = Style(reverse=True), Style(bold=True)
        chosen, marked = self._on("am-hl1"), self._on("am-hl2")
        strong = theme in _STRONG
        self.cursor_focused = reverse if strong else chosen
        self.cursor_blurred = reverse + Style(dim=True) if theme in _FLAT else bold + marked if strong else marked
        self.current = reverse if strong else marked
        self.band = bold + chosen if strong else chosen
        self.frame = Style(dim=True) if self.plain else self._in("am-line")
        self.frame_focused = bold + self._in("am-focus")

    def _in(self, variable: str) -> Style:
        return Style() if self.plain else Style(color=Color.parse(self._variables[variable]).rich_color)

    def _on(self, variable: str) -> Style:
        return Style() if self.theme in _FLAT else Style(bgcolor=Color.parse(self._variables[variable]).rich_color)

    def of(self, span: Span) -> Style:
        """The style of a span, without background of its row."""
        key = (span.role.value, span.bold, span.underline, span.reverse, span.band)
        style = self._cache.get(key)
        if style is None:
            style = self._cache[key] = self._build(*key)
        return style

    def segments(self, line: Line, row: Style) -> list[Segment]:
        """A line on the style of its row. Underlines end where the text ends, not where its padding does.

        In a row in reverse there are no other colours: as backgrounds they would be patches.
        """
        segments: list[Segment] = []
        for span in line:
            style = self.of(span).without_color if row.reverse else self.of(span)
            text = span.text.rstrip(" ") if span.underline or not span.text.strip(" ") else span.text
            if text:
                segments.append(Segment(text, row + style))
            if len(text) < len(span.text):
                # A blank looks the same in every colour of text, unless it is drawn in reverse.
                bare = row + style if span.reverse else row + self.band if span.band else row
                segments.append(Segment(span.text[len(text) :], bare))
        return list(Segment.simplify(segments))

    def role(self, role: Role) -> Style:
        """The style of a role by itself."""
        return self.of(Span("", role))

    def _build(self, role: str, bold: bool, underline: bool, reverse: bool, band: bool) -> Style:
        name = role.replace("_", "-")
        extra = Style(bold=bold or None, underline=underline or None, reverse=reverse or None)
        if band:
            extra += self.band
        if self.plain:
            return Style.parse(_PLAIN_ATTRIBUTES.get(name, "")) + extra
        variable = f"am-{name}"
        color = self._in(variable if variable in self._variables else "am-text")
        return color + Style.parse(_ATTRIBUTES.get(name, "")) + extra
