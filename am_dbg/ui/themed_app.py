"""What the apps of am-dbg have in common: themes, and dialogs that miss no key."""

from __future__ import annotations

import os
from typing import Any, Generic, TypeVar

from textual import events
from textual.app import App
from textual.screen import Screen

from am_dbg.remote._textual import tightened
from am_dbg.ui.styles import RoleStyles
from am_dbg.ui.themes import CHOICES, DARK, PLAIN, themes

Result = TypeVar("Result")


class ThemedApp(App[Result], Generic[Result]):
    """An app whose panes draw roles.

    Args:
        plain: use no colour at all; by default that is decided by ``NO_COLOR``.
        colors: name of the theme to begin with.
    """

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, *, plain: bool | None = None, colors: str = DARK) -> None:
        without_color = bool(os.environ.get("NO_COLOR")) if plain is None else plain
        super().__init__(ansi_color=True if without_color else None)
        self._role_styles: RoleStyles | None = None
        for theme in themes():
            self.register_theme(theme)
        self.theme = PLAIN if without_color else colors
        self.title = "am-dbg"
        self.early_keys: list[events.Key] = []
        """Typed for a dialog that was about to open; it gets them as soon as it has."""

    def hand_over_early_keys(self) -> None:
        """Press the early keys again, now that the dialog they were meant for is there."""
        early, self.early_keys = self.early_keys, []
        for event in early:
            again = events.Key(event.key, event.character)  # the old one is marked as delivered
            again.set_sender(self)  # from the dialog itself it would not rise beyond it
            # Not through the queue of the app, in which later keys may be waiting already.
            (self.focused or self.screen)._forward_event(again)

    async def on_event(self, event: events.Event) -> None:
        """A dialog that can take keys by now gets the early ones before this one, whatever that is."""
        if isinstance(event, events.Key) and self.early_keys and self.focused is not None:
            self.hand_over_early_keys()
        await super().on_event(event)

    @property
    def role_styles(self) -> RoleStyles:
        """How spans look in the current theme."""
        if self._role_styles is None or self._role_styles.theme != self.theme:
            self._role_styles = RoleStyles(self.theme_variables or self.get_css_variables(), self.theme)
        return self._role_styles

    def choose_theme(self, name: str | None = None) -> bool:
        """Use a theme, by default the next one. False without colours, where there is nothing to choose."""
        if self.theme == PLAIN:
            return False
        self.theme = name or CHOICES[(CHOICES.index(self.theme) + 1) % len(CHOICES)]
        return True

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, tightened(renderable))
