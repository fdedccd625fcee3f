"""Watching machines: hooks of a tracer, and the registry of live machines."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from am_core.misuse import checked_tracers

if TYPE_CHECKING:
    from am_core.clock import Time
    from am_core.facets.pipe_info import PipeInfo
    from am_core.logs import LogEntry
    from am_core.machine import Machine
    from am_core.resolution.mutation import Mutation
    from am_core.resolution.transition import Transition
    from am_core.schemas.schema import Schema
    from am_core.waiting.contexts import StateCtx
    from am_core.waiting.waiters import Waiter


NOTE_WIDTH: Final = 11


class ExpressSink(Protocol):
    """Where express transitions are noted."""

    items: list[Any]
    """A flat list, to which :data:`NOTE_WIDTH` entries are added at once for one transition, or for one and the
    automatic one that follows: the tracer, the number of the first of them, the
    :class:`~am_core.resolution.automaton.Macrostep`, the machine's log level, start and end in nanoseconds of the
    monotonic clock, the queue tick, a copy of the arguments or None, the source or None, the lines logged since the
    last transition or None, and the number of the last of them. The macrostep knows which ticks they make, and
    :func:`am_core.engine.retelling.retell` everything else.

    Flat, and without the ticks themselves, because every tuple that waits in it would bring the garbage collector's
    next pass nearer, and make it longer."""
    limit: int
    """With so many entries, ``transition_end`` is called instead."""


class Tracer:
    """Base of tracers; override what is needed, hooks that are not overridden cost nothing.

    Hooks run on the engine's thread, without any lock held, and must be quick. What they raise is kept in
    ``Machine.internal_errors`` and does not disturb the machine.
    """

    wants_steps = False
    """Ask the machines this tracer is bound to for recording the steps of transitions."""

    express_sink: ExpressSink | None = None
    """For tracers in a hurry that keep ``transition_end`` as well: where transitions without handlers whose outcome is
    known are noted instead of the hook being called, which takes a fraction of the time. They are noted with the
    machine's lock held, so the order of items and calls is the order of the transitions. A machine does so while no
    other tracer wants to hear of its transitions. Not to be changed while the tracer is bound."""

    def tracer_id(self) -> str:
        """Identifies the tracer among those of a machine."""
        return f"{type(self).__name__}-{id(self):x}"

    def machine_init(self, machine: Machine) -> None:
        """A machine was constructed with this tracer among its options."""

    def verify_states(self, machine: Machine) -> None:
        """The order of the states was set."""

    def schema_change(self, machine: Machine, old: Schema) -> None:
        """The schema was replaced."""

    def machine_restored(self, machine: Machine, number: int, time: Time) -> None:
        """The machine went on from a snapshot, with these ticks. It took the number of a transition for that."""

    def new_submachine(self, parent: Machine, machine: Machine) -> None:
        """A machine was created with the traced one as its parent."""

    def mutation_queued(self, machine: Machine, mutation: Mutation) -> None:
        """A mutation was put into the queue."""

    def transition_init(self, tx: Transition) -> None:
        """The targets of a transition are known."""

    def transition_start(self, tx: Transition) -> None:
        """The negotiation is about to begin; also called for transitions that the relations rejected."""

    def handler_start(self, tx: Transition, binding: str, handler: str) -> None:
        """A bound handler is about to be called."""

    def handler_end(self, tx: Transition, binding: str, handler: str) -> None:
        """A bound handler returned, failed or exceeded its limit."""

    def transition_finals(self, tx: Transition) -> None:
        """The states have been switched, the final handlers not yet called."""

    def transition_end(self, tx: Transition) -> None:
        """A transition is complete, accepted or not."""

    def queue_end(self, machine: Machine) -> None:
        """The queue has run empty."""

    def machine_dispose(self, machine_id: str) -> None:
        """A machine is being disposed."""

    def log_left(self, machine: Machine, entries: list[LogEntry]) -> None:
        """The disposal is complete, and these lines were logged after the last transition.

        At any other time they can be had from ``machine.take_log()``.
        """

    def wait_start(self, machine: Machine, waiter: Waiter) -> None:
        """Somebody waits for something that has not happened yet. Called on the thread of who waits.

        ``waiter.info`` can be kept; the waiter itself should not be. Those that were there before the tracer was bound
        are listed by ``machine.waiters()``.
        """

    def wait_end(self, machine: Machine, waiter: Waiter) -> None:
        """A waiter has ended, for the reason it has now; never before its ``wait_start``."""

    def context_start(self, machine: Machine, ctx: StateCtx) -> None:
        """A state got a context. ``ctx.info`` can be kept; ``machine.contexts()`` lists all."""

    def context_end(self, machine: Machine, ctx: StateCtx) -> None:
        """A state's context has expired; never before its ``context_start``."""

    def pipe_added(self, machine: Machine, pipe: PipeInfo) -> None:
        """A pipe was laid from or to the machine; both of its machines tell. ``machine.pipes()`` lists all."""

    def pipe_removed(self, machine: Machine, pipe: PipeInfo) -> None:
        """A pipe from or to the machine is gone."""


HOOKS: Final = (
    "machine_init", "verify_states", "schema_change", "machine_restored", "new_submachine", "mutation_queued",
    "transition_init", "transition_start", "handler_start", "handler_end", "transition_finals", "transition_end",
    "queue_end", "machine_dispose", "log_left", "wait_start", "wait_end", "context_start", "context_end", "pipe_added",
    "pipe_removed",
)  # fmt: skip

Hook = tuple[Callable[..., Any], ...]


class Hooks:
    """Per hook the tracers' methods that really do something. Immutable."""

    __slots__ = (*HOOKS, "only_end", "tracers", "wants_steps")

    machine_init: Hook
    verify_states: Hook
    schema_change: Hook
    machine_restored: Hook
    new_submachine: Hook
    mutation_queued: Hook
    transition_init: Hook
    transition_start: Hook
    handler_start: Hook
    handler_end: Hook
    transition_finals: Hook
    transition_end: Hook
    queue_end: Hook
    machine_dispose: Hook
    log_left: Hook
    wait_start: Hook
    wait_end: Hook
    context_start: Hook
    context_end: Hook
    pipe_added: Hook
    pipe_removed: Hook

    def __init__(self, tracers: Iterable[Tracer] = ()) -> None:
        self.tracers = checked_tracers(tracers)
        self.wants_steps = any(tracer.wants_steps for tracer in self.tracers)
        for name in HOOKS:
            base = getattr(Tracer, name)
            found = (getattr(t, name) for t in self.tracers if getattr(type(t), name, None) is not base)
            setattr(self, name, tuple(found))
        base = Tracer.transition_end
        ends = [t for t in self.tracers if getattr(type(t), "transition_end", None) is not base]
        self.only_end = ends[0] if len(ends) == 1 else None
        """The tracer that hears of ends of transitions, when it is the only one."""


NO_HOOKS: Final = Hooks()


class LastTxTracer(Tracer):
    """Keeps the transition that ended last."""

    def __init__(self) -> None:
        self.last: Transition | None = None

    def transition_end(self, tx: Transition) -> None:
        self.last = tx


class _Registry:
    """Weak references to every machine that is not disposed, and who wants to hear of new ones."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.machines: dict[int, weakref.ref[Machine]] = {}
        self.callbacks: Mapping[object, Callable[[Machine], object]] = {}

    def add(self, machine: Machine) -> None:
        # A plain dictionary with one reference each is quicker than a WeakSet; keys are object ids, and the
        # reference's callback removes the entry before the id can be used again.
        key = id(machine)
        machines = self.machines

        def gone(dead: weakref.ref[Machine]) -> None:
            if machines.get(key) is dead:
                del machines[key]

        machines[key] = weakref.ref(machine, gone)
        for callback in tuple(self.callbacks.values()):
            machine._guarded(callback, machine)

    def discard(self, machine: Machine) -> None:
        self.machines.pop(id(machine), None)


registry: Final = _Registry()


def live_machines() -> list[Machine]:
    """Every machine of this process that is neither disposed nor garbage, oldest first. Thread-safe."""
    found = (ref() for ref in tuple(registry.machines.values()))
    return [machine for machine in found if machine is not None]


def on_machine_created(callback: Callable[[Machine], object]) -> Callable[[], None]:
    """Call back for every machine created from now on, on the creating thread; returns how to stop that."""
    token = object()
    with registry.lock:
        registry.callbacks = {**registry.callbacks, token: callback}

    def unsubscribe() -> None:
        with registry.lock:
            registry.callbacks = {key: fn for key, fn in registry.callbacks.items() if key is not token}

    return unsubscribe
