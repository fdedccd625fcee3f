"""What all dialogs have in common: they close exactly once, and miss no key that was typed while they opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.await_complete import AwaitComplete
from textual.message import Message

if TYPE_CHECKING:
    from textual.screen import Screen

    from am_dbg.ui.themed_app import ThemedApp

    _Base = Screen[Any]
else:
    _Base = object  # a second Screen among the bases would hide the component classes of the first


class ClosesOnce(_Base):
    """Mixed into a screen: ignores a second request to close, as keys and clicks in quick succession make it.

    Textual would close the screen below instead, or fail because the result was given already. Keys that were typed
    before the screen could take any are handed to it once it can.
    """

    _has_opened = False
    """Whether anything on the screen has had the focus. When it is lost later, keys go to the screen itself."""

    @property
    def _debugger(self) -> ThemedApp[Any]:
        return cast("ThemedApp[Any]", self.app)

    def post_message(self, message: Message) -> bool:
        if isinstance(message, events.Key) and not self.is_running:
            self._debugger.early_keys.append(message)  # Textual would drop it
            return True
        return super().post_message(message)

    def on_key(self, event: events.Key) -> None:
        if self.focused is None and not self._has_opened:
            event.stop()
            self._debugger.early_keys.append(event)

    def on_descendant_focus(self) -> None:
        self._has_opened = True
        self._debugger.hand_over_early_keys()

    def dismiss(self, result: Any = None) -> AwaitComplete:
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)
