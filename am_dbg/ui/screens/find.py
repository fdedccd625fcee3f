"""The dialog behind ``/``: one field that finds machines, states, and texts in logs, arguments and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
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
from am_dbg.session.query_syntax import looks_like_query
from am_dbg.timefmt import thousands
from am_dbg.ui.matching import best
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import find_rows
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad
from am_telemetry.store.errors import StoreError

_NAMES_MOST: Final = 200
_NAMES_BESIDE: Final = 5
"""Names that are listed above texts."""
_LEAST_LETTERS: Final = 2
"""Fewer are not looked for in texts."""
_REFRESH_SECONDS: Final = 0.5


class FindScreen(ClosesOnce, ModalScreen[Callable[[], None] | None], inherit_bindings=False):
    """Names are listed at once, texts as soon as they are found. The result is what the chosen row does.

    Args:
        session: whose machines and states are offered.
        finder: gets the hits when one of them was chosen.
        choose_state: selects a state by its name.
        index: where texts are looked for; None where that is not possible.
        ask: what answers a query; None where queries are not taken.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(
        self,
        session: Session,
        finder: Finder,
        choose_state: Callable[[str], None],
        index: TextIndex | None,
        ask: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self._finder = finder
        self._index = index
        self._list = _FoundList(session, finder, choose_state, index, ask)

    def compose(self) -> ComposeResult:
        with Vertical(id="palette-box"):
            yield Input(
                id="palette-input", placeholder="A machine, a state, or words of a log …", select_on_focus=False
            )
            yield self._list

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.set_interval(_REFRESH_SECONDS, self._look_again)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list.show(event.value)
        self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter is also pressed before texts were found: then it waits for them."""
        event.stop()
        self._list.show(event.value)
        self._list.wanted = True
        self._choose_if_wanted()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        self._list.wanted = False
        self._list.move_cursor(step)

    def action_page(self, pages: int) -> None:
        self._list.wanted = False
        self._list.move_cursor(pages * self._list.page)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)

    # -- texts -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._list.searching:
            self._search(self._list.sought)

    def _look_again(self) -> None:
        """While the index grows, more may be found."""
        if self._index is not None and self._list.sought and self._list.is_behind():
            self._search(self._list.sought)
        self._list.sync()

    @work(thread=True, exclusive=True)
    def _search(self, query: str) -> None:
        index, worker = self._index, get_current_worker()
        if index is None:
            return
        try:
            numbers, failure = index.numbers(query, TEXT_KINDS), ""
        except StoreError as error:
            numbers, failure = {}, str(error)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._found, query, numbers, failure)

    def _found(self, query: str, numbers: dict[int, list[int]], failure: str) -> None:
        if query == self._list.sought:
            self._list.take(self._finder.collect(query, numbers), failure)
            self._choose_if_wanted()

    def _choose_if_wanted(self) -> None:
        if self._list.wanted and (run := self._list.chosen()) is not None:
            self.dismiss(run)


class _FoundList(LineView, can_focus=False):
    def __init__(
        self,
        session: Session,
        finder: Finder,
        choose_state: Callable[[str], None],
        index: TextIndex | None,
        ask: Callable[[str], None] | None,
    ) -> None:
        super().__init__(id="palette-list")
        self._ask = ask
        self._session = session
        self._finder = finder
        self._index = index
        self._entries = [*_machines(session), *_states(session, choose_state)]
        self._names = self._entries[:_NAMES_MOST]
        self._cursor = 0
        self._moved = False
        self.sought = ""
        self.searching = False
        """Texts are being looked for."""
        self.wanted = False
        """Enter was pressed: the first row is to be chosen as soon as there is one."""
        self._hits: Hits | None = None
        self._complaint = ""
        self._indexed = -1

    # -- what is listed ----------------------------------------------------------------------------------------------

    def show(self, query: str) -> None:
        """Look for something else."""
        if query == self.sought:
            return
        self.sought = query
        self.wanted = self._moved = False
        self._hits, self._complaint = None, ""
        ask = self._ask
        if ask is not None and (query.startswith("?") or looks_like_query(query)):
            self._names = [
                (
                    f"query: {clean(query.removeprefix('?'), 80)}",
                    "lists what matches",
                    partial(ask, query.removeprefix("?")),
                )
            ]
            self.searching = False
        else:
            self._names = best(query, self._entries, lambda entry: entry[0], _NAMES_MOST)
            self.searching = self._index is not None and len(query.strip()) >= _LEAST_LETTERS
        self._cursor = self.top = 0
        self.sync()

    def take(self, hits: Hits, failure: str) -> None:
        """Texts were found. The cursor goes to the first one from the debugger's cursor on, if no name matches."""
        self.searching = False
        self._complaint = failure
        self._indexed = -1 if self._index is None else self._index.progress[0]
        first = self._hits is None
        self._hits = hits
        if first and not self._moved and hits.places:
            self._names = self._names[:_NAMES_BESIDE] if self._names_are_good() else []
            self._cursor = 0 if self._names else self._finder.nearest(hits)
        self.sync()

    def _names_are_good(self) -> bool:
        """Whether what was typed stands in a name as it is; letters with gaps between them are no match then."""
        wanted = " ".join(self.sought.casefold().split())
        return any(wanted in name.casefold() for name, _, _ in self._names)

    def is_behind(self) -> bool:
        """Whether there is something in the index that was not there when texts were looked for."""
        return self._index is not None and self._hits is not None and self._index.progress[0] != self._indexed

    def chosen(self) -> Callable[[], None] | None:
        """What the row under the cursor does; None while there is no row, or texts are still looked for."""
        if self.searching and not (self._names and self._names_are_good()):
            return None
        if self._cursor < len(self._names):
            return self._names[self._cursor][2]
        hits, position = self._hits, self._cursor - len(self._names)
        if hits is None or position >= len(hits.places):
            return None
        return lambda: self._finder.go(hits, position)

    # -- drawing -----------------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        hits = self._hits
        if self._index is None or not self.sought:
            return ()
        if self._complaint:
            return (Span(clean(self._complaint, 200), Role.ERROR),)
        behind = self._progress()
        if self.searching or hits is None:
            return (Span("looking through texts …" if self.searching else "", Role.DIM), *behind)
        if not hits.total:
            return (Span("in no text", Role.DIM), *behind)
        where = f" on {thousands(hits.machines)} machines" if hits.machines > 1 else ""
        some = f", the nearest {thousands(len(hits.places))} listed" if len(hits.places) < hits.total else ""
        return (
            Span(thousands(hits.total), Role.VALUE, bold=True),
            Span(f" transitions with this text{where}{some}", Role.TEXT),
            *behind,
        )

    def _progress(self) -> Line:
        done, total = (0, 0) if self._index is None else self._index.progress
        if done >= total:
            return ()
        return (Span(f" · {done * 100 // max(1, total)} % of the recording indexed", Role.DIM),)

    def subtitle(self, width: int) -> Line:
        if self._hits is not None and self._cursor >= len(self._names) and self._hits.places:
            place = f"{thousands(self._cursor - len(self._names) + 1)}/{thousands(len(self._hits.places))}  "
            return (Span(place, Role.VALUE, bold=True), Span("Enter go, then ( and ) for others  Esc", Role.DIM))
        if self.row_count():
            return (Span("↑↓ Enter Esc", Role.DIM),)
        return (Span("looking …  Esc" if self.searching else "nothing matches  Esc", Role.DIM),)

    def row_count(self) -> int:
        return len(self._names) + (0 if self._hits is None else len(self._hits.places))

    def cursor_row(self) -> int:
        return self._cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        names = self._names[first : first + count]
        lines: list[Line] = [_name_row(name, note, width) for name, note, _ in names]
        if self._hits is not None and len(lines) < count:
            start = max(0, first - len(self._names))
            places = self._hits.places[start : start + count - len(lines)]
            lines += [find_rows.row(self._session, place, self.sought, width) for place in places]
        return lines

    def move_cursor(self, step: int) -> None:
        self._moved = True
        self._cursor = max(0, min(self._cursor + step, self.row_count() - 1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self.top + offset < self.row_count():
            self._cursor = self.top + offset
            self.screen.dismiss(self.chosen())


_Entry = tuple[str, str, Callable[[], None]]


def _name_row(name: str, note: str, columns: int) -> Line:
    return (
        Span(" " + pad(name, max(12, min(48, columns - len(note) - 4))) + "  ", Role.TEXT, bold=True),
        Span(note, Role.DIM),
    )


def _machines(session: Session) -> list[_Entry]:
    def choose(machine_id: int) -> Callable[[], None]:
        return lambda: session.select_machine(machine_id)

    return [(clean(listed.label, 80), "machine", choose(listed.machine_id)) for listed in session.order]


def _states(session: Session, choose: Callable[[str], None]) -> list[_Entry]:
    def chosen(name: str) -> Callable[[], None]:
        return lambda: choose(name)

    timeline = session.timeline
    names = timeline.schema.names if timeline is not None else ()
    return [(clean(name, 80), "state of this machine", chosen(name)) for name in names]
