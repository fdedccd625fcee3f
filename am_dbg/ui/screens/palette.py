"""The command palette: every action with its key, every machine, every state of the selected machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from am_dbg.session import Session
from am_dbg.ui.actions import ACTIONS
from am_dbg.ui.keymap import DEFAULT_KEYMAP, Keymap
from am_dbg.ui.matching import best
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad, width

MAX_HITS: Final = 200
"""More are never shown; more letters narrow them down."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to choose. ``run`` is called after the palette has closed."""

    name: str
    note: str
    keys: str
    run: Callable[[], None]


class PaletteScreen(ClosesOnce, ModalScreen[Callable[[], None] | None], inherit_bindings=False):
    """A field and a list of what matches it. Its result is what the chosen entry does, None when nothing was chosen.

    Args:
        session: whose machines and states are offered.
        run_action: does an action of the registry by its id.
        choose_state: selects a state by its name.
        keys: what to show beside the actions.
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
        run_action: Callable[[str], None],
        choose_state: Callable[[str], None],
        keys: Keymap = DEFAULT_KEYMAP,
    ) -> None:
        super().__init__()
        self._list = _EntryList([*_actions(run_action, keys), *_machines(session), *_states(session, choose_state)])

    def compose(self) -> ComposeResult:
        with Vertical(id="palette-box"):
            yield Input(id="palette-input", placeholder="A command, a machine or a state …", select_on_focus=False)
            yield self._list

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list.show(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.show(event.value)
        self.dismiss(self._list.chosen())

    def action_close(self) -> None:
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        self._list.move_cursor(step)

    def action_page(self, pages: int) -> None:
        self._list.move_cursor(pages * self._list.page)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)


class _EntryList(LineView, can_focus=False):
    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__(id="palette-list")
        self._entries = entries
        self._hits = list(entries[:MAX_HITS])
        self._cursor = 0
        self._query = ""

    def show(self, query: str) -> None:
        """List what matches."""
        if query != self._query:
            self._query = query
            self._hits = best(query, self._entries, lambda entry: entry.name, MAX_HITS)
            self._cursor = self.top = 0
            self.sync()

    def chosen(self) -> Callable[[], None] | None:
        """What the entry under the cursor does."""
        return self._hits[self._cursor].run if self._hits else None

    def subtitle(self, width: int) -> Line:
        shown = f"{len(self._hits)} of {len(self._entries):,}" if self._hits else "nothing matches"
        return (Span(f"{shown}  ↑↓ Enter Esc", Role.DIM),)

    def row_count(self) -> int:
        return len(self._hits)

    def cursor_row(self) -> int:
        return self._cursor

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [_row(entry, width) for entry in self._hits[first : first + count]]

    def move_cursor(self, step: int) -> None:
        self._cursor = max(0, min(self._cursor + step, len(self._hits) - 1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        self._cursor = min(self.top + offset, len(self._hits) - 1)
        self.screen.dismiss(self.chosen())


def _row(entry: Entry, columns: int) -> Line:
    name_width = min(36, max(12, columns // 2))
    keys = pad(entry.keys, 12) + "  "
    room = max(0, columns - name_width - width(keys) - 3)
    return (
        Span(" " + pad(entry.name, name_width) + " ", Role.TEXT, bold=True),
        Span(keys, Role.KEY, bold=True),
        Span(pad(entry.note, room) if room else "", Role.DIM),
    )


def _actions(run: Callable[[str], None], keymap: Keymap) -> Iterator[Entry]:
    for action in ACTIONS:
        if action.palette:
            yield Entry(action.title, action.description, keymap.printed(action, 2), partial(run, action.id))


def _machines(session: Session) -> Iterator[Entry]:
    for listed in session.order:
        yield Entry(clean(listed.label, 80), "machine", "", partial(session.select_machine, listed.machine_id))


def _states(session: Session, choose: Callable[[str], None]) -> Iterator[Entry]:
    timeline = session.timeline
    for name in timeline.schema.names if timeline is not None else ():
        yield Entry(clean(name, 80), "state of this machine", "", partial(choose, name))
