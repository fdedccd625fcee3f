"""What is wrong with the recording, in full, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import trouble
from am_dbg.viewmodels.spans import Line, Role, Span

_REFRESH_SECONDS: Final = 1.0


class TroubleScreen(Dialog):
    """Up to date while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter,ctrl+k", "close", "Close", show=False)]

    def __init__(self, session: Session, failure: Callable[[], str]) -> None:
        self._text = _TroubleView(session, failure)
        super().__init__(self._text)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(_REFRESH_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._text.look()
        self._fit(*self.app.size)
        self._text.sync()

    def wanted_size(self) -> tuple[int, int]:
        return 96, max(6, self._text.row_count() + 2)


class _TroubleView(LineView):
    def __init__(self, session: Session, failure: Callable[[], str]) -> None:
        super().__init__(id="trouble-view")
        self._session = session
        self._news = failure
        self._lines: tuple[Line, ...] = ()
        self._for_width = -1

    def look(self) -> None:
        """Ask again."""
        self._for_width = -1

    def title(self, width: int) -> Line:
        return (Span("What is wrong with the recording", Role.TITLE, bold=True),)

    def subtitle(self, width: int) -> Line:
        return (Span("↑↓ scroll  Esc close", Role.DIM),)

    def row_count(self) -> int:
        if self._for_width != self.inner_width:
            self._for_width = self.inner_width
            lines = trouble.text(self._session, self._news(), max(20, self.inner_width - 2))
            self._lines = tuple((Span(" "), *line) for line in lines)
        return len(self._lines)

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return self._lines[first : first + count]
