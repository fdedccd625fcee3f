"""Running one transition from its mutation to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from am_core.enqueue import prepend
from am_core.failures import RECOVER, Panic, cancel, on_deadline, on_late_return, recover
from am_core.handlers import Calls, Event, HandlerTable
from am_core.logs import CHANGES, DECISIONS, EVERYTHING, OPS, args_text
from am_core.model import bits, mask_of
from am_core.mutation import ADD, CANCELED, EXECUTED, REMOVE, Mutation, Result
from am_core.names import ANY_INDEX, NO_INDEX
from am_core.plan import Plan, Trail
from am_core.relations import auto_candidates, resolve, resolve_again
from am_core.runners import Abandoned, DeadlineReached
from am_core.steps import Step
from am_core.transition import Transition

if TYPE_CHECKING:
    from am_core.machine import Machine

PASS: Final = 0
VETO: Final = 1
FAILED: Final = 2


def execute(machine: Machine, mutation: Mutation) -> Result:
    """Run a mutation as a transition; returns its result. Called by the draining thread only."""
    now = machine._now
    machine._number += 1
    tx = Transition(machine, mutation, machine._number, now)
    machine._transition = tx
    if machine._log_level >= OPS:
        _log_mutation(tx)
    plan = _resolve(tx)
    tx.target, tx.target_mask = plan.target, plan.target_mask
    if plan.rejected and (not mutation.is_auto or plan.rejected == mutation.called_mask):
        tx.canceled_by = "relations"
        tx.is_accepted = False
        if machine._log_level >= OPS:
            machine._log(OPS, f"[cancel:reject] {tx.model.text(i for i in mutation.called if plan.rejected >> i & 1)}")
    else:
        tx.enters, tx.exits = plan.enters, plan.exits
        if not mutation.is_check:
            tx.time_after = _ticks_after(tx)
    hooks = machine._hooks
    try:
        if hooks.transition_init:
            machine._fire(hooks.transition_init, tx)
        if hooks.transition_start:
            machine._fire(hooks.transition_start, tx)
        _phases(tx)
    except Abandoned:
        raise
    except BaseException:
        # Whatever passes through here is not ours to handle, but the machine must stay usable.
        tx.is_broken = True
        tx.is_accepted = False
        tx.canceled_by = tx.canceled_by or RECOVER
        repair(tx)
        finish(tx)
        raise
    return finish(tx)


def _phases(tx: Transition) -> None:
    machine = tx.machine
    mutation = tx.mutation
    table = machine._table
    if tx.is_accepted and (table.bindings or machine._log_level >= EVERYTHING):
        _negotiate(tx, table)
    tx.is_settled = True
    if mutation.is_check:
        return
    if mutation.is_auto and not tx.is_broken:
        _settle_auto(tx)
    if not tx.is_accepted:
        return
    _switch(tx)
    if machine._hooks.transition_finals:
        machine._fire(machine._hooks.transition_finals, tx)
    if (table.bindings or machine._subs is not None or machine._log_level >= EVERYTHING) and not _finals(tx, table):
        repair(tx)


def _resolve(tx: Transition) -> Plan:
    machine, mutation = tx.machine, tx.mutation
    trail = _trail(tx)
    plan = resolve(
        tx.model, mutation.type, mutation.called, mutation.called_mask, tx.active_before, tx.mask_before, trail
    )
    if trail is not None:
        _log_notes(machine, trail)
    return plan


def _trail(tx: Transition, second: bool = False) -> Trail | None:
    machine = tx.machine
    notes = machine._log_level >= OPS
    if not notes and not machine._record_steps:
        return None
    return Trail(tx.model, tx.mutation.is_auto, tx.steps if machine._record_steps else None, notes, second)


def _log_notes(machine: Machine, trail: Trail) -> None:
    for level, text in trail.notes or ():
        if level <= machine._log_level:
            machine._log(level, text)


def _log_mutation(tx: Transition) -> None:
    machine, mutation = tx.machine, tx.mutation
    kind, level = (f"{mutation.type}:auto", DECISIONS) if mutation.is_auto else (str(mutation.type), OPS)
    if mutation.is_check:
        kind = f"{kind}:check"
    if level <= machine._log_level:
        names = tx.model.text(mutation.called)
        machine._log(level, f"[{kind}] {names}{args_text(mutation.args, machine.log_args)}")
    if mutation.source is not None:
        machine._log(OPS, f"[source] {mutation.source}")


def _ticks_after(tx: Transition) -> tuple[int, ...]:
    if not tx.enters and not tx.exits:
        return tx.time_before
    ticks = list(tx.time_before)
    for i in tx.exits:
        ticks[i] += 1
    for i in tx.enters:
        if not tx.mask_before >> i & 1:
            ticks[i] += 1
        elif not tx.mutation.is_auto:
            ticks[i] += 2
    return tuple(ticks)


# Negotiation


def _negotiate(tx: Transition, table: HandlerTable) -> None:
    """Ask every handler. Leaves the transition canceled, or without the automatic states that were refused."""
    names = tx.model.names
    loud = tx.machine._log_level >= EVERYTHING
    if table.exit or loud:
        for i in tx.exits:
            calls = table.exit.get(i, ())
            if calls or loud:
                name = names[i] + "Exit"
                if not _accepts(tx, name, _emit(tx, calls, name, i, NO_INDEX), NO_INDEX):
                    return
    if table.enter or loud:
        for i in tx.enters:
            calls = table.enter.get(i, ())
            if calls or loud:
                name = names[i] + "Enter"
                if not _accepts(tx, name, _emit(tx, calls, name, NO_INDEX, i, enter=True), i):
                    return
    if (table.self_ or loud) and tx.mutation.type is not REMOVE:
        for i in tx.target:
            calls = table.self_.get(i, ())
            if (calls or loud) and tx.mask_before >> i & 1:
                name = names[i] * 2
                if not _accepts(tx, name, _emit(tx, calls, name, NO_INDEX, i, self_=True), i, ":self"):
                    return
    if (table.pairs or loud) and not _negotiate_pairs(tx, table, loud):
        return
    if table.any_enter or loud:
        outcome = _emit(tx, table.any_enter, "AnyEnter", ANY_INDEX, ANY_INDEX, enter=True)
        _accepts(tx, "AnyEnter", outcome, NO_INDEX)


def _negotiate_pairs(tx: Transition, table: HandlerTable, loud: bool) -> bool:
    names = tx.model.names
    targets = tx.target
    for before in tx.active_before:
        row = table.pairs.get(before, {})
        if not row and not loud:
            continue
        for after in targets:
            calls = row.get(after, ())
            if not (calls or loud) or after == before:
                continue
            name = names[before] + names[after]
            if not _accepts(tx, name, _emit(tx, calls, name, before, after), after):
                return False
    return True


def _accepts(tx: Transition, name: str, outcome: int, judged: int, tag: str = "") -> bool:
    """Whether the negotiation goes on. ``judged`` is the state a refusal is about, -1 for the whole transition."""
    if outcome == PASS:
        return True
    if outcome == VETO:
        if tx.mutation.is_auto and judged >= 0 and tx.model.auto_mask >> judged & 1:
            tx.target = tuple(i for i in tx.target if i != judged)
            tx.target_mask &= ~(1 << judged)
            if tx.target:
                return True
        cancel(tx, name, tag)
    return False


def _settle_auto(tx: Transition) -> None:
    """Resolve an automatic transition again, with what is left of its called states.

    A canceled transition is resolved too: its target then tells what would have been left.
    """
    mutation = tx.mutation
    trail = _trail(tx, second=True)
    plan = resolve_again(
        tx.model, mutation.called, mutation.called_mask, tx.target_mask, tx.active_before, tx.mask_before, trail
    )
    tx.target, tx.target_mask, tx.enters, tx.exits = plan.target, plan.target_mask, plan.enters, plan.exits
    if trail is not None:
        _log_notes(tx.machine, trail)


# Switch and final phase


def _switch(tx: Transition) -> None:
    """From here on the machine is in the new states."""
    machine = tx.machine
    if tx.is_auto:
        # The targets may be fewer than predicted.
        tx.time_after = _ticks_after(tx)
    tx.switched = True
    machine._move((tx.model, tx.target, tx.target_mask, tx.time_after))
    if machine._log_level >= CHANGES:
        _log_switch(tx)
    if machine._subs is not None:
        machine._subs.switched(tx)


def _log_switch(tx: Transition) -> None:
    machine, names = tx.machine, tx.model.names
    parts = [f"+{names[i]}" for i in tx.enters if tx.time_after[i] != tx.time_before[i]]
    parts += [f"-{names[i]}" for i in tx.exits]
    if not parts:
        return
    if machine._log_level >= EVERYTHING:
        parts += [names[i] for i in tx.target if tx.time_after[i] == tx.time_before[i]]
    head = "[auto_]" if tx.is_auto else "[state]"
    machine._log(CHANGES, f"{head} {' '.join(parts)}{args_text(tx.args, machine.log_args)}")


def _finals(tx: Transition, table: HandlerTable) -> bool:
    machine, names = tx.machine, tx.model.names
    loud = machine._log_level >= EVERYTHING
    if table.end or loud:
        for i in tx.exits:
            calls = table.end.get(i, ())
            if (calls or loud) and _emit(tx, calls, names[i] + "End", NO_INDEX, i, final=True):
                return False
    if table.state or loud or machine._subs is not None:
        for i in tx.enters:
            calls = table.state.get(i, ())
            if (calls or loud) and _emit(tx, calls, names[i] + "State", NO_INDEX, i, final=True, enter=True):
                return False
            tx.enters_done += 1
            if machine._subs is not None and machine._subs.args:
                machine._subs.entered(tx, i)
    else:
        tx.enters_done = len(tx.enters)
    if table.any_state or loud:
        return not _emit(tx, table.any_state, "AnyState", ANY_INDEX, ANY_INDEX, final=True, enter=True)
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


def _emit(
    tx: Transition,
    calls: Calls,
    name: str,
    source: int,
    target: int,
    *,
    final: bool = False,
    self_: bool = False,
    enter: bool = False,
) -> int:
    """Call every handler bound for one event, until one refuses or fails."""
    machine = tx.machine
    if machine._log_level >= EVERYTHING:
        for binding in machine._table.bindings:
            machine._log(EVERYTHING, f"[handle:{binding.id}] {name}")
    if not calls or machine._disposed:
        return PASS
    tx.handlers_called.append(name)
    event = Event(name, tx, tx.mutation.args)
    outcome = PASS
    untrapped: BaseException | None = None
    for bound in calls:
        if machine._log_level >= OPS:
            machine._log(OPS, f"[handler:{bound.number}] {name}")
        hooks = machine._hooks
        if hooks.handler_start:
            machine._fire(hooks.handler_start, tx, bound.binding, name)
        try:
            answer = machine._runner.call(event, bound)
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
            elif answer is False and not final:
                outcome = VETO
        if machine._log_level >= EVERYTHING:
            machine._log(EVERYTHING, f"[handler:end] {name}")
        if hooks.handler_end:
            machine._fire(hooks.handler_end, tx, bound.binding, name)
        if outcome:
            break
    if machine._record_steps:
        tx.steps.append(Step("handler", "", source, target, final, self_, enter))
    if untrapped is not None:
        raise untrapped
    return outcome


# End


def finish(tx: Transition) -> Result:
    """Complete a transition: schedule automatic states, collect the log, tell the tracers; returns the result."""
    machine, mutation = tx.machine, tx.mutation
    if not tx.is_accepted and not tx.switched:
        tx.time_after = tx.time_before
    if not mutation.is_check:
        if machine.on_change is not None:
            machine._guarded(machine.on_change, machine, tx)
        if tx.is_accepted and not mutation.is_auto and tx.time_after != tx.time_before:
            _schedule_auto(tx)
    tx.queue_len = len(machine._queue.items)
    if machine._buffer.entries:
        tx.pre_log_entries = machine._buffer.take()
    tx.is_completed = True
    if machine._hooks.transition_end:
        machine._fire(machine._hooks.transition_end, tx)
    if machine._subs is not None:
        machine._subs.ended(tx)
    result = _result(tx)
    if mutation.check is not None:
        mutation.check.resolve(result == EXECUTED)
    return result


def _schedule_auto(tx: Transition) -> None:
    machine, mutation = tx.machine, tx.mutation
    model, _, mask, _ = machine._now
    if not model.auto_mask & ~mask:
        return
    if machine._disposing or (mutation.type is ADD and mutation.called in tx.model.health):
        return
    if machine._refusing and machine.backoff():
        return
    panic = mutation.args.get("panic")
    if isinstance(panic, Panic) and panic.is_auto and tx.target_mask == tx.mask_before:
        # The same attempt from the same states would fail the same way, for ever.
        return
    if machine._log_level >= EVERYTHING:
        for i in bits(model.auto_mask & ~mask):
            if model.removed_by[i] & mask:
                blockers = model.mask_text(model.removed_by[i] & mask)
                machine._log(EVERYTHING, f"[auto:rel:remove] {model.names[i]} by {blockers}")
    called = tuple(auto_candidates(model, mask))
    if not called:
        return
    if machine._log_level >= OPS:
        machine._log(OPS, f"[auto] {model.text(called)}")
    prepend(machine, Mutation(ADD, called, mask_of(called), {}, is_auto=True))


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
