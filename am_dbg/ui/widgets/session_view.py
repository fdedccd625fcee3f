"""A list over a session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from textual import events

from am_dbg.session import Session
from am_dbg.session.targets import SelectState
from am_dbg.ui.actions import Pane
from am_dbg.ui.typeahead import Hit, TypeAhead
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, line_width

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen


class SessionView(LineView):
    """A pane of the main screen."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.session = session
        self._divides: Pane | None = None
        """The pane whose edge follows the pointer."""
        self._has_divided = False

    @property
    def main(self) -> MainScreen:
        """The screen this pane is on."""
        return cast("MainScreen", self.screen)

    def on_key(self, event: events.Key) -> None:
        self.main.take_key(event)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A frame between two panes can be dragged."""
        self._has_divided = False
        self._divides = self.main.dividers.edge_at(event.screen_x) if event.button == 1 else None
        if self._divides is not None:
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._divides is not None:
            event.stop()
            self._has_divided = self.main.dividers.drag(self._divides, event.screen_x) or self._has_divided

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._divides is not None:
            self._divides = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """The end of dragging is no click."""
        if self._has_divided:
            event.stop()
            event.prevent_default()

    def on_title(self, target: object) -> None:
        if isinstance(target, Pane):
            self.main.focus_on(target)

    def on_ctrl_row(self, offset: int, target: object, event: events.Click) -> bool:
        """One more selected state, or one less."""
        name = target.name if isinstance(target, SelectState) else self.state_at(offset, event)
        if name:
            self.session.add_state(name)
            self.main.paint_soon()
        return bool(name)

    def state_at(self, offset: int, event: events.Click) -> str:
        """The state that a click on a visible row is about, where the text under it names none."""
        return ""

    def on_menu(self, offset: int | None, event: events.Click) -> None:
        """What is pointed at is what the menu is about."""
        if offset is not None:
            self.point_at(offset, event)
        self.main.open_menu(Pane(self.id or ""), (event.screen_x, event.screen_y))

    def point_at(self, offset: int, event: events.Click) -> None:
        """Move the cursor to a visible row, following nothing that stands there."""
        self.on_row(offset, None, event)

    def follow(self, target: object) -> None:
        """Do what a span promises, and show it."""
        target_of_session: Any = target
        self.session.follow(target_of_session)
        self.main.paint_soon()


class SearchableView(SessionView):
    """A pane with a row cursor that typed letters move."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self.search = TypeAhead(time.monotonic)

    def names(self) -> Sequence[str]:
        """What the rows are called, by row."""
        raise NotImplementedError

    def go_to_row(self, row: int) -> None:
        """Move the row cursor."""
        raise NotImplementedError

    def point_at(self, offset: int, event: events.Click) -> None:
        self.go_to_row(min(self.top + offset, self.row_count() - 1))

    def move_cursor(self, step: int) -> None:
        count = self.row_count()
        if count:
            self.go_to_row(max(0, min((self.cursor_row() or 0) + step, count - 1)))

    def take_letter(self, event: events.Key) -> bool:
        """Search with a typed letter; False when the key is none. Digits and hyphens count within a word only."""
        letter = event.character or ""
        searching = bool(self.search.word)
        if event.key == "backspace":
            if searching:
                self._found(self.search.erase(self.names()))
            return searching
        inside = searching and (letter.isdecimal() or letter == "-")
        is_letter = len(letter) == 1 and (letter == "_" or letter.islower() or inside)
        if not is_letter or event.key.startswith(("ctrl+", "alt+")):
            return False
        self._found(self.search.type(letter, self.names(), self.cursor_row() or 0))
        return True

    def _found(self, hit: Hit | None) -> None:
        if hit is not None:
            self.go_to_row(hit.row)
        self.main.paint_soon()


def tab(name: str, pane: Pane) -> Span:
    """The title of another pane that shares a place with this one; a click brings that to the front."""
    return Span(name, Role.LINK, underline=True, target=pane)  # type: ignore[arg-type]  # followed by SessionView


def widest(width: int, *choices: Line) -> Line:
    """The first of some titles, from long to short, for which there is room; else the last."""
    return next((line for line in choices if line_width(line) <= width), choices[-1])
