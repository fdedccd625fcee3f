"""The last line: what just happened or which keys help, and what is wrong with the recording."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from textual import events

from am_dbg.session import Session
from am_dbg.ui.actions import Action, footer_actions
from am_dbg.ui.widgets.bar import Bar
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, cut_line, line_width, width

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen

MESSAGE_SECONDS: Final = 5.0
_TROUBLE_SECONDS: Final = 1.0


class StatusFooter(Bar):
    """Message or keys on the left, trouble on the right."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session = session
        self._message: tuple[int, str] = (0, "")
        self._message_at = 0.0
        self._trouble: Line = ()
        self._trouble_at = 0.0
        self._lost = (-1, 0)
        """Version of the recording, and how many transitions it knows to be missing."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        trouble = self._right(width)
        room = width - line_width(trouble) - 2
        left = cut_line(self._left(room), max(0, room))
        gap = max(1, width - line_width(left) - line_width(trouble))
        return [(*left, Span(" " * gap), *trouble)]

    def _left(self, room: int) -> Line:
        search = cast("MainScreen", self.screen).search_summary
        if search:
            return (Span(" find ", Role.CURSOR, reverse=True), Span(f" {clean(search, 200)}", Role.TEXT, bold=True))
        message = self._fresh_message()
        if message:
            return (Span(" › ", Role.KEY, bold=True), Span(clean(message, 400), Role.TEXT))
        return self._keys(room)

    def _fresh_message(self) -> str:
        now = (self._session.revision, self._session.message)
        if now != self._message:
            self._message, self._message_at = now, time.monotonic()
        fresh = time.monotonic() - self._message_at < MESSAGE_SECONDS
        return self._session.message if fresh else ""

    def _keys(self, room: int) -> Line:
        spans: list[Span] = []
        used = 0
        keymap = cast("MainScreen", self.screen).keymap
        for action in footer_actions():
            named = keymap.footer(action)
            if named is None:
                continue
            size = width("".join(named)) + 4
            if used + size > room:
                break
            used += size
            spans += _hint(action, *named)
        return tuple(spans)

    def _right(self, available: int) -> Line:
        if time.monotonic() - self._trouble_at > _TROUBLE_SECONDS:
            self._trouble_at = time.monotonic()
            self._trouble = self._look_for_trouble()
        return cut_line(self._trouble, available * 2 // 3)

    def _look_for_trouble(self) -> Line:
        app: Any = self.app
        spans: list[Span] = []
        failure = app.failure()
        if failure:
            spans.append(_trouble(f" ✕ {cut(clean(failure, 300), 80)} ", Role.ERROR))
        recording = self._session.recording
        if recording.version != self._lost[0]:
            self._lost = (recording.version, recording.totals().lost)
        if self._lost[1]:
            spans.append(_trouble(f" ⚠ {self._lost[1]:,} lost ", Role.ERROR_RECENT))
        if app.listen:
            spans.append(Span(f" ◉ {clean(app.listen, 60)} ", Role.DIM))
        return tuple(spans)

    def on_target(self, target: object, event: events.Click) -> None:
        cast("MainScreen", self.screen).controller.run(str(target))


def _hint(action: Action, key: str, partner_key: str, label: str) -> list[Span]:
    """Keys and label; a click on either does it, and of two keys each does its own."""
    if partner_key:
        keys = [_key(f" {key}", action.id), _key(partner_key, action.partner)]
        return [*keys, Span(f" {label}  ", Role.DIM)]
    return [_key(f" {key}", action.id), Span(f" {label}  ", Role.DIM, target=action.id)]  # type: ignore[arg-type]  # ours


def _trouble(text: str, role: Role) -> Span:
    bold = role is not Role.ERROR
    return Span(text, role, bold=bold, target="app.trouble")  # type: ignore[arg-type]  # followed by the footer alone


def _key(text: str, action_id: str) -> Span:
    return Span(text, Role.KEY, bold=True, target=action_id)  # type: ignore[arg-type]  # followed by the footer alone
