"""Remembering what machines did, so that failed assertions can tell why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from am_core.machine import Machine
from am_core.resolution.transition import Transition
from am_core.schemas.names import EXCEPTION
from am_core.tracer import Tracer, on_machine_created

KEPT = 50
SHOWN = 3


class Watch(Tracer):
    """Keeps the last transitions of a machine."""

    def __init__(self, kept: int = KEPT) -> None:
        self.transitions: deque[Transition] = deque(maxlen=kept)

    def transition_end(self, tx: Transition) -> None:
        if not tx.is_check:
            self.transitions.append(tx)


def watch(machine: Machine, kept: int = KEPT) -> Watch:
    """Have failed assertions about a machine tell what its last transitions did; the same again when there is one."""
    for tracer in machine.tracers():
        if isinstance(tracer, Watch):
            return tracer
    tracer = Watch(kept)
    machine.bind_tracer(tracer)
    return tracer


@contextmanager
def watch_all(kept: int = KEPT) -> Iterator[None]:
    """Watch every machine that is made within, as in a fixture that all tests use."""
    stop = on_machine_created(lambda machine: watch(machine, kept) and None)
    try:
        yield
    finally:
        stop()


def explain(machine: Machine, states: Iterable[str] = ()) -> str:
    """What there is to know about a machine, over several lines: states and ticks, its error, what is queued, and
    the last transitions that have to do with some states, when it is watched."""
    if machine.disposed:
        return f"machine {machine.id} is disposed"
    lines = [f"machine {machine.id}: {machine.string_all()}"]
    error = machine.err()
    if error is not None:
        verb = "is" if machine.is_err() else "was"
        lines.append(f"error: {verb} {type(error).__name__}: {error}")
    queue = machine.queue()
    if queue:
        lines.append(f"queued: {', '.join(m.text(machine.states) for m in queue[:SHOWN])} ({len(queue)} in all)")
    watched = next((tracer for tracer in machine.tracers() if isinstance(tracer, Watch)), None)
    if watched is None:
        lines.append("am_core.testing.watch(machine) before makes this tell what its transitions did")
        return "\n".join(lines)
    chosen = set(states) | {EXCEPTION}
    ended = list(watched.transitions)
    about = [tx for tx in ended if chosen.intersection((*tx.called_states(), *tx.changed_states()))]
    shown = (about or ended)[-SHOWN:]
    lines.append("last transitions:" if shown else "no transition yet")
    lines += [f"  {describe(tx)}" for tx in shown]
    return "\n".join(lines)


def describe(tx: Transition) -> str:
    """A transition in a line: what was called, what came of it, and who refused it."""
    text = f"#{tx.number} {'auto ' if tx.is_auto else ''}{tx.mutation.text(tx.model.names)}"
    source = tx.mutation.source
    if source is not None:
        text += f" from {source.machine_id}#{source.transition_number}"
    if tx.canceled_by:
        text += f" canceled by {tx.canceled_by}"
        reasons = [entry.text for entry in tx.log_entries if entry.text.startswith(("[reject", "[rel:remove]"))]
        if reasons:
            text += f": {'; '.join(reasons)}"
    added, removed = tx.diff()
    changes = [*(f"+{name}" for name in added), *(f"-{name}" for name in removed)]
    return f"{text} -> {' '.join(changes) or 'no change'}"
