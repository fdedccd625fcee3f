"""A field for typing, in a dialog that has keys of its own."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual import events
from textual.widgets import Input


@runtime_checkable
class TakesKeys(Protocol):
    """A dialog."""

    def takes(self, key: str) -> bool:
        """Do what a key means; False when it is for typing."""
        ...


class KeyField(Input):
    """Hands keys that are not for typing over at once: bindings would be overtaken by what is typed next."""

    def on_key(self, event: events.Key) -> None:
        screen = self.screen
        taken = isinstance(screen, TakesKeys) and screen.takes(event.key)
        if not taken and event.key == "backspace":
            self.action_delete_left()
            taken = True
        if taken:
            event.stop()
            event.prevent_default()
