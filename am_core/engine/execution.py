"""Running one transition from its mutation to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from am_core.engine.automatic import schedule_auto
from am_core.engine.failures import RECOVER, cancel, on_deadline, on_late_return, recover
from am_core.engine.log_texts import mutation_text, rejection_text, switch_text
from am_core.engine.runners import Abandoned, DeadlineReached
from am_core.handling.handlers import Event, HandlerTable
from am_core.logs import CHANGES, DECISIONS, EVERYTHING, OPS, args_text
from am_core.resolution.automaton import AUTO, Edge, missed
from am_core.resolution.calls import NOBODY, Call, final_phase, negotiation
from am_core.resolution.mutation import CANCELED, EXECUTED, REMOVE, Mutation, Result
from am_core.resolution.plan import Notes, Plan, Recorded, Trail, later, ticks_of
from am_core.resolution.relations import resolve, resolve_again
from am_core.resolution.steps import Step
from am_core.resolution.transition import Transition
from am_core.schemas.model import mask_of

if TYPE_CHECKING:
    from am_core.machine import Machine

PASS: Final = 0
VETO: Final = 1
FAILED: Final = 2


def execute(machine: Machine, mutation: Mutation, edge: Edge | None = None) -> Result:
    """Run a mutation as a transition; returns its result. Called by the draining thread only.

    ``edge`` is the one of the mutation if the caller knows it already.
    """
    now = machine._now
    if machine._disposed:
        # Disposed by another thread since this was taken from the queue; the indexes mean nothing any more.
        if mutation.check is not None:
            mutation.check.resolve(False)
        return CANCELED
    machine._number = number = machine._number + 1
    tx = Transition(machine, mutation, number, now)
    machine._transition = tx
    if machine._log_level >= OPS:
        _log_mutation(tx)
    table = machine._table
    if edge is not None and edge.source.automaton is table.automaton and edge.source.automaton.model is now[0]:
        if machine._record_steps or machine._log_level >= OPS:
            _replay(tx, edge.trail or edge.retrace())
    else:
        edge = _edge(tx, table) if number >= machine._learn_from else None
    if edge is not None:
        plan = edge.plan
        is_accepted = edge.is_accepted
        ticks = edge.predicted
    else:
        plan = _resolve(tx)
        is_accepted = not plan.rejected or (mutation.is_auto and plan.rejected != mutation.called_mask)
        ticks = ticks_of(plan, now[2], mutation.is_auto)
    tx.target = plan.target
    tx.target_mask = plan.target_mask
    if is_accepted:
        tx.enters = plan.enters
        tx.exits = plan.exits
        if ticks and not mutation.is_check:
            after = list(now[3])
            for i in ticks:
                after[i] += 1
            tx.time_after = tuple(after)
    else:
        tx.canceled_by = "relations"
        tx.is_accepted = False
        if machine._log_level >= OPS:
            machine._log(OPS, rejection_text(tx.model.text(i for i in mutation.called if plan.rejected >> i & 1)))
    hooks = machine._hooks
    try:
        if hooks.transition_init:
            machine._fire(hooks.transition_init, tx)
        if hooks.transition_start:
            machine._fire(hooks.transition_start, tx)
        if machine._table is not table:
            # A tracer has bound or detached handlers just now.
            edge, table = None, machine._table
        if tx.is_accepted and (table.bindings or machine._log_level >= EVERYTHING) and not negotiate(tx, edge, table):
            edge = None
        edge = settle(tx, edge, table)
    except Abandoned:
        raise
    except BaseException:
        break_off(tx)
        raise
    return finish(tx, edge)


def settle(tx: Transition, edge: Edge | None, table: HandlerTable) -> Edge | None:
    """Everything between the negotiation and the end; returns the edge if it was followed."""
    machine, mutation = tx.machine, tx.mutation
    tx.is_settled = True
    if mutation.is_check:
        return edge
    if mutation.is_auto and not tx.is_broken:
        _settle_auto(tx, edge)
    if tx.is_accepted:
        _switch(tx, edge)
        if machine._hooks.transition_finals:
            machine._fire(machine._hooks.transition_finals, tx)
        wanted = table.bindings or machine._subs is not None or machine._log_level >= EVERYTHING
        if wanted and not call_finals(tx, edge, table):
            repair(tx)
            return None
    return edge


def break_off(tx: Transition) -> None:
    """End a transition because of an exception that is not ours to handle, so that the machine stays usable."""
    tx.is_broken = True
    tx.is_accepted = False
    tx.canceled_by = tx.canceled_by or RECOVER
    repair(tx)
    finish(tx)


# Resolution


def _edge(tx: Transition, table: HandlerTable) -> Edge | None:
    """The edge of a transition, learned if need be; None for a machine that another thread is disposing."""
    machine, mutation = tx.machine, tx.mutation
    automaton = table.automaton
    if automaton.model is not tx.model:
        return None
    place = machine._place
    if place is None or place.active is not tx.active_before or place.automaton is not automaton:
        place = machine._place = automaton.at(tx.active_before, tx.mask_before)
    kind = AUTO if mutation.is_auto else mutation.type
    edge = place.edges[kind].get(mutation.called)
    told = machine._log_level >= OPS or machine._record_steps
    if edge is None:
        trail = Trail(tx.model, mutation.is_auto, [], True) if told else None
        plan = resolve(
            tx.model, mutation.type, mutation.called, mutation.called_mask, tx.active_before, tx.mask_before, trail
        )
        edge = place.learn(kind, mutation.called, mutation.called_mask, plan)
        if trail is not None:
            edge.trail = trail.recorded()
        missed(machine)
    if told:
        _replay(tx, edge.trail or edge.retrace())
    return edge


def _replay(tx: Transition, recorded: Recorded) -> None:
    """Steps and log lines as if everything had just been resolved."""
    machine = tx.machine
    if machine._record_steps:
        tx.steps = [*tx.steps, *recorded[0]]
    if machine._log_level >= OPS:
        _log_notes(machine, recorded[1])


def _resolve(tx: Transition) -> Plan:
    mutation = tx.mutation
    trail = _trail(tx)
    plan = resolve(
        tx.model, mutation.type, mutation.called, mutation.called_mask, tx.active_before, tx.mask_before, trail
    )
    if trail is not None:
        _replay(tx, trail.recorded())
    return plan


def _trail(tx: Transition, second: bool = False) -> Trail | None:
    machine = tx.machine
    if machine._log_level < OPS and not machine._record_steps:
        return None
    return Trail(tx.model, tx.mutation.is_auto, [], machine._log_level >= OPS, second)


def _log_notes(machine: Machine, notes: Notes) -> None:
    for level, text in notes:
        if level <= machine._log_level:
            machine._log(level, text)


def _log_mutation(tx: Transition) -> None:
    machine, mutation = tx.machine, tx.mutation
    level = DECISIONS if mutation.is_auto else OPS
    if level <= machine._log_level:
        text = mutation_text(mutation.type, mutation.is_auto, tx.model.text(mutation.called), mutation.is_check)
        machine._log(level, f"{text}{args_text(mutation.args, machine.log_args)}")
    if mutation.source is not None:
        machine._log(OPS, f"[source] {mutation.source}")


# Negotiation


def negotiate(tx: Transition, edge: Edge | None, table: HandlerTable) -> bool:
    """Ask every handler; False when the transition is canceled then, or has lost automatic states."""
    loud = tx.machine._log_level >= EVERYTHING
    groups = None if loud or edge is None else edge.negotiation
    if groups is None:
        kind, before = tx.mutation.type, tx.active_before
        groups = negotiation(table, tx.model, kind, before, tx.mask_before, tx.target, tx.enters, tx.exits, loud)
        if edge is not None and not loud:
            edge.negotiation = groups
    if groups is NOBODY:
        return True
    planned = tx.target_mask
    left = -1
    for group in groups:
        for call in group:
            if call.judged >= 0 and not left >> call.judged & 1:
                continue
            outcome = emit(tx, call)
            if outcome and not goes_on(tx, call, outcome):
                return False
        left = tx.target_mask
    return left == planned


def goes_on(tx: Transition, call: Call, outcome: int) -> bool:
    """Whether the negotiation goes on after a handler refused or failed: only automatic states can be left out."""
    judged = call.judged
    if outcome == VETO:
        if tx.mutation.is_auto and judged >= 0 and tx.model.auto_mask >> judged & 1:
            tx.target = tuple([i for i in tx.target if i != judged])
            tx.target_mask &= ~(1 << judged)
            if tx.target:
                return True
        cancel(tx, call.name, call.tag)
    return False


def _settle_auto(tx: Transition, edge: Edge | None) -> None:
    """Resolve an automatic transition again, with what is left of its called states.

    A canceled transition is resolved too: its target then tells what would have been left.
    """
    machine, mutation = tx.machine, tx.mutation
    if edge is not None:
        plan = edge.end
        if machine._log_level >= OPS or machine._record_steps:
            _replay(tx, edge.second_trail or edge.retrace_end())
    else:
        trail = _trail(tx, second=True)
        plan = resolve_again(
            tx.model, mutation.called, mutation.called_mask, tx.target_mask, tx.active_before, tx.mask_before, trail
        )
        if trail is not None:
            _replay(tx, trail.recorded())
    tx.target = plan.target
    tx.target_mask = plan.target_mask
    tx.enters = plan.enters
    tx.exits = plan.exits


# Switch and final phase


def _switch(tx: Transition, edge: Edge | None) -> None:
    """From here on the machine is in the new states."""
    machine = tx.machine
    target = tx.target
    if edge is not None:
        if edge.ticks is not edge.predicted:
            tx.time_after = later(tx.time_before, edge.ticks)
        place = machine._place = edge.target or edge.destination()
        target = place.active
    elif tx.mutation.is_auto:
        # The targets may be fewer than predicted.
        tx.time_after = later(tx.time_before, ticks_of(tx, tx.mask_before, True))
    tx.switched = True
    machine._now = now = (tx.model, target, tx.target_mask, tx.time_after)
    if machine._disposed:
        machine._move(now)
    if machine._log_level >= CHANGES:
        _log_switch(tx)
    if machine._subs is not None:
        machine._subs.switched(tx)


def _log_switch(tx: Transition) -> None:
    machine = tx.machine
    loud = machine._log_level >= EVERYTHING
    text = switch_text(tx.model.names, tx, tx.is_auto, tx.time_before, tx.time_after, loud)
    if text:
        machine._log(CHANGES, f"{text}{args_text(tx.args, machine.log_args)}")


def call_finals(tx: Transition, edge: Edge | None, table: HandlerTable) -> bool:
    """Call the final handlers; False when one fails."""
    machine = tx.machine
    loud = machine._log_level >= EVERYTHING
    calls = None if loud or edge is None else edge.finals
    if calls is None:
        calls = final_phase(table, tx.model, tx.enters, tx.exits, loud)
        if edge is not None and not loud:
            edge.finals = calls
    if not calls:
        subs = machine._subs
        if subs is None or not subs.args:
            tx.enters_done = len(tx.enters)
            return True
        for i in tx.enters:
            tx.enters_done += 1
            subs.entered(tx, i)
    for call in calls:
        if (call.bound or loud) and emit(tx, call):
            return False
        if call.is_enter and call.target >= 0:
            tx.enters_done += 1
            if machine._subs is not None and machine._subs.args:
                machine._subs.entered(tx, call.target)
    return True


def repair(tx: Transition) -> None:
    """Switch off every entered state whose final handler has not completed; what was switched off stays off."""
    off = tx.enters[tx.enters_done :]
    if not off or not tx.switched:
        return
    ticks = list(tx.time_after)
    for i in off:
        ticks[i] += 1
    tx.time_after = tuple(ticks)
    left = tuple(i for i in tx.target if i not in off)
    machine = tx.machine
    machine._move((tx.model, left, mask_of(left), tx.time_after))
    if machine._subs is not None:
        machine._subs.switched(tx)


# Calling handlers


def emit(tx: Transition, call: Call) -> int:
    """Call every handler bound for one event, until one refuses or fails."""
    machine = tx.machine
    level = machine._log_level
    name = call.name
    if level >= EVERYTHING:
        for binding in machine._table.bindings:
            machine._log(EVERYTHING, f"[handle:{binding.id}] {name}")
    if not call.bound or machine._disposed:
        return PASS
    if isinstance(tx.handlers_called, list):
        tx.handlers_called.append(name)
    else:
        tx.handlers_called = [name]
    event = Event(name, tx, tx.mutation.args)
    run = machine._runner.call
    outcome = PASS
    untrapped: BaseException | None = None
    for bound in call.bound:
        if level >= OPS:
            machine._log(OPS, f"[handler:{bound.number}] {name}")
        hooks = machine._hooks
        if hooks.handler_start:
            machine._fire(hooks.handler_start, tx, bound.binding, name)
        try:
            answer = run(event, bound)
        except Abandoned:
            raise
        except DeadlineReached:
            on_deadline(event)
            outcome = FAILED
        except BaseException as error:  # noqa: BLE001 - what is not trapped is raised below
            outcome = FAILED
            if isinstance(error, Exception) and machine.panic_to_exception:
                recover(tx, event, error)
            else:
                untrapped = error
        else:
            if tx.is_timed_out:
                on_late_return(event)
                outcome = FAILED
            elif answer is False and not call.is_final:
                outcome = VETO
        level = machine._log_level
        if level >= EVERYTHING:
            machine._log(EVERYTHING, f"[handler:end] {name}")
        if hooks.handler_end:
            machine._fire(hooks.handler_end, tx, bound.binding, name)
        if outcome:
            break
    if machine._record_steps:
        step = Step("handler", "", call.source, call.target, call.is_final, call.is_self, call.is_enter)
        if isinstance(tx.steps, list):
            tx.steps.append(step)
        else:
            # What others have in common with this transition is not to be changed.
            tx.steps = [*tx.steps, step]
    if untrapped is not None:
        raise untrapped
    return outcome


# End


def finish(tx: Transition, edge: Edge | None = None) -> Result:
    """Complete a transition: schedule automatic states, collect the log, tell the tracers; returns the result."""
    machine, mutation = tx.machine, tx.mutation
    if not tx.is_accepted and not tx.switched:
        tx.time_after = tx.time_before
    elif edge is not None and not mutation.is_check:
        tx.ticks = edge.ticks
    if not mutation.is_check:
        if machine._on_change is not None:
            machine._guarded(machine._on_change, machine, tx)
        if tx.is_accepted and not mutation.is_auto:
            model, _, mask, _ = machine._now
            if model.auto_mask & ~mask and tx.time_after != tx.time_before:
                schedule_auto(tx)
    tx.queue_len = len(machine._queue.items)
    if machine._buffer.entries:
        tx.pre_log_entries = machine._buffer.take()
    tx.is_completed = True
    for method in machine._hooks.transition_end:
        try:
            method(tx)
        except Exception as error:  # noqa: BLE001 - tracers must not disturb the machine
            machine._failed(method, error)
    result = edge.result if edge is not None and not mutation.is_check else _result(tx)
    if machine._subs is not None:
        machine._subs.ended(tx, result)
    if mutation.check is not None:
        mutation.check.resolve(result == EXECUTED)
    return result


def _result(tx: Transition) -> Result:
    mutation = tx.mutation
    if not tx.is_accepted:
        return CANCELED
    if mutation.is_check:
        return EXECUTED
    if mutation.type is REMOVE:
        return CANCELED if mutation.called_mask & tx.target_mask else EXECUTED
    if mutation.is_auto:
        return EXECUTED if len(tx.target) > len(tx.active_before) else CANCELED
    return EXECUTED
