"""A bar that can have the focus, as panes do."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events

from am_dbg.ui.widgets.bar import Bar

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen


class PaneBar(Bar):
    """Hands keys over to the main screen, and shows whether it has the focus."""

    @property
    def main(self) -> MainScreen:
        """The screen this bar is on."""
        return cast("MainScreen", self.screen)

    def on_key(self, event: events.Key) -> None:
        self.main.take_key(event)

    def on_focus(self) -> None:
        self.sync()

    def on_blur(self) -> None:
        self.sync()
