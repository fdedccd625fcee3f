"""Putting mutations into the queue from within a drain, and telling everybody who wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from am_core.engine.breakpoints import check_breakpoints
from am_core.engine.log_texts import postponed_text, queued_text
from am_core.logs import OPS, args_text
from am_core.resolution.mutation import Mutation

if TYPE_CHECKING:
    from am_core.machine import Machine
    from am_core.resolution.transition import Transition


def prepend(machine: Machine, mutation: Mutation) -> None:
    """Queue something at the front. For the draining thread, which executes it next."""
    with machine._lock:
        machine._queue.prepend(mutation)
    announce(machine, mutation)


def announce(machine: Machine, mutation: Mutation) -> None:
    """Log that a mutation was queued, compare it with the breakpoints, and tell the tracers."""
    if machine._log_level >= OPS:
        verb = "queue" if mutation.queue_tick else "prepend"
        model = machine._now[0]
        # A machine that another thread has disposed meanwhile has no names.
        names = "" if machine._disposed else model.text(mutation.called)
        text = queued_text(verb, mutation.type, names)
        machine._log(OPS, f"{text}{args_text(mutation.args, machine.log_args)}")
        if is_running(machine._transition):
            machine._log(OPS, postponed_text(len(machine._queue.items)))
    if machine._breakpoints:
        machine._guarded(check_breakpoints, machine, mutation)
    if machine._hooks.mutation_queued:
        machine._fire(machine._hooks.mutation_queued, machine, mutation)


def is_running(tx: Transition | None) -> bool:
    """Whether there is a transition and it has not been completed."""
    return tx is not None and not tx.is_completed
