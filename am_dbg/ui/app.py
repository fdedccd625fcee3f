"""The debugger as a Textual app: themes, timers, title, and the one main screen."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

from textual import events
from textual.app import App
from textual.screen import Screen

from am_dbg.remote._textual import set_terminal_title, tightened
from am_dbg.session import Session
from am_dbg.session.finding import TextIndex
from am_dbg.ui.keymap import DEFAULT_KEYMAP, Keymap
from am_dbg.ui.screens.main import MainScreen
from am_dbg.ui.styles import RoleStyles
from am_dbg.ui.themes import DARK, LIGHT, PLAIN, themes
from am_dbg.viewmodels.spans import clean
from am_telemetry.store.errors import StoreError

POLL_SECONDS = 1 / 20
"""How often the recording is asked for news. Asking costs next to nothing when there are none."""


class DebuggerApp(App[None]):
    """One person's debugger.

    Args:
        session: what is looked at; the app is its only user.
        listen: address that programs report to, None for a recording that does not grow.
        failure: why records cannot be stored at the moment, empty when all is well.
        plain: use no colour at all; by default that is decided by ``NO_COLOR``.
        keys: which keys do what.
        colors: name of the theme to begin with.
        polled: called many times a second, after what was recorded was taken in; each has to be quick.
        open_index: makes a full-text index of the recording when texts are looked for first; the app closes it.
    """

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        session: Session,
        *,
        listen: str | None = None,
        failure: Callable[[], str] | None = None,
        plain: bool | None = None,
        keys: Keymap = DEFAULT_KEYMAP,
        colors: str = DARK,
        polled: Sequence[Callable[[], object]] = (),
        open_index: Callable[[], TextIndex] | None = None,
    ) -> None:
        without_color = bool(os.environ.get("NO_COLOR")) if plain is None else plain
        super().__init__(ansi_color=True if without_color else None)
        self.session = session
        self.listen = listen
        self.failure = failure or (lambda: "")
        self._polled = tuple(polled)
        self._open_index = open_index
        self._text_index: TextIndex | None = None
        self._role_styles: RoleStyles | None = None
        self._title_shown = ""
        for theme in themes():
            self.register_theme(theme)
        self.theme = PLAIN if without_color else colors
        self.title = "am-dbg"
        self.main = MainScreen(session, keys)
        self.early_keys: list[events.Key] = []
        """Typed for a dialog that was about to open; it gets them as soon as it has."""

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def on_mount(self) -> None:
        # Thousands of long-lived widgets and rows make full collections slow and useless at the default thresholds.
        gc.set_threshold(50_000, 20, 50)
        self.theme_changed_signal.subscribe(self, lambda _: self._recolor())
        self.set_interval(POLL_SECONDS, self._poll)

    def hand_over_early_keys(self) -> None:
        """Press the early keys again, now that the dialog they were meant for is there."""
        early, self.early_keys = self.early_keys, []
        for event in early:
            again = events.Key(event.key, event.character)  # the old one is marked as delivered
            again.set_sender(self)  # from the dialog itself it would not rise beyond it
            self.post_message(again)

    # -- texts ---------------------------------------------------------------------------------------------------

    def text_index(self) -> TextIndex | None:
        """Where texts are looked for; None where that is not possible, which the session's message explains."""
        if self._text_index is None and self._open_index is not None:
            try:
                self._text_index = self._open_index()
            except StoreError as error:
                self.session.say(f"texts cannot be searched: {error}")
        return self._text_index

    def on_unmount(self) -> None:
        index, self._text_index = self._text_index, None
        if index is not None:
            index.close()

    # -- colours -------------------------------------------------------------------------------------------------

    @property
    def role_styles(self) -> RoleStyles:
        """How spans look in the current theme."""
        if self._role_styles is None or self._role_styles.theme != self.theme:
            self._role_styles = RoleStyles(self.theme_variables or self.get_css_variables(), self.theme)
        return self._role_styles

    def toggle_theme(self) -> None:
        """Dark to light and back. Without colours there is nothing to switch."""
        if self.theme != PLAIN:
            self.theme = LIGHT if self.theme == DARK else DARK

    def _recolor(self) -> None:
        self._role_styles = None
        self.main.redraw()

    # -- time ----------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        self.session.refresh()
        self.session.tick()
        for call in self._polled:
            call()
        if self.session.revision != self.main.painted_revision:
            self.main.paint_soon()
        self.main.sync_status()
        self._show_title()

    def _show_title(self) -> None:
        machine = self.session.machine
        title = f"am-dbg · {clean(machine.name, 60)}" if machine is not None else "am-dbg"
        if title != self._title_shown:
            self._title_shown = title
            set_terminal_title(self, title)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, tightened(renderable))
