"""Closing a screen exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    _Base = Screen[Any]
else:
    _Base = object  # a second Screen among the bases would hide the component classes of the first


class ClosesOnce(_Base):
    """Mixed into a screen: ignores a second request to close, as keys and clicks in quick succession make it.

    Textual would close the screen below instead, or fail because the result was given already.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)
