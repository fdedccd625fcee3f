"""Waits, contexts and pipes of machines of ``am_core``: noted on the program's threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from am_core.tracer import Tracer
from am_telemetry.sending.wait_notes import Began, Listed, Listing, WaitEnds, WaitHappening
from am_telemetry.waits import CONTEXT, PIPE_IN, PIPE_OUT

if TYPE_CHECKING:
    from am_core.facets.pipe_info import PipeInfo
    from am_core.machine import Machine
    from am_core.waiting.contexts import StateCtx
    from am_core.waiting.waiters import Waiter
    from am_telemetry.sending.ring import Ring, Track


class WaitHooks(Tracer):
    """The part of a machine's tracer that hears of waits, contexts and pipes.

    Costs nothing as long as a machine has none of them.
    """

    ring: Ring
    track: Track
    detail: int

    def __init__(self) -> None:
        self._lost_waits = 0
        self._is_listed = False
        """Whether what was pending before the hooks were called has been noted."""

    def wait_start(self, machine: Machine, waiter: Waiter) -> None:
        self._note_wait(_waiter(machine, waiter))

    def wait_end(self, machine: Machine, waiter: Waiter) -> None:
        self._note_wait(WaitEnds(2 * waiter.id, machine.transition_count, waiter.reason))

    def context_start(self, machine: Machine, ctx: StateCtx) -> None:
        self._note_wait(_context(machine, ctx))

    def context_end(self, machine: Machine, ctx: StateCtx) -> None:
        reason = "disposed" if machine.disposed else "expired"
        self._note_wait(WaitEnds(2 * ctx.id, machine.transition_count, reason))

    def pipe_added(self, machine: Machine, pipe: PipeInfo) -> None:
        self._note_wait(_pipe(machine, pipe, time.monotonic_ns()))

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
        self._is_listed = True
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
        """List what is pending if something about it was not noted. Called on the sender's thread."""
        # What is noted before the machine is announced would not be looked at.
        if self.track.announced and (self._lost_waits or not self._is_listed):
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
    return Began(
        2 * waiter.id,
        machine.transition_count,
        waiter.started_ns,
        waiter.kind,
        waiter.states,
        waiter.ticks,
        waiter.text,
        origin=waiter.origin,
    )


def _context(machine: Machine, ctx: StateCtx) -> Began:
    states, ticks = (ctx.state,), (ctx.tick,)
    number = machine.transition_count
    return Began(2 * ctx.id, number, ctx.started_ns, CONTEXT, states, ticks, ctx.state, origin=ctx.origin)


def _pipe(machine: Machine, pipe: PipeInfo, now: int) -> Began:
    if pipe.direction == "out":
        kind, own, peer, other = PIPE_OUT, pipe.source_state, pipe.target_machine_id, pipe.target_state
    else:
        kind, own, peer, other = PIPE_IN, pipe.target_state, pipe.source_machine_id, pipe.source_state
    number = machine.transition_count
    return Began(_ident_of_pipe(pipe), number, now, kind, (own,), (), "", peer, other, pipe.kind)


def _ident_of_pipe(pipe: PipeInfo) -> int:
    """Both ends of a pipe share its id, and may be on the same machine."""
    return 2 * pipe.id + (pipe.direction == "in")
