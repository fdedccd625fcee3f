"""What happens when a handler raises or runs for too long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from am_core.engine.enqueue import announce, prepend
from am_core.errors import HandlerTimeout
from am_core.handling.handlers import ExceptionHandler
from am_core.logs import CHANGES, DECISIONS, EVERYTHING, OPS, describe
from am_core.resolution.mutation import ADD, AutoRetry, Mutation, MutationType
from am_core.resolution.queue import EvalMutation
from am_core.traces import trace_text

if TYPE_CHECKING:
    from am_core.handling.handlers import Event
    from am_core.machine import Machine
    from am_core.resolution.transition import Transition

RECOVER: Final = "recover"
TIMEOUT: Final = "timeout"


class Panic(NamedTuple):
    """Where a handler failed: ``args["panic"]`` of the mutation that adds ``Exception``."""

    handler: str
    type: MutationType
    called_states: tuple[str, ...]
    states_before: tuple[str, ...]
    target_states: tuple[str, ...]
    time_before: tuple[int, ...]
    time_after: tuple[int, ...]
    transition_id: str
    is_auto: bool
    """Whether the failed transition was automatic."""
    failed_from: frozenset[int] = frozenset()
    """Masks of the active states from which automatic transitions failed, one after the other, up to this error."""


def cancel(tx: Transition, by: str, tag: str = "") -> None:
    """Mark a transition as canceled and log by whom."""
    machine = tx.machine
    if machine._log_level >= OPS:
        machine._log(OPS, f"[cancel{tag}] ({tx.model.text(tx.target)}) by {by}")
    tx.canceled_by = by
    tx.is_accepted = False


def recover(tx: Transition, event: Event, error: BaseException) -> None:
    """A handler raised: cancel its transition and let the machine have an ``Exception`` next."""
    machine = tx.machine
    if machine._log_level >= OPS:
        machine._log(OPS, "[recover] handling panic...")
    cancel(tx, RECOVER)
    tx.is_broken = True
    note(machine, error)
    tell_unseen(machine, event.name, error)
    if tx.mutation.called_mask & tx.model.exception_mask:
        # Adding Exception again from a failing error handler would never end.
        if machine._log_level >= CHANGES:
            machine._log(CHANGES, f"[error] {event.name} failed while handling an error: {describe(error)}")
        return
    panic = Panic(
        event.name,
        tx.type,
        tuple(tx.called_states()),
        tuple(tx.states_before()),
        tuple(tx.target_states()),
        tx.time_before,
        tx.time_after,
        tx.id,
        tx.is_auto,
        _failed_from(tx),
    )
    args: dict[str, Any] = {"err": error, "panic": panic, **trace_of(machine, error)}
    model = tx.model
    mutation = Mutation(ADD, (model.exception,), model.exception_mask, args, event.source())
    prepend(machine, mutation)


def note(machine: Machine, error: BaseException) -> None:
    """Make it the machine's last error, and tell the callback, which hears of errors before ``Exception`` is active."""
    machine._err = error
    if machine.on_error is not None:
        machine._guarded(machine.on_error, machine, error)


def tell_unseen(machine: Machine, what: str, error: BaseException) -> None:
    """Tell of an error that nobody else gets to know of, by log, callback, handler or waiter.

    It goes to the logger ``am_core`` of the standard library, which writes to standard error by default.
    """
    exception = machine._now[0].exception
    if machine._log_level >= CHANGES or machine.on_error is not None:
        return
    if machine._subs is not None and machine._subs.awaits(exception):
        return
    calls = machine._table.state.get(exception, ())
    if any(getattr(bound.fn, "__func__", None) is not ExceptionHandler.ExceptionState for bound in calls):
        return
    import logging

    text = "%s of machine %s failed, and nobody looks at its errors: bind ExceptionState, or set on_error or log_level"
    machine._guarded(lambda: logging.getLogger("am_core").error(text, what, machine.id, exc_info=error))


def _failed_from(tx: Transition) -> frozenset[int]:
    if not tx.is_auto:
        return frozenset()
    mutation = tx.mutation
    return (mutation.failed_from if isinstance(mutation, AutoRetry) else frozenset()) | {tx.mask_before}


def trace_of(machine: Machine, error: BaseException) -> dict[str, str]:
    """The stack as an argument, without the engine's own frames, when the machine is asked for it."""
    if not machine.log_stack_trace:
        return {}
    return {"err.trace": trace_text(error)}


def log_error(event: Event) -> None:
    """Log the error a mutation carries, at level Changes."""
    machine = event.machine
    if machine._log_level < CHANGES:
        return
    error = event.args.get("err")
    panic = event.args.get("panic")
    if error is None:
        machine._log(CHANGES, "[error] missing error in args to ExceptionState")
    elif isinstance(panic, Panic):
        machine._log(
            CHANGES, f"[error:{panic.type}] {' '.join(panic.called_states)} ({panic.handler}: {describe(error)})"
        )
    else:
        machine._log(CHANGES, f"[error] {describe(error)}")
    if "err.trace" in event.args:
        machine._log(CHANGES, str(event.args["err.trace"]))


def mark_timeout(event: Event) -> None:
    """A handler has just exceeded its limit; it still gets a grace period. Called with the machine's lock held."""
    tx = event.transition
    tx.is_timed_out = True
    tx.is_broken = True
    tx.is_accepted = False
    tx.canceled_by = TIMEOUT
    tx.machine.report(HandlerTimeout(event.name, event.binding))


def log_timeout(event: Event) -> None:
    """Log what :func:`mark_timeout` noted."""
    tx = event.transition
    machine = tx.machine
    if machine._log_level >= OPS:
        machine._log(OPS, f"[cancel] ({tx.model.text(tx.target)}) by {TIMEOUT}")
    if machine._log_level >= DECISIONS:
        machine._log(DECISIONS, f"[handler:timeout] {event.name} from {event.binding}")


def on_late_return(event: Event) -> None:
    """A handler came back within the grace period."""
    machine = event.machine
    if machine._log_level >= EVERYTHING:
        machine._log(EVERYTHING, f"[handler:ack-timeout] {event.name}")


def on_deadline(event: Event) -> None:
    """The grace period is over: drop the queue, start the backoff, and let ``Exception`` be next."""
    tx = event.transition
    machine = tx.machine
    if machine._log_level >= EVERYTHING:
        machine._log(EVERYTHING, f"[handler:deadline] {event.name}")
    error = HandlerTimeout(event.name, event.binding, "deadline")
    model = tx.model
    args: dict[str, Any] = {"err": error, **trace_of(machine, error)}
    mutation = Mutation(ADD, (model.exception,), model.exception_mask, args, event.source())
    # A deadline inside an error transition must not be followed by the next one.
    again = bool(tx.mutation.called_mask & model.exception_mask)
    note(machine, error)
    with machine._lock:
        discarded = machine._queue.flush()
        if not again and not machine._disposed:
            machine._queue.append(mutation)
        machine._last_deadline = time.monotonic()
        machine._backoff_until = machine._last_deadline + machine.handler_backoff
        machine._refusing = True
    release(discarded)
    if machine._subs is not None:
        machine._subs.discarded(discarded)
    if mutation.queue_tick:
        announce(machine, mutation)


def release(discarded: list[Mutation]) -> None:
    """Let go of everybody who waits for mutations that will never run."""
    for mutation in discarded:
        if mutation.check is not None:
            mutation.check.resolve(False)
        if isinstance(mutation, EvalMutation):
            mutation.evaluation.drop()


def on_leaked_return(event: Event) -> None:
    """A handler came back after its machine had given it up."""
    machine = event.machine
    if machine._log_level >= CHANGES:
        machine._log(CHANGES, f"[error] deadlined handler finished, theoretical leak: {event.name}")
    if not machine.backoff():
        error = HandlerTimeout(event.name, event.binding, "finished after its deadline")
        machine.add_err(error, event=event)
