"""What the states of a machine of another engine look like as a schema of states with relations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from am_telemetry.facts import EXCEPTION, StateFact, StepFact

MAX_RELATIONS: Final = 20_000
"""Relations between siblings in one schema. Beyond that they are left out, because they grow with the square."""
ONE_OF: Final = "one-of"
"""Tag of states of which exactly one of a group is active; it stays when the relations are left out."""


class Move(NamedTuple):
    """What repeats of a transition."""

    called: tuple[int, ...]
    steps: tuple[StepFact, ...] | None
    log: tuple[tuple[int, str], ...] | None
    ticks: tuple[tuple[int, int], ...]
    """(state, ticks gained)"""
    active: frozenset[int]


@dataclass(frozen=True, slots=True)
class Node:
    """A state and the states inside of it."""

    name: str
    """Unique in the machine."""
    children: Sequence[Node] = ()
    parallel: bool = False
    """All children are active together, instead of one at a time."""
    reenters: bool = False
    """A transition leads from the state to itself."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    """The states of a machine in an order that never changes: new ones are appended.

    The first one stands for exceptions: it becomes active when user code raises, and inactive with the next transition
    that succeeds.
    """

    names: tuple[str, ...]
    facts: Mapping[str, StateFact]
    index: Mapping[str, int] = field(init=False, compare=False)
    moves: dict[Hashable, Move] = field(init=False, compare=False, repr=False, default_factory=dict)
    """What transitions between these states mean, shared by all machines that have them."""
    smooth: dict[Hashable, Move] = field(init=False, compare=False, repr=False, default_factory=dict)
    """Those of transitions that were accepted without anything special, with a shorter key."""
    plain: dict[Hashable, Move] = field(init=False, compare=False, repr=False, default_factory=dict)
    """The same by event, destination, and the values before and after."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {name: i for i, name in enumerate(self.names)})

    @classmethod
    def of(cls, roots: Sequence[Node], before: Shape | None = None) -> Shape:
        """The shape of a tree of states, where exactly one root is active at a time.

        Args:
            roots: the outermost states.
            before: the earlier shape of the same machine.
        """
        facts: dict[str, StateFact] = {}
        siblings = sum(len(group) ** 2 for group in _exclusive_groups(roots))
        _add(facts, roots, "", exclusive=True, related=siblings <= MAX_RELATIONS)
        error = before.names[0] if before is not None and before.names[0] not in facts else error_name(facts)
        facts[error] = StateFact(error, multi=True)
        known = before.names if before is not None else (error,)
        names = tuple(dict.fromkeys((*known, *facts)))
        return cls(names, facts)


def error_name(taken: Iterable[str]) -> str:
    """A name for the state that stands for exceptions, which no other state has."""
    names, name, number = set(taken), EXCEPTION, 1
    while name in names:
        name, number = f"Err{EXCEPTION}{number}", number + 1
    return name


def _exclusive_groups(nodes: Sequence[Node], exclusive: bool = True) -> Iterable[Sequence[Node]]:
    if exclusive:
        yield nodes
    for node in nodes:
        yield from _exclusive_groups(node.children, not node.parallel)


def _add(facts: dict[str, StateFact], nodes: Sequence[Node], parent: str, exclusive: bool, related: bool) -> None:
    one_of = exclusive and len(nodes) > 1
    names = tuple(node.name for node in nodes) if one_of and related else ()
    for node in nodes:
        facts[node.name] = StateFact(
            node.name,
            multi=node.reenters,
            require=(parent,) if parent else (),
            add=tuple(child.name for child in node.children) if node.parallel else (),
            remove=tuple(name for name in names if name != node.name),
            tags=((ONE_OF,) if one_of else ()) + node.tags,
        )
        _add(facts, node.children, node.name, not node.parallel, related)
