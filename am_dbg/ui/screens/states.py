"""The dialog that chooses which states the schema shows: those of a group, active ones, ones that took part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.session.state_groups import out_of_group
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad


@dataclass(frozen=True, slots=True)
class _Row:
    line: Callable[[int], Line]
    choose: Callable[[], None]


class StatesScreen(Dialog):
    """Choices take effect at once; the screen behind shows what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "choose", "Choose", show=False),
        Binding("ctrl+s", "close", "Close", show=False),
        Binding("i,grave_accent", "inactive", "Inactive states", show=False),
        Binding("n,ctrl+e", "idle", "States that never took part", show=False),
    ]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._list = _StateChoices(session)
        super().__init__(self._list)

    def wanted_size(self) -> tuple[int, int]:
        return 64, self._list.row_count() + 2

    def action_choose(self) -> None:
        self._list.choose()

    def action_inactive(self) -> None:
        self._session.toggle_inactive_states()
        self._list.sync()

    def action_idle(self) -> None:
        self._session.toggle_idle_states()
        self._list.sync()


class _StateChoices(LineView):
    def __init__(self, session: Session) -> None:
        super().__init__(id="state-choices")
        self._session = session
        timeline = session.timeline
        schema = None if timeline is None else timeline.schema
        groups = () if schema is None else schema.groups
        self._rows: list[_Row | None] = [self._group("", 0 if schema is None else len(schema.states))]
        self._rows += [self._group(name, len(members)) for name, members in groups]
        if not groups:
            self._rows.append(_Row(_no_groups, _nothing))
        self._rows += [None, self._toggle("i", "hide inactive states", "hide_inactive", session.toggle_inactive_states)]
        self._rows.append(
            self._toggle("n", "hide states that never took part", "hide_idle", session.toggle_idle_states)
        )
        names = ["", *(name for name, _ in groups)]
        self._cursor = names.index(session.filters.group) if session.filters.group in names else 0

    def title(self, width: int) -> Line:
        return (Span("States of the schema", Role.TITLE, bold=True),)

    def subtitle(self, width: int) -> Line:
        return (Span("Enter choose  Esc close", Role.DIM),)

    def row_count(self) -> int:
        return len(self._rows)

    def cursor_row(self) -> int:
        return self._cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [(Span(" "),) if row is None else row.line(width) for row in self._rows[first : first + count]]

    def move_cursor(self, step: int) -> None:
        wanted = max(0, min(self._cursor + step, len(self._rows) - 1))
        if self._rows[wanted] is None:
            wanted += 1 if step > 0 else -1
        self._cursor = wanted
        self.sync()

    def choose(self) -> None:
        row = self._rows[self._cursor]
        if row is not None:
            row.choose()
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self._rows[self.top + offset] is not None:
            self._cursor = self.top + offset
            self.choose()

    def _group(self, name: str, size: int) -> _Row:
        session = self._session

        def line(width: int) -> Line:
            chosen = session.filters.group == name
            timeline = session.timeline
            out = len(out_of_group(timeline, name)) if timeline is not None and name else 0
            note = f"{size:,} {'state' if size == 1 else 'states'}" + (
                f", {out:,} transitions out of it" if out else ""
            )
            return (
                Span(" (●) " if chosen else " ( ) ", Role.ACTIVE if chosen else Role.DIM, bold=chosen),
                Span(pad(clean(name) if name else "all", max(8, width - 41)), Role.TEXT, bold=chosen),
                Span(f" {note:>34}", Role.DIM),
            )

        return _Row(line, lambda: session.set_group(name))

    def _toggle(self, key: str, label: str, attribute: str, toggle: Callable[[], None]) -> _Row:
        def line(width: int) -> Line:
            on = bool(getattr(self._session, attribute))
            return (
                Span(" [x] " if on else " [ ] ", Role.ACTIVE if on else Role.DIM, bold=on),
                Span(f"{key} ", Role.KEY, bold=True),
                Span(label, Role.TEXT),
            )

        return _Row(line, toggle)


def _no_groups(width: int) -> Line:
    return (Span("     this machine's schema has no groups", Role.DIM),)


def _nothing() -> None:
    """A row that only tells something."""
