"""The dialog behind ``Q``: transitions that are such and such, on all machines; to go to, or to show nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import get_current_worker

from am_dbg.session import Session
from am_dbg.session.finding import TEXT_KINDS, Finder, Hits, TextIndex
from am_dbg.session.query_terms import QueryError
from am_dbg.session.querying import Query
from am_dbg.timefmt import thousands
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import query_rows
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.store.errors import StoreError
from am_telemetry.store.search_words import Kind

_REFRESH_SECONDS: Final = 0.5


class QueryScreen(ClosesOnce, ModalScreen[Callable[[], None] | None], inherit_bindings=False):
    """What matches is listed while the query is typed. The result is what is to be done.

    Args:
        session: whose recording is asked, and whose transitions are filtered.
        finder: gets the hits when one of them was chosen.
        index: where texts are looked up; None where that is not possible.
        text: the query to begin with.
        filtering: whether Enter filters and Tab goes to a hit, rather than the other way round.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("tab", "other", "Filter or go", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(
        self, session: Session, finder: Finder, index: TextIndex | None, text: str = "", *, filtering: bool = False
    ) -> None:
        super().__init__()
        self._session = session
        self._finder = finder
        self._index = index
        self._begin = text
        self._filtering = filtering
        self._wanted: bool | None = None
        """Enter or Tab was pressed before the answer was there: whether to filter."""
        self._version = -1
        self._list = _MatchList(session, finder, filtering)

    def compose(self) -> ComposeResult:
        with Vertical(id="palette-box"):
            yield Input(self._begin, id="palette-input", placeholder="canceled & called:Ready …", select_on_focus=False)
            yield self._list

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.set_interval(_REFRESH_SECONDS, self._ask_again)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._ask(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._do(self._filtering, event.value)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_other(self) -> None:
        self._do(not self._filtering, self.query_one(Input).value)

    def action_move(self, step: int) -> None:
        self._list.move_cursor(step)

    def action_page(self, pages: int) -> None:
        self._list.move_cursor(pages * self._list.page)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)

    # -- asking ------------------------------------------------------------------------------------------------------

    def _ask(self, text: str) -> None:
        if text == self._list.text:
            return
        self._wanted = None
        self._list.show(text)
        if not text.strip():
            self._version = -1
            return
        timeline = self._session.timeline
        try:
            states = () if timeline is None else timeline.schema.names
            query = Query(text, self._session.recording, states)
        except QueryError as error:
            self._list.refuse(error)
            return
        self._list.query_asked = query
        self._version = self._session.recording.version
        self._answer(query)

    def _ask_again(self) -> None:
        """What was recorded since may match as well."""
        query = self._list.query_asked
        if query is not None and self._list.hits is not None and self._version != self._session.recording.version:
            self._version = self._session.recording.version
            self._answer(query)

    @work(thread=True, exclusive=True)
    def _answer(self, query: Query) -> None:
        worker, complaint = get_current_worker(), ""
        numbers: dict[int, Sequence[int]] = {}
        try:
            for wanted in query.texts:
                if self._index is None:
                    complaint = "texts cannot be searched here"
                    break
                query.take(wanted, self._index.numbers(wanted.text, (Kind.LOG,) if wanted.logs_only else TEXT_KINDS))
            if not complaint and not worker.is_cancelled:
                numbers = query.everywhere()
        except StoreError as error:
            complaint = str(error)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._answered, query, numbers, complaint)

    def _answered(self, query: Query, numbers: dict[int, Sequence[int]], complaint: str) -> None:
        if query is self._list.query_asked and self.is_current:
            self._list.take(self._finder.collect(query.text, numbers, highlight=""), complaint)
            if self._wanted is not None:
                self._do(self._wanted, self._list.text)

    # -- doing -------------------------------------------------------------------------------------------------------

    def _do(self, filtering: bool, text: str) -> None:
        """Go to the hit under the cursor, or show nothing but what matches; as soon as that is known."""
        self._ask(text)
        session, query, hits = self._session, self._list.query_asked, self._list.hits
        if not self._list.text.strip():
            self.dismiss((lambda: session.filter_by(None)) if filtering else None)
        elif query is not None and hits is None:
            self._wanted = filtering
        elif query is not None and hits is not None and not self._list.complaint:
            if filtering:
                self.dismiss(lambda: session.filter_by(query))
            elif hits.places:
                self.dismiss(self._list.going())


class _MatchList(LineView, can_focus=False):
    def __init__(self, session: Session, finder: Finder, filtering: bool) -> None:
        super().__init__(id="palette-list")
        self._session = session
        self._finder = finder
        self._filtering = filtering
        self._cursor = 0
        self._moved = False
        self.text = ""
        self.query_asked: Query | None = None
        self.hits: Hits | None = None
        self.complaint = ""
        self._said: list[Line] = query_rows.help_rows()

    def show(self, text: str) -> None:
        """Another query is typed."""
        self.text = text
        self.query_asked = self.hits = None
        self.complaint = ""
        self._said = [] if text.strip() else query_rows.help_rows()
        self._moved = False
        self._cursor = self.top = 0
        self.sync()

    def refuse(self, error: QueryError) -> None:
        """The query cannot be understood."""
        self._said = query_rows.mistake(error, self.text)
        self.sync()

    def take(self, hits: Hits, complaint: str) -> None:
        """The answer. The cursor goes to the first hit from the debugger's cursor on, until somebody moves it."""
        self.hits, self.complaint = hits, complaint
        if not self._moved:
            self._cursor = self._finder.nearest(hits)
        self.sync()

    def going(self) -> Callable[[], None]:
        """What leads to the hit under the cursor."""
        hits, position = self.hits, self._cursor
        assert hits is not None
        return lambda: self._finder.go(hits, position)

    def title(self, width: int) -> Line:
        if self.complaint:
            return (Span(clean(self.complaint, 200), Role.ERROR),)
        if self.hits is not None:
            return query_rows.found(self.hits)
        return (Span("Query" if self.query_asked is None else "looking …", Role.DIM),)

    def subtitle(self, width: int) -> Line:
        enter, tab = ("show only these", "go") if self._filtering else ("go", "show only these")
        if self.hits is None or not self.hits.places:
            return (Span(f"Tab {tab}  Esc" if self.hits is not None and not self._filtering else "Esc", Role.DIM),)
        place = f"{thousands(self._cursor + 1)}/{thousands(len(self.hits.places))}  "
        return (Span(place, Role.VALUE, bold=True), Span(f"Enter {enter}  Tab {tab}  Esc", Role.DIM))

    def row_count(self) -> int:
        return len(self._said) if self.hits is None else len(self.hits.places)

    def cursor_row(self) -> int | None:
        return None if self.hits is None or not self.hits.places else self._cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        if self.hits is None:
            return self._said[first : first + count]
        return [query_rows.row(self._session, place, width) for place in self.hits.places[first : first + count]]

    def move_cursor(self, step: int) -> None:
        self._moved = True
        self._cursor = max(0, min(self._cursor + step, self.row_count() - 1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self.hits is not None and self.top + offset < len(self.hits.places):
            self._cursor = self.top + offset
            self.screen.dismiss(self.going())
