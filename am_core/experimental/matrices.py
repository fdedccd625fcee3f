"""Machines and transitions as rows of numbers, for tables and for learning from them.

All matrices of one schema have the same shape below: two rows, a row per state, two rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Final

from am_core.clock import Time
from am_core.errors import SchemaError, UnknownStateError
from am_core.machine import Machine
from am_core.resolution.transition import Transition

RELATION_NUMBERS: Final = MappingProxyType({"after": 0, "add": 1, "require": 2, "remove": 3})
STEP_NUMBERS: Final = MappingProxyType(
    {"rel": 1, "handler": 2, "activate": 4, "deactivate": 8, "deactivate-passive": 16, "called": 32, "cancel": 64}
)
PADDING: Final = -1

Matrix = list[list[int]]


def time_matrix(machines: Iterable[Machine]) -> list[Time]:
    """The ticks of some machines, a row each.

    Raises :class:`SchemaError` when they differ in the number of states.
    """
    listed = list(machines)
    rows = [machine.time() for machine in listed]
    if len({len(row) for row in rows}) > 1:
        sizes = ", ".join(f"{machine.id} {len(row)}" for machine, row in zip(listed, rows, strict=True))
        raise SchemaError(f"a time matrix needs machines with the same number of states, got {sizes}")
    return rows


def relations_matrix(machine: Machine) -> Matrix:
    """Per state a row of what it says about each state: the sum of its relations' numbers in
    :data:`RELATION_NUMBERS`. Two rows of -1 come before and after."""
    names = machine.states
    schema = machine.schema()
    padding = [PADDING] * len(names)
    rows = [[0] * len(names) for _ in names]
    position = {name: i for i, name in enumerate(names)}
    for i, name in enumerate(names):
        for relation, number in RELATION_NUMBERS.items():
            for target in getattr(schema[name], relation) or ():
                if target in position:
                    rows[i][position[target]] += number
    return [list(padding), list(padding), *rows, list(padding), list(padding)]


def transition_matrix(
    tx: Transition, previous: Transition | None = None, states: Sequence[str] | None = None
) -> Matrix:
    """A transition by states: active before, called, a row per state with its steps, ticks, active after.

    In the row of a state, its steps towards each state are summed up by :data:`STEP_NUMBERS`; a step with one state is
    in that state's own column. They are all 0 when the machine did not record steps. Ticks are those since the end of
    ``previous`` (default: since the beginning of the transition).

    Args:
        states: order of rows and columns (default: of the transition).

    Raises:
        UnknownStateError: ``states`` has one that the transition does not know.
    """
    names = list(tx.model.names if states is None else states)
    index = tx.model.index
    missing = [name for name in names if name not in index]
    if missing:
        raise UnknownStateError(missing, tx.model.names, tx.machine.id)
    order = [index[name] for name in names]
    column = {i: k for k, i in enumerate(order)}
    steps = [[0] * len(names) for _ in names]
    for step in tx.steps:
        source, target = (step.source, step.target) if step.source >= 0 else (step.target, step.target)
        target = source if target < 0 else target
        if source in column and target in column:
            steps[column[source]][column[target]] += STEP_NUMBERS[step.kind]
    since = tx.time_before if previous is None else previous.time_after
    ticks = [tx.time_after[i] - (since[i] if i < len(since) else 0) for i in order]
    before = [tx.mask_before >> i & 1 for i in order]
    after = [tx.time_after[i] % 2 for i in order]
    called = [int(tx.mutation.is_called(i)) for i in order]
    return [before, called, *steps, ticks, after]
