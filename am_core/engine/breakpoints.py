"""Stopping at mutations while debugging."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from am_core.logs import CHANGES
from am_core.resolution.mutation import ADD, REMOVE, Mutation
from am_core.traces import stack_text

if TYPE_CHECKING:
    from am_core.machine import Machine


class Breakpoint(NamedTuple):
    """Matches an add mutation by ``added`` or a remove mutation by ``removed``, in the order they were called."""

    added: tuple[int, ...]
    removed: tuple[int, ...]
    strict: bool
    """Skip mutations that would change nothing."""

    def matches(self, mutation: Mutation, active_mask: int) -> bool:
        if not mutation.called:
            return False
        if mutation.type is ADD and mutation.called == self.added:
            return not self.strict or bool(mutation.called_mask & ~active_mask)
        if mutation.type is REMOVE and mutation.called == self.removed:
            return not self.strict or bool(mutation.called_mask & active_mask)
        return False


def check_breakpoints(machine: Machine, mutation: Mutation) -> None:
    """Log and call ``machine.breakpoint_hook`` when a queued mutation matches."""
    mask = machine._now[2]
    if not any(point.matches(mutation, mask) for point in machine._breakpoints):
        return
    if machine._log_level >= CHANGES:
        text = "[breakpoint] Machine.breakpoint"
        if machine.log_stack_trace:
            text += "\n" + stack_text()
        machine._log(CHANGES, text)
    if machine.breakpoint_hook is not None:
        machine.breakpoint_hook(machine, mutation)
