"""Why a state is active, or not: the sentence, and the evidence to go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut_line, line_width
from am_dbg.viewmodels.why import Explanation, WhyRow, explain

_WIDTH: Final = 112


class WhyScreen(Dialog):
    """Enter or a click goes to the evidence; ``W`` explains the state that stands in the way, Backspace the one before.

    Args:
        session: with a selected machine.
        state: one of that machine's.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", show=False),
        Binding("I", "steps", "Steps", show=False),
        Binding("W", "deeper", "Why that", show=False),
        Binding("backspace,left", "back", "Back", show=False),
        Binding("q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session, state: str) -> None:
        self._why = _WhyView(session, state)
        self.wants_steps = False
        """It was closed to look at the steps of the transition it went to."""
        super().__init__(self._why)

    def wanted_size(self) -> tuple[int, int]:
        return _WIDTH, max(8, self._why.row_count() + 2)

    def action_choose(self) -> None:
        if self._why.go():
            self.dismiss(None)

    def action_steps(self) -> None:
        if self._why.go():
            self.wants_steps = True
            self.dismiss(None)

    def action_deeper(self) -> None:
        self._why.deeper()
        self._fit(*self.app.size)

    def action_back(self) -> None:
        self._why.back()
        self._fit(*self.app.size)


class _WhyView(LineView):
    def __init__(self, session: Session, state: str) -> None:
        super().__init__(id="why-list")
        self._session = session
        self._trail: list[tuple[str, int | None]] = [(state, None)]
        self._cursor = 0
        self._found = self._explained()

    def _explained(self) -> Explanation:
        found = explain(self._session, *self._trail[-1])
        assert found is not None, "the states of rows are those of the machine"
        places = [place for place, row in enumerate(found.rows) if _leads(row)]
        self._cursor = places[0] if places else 0
        self.top = 0
        return found

    def deeper(self) -> None:
        """Explain the state that the row under the cursor names."""
        row = self._found.rows[self._cursor]
        if row.state:
            self._trail.append((row.state, self._trail[-1][1] if row.at is None else row.at))
            self._found = self._explained()
            self.sync()

    def back(self) -> None:
        """Explain again what was explained before."""
        if len(self._trail) > 1:
            self._trail.pop()
            self._found = self._explained()
            self.sync()

    def go(self) -> bool:
        """To the evidence of the row under the cursor; False when it has none."""
        target = self._found.rows[self._cursor].target
        if target is None:
            return False
        self._session.follow(target)
        return True

    def title(self, width: int) -> Line:
        return self._found.title

    def subtitle(self, width: int) -> Line:
        row = self._found.rows[self._cursor]
        keys = [
            "Enter go  I steps" if row.target is not None else "",
            f"W why {clean(row.state, 30)}?" if row.state else "",
            "← back" if len(self._trail) > 1 else "",
            "Esc",
        ]
        return (Span("  ".join(filter(None, keys)), Role.DIM),)

    def row_count(self) -> int:
        return len(self._lines(self._width()))

    def cursor_row(self) -> int:
        return next((n for n, (place, _) in enumerate(self._lines(self._width())) if place == self._cursor), 0)

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [line for _, line in self._lines(width)[first : first + count]]

    def _width(self) -> int:
        return max(10, self.size.width - 2) if self.size.width else _WIDTH - 2

    def _lines(self, width: int) -> list[tuple[int, Line]]:
        """Each row, on as many lines as it takes, with its place."""
        lines: list[tuple[int, Line]] = []
        for place, row in enumerate(self._found.rows):
            lines += [(place, line) for line in _wrapped(row.line, width - 1)]
        return lines

    def move_cursor(self, step: int) -> None:
        places = [place for place, row in enumerate(self._found.rows) if _leads(row)]
        if not places:
            return self.scroll_rows(step)
        at = places.index(self._cursor) if self._cursor in places else 0
        wanted = max(0, min(at + step, len(places) - 1))
        self._cursor = places[wanted]
        return self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        lines = self._lines(self._width())
        screen = self.screen
        if self.top + offset < len(lines) and isinstance(screen, WhyScreen):
            place = lines[self.top + offset][0]
            if _leads(self._found.rows[place]):
                self._cursor = place
                screen.action_choose()
                self.sync()


def _leads(row: WhyRow) -> bool:
    return row.target is not None or bool(row.state)


def _wrapped(line: Line, width: int) -> list[Line]:
    """The line in pieces of a width, indented from the second one on; broken between words where there are any."""
    if line_width(line) <= width:
        return [(Span(" "), *line)]
    words: list[Span] = []
    for span in line:
        pieces = span.text.split(" ")
        words += [
            Span(text + (" " if n < len(pieces) - 1 else ""), span.role, span.bold, span.underline)
            for n, text in enumerate(pieces)
            if text or n < len(pieces) - 1
        ]
    rows: list[list[Span]] = [[Span(" ")]]
    used = 1
    for word in words:
        size = line_width((word,))
        if used + size > width and used > 4:
            rows.append([Span("    ")])
            used = 4
        rows[-1].append(word)
        used += size
    return [cut_line(tuple(row), width + 1) for row in rows]
