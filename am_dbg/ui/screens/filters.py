"""The filter dialog: which kinds of transitions are shown, and how many each filter hides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.session.filters import FILTER_TITLES, LOG_LEVELS, Filter, members
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad

_LETTERS: Final = {
    Filter.CANCELED: "c",
    Filter.AUTO: "a",
    Filter.REFUSED_AUTO: "v",
    Filter.EMPTY: "e",
    Filter.HEALTH: "h",
    Filter.CHECKS: "d",
    Filter.QUEUED: "q",
    Filter.OUT_OF_GROUP: "g",
    Filter.ERRORS: "o",
    Filter.LOGGED: "l",
}
_QUERY_ROW: Final = len(Filter)
_LEVEL_ROW: Final = len(Filter) + 2


class FiltersScreen(Dialog):
    """Toggles take effect at once; the screen behind shows what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "toggle_row", "Toggle", show=False),
        Binding("x,delete,equals_sign", "clear", "Show all, or as before", show=False),
        Binding("r", "reset", "Defaults", show=False),
        Binding("left", "level(-1)", "Less log", show=False),
        Binding("right", "level(1)", "More log", show=False),
        Binding("F,alt+f", "close", "Close", show=False),
        Binding("slash,Q", "query", "Query", show=False),
        *(Binding(letter, f"toggle_kind('{kind.name}')", show=False) for kind, letter in _LETTERS.items()),
        *(Binding(str(level), f"set_level({level})", show=False) for level in range(len(LOG_LEVELS))),
    ]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._list = _FilterList(session)
        self.wants_query = False
        """It was closed to type a query."""
        super().__init__(self._list)

    def wanted_size(self) -> tuple[int, int]:
        return 58, len(Filter) + 7

    def action_toggle_row(self) -> None:
        self._list.toggle()

    def action_toggle_kind(self, kind: str) -> None:
        self._list.cursor = list(Filter).index(Filter[kind])
        self._list.toggle()

    def action_clear(self) -> None:
        self._session.toggle_all_filters()
        self._list.sync()

    def action_query(self) -> None:
        self.wants_query = True
        self.dismiss(None)

    def action_reset(self) -> None:
        self._session.reset_filters()
        self._list.sync()

    def action_level(self, step: int) -> None:
        self.action_set_level(self._session.log_level + step)

    def action_set_level(self, level: int) -> None:
        self._session.set_log_level(level)
        self._list.sync()


class _FilterList(LineView):
    def __init__(self, session: Session) -> None:
        super().__init__(id="filter-list")
        self._session = session
        self.cursor = 0

    def title(self, width: int) -> Line:
        return (Span("Show", Role.TITLE, bold=True),)

    def subtitle(self, width: int) -> Line:
        return (Span("Space next  x all/as before  r defaults  Esc", Role.DIM),)

    def row_count(self) -> int:
        return _LEVEL_ROW + 3

    def cursor_row(self) -> int:
        return self.cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        lines = [self._filter_line(kind) for kind in Filter]
        shown, total = len(self._session.visible), self._session.size
        lines += [self._query_line(), (Span(" "),), self._level_line(), (Span(" "),), self._summary(shown, total)]
        return lines[first : first + count]

    def _filter_line(self, kind: Filter) -> Line:
        session = self._session
        on = session.filters.shows(kind)
        timeline = session.timeline
        matches = len(members(timeline, kind, session.filters.group)) if timeline is not None else 0
        only = kind in session.filters.only
        setting = "only" if only else "shown" if on else "hidden"
        count = f"{matches:,} {setting}" if matches else "none here"
        title = FILTER_TITLES[kind]
        box = " [only] " if only else " [x]    " if on else " [ ]    "
        return (
            Span(box, Role.CURSOR if only else Role.ACTIVE if on else Role.DIM, bold=on),
            Span(f"{_LETTERS[kind]} ", Role.KEY, bold=True),
            Span(pad(title, 28), Role.TEXT if on else Role.DIM),
            Span(f"{count:>14}", Role.DIM if on or not matches else Role.TEXT),
        )

    def _query_line(self) -> Line:
        query = self._session.filters.query
        return (
            Span(" [only] " if query else "        ", Role.CURSOR, bold=True),
            Span("/ ", Role.KEY, bold=True),
            Span(
                "what matches a query …" if query is None else clean(query.text, 60),
                Role.DIM if query is None else Role.TEXT,
            ),
        )

    def _level_line(self) -> Line:
        level = self._session.log_level
        spans = [Span(" log level ", Role.TEXT)]
        for number in range(len(LOG_LEVELS)):
            spans.append(Span(f" {number} ", Role.ACTIVE if number == level else Role.DIM, reverse=number == level))
        spans.append(Span(f"  {LOG_LEVELS[level]}", Role.TEXT))
        return tuple(spans)

    def _summary(self, shown: int, total: int) -> Line:
        return (Span(f" {shown:,} of {total:,} transitions of this machine are shown", Role.DIM),)

    def move_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(Filter) - 1))
        self.sync()

    def toggle(self) -> None:
        """Show, hide, or show nothing but the kind under the cursor."""
        self._session.cycle_filter(list(Filter)[self.cursor])
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        index = self.top + offset
        if index < len(Filter):
            self.cursor = index
            self.toggle()
        elif index == _QUERY_ROW:
            screen = self.screen
            if isinstance(screen, FiltersScreen):
                screen.action_query()
        elif index == _LEVEL_ROW:
            level = (event.x - 1 - len(" log level ")) // 3
            if 0 <= level < len(LOG_LEVELS):
                self._session.set_log_level(level)
                self.sync()
