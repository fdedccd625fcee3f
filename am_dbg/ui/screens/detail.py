"""The dialog that asks the program of a machine to tell more of it for a while, or less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.detail_levels import DETAIL_LEVELS, length
from am_dbg.viewmodels.spans import Line, Role, Span, clean

_LENGTHS: Final = (60, 300, 1800, 3600)
_AS_BEFORE: Final = len(DETAIL_LEVELS)
_LENGTH_ROW: Final = _AS_BEFORE + 2


@dataclass(frozen=True, slots=True)
class DetailWish:
    """What was chosen; without a level, what was asked before is taken back."""

    level: int | None
    seconds: int


class DetailScreen(Dialog):
    """Closes once something was chosen.

    Args:
        machine: the id of the machine, as it is.
        ask: called with what was chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "close", "Close", show=False),
        Binding("enter,space", "choose", "Ask", show=False),
        Binding("left", "length(-1)", "Shorter", show=False),
        Binding("right", "length(1)", "Longer", show=False),
        *(Binding(str(level), f"level({level})", show=False) for level in range(len(DETAIL_LEVELS))),
    ]

    def __init__(self, machine: str, ask: Callable[[DetailWish], None]) -> None:
        self._list = _DetailList(machine, self.action_choose)
        self._ask = ask
        super().__init__(self._list)

    def wanted_size(self) -> tuple[int, int]:
        return 76, self._list.row_count() + 2

    def action_length(self, step: int) -> None:
        self._list.change_length(step)

    def action_level(self, level: int) -> None:
        self._list.cursor = level
        self.action_choose()

    def action_choose(self) -> None:
        self._ask(self._list.wish())
        self.dismiss(None)


class _DetailList(LineView):
    def __init__(self, machine: str, choose: Callable[[], None]) -> None:
        super().__init__(id="detail-list")
        self._machine = machine
        self._choose = choose
        self.cursor = len(DETAIL_LEVELS) - 1
        self._length = 1

    def wish(self) -> DetailWish:
        """What the row under the cursor and the length stand for."""
        if self.cursor == _AS_BEFORE:
            return DetailWish(None, 0)
        return DetailWish(self.cursor, _LENGTHS[self._length])

    def change_length(self, step: int) -> None:
        """Ask for a shorter or a longer time."""
        self._length = max(0, min(self._length + step, len(_LENGTHS) - 1))
        self.sync()

    def title(self, width: int) -> Line:
        return (Span("How much is told of ", Role.TITLE, bold=True), Span(clean(self._machine, 60), Role.VALUE))

    def subtitle(self, width: int) -> Line:
        return (Span("Enter ask  ←→ how long  Esc", Role.DIM),)

    def row_count(self) -> int:
        return _LENGTH_ROW + 1

    def cursor_row(self) -> int:
        return self.cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        lines: list[Line] = [
            (Span(f" {level} ", Role.KEY, bold=True), Span(words, Role.TEXT))
            for level, words in enumerate(DETAIL_LEVELS)
        ]
        lines.append((Span("   "), Span("as before: take back what was asked", Role.TEXT)))
        lines.append((Span(" "),))
        spans = [Span(" for", Role.DIM)]
        for place, seconds in enumerate(_LENGTHS):
            chosen = place == self._length
            spans += [Span(" "), Span(f" {length(seconds)} ", Role.ACTIVE if chosen else Role.DIM, reverse=chosen)]
        lines.append(tuple(spans))
        return lines[first : first + count]

    def move_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, _AS_BEFORE))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        row = self.top + offset
        if row <= _AS_BEFORE:
            self.cursor = row
            self._choose()
        elif row == _LENGTH_ROW:
            at = len(" for")
            for place, seconds in enumerate(_LENGTHS):
                at += 1 + len(length(seconds)) + 2
                if event.x - 1 < at:
                    self._length = place
                    break
            self.sync()
