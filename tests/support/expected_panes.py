"""What panes have to show of a real recording, told from its messages alone."""

from __future__ import annotations

import re
from datetime import datetime

from tests.support.raw_recording import RawMachine, RawTransition

_RELATIONS = ("Require", "Add", "Remove", "After")


def at(machine: RawMachine, number: int) -> RawTransition | None:
    """The transition of a number, none before the first."""
    return machine.transitions[number - 1] if number else None


def natural(name: str) -> list[object]:
    """Sort key under which numbers inside names count as numbers."""
    return [int(part) if part.isdigit() else part.casefold() for part in re.split(r"(\d+)", name)]


def time_of_day(at_ns: int) -> str:
    """Local time to the nanosecond, the fraction in groups."""
    fraction = f"{at_ns % 10**9:09d}"
    return f"{datetime.fromtimestamp(at_ns // 10**9):%H:%M:%S}.{fraction[:3]} {fraction[3:6]} {fraction[6:]}"


def expected_row(machine: RawMachine, position: int, selected: bool) -> list[str]:
    """Mark and connection, name, flags and counter of a machine that stands at a transition."""
    active = machine.active(position)
    recent = machine.transitions[max(0, position - 100) : position]
    error = "E" if "Exception" in active else "e" if any("Exception" in t.changed for t in recent) else ""
    flags = error + ("R" if "Ready" in active else "S" if "Start" in active else "")
    counter = f"{position:,}" + ("+" if position < len(machine.transitions) else "")
    return ["▸○" if selected else "○", machine.name, *([flags] if flags else []), counter]


def change_sign(transition: RawTransition | None, state: str) -> list[str]:
    """What a transition did to a state, as a list of one sign or none."""
    if transition is None:
        return []
    if state in transition.changed:
        return ["+" if state in transition.added else "−" if state in transition.removed else "~"]
    return ["✕"] if not transition.accepted and state in transition.called else []


def expected_tree(machine: RawMachine, number: int) -> list[list[str]]:
    """All states opened: the state, then its properties, then its references."""
    clock, active, rows = machine.clock(number), machine.active(number), []
    for name in machine.states:
        defined = machine.defined.get(name, {})
        properties = [word for word in ("Auto", "Multi") if defined.get(word)]
        opened = ["▾"] if properties or any(defined.get(relation) for relation in _RELATIONS) else []
        letters = ["".join(word[0] for word in properties)] if properties else []
        glyph = "●" if name in active else "○"
        rows.append([*opened, glyph, name, *letters, *change_sign(at(machine, number), name), f"{clock[name]:,}"])
        if properties:
            rows.append(" · ".join(properties).lower().split())
        for relation in _RELATIONS:
            for place, other in enumerate(defined.get(relation, ())):
                rows.append([*([relation] if not place else []), "●" if other in active else "○", other])
    return rows


def drop(transition: RawTransition, state: str) -> str:
    """The sign of a state in the rain."""
    if transition.after[state] % 2:
        if state == "Exception" or state.startswith("Err"):
            return "!"
        if state in transition.changed:
            return "+" if state in transition.added else "~"
        return "2" if state in transition.touched else "1"
    if state in transition.removed:
        return "|"
    if not transition.accepted and state in transition.called:
        return "c"
    return "*" if state in transition.touched else "."
