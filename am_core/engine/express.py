"""Mutations whose outcome is known, on machines at rest: straight to the end, past queue and resolution."""

from __future__ import annotations

from threading import get_ident
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from am_core.engine.automatic import schedule_auto
from am_core.engine.drain import abandon, drain, rest_at
from am_core.engine.enqueue import announce
from am_core.engine.execution import (
    break_off,
    call_finals,
    emit,
    execute,
    finish,
    goes_on,
    repair,
    settle,
)
from am_core.engine.runners import Abandoned
from am_core.handling.handlers import UNSET, Event, HandlerTable, current_event
from am_core.logs import CHANGES
from am_core.resolution.mutation import CANCELED, Mutation, Result
from am_core.resolution.transition import Transition

if TYPE_CHECKING:
    from am_core.engine.listening import Listener
    from am_core.machine import Machine
    from am_core.resolution.automaton import Configuration, Edge, Macrostep
    from am_core.resolution.transition import Now


# Signals may raise KeyboardInterrupt after every call, so locks are taken by with statements, which let go of them even
# then; a call of acquire() followed by try would be quicker, and leave a machine locked for ever once in a while.


def express(machine: Machine, rest: Configuration, step: Macrostep, calm: Listener) -> Result | None:
    """Apply a macrostep to a machine that rests; None when it does so no longer, or others listen by now."""
    with machine._lock:
        if machine._rest is not rest or machine._calm is not calm:
            return None
        subs = machine._subs
        if subs is not None and subs.is_concerned(step.ticks):
            return None
        model, _, _, time = machine._now
        if step.ticks:
            after = list(time)
            for i in step.ticks:
                after[i] += 1
            time = tuple(after)
        queue = machine._queue
        # No calls from here on, so nothing can interrupt it half way.
        machine._now = (model, step.active, step.mask, time)
        machine._place = machine._rest = step.target
        queue.tick = queue.next_tick = queue.next_tick + 1
        if step.is_double:
            machine._number += 2
            queue.token += 1
        else:
            machine._number += 1
        return step.result


def noted(
    machine: Machine,
    rest: Configuration,
    step: Macrostep,
    calm: Listener,
    args: dict[str, Any] | None,
    event: Event | None,
) -> Result | None:
    """The same for a machine with a listener: with arguments of its own, and the event behind it."""
    if args and calm.level >= CHANGES and machine.log_args is not None:
        # The text of arguments is the program's code.
        return None
    if event is UNSET:
        event = current_event.get()
    source = None if event is None else event.source()
    started = monotonic_ns()
    with machine._lock:
        sink = calm.sink
        items = sink.items
        buffer = machine._buffer
        if machine._rest is not rest or machine._calm is not calm or len(items) >= sink.limit or buffer.dropped:
            return None
        subs = machine._subs
        if subs is not None and subs.is_concerned(step.ticks):
            return None
        model, _, _, before = machine._now
        after = before
        if step.ticks:
            ticks = list(before)
            for i in step.ticks:
                ticks[i] += 1
            after = tuple(ticks)
        queue = machine._queue
        tick = queue.next_tick + 1
        number = last = machine._number + 1
        lines = buffer.entries or None
        ended = monotonic_ns()
        # As above; the extension comes last, and is all or nothing.
        if lines is not None:
            buffer.entries = []
        machine._now = (model, step.active, step.mask, after)
        machine._place = machine._rest = step.target
        queue.tick = queue.next_tick = tick
        if step.is_double:
            last += 1
            queue.token += 1
        machine._number = last
        items += (calm.tracer, number, step, calm.level, started, ended, tick, args, source, lines, last)
        return step.result


def planned(
    machine: Machine, rest: Configuration, edge: Edge, args: dict[str, Any], event: Event | None
) -> Result | None:
    """Run the transition of an edge on a machine that rests; None when it does so no longer."""
    if event is UNSET:
        event = current_event.get()
    mutation = Mutation(edge.type, edge.called, edge.called_mask, args, None if event is None else event.source())
    queue = machine._queue
    ident = get_ident()
    is_mine = False
    generation = 0
    try:
        with machine._lock:
            if machine._rest is not rest:
                return None
            generation = machine._generation
            machine._rest = None
            machine._drainer = ident
            is_mine = True
            mutation.queue_tick_now = queue.tick
            mutation.queue_tick = queue.tick = queue.next_tick = queue.next_tick + 1
            mutation.queue_len = 1
            queue.taken = mutation
            brief = machine._brief and not machine._disposed
            now, table = machine._now, machine._table
        try:
            if machine._log_level:
                announce(machine, mutation)
            result = _brief(machine, mutation, edge, now, table) if brief else execute(machine, mutation, edge)
        except Abandoned:
            return CANCELED
        except Exception as error:  # noqa: BLE001 - raised when the queue is empty
            return drain(machine, failure=error)
        with machine._lock:
            over = not (queue.items or machine._deferred or machine._idle_waiters or machine._hooks.queue_end)
            if over and machine._generation == generation:
                queue.taken = machine._transition = None
                machine._drainer = 0
                rest_at(machine)
        if not over and machine._generation == generation:
            drain(machine)
        return result
    except BaseException:
        if is_mine:
            abandon(machine, generation)
        raise


def _brief(machine: Machine, mutation: Mutation, edge: Edge, now: Now, table: HandlerTable) -> Result:
    """What execute() does, without everything that is not needed when the end of a transition is all that somebody
    wants to hear of. Wherever handlers may have changed that, it goes on as there."""
    machine._number = number = machine._number + 1
    machine._transition = tx = Transition(machine, mutation, number, now)
    plan = edge.plan
    tx.target = plan.target
    tx.target_mask = plan.target_mask
    if machine._record_steps:
        tx.steps = (edge.trail or edge.retrace())[0]
    if edge.is_accepted:
        tx.enters = plan.enters
        tx.exits = plan.exits
        if edge.ticks:
            after = list(now[3])
            for i in edge.ticks:
                after[i] += 1
            tx.time_after = tuple(after)
        if edge.is_attended:
            return _attended(tx, edge, table)
        tx.ticks = edge.ticks
        tx.is_settled = tx.switched = True
        target = machine._place = edge.target or edge.destination()
        machine._now = moved = (now[0], target.active, target.mask, tx.time_after)
        if machine._disposed:
            machine._move(moved)
        if machine._subs is not None:
            # Somebody has begun to wait just now.
            machine._subs.switched(tx)
        if now[0].auto_mask & ~target.mask and edge.ticks:
            schedule_auto(tx)
    else:
        tx.canceled_by = "relations"
        tx.is_accepted = False
        tx.is_settled = True
    tx.queue_len = len(machine._queue.items)
    if machine._buffer.entries:
        tx.pre_log_entries = machine._buffer.take()
    tx.is_completed = True
    for method in machine._hooks.transition_end:
        try:
            method(tx)
        except Exception as error:  # noqa: BLE001 - tracers must not disturb the machine
            machine._failed(method, error)
    if machine._subs is not None:
        machine._subs.ended(tx, edge.result)
    return edge.result


def _attended(tx: Transition, edge: Edge, table: HandlerTable) -> Result:
    """The same from the negotiation on, for edges with handlers."""
    machine = tx.machine
    followed: Edge | None = edge
    try:
        for call in edge.asks:
            outcome = emit(tx, call)
            if outcome and not goes_on(tx, call, outcome):
                followed = None
                break
        if followed is None or not machine._brief:
            followed = settle(tx, followed, table)
        else:
            tx.is_settled = tx.switched = True
            target = machine._place = edge.target or edge.destination()
            machine._now = moved = (tx.model, target.active, target.mask, tx.time_after)
            if machine._disposed:
                machine._move(moved)
            if machine._subs is not None:
                machine._subs.switched(tx)
            if not call_finals(tx, edge, table):
                repair(tx)
                followed = None
    except Abandoned:
        raise
    except BaseException:
        break_off(tx)
        raise
    return finish(tx, followed)
