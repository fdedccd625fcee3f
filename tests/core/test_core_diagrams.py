"""Diagrams of schemas, moments and transitions.

``UPDATE_GOLDEN=1`` writes the golden files anew; give them to the languages' own programs before keeping them.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from engine_setups import PATIENT, noted, veto
from hypothesis import example, given, settings
from hypothesis import strategies as st

from am_core import AmError, Machine, Transition
from am_core.diagram_text import d2_text, dot_text, mermaid_text, printable
from am_core.diagrams import Syntax, moment_diagram, schema_diagram, transition_diagram
from am_core.states import BasicStates

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"mermaid": "mmd", "dot": "dot", "d2": "d2"}
SYNTAXES: tuple[Syntax, ...] = get_args(Syntax)

SCHEMA: dict[str, Any] = {
    "Start": {},
    "Idle": {"auto": True, "require": ["Start"], "remove": ["Busy"]},
    "Busy": {"require": ["Start"], "remove": ["Idle"], "add": ["Counted"], "after": ["Counted"]},
    "Counted": {"multi": True},
    'Say "hi" & <go>; $HOME \\ end': {"remove": ["Busy"]},
}
SEQUENCE = {"A": {"remove": ["B"], "add": ["C"]}, "B": {}, "C": {"require": ["A"]}}


def machine() -> Machine:
    """Idle after having been busy."""
    made = Machine(SCHEMA, id="worker", handler_timeout=PATIENT)
    for state in ("Start", "Busy", "Counted"):
        made.add(state)
    made.remove("Busy")
    return made


def transition(refused: bool = False) -> Transition:
    """A replaces B, and everything about it has a handler."""
    made = Machine(SEQUENCE, id="steps", handler_timeout=PATIENT)
    made.add("B")
    handlers: dict[str, Any] = {
        name: lambda e: None for name in ("AEnter", "BExit", "BA", "AState", "BEnd", "AnyState")
    }
    made.bind({**handlers, "CEnter": veto} if refused else {**handlers, "CEnter": lambda e: None})
    notes = noted(made)
    made.add("A")
    return next(tx for tx in notes.all if not tx.is_auto)


DRAWN: dict[str, Callable[[Syntax], str]] = {
    "schema": lambda syntax: schema_diagram(SCHEMA, syntax),
    "moment": lambda syntax: moment_diagram(machine(), syntax),
    "transition": lambda syntax: transition_diagram(transition(), syntax),
    "refused": lambda syntax: transition_diagram(transition(refused=True), syntax),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("subject", DRAWN)
def test_a_diagram_looks_as_it_did(subject: str, syntax: Syntax) -> None:
    """Character by character."""
    drawn = DRAWN[subject](syntax)
    file = GOLDEN / f"{subject}.{ENDINGS[syntax]}"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(drawn, encoding="utf-8")
    assert drawn == file.read_text(encoding="utf-8")


LABELS: dict[Syntax, re.Pattern[str]] = {
    "mermaid": re.compile(r' {4}s\d+\["((?:[\w .,()-]|#\d+;)*)"\]'),
    "dot": re.compile(r' {4}s\d+ \[label="((?:[^"\\]|\\.)*)"\]'),
    "d2": re.compile(r's\d+: "((?:[^"\\$]|\\.)*)"'),
}
"""A node without details, as its language reads it: the label can hold no unescaped sign of the syntax."""
FRAMES = {"mermaid": ["flowchart LR"], "dot": ["digraph {", "    rankdir=LR", "}"], "d2": ["direction: right"]}


def mermaid_read(label: str) -> str:
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), label)


def dot_read(label: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", label))


def d2_read(label: str) -> str:
    return re.sub(r"\\(.)", r"\1", label)


READ: dict[Syntax, Callable[[str], str]] = {"mermaid": mermaid_read, "dot": dot_read, "d2": d2_read}
NAMES = st.text(st.one_of(st.characters(), st.sampled_from("\"'\\\n;#&${}[]()|<>%`*end ")), min_size=1, max_size=12)


@settings(max_examples=150)
@example(['"]', 'x"\nclick s0', "end", "End of", "\\", '\\"', "${x}", "&lt;", "#quot;", "<br/>", "\u2028", "%%"])
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_odd_names_stay_inside_their_labels(names: list[str]) -> None:
    """Each line is a node whose label reads as the name, or belongs to the frame; there are no others."""
    for syntax in SYNTAXES:
        lines = schema_diagram({name: {} for name in names}, syntax).split("\n")
        assert lines.pop() == ""
        nodes = [line for line in lines if line not in FRAMES[syntax] and not line.startswith("    node [")]
        found = [LABELS[syntax].fullmatch(line) for line in nodes]
        assert [match and READ[syntax](match[1]) for match in found] == [printable(name) for name in names]


@settings(max_examples=150)
@given(NAMES)
def test_escaped_text_is_one_printable_line(name: str) -> None:
    """Also for ids of machines and names of handlers; Mermaid never sees the word that closes its blocks."""
    for escape in (mermaid_text, dot_text, d2_text):
        assert escape(name).isprintable()
    assert not re.search(r"\bend\b", mermaid_text(name), re.IGNORECASE)
    assert mermaid_read(mermaid_text(name)) == printable(name)


def test_only_wanted_states_are_drawn() -> None:
    """In the wanted order; relations to others are left out."""
    drawn = schema_diagram(SCHEMA, "d2", states=["Busy", "Idle"])
    assert drawn == 'direction: right\ns0: "Busy"\ns1: "Idle\\nauto"\ns0 <-> s1: remove {style.stroke: "#b03030"}\n'
    with pytest.raises(AmError, match="does not have: Nothing"):
        schema_diagram(SCHEMA, states=["Busy", "Nothing"])


def test_relations_to_missing_states_are_shown() -> None:
    """A raw schema is drawn as it was written."""
    drawn = schema_diagram({"A": {"require": ["Gone"]}}, "dot")
    assert '    s1 [label="Gone\\nnot in the schema"]\n    s0 -> s1 [label=require style=bold]\n' in drawn


def test_a_disposed_machine_is_an_empty_diagram() -> None:
    """It has no states any more."""
    gone = machine()
    gone.dispose_force()
    assert [moment_diagram(gone, syntax) for syntax in SYNTAXES] == [
        "flowchart LR\n",
        "digraph {\n    rankdir=LR\n    node [shape=box style=rounded]\n}\n",
        "direction: right\n",
    ]


def test_classes_of_states_are_schemas() -> None:
    """Their states come in the order of the class."""
    drawn = schema_diagram(BasicStates)
    positions = [drawn.index(f'["{name}') for name in BasicStates.names]
    assert positions == sorted(positions)


def test_a_transition_without_recorded_steps_cannot_be_drawn() -> None:
    """The error says what to switch on."""
    kept: list[Transition] = []
    plain = Machine({"A": {}}, id="plain", on_change=lambda machine, tx: kept.append(tx))
    plain.add("A")
    with pytest.raises(AmError, match="set record_steps of machine plain"):
        transition_diagram(kept[0])


def test_unknown_languages_are_named_with_the_known_ones() -> None:
    """Before anything is drawn."""
    unknown: Any = "svg"
    for draw in (lambda: schema_diagram(SCHEMA, unknown), lambda: moment_diagram(machine(), unknown)):
        with pytest.raises(ValueError, match="mermaid, dot, d2"):
            draw()


def test_every_handler_of_a_sequence_has_its_name() -> None:
    """The steps know the states, not the names."""
    drawn = transition_diagram(transition(), "dot")
    names = re.findall(r'\d+\. (\w+)"', drawn)
    assert [name for name in names if name[0].isupper()] == transition().handlers_called
