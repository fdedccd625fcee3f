"""How diagrams are written in each language. Nodes get ids of their own; names only stand in labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from am_core.diagrams import Edge, Graph, Message, Node, Sequence

FILL: Final = "#cfe8cf"
REMOVE: Final = "#b03030"


def printable(text: str) -> str:
    """Text on one line, with everything that cannot be printed spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def mermaid_text(text: str) -> str:
    """Character codes for all but letters, digits and a few harmless signs.

    The word "end" closes blocks wherever it stands, so it is broken up too.
    """
    coded = "".join(c if c.isalnum() or c in " _-.,()" else f"#{ord(c)};" for c in printable(text))
    return re.sub(r"(?i)(?<![^\W_])(e)(?=nd(?![^\W_]))", lambda match: f"#{ord(match[1])};", coded)


def dot_text(text: str) -> str:
    """The inside of a quoted string. Backslashes and ampersands begin replacements in labels."""
    return printable(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def d2_text(text: str) -> str:
    """The inside of a quoted string. A dollar sign begins a variable."""
    return re.sub(r'([\\"$])', r"\\\1", printable(text))


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


NEWLINE: Final = r"\n"
"""A line break inside the quoted strings of DOT and D2."""


def _label(node: Node, escape: Callable[[str], str], newline: str = NEWLINE) -> str:
    return escape(node.name) + (newline + escape(node.detail) if node.detail else "")


MERMAID_ARROWS: Final = {"add": "-->", "require": "==>", "remove": "--x", "after": "-.->"}


def mermaid_graph(graph: Graph) -> str:
    """A flowchart."""

    def arrow(edge: Edge) -> str:
        kind = "x--x" if edge.mutual else MERMAID_ARROWS[edge.relation]
        return f"    s{edge.source} {kind}|{edge.relation}| s{edge.target}"

    active = [f"s{i}" for i, node in enumerate(graph.nodes) if node.active]
    marks = [f"    classDef active fill:{FILL},color:#000,stroke-width:4px", f"    class {','.join(active)} active"]
    return _lines(
        "flowchart LR",
        *(f'    s{i}["{_label(node, mermaid_text, "<br/>")}"]' for i, node in enumerate(graph.nodes)),
        *map(arrow, graph.edges),
        *(marks if active else []),
    )


def mermaid_sequence(sequence: Sequence) -> str:
    """A sequence diagram."""
    last = len(sequence.participants) - 1
    return _lines(
        "sequenceDiagram",
        "    autonumber",
        *(f"    participant p{i} as {mermaid_text(name)}" for i, name in enumerate(sequence.participants)),
        f"    note over p0{f',p{last}' if last else ''}: {mermaid_text(sequence.title)}",
        *(
            f"    p{m.source}{'-x' if m.refused else '->>'}p{m.target}: {mermaid_text(m.text)}"
            for m in sequence.messages
        ),
        f"    note over p0{f',p{last}' if last else ''}: {mermaid_text(sequence.outcome)}",
    )


DOT_STYLES: Final = {
    "add": "",
    "require": " style=bold",
    "remove": f' color="{REMOVE}" arrowhead=tee',
    "after": " style=dotted",
}


def dot_graph(graph: Graph) -> str:
    """A directed graph."""

    def node(i: int) -> str:
        style = f' style="rounded,filled,bold" fillcolor="{FILL}" fontcolor=black' if graph.nodes[i].active else ""
        return f'    s{i} [label="{_label(graph.nodes[i], dot_text)}"{style}]'

    def arrow(edge: Edge) -> str:
        both = " dir=both arrowtail=tee" if edge.mutual else ""
        return f"    s{edge.source} -> s{edge.target} [label={edge.relation}{DOT_STYLES[edge.relation]}{both}]"

    return _lines(
        "digraph {",
        "    rankdir=LR",
        "    node [shape=box style=rounded]",
        *map(node, range(len(graph.nodes))),
        *map(arrow, graph.edges),
        "}",
    )


def dot_sequence(sequence: Sequence) -> str:
    """Participants with numbered arrows between them."""

    def arrow(number: int, m: Message) -> str:
        refused = " arrowhead=box" if m.refused else ""
        return f'    p{m.source} -> p{m.target} [label="{number}. {dot_text(m.text)}"{refused}]'

    return _lines(
        "digraph {",
        "    rankdir=LR",
        "    labelloc=t",
        f'    label="{dot_text(sequence.title)}{NEWLINE}{dot_text(sequence.outcome)}"',
        "    node [shape=box]",
        *(f'    p{i} [label="{dot_text(name)}"]' for i, name in enumerate(sequence.participants)),
        *(arrow(number, m) for number, m in enumerate(sequence.messages, 1)),
        "}",
    )


D2_STYLES: Final = {
    "add": "",
    "require": " {style.stroke-width: 4}",
    "remove": f' {{style.stroke: "{REMOVE}"}}',
    "after": " {style.stroke-dash: 3}",
}


def d2_graph(graph: Graph) -> str:
    """Shapes and connections."""

    def node(i: int) -> str:
        style = f' {{style: {{fill: "{FILL}"; font-color: black; stroke-width: 4}}}}' if graph.nodes[i].active else ""
        return f's{i}: "{_label(graph.nodes[i], d2_text)}"{style}'

    def arrow(edge: Edge) -> str:
        kind = "<->" if edge.mutual else "->"
        return f"s{edge.source} {kind} s{edge.target}: {edge.relation}{D2_STYLES[edge.relation]}"

    return _lines("direction: right", *map(node, range(len(graph.nodes))), *map(arrow, graph.edges))


def d2_sequence(sequence: Sequence) -> str:
    """A container that is a sequence diagram."""
    return _lines(
        f'transition: "{d2_text(sequence.title)}" {{',
        "  shape: sequence_diagram",
        *(f'  p{i}: "{d2_text(name)}"' for i, name in enumerate(sequence.participants)),
        *(
            f'  p{m.source} -> p{m.target}: "{d2_text(m.text)}"{" {style.stroke-dash: 3}" if m.refused else ""}'
            for m in sequence.messages
        ),
        f'  p0."{d2_text(sequence.outcome)}"',
        "}",
    )


GRAPHS: Final[dict[str, Callable[[Graph], str]]] = {"mermaid": mermaid_graph, "dot": dot_graph, "d2": d2_graph}
SEQUENCES: Final[dict[str, Callable[[Sequence], str]]] = {
    "mermaid": mermaid_sequence,
    "dot": dot_sequence,
    "d2": d2_sequence,
}
