"""The order of the machine list: human sorting, children below their parents, runs told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from am_telemetry.store.records import MachineRecord

_DIGITS = re.compile(r"([0-9]+)")

SortKey = tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class ListedMachine:
    """A place in the list. ``index`` points into ``Recording.machines``."""

    index: int
    machine_id: int
    label: str
    depth: int
    has_children: bool


def human_key(name: str) -> SortKey:
    """A sort key under which ``ps-2`` comes before ``ps-10`` and case does not matter."""
    parts = _DIGITS.split(name.casefold())
    key: list[tuple[str, int, str]] = []
    for position in range(0, len(parts), 2):
        digits = parts[position + 1].lstrip("0") if position + 1 < len(parts) else ""
        # Comparing length first orders digit strings of any length like numbers, without converting them.
        key.append((parts[position], len(digits) if position + 1 < len(parts) else -1, digits))
    return tuple(key)


def label(machine: MachineRecord) -> str:
    """The machine id; from the second run on with its number, as in ``orders #2``."""
    return machine.name if machine.run <= 1 else f"{machine.name} #{machine.run}"


def ordered(machines: Sequence[MachineRecord]) -> tuple[ListedMachine, ...]:
    """All machine runs in list order.

    Machines whose parent is unknown, or is their own descendant, come at the top level.
    """
    by_name: dict[str, list[int]] = {}
    for index, machine in enumerate(machines):
        by_name.setdefault(machine.name, []).append(index)
    children: dict[int, list[int]] = {}
    roots: list[int] = []
    for index in range(len(machines)):
        parent = _parent_of(index, machines, by_name)
        if parent is None:
            roots.append(index)
        else:
            children.setdefault(parent, []).append(index)

    keys = [(human_key(m.name), m.name, m.run, m.id) for m in machines]
    listed: list[ListedMachine] = []
    seen: set[int] = set()

    def place(start: int) -> None:
        stack = [(start, 0)]
        while stack:
            index, depth = stack.pop()
            if index in seen:
                continue
            seen.add(index)
            below = sorted((i for i in children.get(index, ()) if i not in seen), key=keys.__getitem__)
            machine = machines[index]
            listed.append(ListedMachine(index, machine.id, label(machine), depth, bool(below)))
            stack.extend((child, depth + 1) for child in reversed(below))

    for root in sorted(roots, key=keys.__getitem__):
        place(root)
    if len(seen) < len(machines):  # what is left are circles of parents
        for index in sorted(range(len(machines)), key=keys.__getitem__):
            place(index)
    return tuple(listed)


def _parent_of(index: int, machines: Sequence[MachineRecord], by_name: dict[str, list[int]]) -> int | None:
    machine = machines[index]
    candidates = [i for i in by_name.get(machine.parent, ()) if i != index] if machine.parent else []
    if not candidates:
        return None
    # The parent's run in the same process is meant; across processes, the run that had begun before the child.
    same = [i for i in candidates if machines[i].process_id == machine.process_id]
    pool = same or candidates
    earlier = [i for i in pool if machines[i].started_ns <= machine.started_ns]
    return earlier[-1] if earlier else pool[0]
