"""The schema tree: all states of the selected machine after the transition at the cursor, and their relations.

Inside a transition it shows what the steps so far have done: touched states come first, opened as far as their
relations take part, and lines connect those with the states they name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from am_dbg.session.targets import SelectState, Target, ToggleNode
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels import tree_choice, tree_steps
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad, width
from am_telemetry.facts import NO_STATE, SchemaFact, is_error_state
from am_telemetry.store.timeline import Timeline

NodeKind = Literal["state", "properties", "reference"]

_RELATIONS: Final = ("require", "add", "remove", "after")
KEPT_SIGN: Final = "◆"
"""Before a state that stays selected wherever the row cursor goes."""
_LEAST_CELLS: Final = 32
"""Cells that the lines beside the tree leave to its rows."""
NOTHING_SHOWN: Final[tuple[Line, ...]] = (
    (Span("No state is shown", Role.TITLE, bold=True),),
    (Span(" "),),
    (Span("Ctrl+S", Role.KEY, bold=True), Span(" chooses which ones are.")),
)


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A row before it is drawn. ``state`` is the state that choosing the row selects, empty for property rows."""

    key: str
    kind: NodeKind
    owner: int
    """Index of the state the row belongs to."""
    state: str
    label: str = ""
    expandable: bool = False
    expanded: bool = False
    relation: str = ""
    """Of a reference, in lower case."""


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One drawn row, exactly as wide as was asked for."""

    node: TreeNode
    line: Line
    highlighted: bool
    """Is a selected state, belongs to it, or refers to it."""


def title(session: SessionView, *, with_queue: bool = True, shown: int | None = None) -> Line:
    """``Schema 14 · Q 2``: number of states, and mutations that waited when the transition began.

    Args:
        with_queue: whether to tell about the queue, and of steps in as many words.
        shown: how many states are shown, where that are not all of them.
    """
    timeline = session.timeline
    if timeline is None:
        return (Span("Schema", Role.TITLE, bold=True),)
    count = thousands(len(timeline.schema.names))
    if shown is not None and shown < len(timeline.schema.names):
        count = f"{thousands(shown)}/{count}"
    head = (Span("Schema ", Role.TITLE, bold=True), Span(count, Role.VALUE))
    if (inside := session.inside) is not None:
        place = (Span(" · step ", Role.DIM), Span(f"{inside.step}/{len(inside.steps)}", Role.VALUE, bold=True))
        return (*head, *place) if with_queue else (*head, Span(" "), place[1])
    current = session.current if with_queue else None
    return head if current is None else (*head, Span(" · Q ", Role.DIM), Span(thousands(current.queue_len), Role.VALUE))


def nodes(session: SessionView) -> tuple[TreeNode, ...]:
    """All rows in order: the shown states in index order, with what belongs to the expanded ones below.

    Inside a transition those that take part in it come first, unless the session wants them to keep their place; of
    their relations only those that take part are shown where they were not expanded by hand.
    """
    timeline = session.timeline
    if timeline is None:
        return ()
    cast = tree_steps.cast(session)
    owners = tree_choice.owners(session, timeline, cast)
    if cast is not None and session.touched_first:
        owners.sort(key=lambda owner: owner not in cast.states)
    out: list[TreeNode] = []
    for owner in owners:
        out += _nodes_of(session, timeline.schema, owner, cast)
    return tuple(out)


def _nodes_of(session: SessionView, schema: SchemaFact, owner: int, cast: tree_steps.Cast | None) -> list[TreeNode]:
    state = schema.states[owner]
    properties = [word for on, word in ((state.auto, "auto"), (state.multi, "multi")) if on]
    relations = [(relation, getattr(state, relation)) for relation in _RELATIONS]
    expandable = bool(properties or state.tags) or any(names for _, names in relations)
    by_hand = expandable and state.name in session.expanded
    below: list[TreeNode] = []
    if properties and by_hand:
        below.append(TreeNode(f"{state.name}\0", "properties", owner, "", " · ".join(properties)))
    if by_hand:
        below += [TreeNode(f"{state.name}\0#{tag}", "properties", owner, "", f"#{tag}") for tag in state.tags]
    for relation, names in relations:
        label = relation.capitalize()
        for place, name in enumerate(names):
            reference = (owner, relation, schema.index.get(name, NO_STATE))
            if by_hand or (cast is not None and reference in cast.references):
                key = f"{state.name}\0{relation}\0{place}"
                below.append(TreeNode(key, "reference", owner, name, label, relation=relation))
                label = ""
    return [TreeNode(state.name, "state", owner, state.name, "", expandable, bool(below)), *below]


def rows(
    session: SessionView, first: int, count: int, cells: int, known: Sequence[TreeNode] | None = None
) -> list[TreeRow]:
    """The rows from index ``first`` on, at most ``count``, each ``cells`` wide.

    A state row has a mark for a selected state (``▌``; ``◆`` where it stays selected), ``▸``/``▾`` where it can be
    opened, ``●`` active or ``○`` inactive, the name (underlined when called by this transition), ``A``/``M`` for auto
    and multi, what this transition did to it (``+`` added, ``−`` removed, ``~`` entered again, ``✕`` called in vain),
    and its tick. Inside a transition ``›`` marks the rows of the step that was done last, and the signs are those of
    ``tree_steps.Decorations``.

    Args:
        known: the result of ``nodes``, when the caller has it already.
    """
    timeline = session.timeline
    if timeline is None:
        return []
    wanted = nodes(session) if known is None else known
    decorations = tree_steps.of(session)
    change = _Change(timeline, session.number, decorations)
    wiring = None if decorations is None else _wiring(timeline, decorations, wanted, cells)
    room = cells - (wiring.width if wiring is not None else 0)
    first = max(0, first)
    longest = max((width(clean(s.name)) for s in timeline.schema.states), default=0)
    name_width = min(longest, max(4, room - 16 - change.sign_width))
    out = []
    for place, node in enumerate(wanted[first : first + max(0, count)], first):
        row = _row(session, timeline, node, change, name_width, room)
        if wiring is not None and wiring.width:
            row = replace(row, line=(*row.line, *wiring.beside(place)))
        out.append(row)
    return out


def changed_rows(session: SessionView, known: Sequence[TreeNode]) -> list[int]:
    """The rows that tell what the transition at the cursor, or its last step, has done; in order.

    States that changed; if there are none, those that were called. With selected states only their own rows.
    """
    timeline = session.timeline
    if timeline is None:
        return []
    if session.states:
        wanted = {timeline.schema.index.get(name, NO_STATE) for name in session.states}
    elif (decorations := tree_steps.of(session)) is not None:
        wanted = set(decorations.current)
        references = decorations.current_reference
        if references is not None:
            rows = [row for row, node in enumerate(known) if _reference(timeline, node) == references]
            return rows or [row for row, node in enumerate(known) if node.kind == "state" and node.owner in wanted]
    else:
        number = session.number
        states = range(len(timeline.schema.states))
        wanted = {state for state in states if number and number in timeline.changed(state)}
        wanted = wanted or {state for state in states if number and number in timeline.called(state)}
    return [row for row, node in enumerate(known) if node.kind == "state" and node.owner in wanted]


def _reference(timeline: Timeline, node: TreeNode) -> tree_steps.Reference | None:
    if node.kind != "reference":
        return None
    return node.owner, node.relation, timeline.schema.index.get(node.state, NO_STATE)


def _wiring(
    timeline: Timeline, decorations: tree_steps.Decorations, known: Sequence[TreeNode], cells: int
) -> tree_steps.Wiring:
    states = {node.owner: row for row, node in enumerate(known) if node.kind == "state"}
    references = {
        reference: row for row, node in enumerate(known) if (reference := _reference(timeline, node)) is not None
    }
    return tree_steps.wiring(decorations, states, references, cells - _LEAST_CELLS)


class _Change:
    """What the transition at the cursor did, or the steps so far, on the state axis of the timeline."""

    def __init__(self, timeline: Timeline, number: int, decorations: tree_steps.Decorations | None) -> None:
        self.timeline = timeline
        self.number = number
        self.canceled = bool(number) and number in timeline.canceled
        self.decorations = decorations
        self.sign_width = 2 if decorations is None else tree_steps.SIGNS_WIDTH + 1

    def is_active(self, state: int) -> bool:
        if self.decorations is not None:
            return self.decorations.is_active(state)
        return self.timeline.is_active(state, self.number)

    def tick(self, state: int) -> int:
        return self.timeline.tick(state, self.number) if self.decorations is None else self.decorations.tick(state)

    def called(self, state: int) -> bool:
        if self.decorations is not None:
            return state in self.decorations.called
        return bool(self.number) and self.number in self.timeline.called(state)

    def touched(self, state: int) -> bool:
        return self.decorations is not None and state in self.decorations.touched

    def is_current(self, node: TreeNode) -> bool:
        """Whether the last step was about a row."""
        done = self.decorations
        if done is None:
            return False
        if node.kind == "reference":
            return _reference(self.timeline, node) == done.current_reference
        return node.kind == "state" and node.owner in done.current

    def signs(self, state: int) -> Line:
        """What happened to a state, ``sign_width`` cells."""
        if self.decorations is not None:
            return (*self.decorations.signs(state), Span(" "))
        sign, role = self._sign(state)
        return (Span(sign + " ", role, bold=True),)

    def _sign(self, state: int) -> tuple[str, Role]:
        if not self.number:
            return " ", Role.TEXT
        if self.number in self.timeline.changed(state):
            active, before = (self.timeline.is_active(state, n) for n in (self.number, self.number - 1))
            if active and not before:
                return "+", Role.ADDED
            return ("−", Role.REMOVED) if before and not active else ("~", Role.CALLED)
        return ("✕", Role.CANCELED) if self.canceled and self.called(state) else (" ", Role.TEXT)


def _row(
    session: SessionView, timeline: Timeline, node: TreeNode, change: _Change, name_width: int, cells: int
) -> TreeRow:
    owner_name = timeline.schema.names[node.owner]
    selected = session.states
    highlighted = bool(selected) and (node.state in selected or owner_name in selected)
    kept = node.kind == "state" and node.state in session.kept_states
    mark = Span(KEPT_SIGN if kept else "▌" if highlighted else " ", Role.HIGHLIGHT, bold=True)
    if change.is_current(node):
        mark = Span("›", Role.CURSOR, bold=True)
    if node.kind == "state":
        body = _state_spans(timeline, node, change, name_width, cells - 1, node.state in selected)
    elif node.kind == "properties":
        body = (Span(pad(f"      {clean(node.label)}", cells - 1), Role.DIM),)
    else:
        taking_part = change.decorations is not None and change.decorations.has_seen(_reference(timeline, node))
        body = _reference_spans(timeline, node, change, cells - 1, node.state in selected or taking_part)
    return TreeRow(node, (mark, *body), highlighted)


def _state_spans(
    timeline: Timeline, node: TreeNode, change: _Change, name_width: int, cells: int, selected: bool
) -> Line:
    state = timeline.schema.states[node.owner]
    active = change.is_active(node.owner)
    role = state_role(state.name, active, state.multi)
    called = change.called(node.owner)
    tick = thousands(change.tick(node.owner))
    arrow = ("▾ " if node.expanded else "▸ ") if node.expandable else "  "
    properties = ("A" if state.auto else " ") + ("M" if state.multi else " ")
    target = SelectState(state.name)
    signs = tuple(replace(span, target=target) for span in change.signs(node.owner))
    room = max(len(tick) + 1, cells - 4 - name_width - 4 - change.sign_width)
    return (
        Span(arrow, Role.DIM, target=ToggleNode(node.key) if node.expandable else target),
        Span("● " if active else "○ ", role, target=target),
        *_padded(clean(state.name), name_width, role, active or selected or change.touched(node.owner), called, target),
        Span(f" {properties} ", Role.MULTI if state.multi else Role.DIM, target=target),
        *signs,
        Span(tick.rjust(room), Role.VALUE if active else Role.DIM, target=target),
    )


def _reference_spans(timeline: Timeline, node: TreeNode, change: _Change, cells: int, bold: bool) -> Line:
    index = timeline.schema.index.get(node.state)
    active = index is not None and change.is_active(index)
    multi = index is not None and timeline.schema.states[index].multi
    role = Role.DIM if index is None else state_role(node.state, active, multi)
    glyph = "? " if index is None else "● " if active else "○ "
    target = SelectState(node.state)
    return (
        Span(f"      {node.label:<8}", Role.KEY, target=target),
        Span(glyph, role, target=target),
        Span(pad(clean(node.state), max(1, cells - 16)), role, bold=active or bold, target=target),
    )


def _padded(name: str, cells: int, role: Role, bold: bool, underline: bool, target: Target) -> Line:
    shown = pad(name, cells)
    text = shown.rstrip(" ")
    return (Span(text, role, bold=bold, underline=underline, target=target), Span(shown[len(text) :], target=target))


def state_role(name: str, active: bool, multi: bool = False) -> Role:
    """How a state's name is drawn: active error states stand out, then active multi states, then active ones."""
    if not active:
        return Role.INACTIVE
    return Role.ERROR if is_error_state(name) else Role.MULTI if multi else Role.ACTIVE
