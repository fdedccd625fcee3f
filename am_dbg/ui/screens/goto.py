"""The dialog behind ``@``: a field that understands places in many forms, and where what is typed leads to."""

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
from am_dbg.viewmodels.goto_preview import HINT, preview
from am_dbg.viewmodels.spans import clean


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
            yield Static(id="goto-preview")
            yield Static(Content(HINT), id="goto-hint")

    def on_mount(self) -> None:
        self.styles.align = ("center", "middle")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and go_to(self._session, event.value):
            self.dismiss(None)
            return
        text = clean(self._session.message, 200) if event.value.strip() else "type where to go"
        self._show(text, error=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        there, text = preview(self._session, event.value)
        self._show(text if there else f"? {text}", error=False)

    def _show(self, text: str, *, error: bool) -> None:
        shown = self.query_one("#goto-preview", Static)
        shown.set_class(error, "-error")
        shown.update(Content(text))

    def action_close(self) -> None:
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
