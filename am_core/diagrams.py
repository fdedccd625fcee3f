"""Diagrams as text, for Mermaid, Graphviz (DOT) and D2: of a schema, of a moment, and of a transition's steps.

Names of states are text. Everything that could mean something to one of the languages is escaped, and what cannot be
printed is spelled out, so that a name never adds to a diagram.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from am_core.diagram_text import GRAPHS, SEQUENCES
from am_core.errors import AmError
from am_core.schemas.names import ANY, ANY_INDEX
from am_core.schemas.schema import RELATIONS, Schema, State
from am_core.schemas.typed import States

if TYPE_CHECKING:
    from am_core.machine import Machine
    from am_core.resolution.steps import Step
    from am_core.resolution.transition import Transition

Syntax = Literal["mermaid", "dot", "d2"]
RawSchema = Mapping[str, State | Mapping[str, Any] | None]


class Node(NamedTuple):
    """A state: its name, a second line of text, and whether it is drawn as active."""

    name: str
    detail: str = ""
    active: bool = False


class Edge(NamedTuple):
    """A relation between two nodes, by position."""

    relation: str
    source: int
    target: int
    mutual: bool = False


class Graph(NamedTuple):
    """States and their relations."""

    nodes: list[Node]
    edges: list[Edge]


class Message(NamedTuple):
    """One step of a transition, between two participants by position."""

    source: int
    target: int
    text: str
    refused: bool = False


class Sequence(NamedTuple):
    """Steps in order; the first participant is the machine."""

    title: str
    participants: list[str]
    messages: list[Message]
    outcome: str


def schema_diagram(
    schema: RawSchema | type[States], syntax: Syntax = "mermaid", *, states: Iterable[str] | None = None
) -> str:
    """States with their properties and relations; only some states with ``states``.

    Relations to names that the schema does not have are drawn to a node that says so. Two states that remove each
    other share one arrow.
    """
    _expect(syntax)
    raw = schema.schema if isinstance(schema, type) else schema
    return GRAPHS[syntax](_graph(Schema(raw), states, None))


def moment_diagram(machine: Machine, syntax: Syntax = "mermaid", *, states: Iterable[str] | None = None) -> str:
    """The machine's schema with the states that are active now marked, and every tick; empty once it is disposed.

    Thread-safe: everything drawn is of one moment.
    """
    _expect(syntax)
    model, _, mask, ticks = machine._now
    # A disposed machine has no ticks, and nothing to draw.
    clock = {name: (tick, bool(mask >> i & 1)) for i, (name, tick) in enumerate(zip(model.names, ticks, strict=False))}
    schema = Schema({name: model.schema[name] for name in clock})
    return GRAPHS[syntax](_graph(schema, states, clock))


def transition_diagram(tx: Transition, syntax: Syntax = "mermaid") -> str:
    """The steps of a transition as a sequence diagram; numbered arrows in DOT, which has no such diagrams.

    Raises :class:`AmError` when no steps were recorded.
    """
    _expect(syntax)
    if not tx.steps and tx.mutation.called:
        raise AmError(
            f"transition {tx.id} has no recorded steps: set record_steps of machine {tx.machine.id} before the mutation"
        )
    if not tx.is_completed:
        outcome = "running"
    elif tx.is_accepted:
        outcome = "accepted"
    else:
        outcome = f"canceled by {tx.canceled_by}" if tx.canceled_by else "canceled"
    title = f"{tx.machine.id}: {tx.mutation.text(tx.model.names)}"
    return SEQUENCES[syntax](_sequence(title, tx.machine.id, tx.steps, tx.model.names, outcome))


def _expect(syntax: str) -> None:
    if syntax not in GRAPHS:
        raise ValueError(f"diagrams of syntax {syntax!r} do not exist, choose one of {', '.join(GRAPHS)}")


def _graph(schema: Schema, states: Iterable[str] | None, clock: Mapping[str, tuple[int, bool]] | None) -> Graph:
    wanted = list(schema) if states is None else list(dict.fromkeys(states))
    unknown = [name for name in wanted if name not in schema]
    if unknown:
        raise AmError(f"cannot draw states that the schema does not have: {', '.join(unknown)}")
    index = {name: i for i, name in enumerate(wanted)}
    nodes = [_node(name, schema[name], clock) for name in wanted]
    edges: list[Edge] = []
    for name in wanted:
        for relation in RELATIONS:
            for target in dict.fromkeys(getattr(schema[name], relation) or ()):
                if target not in schema and target not in index:
                    index[target] = len(nodes)
                    nodes.append(Node(target, "not in the schema"))
                if target not in index or target == name:
                    continue
                mutual = relation == "remove" and name in (schema.get(target, _PLAIN).remove or ())
                if not mutual or index[name] < index[target]:
                    edges.append(Edge(relation, index[name], index[target], mutual))
    return Graph(nodes, edges)


_PLAIN: Final = State()


def _node(name: str, state: State, clock: Mapping[str, tuple[int, bool]] | None) -> Node:
    tick, active = (0, False) if clock is None else clock[name]
    words = [word for word, on in (("auto", state.auto), ("multi", state.multi)) if on]
    if clock is not None:
        words.insert(0, f"tick {tick}")
        if active:
            words.insert(0, "active")
    return Node(name, ", ".join(words), active)


def _sequence(title: str, machine_id: str, steps: Iterable[Step], names: tuple[str, ...], outcome: str) -> Sequence:
    participants = [machine_id]
    positions: dict[int, int] = {}

    def position(index: int) -> int:
        if not 0 <= index < len(names):
            return 0
        if index not in positions:
            positions[index] = len(participants)
            participants.append(names[index])
        return positions[index]

    messages: list[Message] = []
    for step in steps:
        source, target = position(step.source), position(step.target)
        if step.kind == "rel":
            messages.append(Message(source, target, step.relation))
        elif step.kind == "handler":
            # A handler about one state is called by the machine; those about a pair stand between the two.
            messages.append(Message(source if target else 0, target or source, _handler(step, names)))
        else:
            messages.append(Message(0, target or source, step.kind, step.kind == "cancel"))
    return Sequence(title, participants, messages, outcome)


def _handler(step: Step, names: tuple[str, ...]) -> str:
    """Name of the handler that a step is about."""

    def name(index: int) -> str:
        return ANY if index == ANY_INDEX else names[index] if 0 <= index < len(names) else ""

    source, target = name(step.source), name(step.target)
    if step.source >= 0 and step.target < 0:
        return source + "Exit"
    if step.source >= 0:
        return source + target
    if step.is_self:
        return target * 2
    if step.is_final:
        return target + ("State" if step.is_enter else "End")
    return target + "Enter"
