"""Schema messages of Go programs as facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from am_telemetry.facts import SchemaFact, StateFact
from am_telemetry.formats.errors import FormatError

MAX_STATES: Final = 10_000


def read_schema(message: Mapping[str, Any]) -> SchemaFact:
    """The states in index order. Raises ``FormatError`` when there are none, too many, or two of one name."""
    names = message.get("StatesIndex", ())
    machine = message.get("ID", "")
    if not names or len(names) > MAX_STATES:
        raise FormatError(f"machine {machine!r} has {len(names):,} states")
    if len(set(names)) != len(names):
        raise FormatError(f"machine {machine!r} names a state twice")
    defined = message.get("States", {})
    states = []
    for name in names:
        get = defined.get(name, {}).get
        states.append(
            StateFact(
                name,
                get("Auto", False),
                get("Multi", False),
                tuple(get("Require", ())),
                tuple(get("Add", ())),
                tuple(get("Remove", ())),
                tuple(get("After", ())),
                tuple(get("Tags", ())),
            )
        )
    return SchemaFact(tuple(states), _groups(message, len(names)))


def _groups(message: Mapping[str, Any], states: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Groups in the order of the message, then those it puts into none. Indexes beyond the states are left out."""
    found = message.get("Groups", {})
    order = [name for name in dict.fromkeys(message.get("GroupsOrder", ())) if name in found]
    order += sorted(found.keys() - set(order))
    return tuple((name, tuple(i for i in found[name] if 0 <= i < states)) for name in order)
