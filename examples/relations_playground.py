"""What each relation and property does, on the smallest machine that shows it. Change something and run it again.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/relations_playground.py`` in another: its view of a
transition shows for each step below which relation decided.
"""

from typing import Any

import am_telemetry
from am_core import Machine

am_telemetry.init()

Steps = list[tuple[str, list[str]]]

GAMES: list[tuple[str, dict[str, dict[str, Any]], Steps]] = [
    (
        "add brings others along, but does not hold on to them",
        {"Party": {"add": ["Music"]}, "Music": {}},
        [("add", ["Party"]), ("remove", ["Music"]), ("remove", ["Party"])],
    ),
    (
        "require refuses a state without others, and ends it with them",
        {"Driving": {"require": ["Fuel"]}, "Fuel": {}},
        [("add", ["Driving"]), ("add", ["Fuel", "Driving"]), ("remove", ["Fuel"])],
    ),
    (
        "remove in one direction: the state that is active keeps the other one out",
        {"Locked": {"remove": ["Open"]}, "Open": {}},
        [("add", ["Open"]), ("add", ["Locked"]), ("add", ["Open"])],
    ),
    (
        "remove in both directions: the state that is asked for wins",
        {"Day": {"remove": ["Night"]}, "Night": {"remove": ["Day"]}},
        [("add", ["Day"]), ("add", ["Night"]), ("add", ["Day"])],
    ),
    (
        "after only orders handlers, here of two states that are added at once",
        {"Shoes": {"after": ["Socks"]}, "Socks": {}},
        [("add", ["Shoes", "Socks"])],
    ),
    (
        "auto adds a state whenever it becomes possible",
        {"Light": {"auto": True, "require": ["Power"]}, "Power": {}},
        [("add", ["Power"]), ("remove", ["Light"]), ("remove", ["Power"])],
    ),
    (
        "multi makes each time count: handlers run again, the tick grows by two",
        {"Knock": {"multi": True}},
        [("add", ["Knock"]), ("add", ["Knock"]), ("remove", ["Knock"])],
    ),
]


def play(number: int, title: str, schema: dict[str, dict[str, Any]], steps: Steps) -> list[str]:
    """Do the steps on a new machine; returns a line for each: mutation, result, active states, handlers that ran."""
    machine = Machine(schema, id=f"game-{number}")
    ran: list[str] = []
    machine.bind({f"{state}{suffix}": lambda e: ran.append(e.name) for state in schema for suffix in ("State", "End")})
    lines: list[str] = []
    for kind, states in steps:
        ran.clear()
        result = machine.add(states) if kind == "add" else machine.remove(states)
        lines.append(f"{kind + ' ' + ' '.join(states):16} {result!s:9} {machine!s:22} {' '.join(ran)}".rstrip())
    print(f"{title}\n  " + "\n  ".join(lines) + "\n")
    return lines


def main() -> dict[str, list[str]]:
    """Play everything; returns the lines by the titles of the games."""
    return {title: play(i, title, schema, steps) for i, (title, schema, steps) in enumerate(GAMES, 1)}


if __name__ == "__main__":
    main()
