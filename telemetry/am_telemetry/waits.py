"""What is pending in machines: who waits for what, how long contexts of states last, and which pipes there are.

All three begin and end, so they share one form and are told apart by ``kind``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

CONTEXT: Final = "ctx"
PIPE_OUT: Final = "pipe-out"
PIPE_IN: Final = "pipe-in"
PIPES: Final = frozenset({PIPE_OUT, PIPE_IN})

UNNOTICED: Final = "unknown"
"""Reason of an end that nobody told of: it had ended when the machine was looked at again."""


@dataclass(frozen=True, slots=True)
class WaitFact:
    """What is waited for, without who and when: it repeats, and is sent once per batch."""

    kind: str
    """``when``, ``whenNot``, ``whenTime``, ``whenArgs``, ``whenQuery``, ``whenQueue`` … as in the log, ``ctx`` for the
    context of a state, ``pipe-out`` and ``pipe-in`` for pipes."""
    states: tuple[str, ...] = ()
    """Names of states of the machine; of a pipe the one on its own side."""
    ticks: tuple[int, ...] = ()
    """Of ``whenTime`` one per state, of ``whenQueue`` the queue tick, of a context the tick it is bound to."""
    text: str = ""
    """What is waited for, as in the log."""
    peer: str = ""
    """Of a pipe: id of the machine at its other side."""
    peer_state: str = ""
    mutation: str = ""
    """Of a pipe: ``add`` or ``remove``, what happens to the state at its end."""


@dataclass(frozen=True, slots=True)
class WaitOrigin:
    """The handler on whose behalf something began."""

    machine: str
    sequence: int
    """That machine's own number of the transition."""
    handler: str


class WaitBegun(NamedTuple):
    """Something is pending from now on."""

    machine: int
    """Handle."""
    ident: int
    """Tells it apart from everything else of its machine run; from 1."""
    sequence: int
    """The machine's own count at that moment: of the transition under way, or of the last one."""
    at_ns: int
    """Wall clock, nanoseconds since the epoch."""
    fact: WaitFact
    origin: WaitOrigin | None = None


class WaitEnded(NamedTuple):
    """Something is pending no longer."""

    machine: int
    ident: int
    sequence: int
    at_ns: int
    reason: str
    """``match``, ``ctx`` (its context expired), ``disposed``, ``canceled``, ``error``; ``expired`` for contexts,
    ``removed`` for pipes, ``unknown`` where nobody noticed."""


class WaitsStanding(NamedTuple):
    """Everything that is pending in a machine. What else was thought to be has ended unnoticed.

    What is new in it is told by :class:`WaitBegun` beside it.
    """

    machine: int
    sequence: int
    at_ns: int
    idents: tuple[int, ...]


@dataclass(slots=True)
class Waits:
    """What stands, what began and what ended, taken in in this order.

    What is known has begun only once. An end that comes after one that nobody noticed tells the reason of that.
    """

    standing: list[WaitsStanding] = field(default_factory=list)
    begun: list[WaitBegun] = field(default_factory=list)
    ended: list[WaitEnded] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.begun) + len(self.ended) + len(self.standing)
