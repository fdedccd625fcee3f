"""The schema tree: all states of the selected machine after the transition at the cursor, and their relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from am_dbg.session.targets import SelectState, Target, ToggleNode
from am_dbg.session.timefmt import thousands
from am_dbg.session.view import SessionView
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad, width
from am_telemetry.facts import PatternFact, is_error_state
from am_telemetry.store.timeline import Timeline

NodeKind = Literal["state", "properties", "reference"]

_RELATIONS: Final = ("require", "add", "remove", "after")


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


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One drawn row, exactly as wide as was asked for."""

    node: TreeNode
    line: Line
    highlighted: bool
    """Is the selected state, belongs to it, or refers to it."""


def title(session: SessionView, *, with_queue: bool = True) -> Line:
    """``Schema 14 · Q 2``: number of states, and mutations that waited when the transition began."""
    timeline = session.timeline
    if timeline is None:
        return (Span("Schema", Role.TITLE, bold=True),)
    head = (Span("Schema ", Role.TITLE, bold=True), Span(thousands(len(timeline.schema.names)), Role.VALUE))
    current = session.current if with_queue else None
    return head if current is None else (*head, Span(" · Q ", Role.DIM), Span(thousands(current.queue_len), Role.VALUE))


def nodes(session: SessionView) -> tuple[TreeNode, ...]:
    """All rows in order; states in index order, with what belongs to the expanded ones below."""
    timeline = session.timeline
    if timeline is None:
        return ()
    out: list[TreeNode] = []
    for owner, state in enumerate(timeline.schema.states):
        properties = [word for on, word in ((state.auto, "auto"), (state.multi, "multi")) if on]
        properties += [f"#{tag}" for tag in state.tags]
        relations = [(relation, getattr(state, relation)) for relation in _RELATIONS]
        expandable = bool(properties) or any(names for _, names in relations)
        expanded = expandable and state.name in session.expanded
        out.append(TreeNode(state.name, "state", owner, state.name, "", expandable, expanded))
        if not expanded:
            continue
        if properties:
            out.append(TreeNode(f"{state.name}\0", "properties", owner, "", " · ".join(properties)))
        for relation, names in relations:
            for place, name in enumerate(names):
                label = relation.capitalize() if place == 0 else ""
                out.append(TreeNode(f"{state.name}\0{relation}\0{place}", "reference", owner, name, label))
    return tuple(out)


def rows(
    session: SessionView, first: int, count: int, cells: int, known: Sequence[TreeNode] | None = None
) -> list[TreeRow]:
    """The rows from index ``first`` on, at most ``count``, each ``cells`` wide.

    A state row has a mark for the selected state (``▌``), ``▸``/``▾`` where it can be opened, ``●`` active or ``○``
    inactive, the name (underlined when called by this transition), ``A``/``M`` for auto and multi, what this transition
    did to it (``+`` added, ``−`` removed, ``~`` entered again, ``✕`` called in vain), and its tick.

    Args:
        known: the result of ``nodes``, when the caller has it already.
    """
    timeline = session.timeline
    if timeline is None:
        return []
    wanted = nodes(session) if known is None else known
    number = session.number
    fact = timeline.pattern(number).fact if number else None
    change = _Change(timeline, number, fact)
    window = wanted[max(0, first) : max(0, first) + max(0, count)]
    longest = max((width(clean(s.name)) for s in timeline.schema.states), default=0)
    return [_row(session, timeline, node, change, min(longest, max(4, cells - 18)), cells) for node in window]


class _Change:
    """What the transition at the cursor did, on the state axis of the timeline."""

    def __init__(self, timeline: Timeline, number: int, fact: PatternFact | None) -> None:
        self.number = number
        self.timeline = timeline
        self.canceled = fact is not None and number in timeline.canceled

    def called(self, state: int) -> bool:
        return bool(self.number) and self.number in self.timeline.called(state)

    def sign(self, state: int) -> tuple[str, Role]:
        """The sign of what happened to a state, and its role."""
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
    highlighted = bool(session.state) and session.state in (node.state, owner_name)
    mark = Span("▌" if highlighted else " ", Role.HIGHLIGHT, bold=True)
    if node.kind == "state":
        body = _state_spans(timeline, node, change, name_width, cells - 1, session.state == node.state)
    elif node.kind == "properties":
        body = (Span(pad(f"      {clean(node.label)}", cells - 1), Role.DIM),)
    else:
        body = _reference_spans(timeline, node, change.number, cells - 1, session.state == node.state)
    return TreeRow(node, (mark, *body), highlighted)


def _state_spans(
    timeline: Timeline, node: TreeNode, change: _Change, name_width: int, cells: int, selected: bool
) -> Line:
    state = timeline.schema.states[node.owner]
    active = timeline.is_active(node.owner, change.number)
    role = state_role(state.name, active, state.multi)
    sign, sign_role = change.sign(node.owner)
    called = change.called(node.owner)
    tick = thousands(timeline.tick(node.owner, change.number))
    arrow = ("▾ " if node.expanded else "▸ ") if node.expandable else "  "
    properties = ("A" if state.auto else " ") + ("M" if state.multi else " ")
    target = SelectState(state.name)
    room = max(len(tick) + 1, cells - 4 - name_width - 6)
    return (
        Span(arrow, Role.DIM, target=ToggleNode(node.key) if node.expandable else target),
        Span("● " if active else "○ ", role, target=target),
        *_padded(clean(state.name), name_width, role, active or selected, called, target),
        Span(f" {properties} ", Role.MULTI if state.multi else Role.DIM, target=target),
        Span(sign + " ", sign_role, bold=True, target=target),
        Span(tick.rjust(room), Role.VALUE if active else Role.DIM, target=target),
    )


def _reference_spans(timeline: Timeline, node: TreeNode, number: int, cells: int, selected: bool) -> Line:
    index = timeline.schema.index.get(node.state)
    active = index is not None and timeline.is_active(index, number)
    multi = index is not None and timeline.schema.states[index].multi
    role = Role.DIM if index is None else state_role(node.state, active, multi)
    glyph = "? " if index is None else "● " if active else "○ "
    target = SelectState(node.state)
    return (
        Span(f"      {node.label:<8}", Role.KEY, target=target),
        Span(glyph, role, target=target),
        Span(pad(clean(node.state), max(1, cells - 16)), role, bold=active or selected, target=target),
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
