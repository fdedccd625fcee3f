"""Accepting mutations: who is refused, what is needless, and who executes."""

from __future__ import annotations

from collections.abc import Mapping
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from am_core.engine.drain import abandon, drain, drain_after, drain_if_idle
from am_core.engine.enqueue import announce, is_running
from am_core.engine.express import express, noted, planned
from am_core.engine.failures import note, trace_of
from am_core.engine.listening import NOBODY
from am_core.errors import InvalidArgs, MachineDisposed, UnknownStateError, is_cancellation
from am_core.handling.handlers import UNSET, Event, current_event
from am_core.logs import OPS
from am_core.resolution.automaton import Configuration, PlanCache, macrostep
from am_core.resolution.mutation import ADD, CANCELED, EXECUTED, QUEUED, REMOVE, Check, Mutation, MutationType, Result
from am_core.schemas.model import Model, StateNames
from am_core.schemas.names import EXCEPTION

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from am_core.machine import Machine

    Args = Mapping[str, Any] | DataclassInstance | None
else:
    Args = Mapping[str, Any] | None
"""What mutations take as arguments: a mapping, or an instance of a dataclass whose fields they are."""


_PLAIN: Final = (dict, type(None))


def mutate(
    machine: Machine,
    kind: MutationType,
    states: StateNames,
    args: Args,
    event: Event | None,
    kwargs: dict[str, Any],
    later: bool = False,
) -> Result:
    """Queue a mutation and execute the queue unless some thread does so already; see ``Machine.add``.

    With ``later`` the queue is left alone while the machine of the event is being drained; see ``Machine.post``.
    """
    rest = machine._rest
    edge = None
    if rest is not None and not later and isinstance(states, str):
        edges = rest.add if kind is ADD else rest.remove if kind is REMOVE else rest.set
        edge = edges.get(states)
        if edge is not None:
            step, calm, result = edge.macrostep, machine._calm, None
            # Arguments are of interest to tracers only, but wrong ones are an error, and automatic states look at some.
            bare = args is None and not kwargs
            if calm is not None and step is not None and (bare or (isinstance(args, _PLAIN) and not step.is_double)):
                if calm is NOBODY:
                    result = express(machine, rest, step, calm)
                else:
                    result = noted(machine, rest, step, calm, None if bare else dict(merged(args, kwargs)), event)
            if result is None:
                result = planned(machine, rest, edge, merged(args, kwargs) if args or kwargs else kwargs, event)
            if result is not None:
                return result
    if machine._refusing:
        if refuses(machine):
            return CANCELED
        later = later or machine._runner.away()
    model = machine._now[0]
    try:
        called, mask = model.called(states, machine.id)
    except UnknownStateError:
        # A machine that another thread has disposed since has no states.
        if machine._disposed:
            return CANCELED
        raise
    if event is UNSET:
        event = current_event.get()
    mutation = Mutation(
        kind,
        called,
        mask,
        merged(args, kwargs) if args or kwargs else kwargs,
        None if event is None else event.source(),
    )
    queue = machine._queue
    items = queue.items
    telling = machine._log_level or machine._breakpoints or machine._hooks.mutation_queued
    twin = None
    direct = False
    ident = get_ident()
    is_mine = False
    generation = 0
    outcome = CANCELED
    try:
        with machine._lock:
            now_model, _, active_mask, _ = machine._now
            drainer = machine._drainer
            # Another model means that the schema was replaced meanwhile, so the indexes have to be looked up again.
            stale = now_model is not model
            if stale:
                pass
            elif len(items) >= machine._queue_limit and not _exempt(machine, kind, mask):
                return CANCELED
            elif items:
                if not mutation.args and not mask & model.multi_mask:
                    twin = queue.twin(kind, mask)
            elif kind is REMOVE and drainer and not (later or mask & active_mask) and is_running(machine._transition):
                return EXECUTED
            if not stale and twin is None:
                machine._rest = None
                if later or drainer:
                    queue.append(mutation)
                else:
                    generation = machine._generation
                    machine._drainer = ident
                    is_mine = True
                    direct = not (items or telling)
                    if direct:
                        queue.start(mutation)
                    else:
                        queue.append(mutation)
        if is_mine:
            outcome = drain(machine, mutation, direct)
    except BaseException:
        # Such as an interrupt right before the queue would have been executed.
        if is_mine:
            abandon(machine, generation)
        raise
    if is_mine:
        if rest is not None and edge is None and isinstance(states, str):
            learn(machine, rest, kind, states, called)
        return outcome
    if stale:
        return mutate(machine, kind, [model.names[i] for i in called], args, event, kwargs, later)
    if twin is not None:
        return _skip(machine, mutation, twin, model)
    if telling:
        announce(machine, mutation)
    if later:
        drain_after(machine, None if event is None else event.machine)
    return Result(mutation.queue_tick)


def learn(machine: Machine, rest: Configuration, kind: MutationType, state: str, called: tuple[int, ...]) -> None:
    """Give the edge of a mutation its name when it was made for the second time, and find out what it leads to."""
    table = machine._table
    edge = rest.edges[kind].get(called)
    if edge is None or rest.automaton is not table.automaton:
        return
    if not edge.is_familiar:
        edge.is_familiar = True
        if machine._plan_cache is not PlanCache.ALWAYS:
            return
    edge.is_attended = not edge.calls_nobody(table)
    edge.macrostep = macrostep(edge, table)
    edges = rest.add if kind is ADD else rest.remove if kind is REMOVE else rest.set
    edges[state] = edge


def check(
    machine: Machine,
    kind: MutationType,
    states: StateNames,
    args: Args,
    event: Event | None,
    kwargs: dict[str, Any],
    answer: Check | None,
) -> Result:
    """Queue a dry run in front of everything; see ``Machine.can_add``."""
    if (machine._refusing and refuses(machine)) or len(machine._queue.items) >= machine._queue_limit:
        return CANCELED
    if event is UNSET:
        event = current_event.get()
    model = machine._now[0]
    try:
        called, mask = model.called(states, machine.id)
    except UnknownStateError:
        if machine._disposed:
            return CANCELED
        raise
    source = None if event is None else event.source()
    return submit_first(
        machine, Mutation(kind, called, mask, merged(args, kwargs), source, is_check=True, check=answer)
    )


def add_error(
    machine: Machine, state: str, error: BaseException | None, args: Args, event: Event | None, later: bool
) -> Result:
    """Store an error and add its state together with ``Exception``; see ``Machine.add_err_state``."""
    if error is None or is_cancellation(error) or machine._disposing:
        return CANCELED
    if not isinstance(error, BaseException):
        raise InvalidArgs(f"an error is an exception object, as RuntimeError('text'), and not {error!r}")
    try:
        machine._called(state)
    except MachineDisposed:
        return CANCELED
    note(machine, error)
    states = [state] if state == EXCEPTION else [state, EXCEPTION]
    said = merged(args, {"err": error, **trace_of(machine, error)})
    return mutate(machine, ADD, states, said, event, {}, later)


def submit_first(machine: Machine, mutation: Mutation) -> Result:
    """Queue a mutation in front of everything and execute the queue unless some thread does so already."""
    if machine._refusing and refuses(machine):
        return CANCELED
    away = machine._runner.away()
    with machine._lock:
        if machine._disposed:
            return CANCELED
        machine._rest = None
        machine._queue.prepend(mutation)
        busy = machine._drainer or away
        if not busy:
            machine._drainer = get_ident()
    if not busy:
        return drain(machine, mutation)
    announce(machine, mutation)
    if away:
        drain_if_idle(machine)
    return QUEUED


def refuses(machine: Machine) -> bool:
    """Whether the machine takes no mutations: it is being disposed, in its backoff, or has lost its event loop."""
    with machine._lock:
        refusing = machine._disposing or monotonic() < machine._backoff_until
        machine._refusing = refusing or machine._runner.gated
    return refusing or machine._runner.lost(machine)


def merged(args: Args, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments as handlers get them: the caller's own dictionary where that is possible."""
    if args is None:
        return kwargs
    if isinstance(args, dict):
        return {**args, **kwargs} if kwargs else args
    if isinstance(args, Mapping):
        return {**args, **kwargs}
    from am_core.handling.typed_args import pass_args

    return pass_args(args, kwargs)


def _exempt(machine: Machine, kind: MutationType, mask: int) -> bool:
    """A full queue still takes the error that explains it, and its removal."""
    model, _, active_mask, _ = machine._now
    if not mask & model.exception_mask:
        return False
    is_err = bool(active_mask & model.exception_mask)
    return (kind is ADD and not is_err) or (kind is REMOVE and is_err)


def _skip(machine: Machine, mutation: Mutation, twin: Mutation, model: Model) -> Result:
    if machine._log_level >= OPS:
        text = mutation.text(model.names)
        machine._log(OPS, f"[queue:skipped] Duplicate detected for {text}")
    return Result(twin.queue_tick) if twin.queue_tick else QUEUED
