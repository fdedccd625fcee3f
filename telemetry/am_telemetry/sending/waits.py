"""Waits, contexts and pipes of machines of ``am_core``: noted on the program's threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from am_core.tracer import Tracer
from am_telemetry.sending.arguments import MAX_ID, cut
from am_telemetry.sending.wait_notes import Began, Listed, Listing, WaitBegins, WaitEnds, WaitHappening
from am_telemetry.waits import CONTEXT, WaitFact, WaitOrigin

if TYPE_CHECKING:
    from am_core.facets.pipe_info import PipeInfo
    from am_core.machine import Machine
    from am_core.waiting.contexts import StateCtx
    from am_core.waiting.wait_info import Origin
    from am_core.waiting.waiters import Waiter
    from am_telemetry.sending.ring import Ring

MAX_STATES: Final = 256
"""Names of states told of one wait; the text still names more."""


class WaitHooks(Tracer):
    """The part of a machine's tracer that hears of waits, contexts and pipes.

    Costs nothing as long as a machine has none of them.
    """

    ring: Ring
    detail: int

    def __init__(self) -> None:
        self._lost_waits = 0

    def wait_start(self, machine: Machine, waiter: Waiter) -> None:
        self._note_wait(WaitBegins(_waiter(machine, waiter)))

    def wait_end(self, machine: Machine, waiter: Waiter) -> None:
        self._note_wait(WaitEnds(2 * waiter.id, machine.transition_count, waiter.reason))

    def context_start(self, machine: Machine, ctx: StateCtx) -> None:
        self._note_wait(WaitBegins(_context(machine, ctx)))

    def context_end(self, machine: Machine, ctx: StateCtx) -> None:
        reason = "disposed" if machine.disposed else "expired"
        self._note_wait(WaitEnds(2 * ctx.id, machine.transition_count, reason))

    def pipe_added(self, machine: Machine, pipe: PipeInfo) -> None:
        self._note_wait(WaitBegins(_pipe(machine, pipe, time.monotonic_ns())))

    def pipe_removed(self, machine: Machine, pipe: PipeInfo) -> None:
        self._note_wait(WaitEnds(_ident_of_pipe(pipe), machine.transition_count, "removed"))

    def list_waits(self, machine: Machine, *, always: bool = False) -> None:
        """Note everything that is pending. Thread-safe.

        Args:
            always: also when nothing is, because there may have been something.
        """
        if not self.detail:
            return
        lost, self._lost_waits = self._lost_waits, 0
        # What begins after this look will be told by the hooks.
        if not (always or lost or machine.waiters() or machine.contexts() or machine.pipes()):
            return
        self.ring.note(Listing(), self)  # type: ignore[arg-type]  # whoever has these hooks is traced
        now = time.monotonic_ns()
        found = [_waiter(machine, waiter) for waiter in machine.waiters()]
        found += [_context(machine, ctx) for ctx in machine.contexts()]
        found += [_pipe(machine, pipe, now) for pipe in machine.pipes()]
        self.ring.note(Listed(machine.transition_count, tuple(found), lost), self)  # type: ignore[arg-type]  # as above

    def forget_waits(self) -> None:
        """Have the hub know of nothing that is pending, because it will not hear of the ends."""
        self.ring.note(Listing(), self)  # type: ignore[arg-type]  # as above
        self.ring.note(Listed(0, (), 0), self)  # type: ignore[arg-type]  # as above

    def find_lost_waits(self, machine: Machine) -> None:
        """List what is pending if something about it was not noted."""
        if self._lost_waits:
            self.list_waits(machine)

    def _note_wait(self, happening: WaitHappening) -> None:
        ring = self.ring
        if not self.detail:
            return
        if len(ring.items) < ring.room:
            ring.note(happening, self)  # type: ignore[arg-type]  # as above
        elif ring.room:
            # Approximate when several threads do so at once; the list that follows is exact.
            self._lost_waits += 1


def _waiter(machine: Machine, waiter: Waiter) -> Began:
    states = waiter.states[:MAX_STATES]
    fact = WaitFact(
        kind=cut(waiter.kind, MAX_ID),
        states=tuple([cut(state, MAX_ID) for state in states]),
        ticks=tuple([tick for tick in waiter.ticks[:MAX_STATES] if tick >= 0]),
        text=cut(waiter.text, MAX_ID),
    )
    return Began(2 * waiter.id, machine.transition_count, waiter.started_ns, fact, _origin(waiter.origin))


def _context(machine: Machine, ctx: StateCtx) -> Began:
    state = cut(ctx.state, MAX_ID)
    fact = WaitFact(CONTEXT, (state,), (max(0, ctx.tick),), state)
    return Began(2 * ctx.id, machine.transition_count, ctx.started_ns, fact, _origin(ctx.origin))


def _pipe(machine: Machine, pipe: PipeInfo, now: int) -> Began:
    outwards = pipe.direction == "out"
    own, other = pipe.source_state, pipe.target_state
    peer = pipe.target_machine_id if outwards else pipe.source_machine_id
    if not outwards:
        own, other = other, own
    fact = WaitFact(
        kind=f"pipe-{pipe.direction}",
        states=(cut(own, MAX_ID),),
        peer=cut(peer, MAX_ID),
        peer_state=cut(other, MAX_ID),
        mutation=pipe.kind,
    )
    return Began(_ident_of_pipe(pipe), machine.transition_count, now, fact, None)


def _ident_of_pipe(pipe: PipeInfo) -> int:
    """Both ends of a pipe share its id, and may be on the same machine."""
    return 2 * pipe.id + (pipe.direction == "in")


def _origin(origin: Origin | None) -> WaitOrigin | None:
    if origin is None:
        return None
    return WaitOrigin(cut(origin.machine_id, MAX_ID), origin.transition_number, cut(origin.handler, MAX_ID))
