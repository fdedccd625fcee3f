"""The first line: which machine, at which transition, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual import events

from am_dbg.session import Session
from am_dbg.ui.widgets.bar import Bar
from am_dbg.viewmodels import address
from am_dbg.viewmodels.spans import Line, Span

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen


class SessionBar(Bar):
    """A bar whose spans lead somewhere in the session."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.session = session

    def on_target(self, target: object, event: events.Click) -> None:
        self.session.follow(target)  # type: ignore[arg-type]  # spans only carry targets of the session
        cast("MainScreen", self.screen).paint_soon()


class AddressBar(SessionBar):
    """Arrows, address, connection, run, tags and process."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return [(Span(" "), *address.line(self.session, width - 2))]

    def on_target(self, target: object, event: events.Click) -> None:
        if target == address.COPY:
            cast("MainScreen", self.screen).controller.run(address.COPY)
        else:
            super().on_target(target, event)
