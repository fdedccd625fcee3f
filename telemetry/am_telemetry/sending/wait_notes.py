"""How waits, contexts and pipes are noted for the sender thread, whatever engine runs the machines.

Notes are plain tuples of what was at hand, because the program's threads make them; what they mean is put together
later.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from am_telemetry.sending.arguments import MAX_ID, cut
from am_telemetry.waits import WaitBegun, WaitFact, WaitOrigin

MAX_STATES: Final = 256
"""Names of states told of one wait; the text still names more."""


class Began(NamedTuple):
    """Something is pending."""

    ident: int
    sequence: int
    started_ns: int
    """Of the monotonic clock."""
    kind: str
    states: tuple[str, ...] = ()
    ticks: tuple[int, ...] = ()
    text: str = ""
    peer: str = ""
    peer_state: str = ""
    mutation: str = ""
    origin: tuple[Any, ...] | None = None
    """Machine, id and number of a transition, handler."""

    def fact(self) -> WaitFact:
        """What is waited for, cut to what a hub takes."""
        return WaitFact(
            cut(self.kind, MAX_ID),
            tuple([cut(state, MAX_ID) for state in self.states[:MAX_STATES]]),
            tuple([tick for tick in self.ticks[:MAX_STATES] if tick >= 0]),
            cut(self.text, MAX_ID),
            cut(self.peer, MAX_ID),
            cut(self.peer_state, MAX_ID),
            self.mutation,
        )

    def begun(self, machine: int, offset: int) -> WaitBegun:
        """As it is told to the hub.

        Args:
            machine: handle.
            offset: from the monotonic clock to the wall clock.
        """
        origin = None
        if self.origin is not None:
            where, _, number, handler = self.origin
            origin = WaitOrigin(cut(where, MAX_ID), number, cut(handler, MAX_ID))
        return WaitBegun(machine, self.ident, self.sequence, self.started_ns + offset, self.fact(), origin)


class WaitEnds(NamedTuple):
    """Something is pending no longer."""

    ident: int
    sequence: int
    reason: str


class Listing(NamedTuple):
    """A machine is about to be asked for everything that is pending; what the hooks tell meanwhile counts more."""


class Listed(NamedTuple):
    """Everything that was pending in a machine at some moment since :class:`Listing`."""

    sequence: int
    waits: tuple[Began, ...]
    lost: int
    """Happenings that were not noted before, because there was no room."""


WaitHappening = Began | WaitEnds | Listing | Listed
