"""The states of the selected machine, with what they need and do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from textual import events

from am_dbg.session import Mode, Session
from am_dbg.session.targets import ToggleNode
from am_dbg.ui.actions import Pane
from am_dbg.ui.widgets.empty_pane import centered
from am_dbg.ui.widgets.line_view import Window
from am_dbg.ui.widgets.session_view import SearchableView, tab, widest
from am_dbg.viewmodels import tree, tree_choice
from am_dbg.viewmodels.selection import selected_with_tick
from am_dbg.viewmodels.spans import Line, Role, Span, cut, line_width

CHOOSER: Final = "view.states"
"""Id of the action that lets people choose which states are shown."""
_LEAST_CHOICE: Final = 8


def _chooser(choice: str, cells: int) -> Line:
    """What is shown, to be clicked on, cut to the room there is; nothing where there is too little."""
    if cells < _LEAST_CHOICE:
        return ()
    target: Any = CHOOSER  # followed by SchemaTree
    return (Span(" · ", Role.DIM), Span(cut(choice, cells - 3), Role.LINK, underline=True, target=target))


class SchemaTree(SearchableView):
    """The row cursor selects the state of its row; Enter opens or closes it."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(session, id=id)
        self._cursor_key = ""
        self._tree_nodes: Sequence[tree.TreeNode] = ()
        self._rows_for: tuple[object, ...] = ()
        self._counted: Sequence[tree.TreeNode] | None = None
        self._states = 0
        self._state_seen = ""
        self._place_seen: tuple[object, ...] = ()

    def title(self, width: int) -> Line:
        session, shown = self.session, self._shown_states()
        long, short = tree.title(session, shown=shown), tree.title(session, with_queue=False, shown=shown)
        if choice := tree_choice.words(session):
            room = width if not self.main.is_narrow else width - len("Machines ")
            short = (*short, *_chooser(choice, room - line_width(short)))
            long = (*long, *_chooser(choice, len(choice) + 3))
        if not self.main.is_narrow:
            return widest(width, long, short)
        other = tab("Machines", Pane.MACHINES)
        return widest(width, (other, Span("  "), *long), (other, Span("  "), *short), (other, Span(" "), *short))

    def on_title(self, target: object) -> None:
        if target == CHOOSER:
            self.main.controller.run(CHOOSER)
        else:
            super().on_title(target)

    def window(self, width: int, height: int) -> Window:
        timeline = self.session.timeline
        if timeline is not None and timeline.schema.states and not self.nodes():
            return Window(centered(tree.NOTHING_SHOWN, width, height), None, (), ())
        return super().window(width, height)

    def subtitle(self, width: int) -> Line:
        return selected_with_tick(self.session, width)

    def nodes(self) -> Sequence[tree.TreeNode]:
        """All rows, in order; computed when something about them changed."""
        timeline = self.session.timeline
        inside = self.session.inside
        key = (
            timeline.schema if timeline is not None else None,
            frozenset(self.session.expanded),
            inside.number if inside is not None else 0,
            self.session.touched_first,
            tree_choice.key(self.session),
        )
        if key != self._rows_for:
            self._tree_nodes, self._rows_for = tree.nodes(self.session), key
        return self._tree_nodes

    def _shown_states(self) -> int:
        """How many states are shown."""
        nodes = self.nodes()
        if self._counted is not nodes:
            self._counted, self._states = nodes, sum(node.kind == "state" for node in nodes)
        return self._states

    def row_count(self) -> int:
        return len(self.nodes())

    def _follow(self, cursor: int | None, count: int, height: int) -> None:
        super()._follow(cursor, count, height)
        session = self.session
        place = (session.machine_id, session.number, session.step)
        if place == self._place_seen:
            return
        self._place_seen = place
        # While the newest is followed, a list that scrolls by itself could not be read.
        rows = tree.changed_rows(session, self.nodes()) if session.mode is not Mode.TAIL else []
        if rows and not any(self.top <= row < self.top + height for row in rows):
            self.top = rows[0] - height // 3

    def cursor_row(self) -> int:
        nodes = self.nodes()
        if self.session.state != self._state_seen:
            # Selected elsewhere: bring its own row under the cursor.
            self._state_seen = self.session.state
            current = next((node for node in nodes if node.key == self._cursor_key), None)
            if self.session.state and (current is None or current.state != self.session.state):
                self._cursor_key = self.session.state
        return next((row for row, node in enumerate(nodes) if node.key == self._cursor_key), 0)

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return [row.line for row in tree.rows(self.session, first, count, width, self.nodes())]

    def names(self) -> Sequence[str]:
        return [node.state or node.label for node in self.nodes()]

    def go_to_row(self, row: int) -> None:
        node = self.nodes()[row]
        self._cursor_key = node.key
        self._state_seen = node.state
        self.session.select_state(node.state)
        self.main.paint_soon()

    def choose(self) -> None:
        nodes = self.nodes()
        if not nodes:
            return
        node = nodes[self.cursor_row()]
        if node.kind == "reference":
            self._jump_to_state(node.state)
            return
        self.go_to_row(self.cursor_row())
        if node.expandable:
            self.session.toggle_node(node.key)

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        index = self.top + offset
        repeated = index == self.cursor_row() and self.session.state == self.nodes()[index].state
        self.go_to_row(index)
        node = self.nodes()[index]
        if node.expandable and (isinstance(target, ToggleNode) or repeated):
            self.session.toggle_node(node.key)

    def state_at(self, offset: int, event: events.Click) -> str:
        return self.nodes()[self.top + offset].state

    def _jump_to_state(self, name: str) -> None:
        row = next((r for r, node in enumerate(self.nodes()) if node.kind == "state" and node.state == name), None)
        if row is not None:
            self.go_to_row(row)
