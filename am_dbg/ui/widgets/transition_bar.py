"""The current or the next transition on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual import events

from am_dbg.session import Session
from am_dbg.ui.widgets.address_bar import SessionBar
from am_dbg.viewmodels import transition_line
from am_dbg.viewmodels.spans import Line, Span

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen


class TransitionBar(SessionBar):
    """What the transition at the cursor did, or what the next one will do. The wheel goes by steps."""

    def __init__(self, session: Session, *, upcoming: bool, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._summarise = transition_line.next_ if upcoming else transition_line.current

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return [(Span(" "), *self._summarise(self.session, width - 2))]

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.session.next_step()
        self._paint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.session.previous_step()
        self._paint()

    def _paint(self) -> None:
        cast("MainScreen", self.screen).paint_soon()
