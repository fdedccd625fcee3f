"""The dialog behind ``@``: one field that understands numbers, machine times, times of day and addresses."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from am_dbg.session import Session
from am_dbg.session.addressing import go_to
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.viewmodels.spans import clean

_HINT = "#96 · 96/5 step · t412 machine time · q17 queue tick · 12:03:07.5 · mach://…"


class GoToScreen(ClosesOnce, ModalScreen[None], inherit_bindings=False):
    """Stays open with an explanation when the input means nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close", show=False)]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        with Vertical(id="goto-box") as box:
            box.border_title = "Go to"
            yield Input(id="goto-input", select_on_focus=False)
            yield Static(Content(_HINT), id="goto-hint")

    def on_mount(self) -> None:
        self.styles.align = ("center", "middle")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and go_to(self._session, event.value):
            self.dismiss(None)
            return
        hint = self.query_one("#goto-hint", Static)
        hint.add_class("-error")
        hint.update(Content(clean(self._session.message, 200) if event.value.strip() else "type where to go"))

    def on_input_changed(self, event: Input.Changed) -> None:
        hint = self.query_one("#goto-hint", Static)
        if hint.has_class("-error"):
            hint.remove_class("-error")
            hint.update(Content(_HINT))

    def action_close(self) -> None:
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
