"""The dialog behind ``B``: what is to be said about the moment that is marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from am_dbg.session import Session
from am_dbg.timefmt import thousands
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.viewmodels.spans import clean
from am_telemetry.store.bookmarks import Bookmark


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said about a bookmark."""

    title: str
    note: str


class BookmarkScreen(ClosesOnce, ModalScreen[Texts | None], inherit_bindings=False):
    """A field for a title and one for a note; Enter in either keeps the bookmark. Its result is None when it is not.

    Args:
        session: for names.
        machine_id: the machine run of the moment.
        number: its transition.
        known: the bookmark that is there already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        # Before the field sees them, so that letters typed right behind them do not get into the wrong one.
        Binding("tab,down", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", "Field before", show=False, priority=True),
    ]

    def __init__(self, session: Session, machine_id: int, number: int, known: Bookmark | None = None) -> None:
        super().__init__()
        self._heading = f"{clean(session.label(machine_id), 40)} #{thousands(number)}"
        self._known = known

    def compose(self) -> ComposeResult:
        title, note = ("", "") if self._known is None else (self._known.title, self._known.note)
        with Vertical(id="bookmark-box") as box:
            box.border_title = "Bookmark" if self._known is None else "Change the bookmark"
            yield Static(Content(f"⚑ {self._heading}"), id="bookmark-place")
            yield Input(clean(title), id="bookmark-title", placeholder="title", select_on_focus=False)
            yield Input(clean(note), id="bookmark-note", placeholder="note", select_on_focus=False)
            yield Static(Content("Enter keeps it, Tab changes the field, Esc leaves it"), id="bookmark-hint")

    def on_mount(self) -> None:
        self.query_one("#bookmark-title", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        title, note = (self.query_one(f"#bookmark-{name}", Input).value.strip() for name in ("title", "note"))
        self.dismiss(Texts(title, note))

    def action_close(self) -> None:
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
