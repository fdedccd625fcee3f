"""Executing what is queued: one thread at a time per machine, no lock held while user code runs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from am_core.engine.enqueue import announce
from am_core.engine.execution import execute, finish, repair
from am_core.engine.failures import on_deadline
from am_core.engine.runners import Abandoned
from am_core.errors import EvalTimeout, NestedEvalError
from am_core.logs import EVERYTHING, OPS
from am_core.resolution.mutation import CANCELED, EVAL, Mutation, Result
from am_core.resolution.queue import EvalMutation
from am_core.waiting.blocking import wait_watched

if TYPE_CHECKING:
    from am_core.handling.handlers import Event
    from am_core.machine import Machine


def drain(
    machine: Machine, own: Mutation | None = None, direct: bool = False, failure: Exception | None = None
) -> Result:
    """Execute the queue until it is empty; returns the result of one's own mutation.

    The caller has put its thread's ident into ``_drainer``. Emptiness is tested and the ident taken out under the same
    lock under which others append, so nothing that was queued is ever left behind. With ``direct`` the own mutation is
    executed first without having been queued. The first failure, which may have been before, is raised in the end.
    """
    generation = machine._generation
    lock, items = machine._lock, machine._queue.items
    result = CANCELED
    mutation: Any = own if direct else None
    try:
        if own is not None and not direct:
            announce(machine, own)
        while True:
            if mutation is None:
                with lock:
                    if machine._generation != generation:
                        return result
                    if not items:
                        deferred, idle = _release(machine)
                        break
                    mutation = machine._queue.take()
            if mutation.type is EVAL:
                mutation.evaluation.run()
            else:
                try:
                    outcome = execute(machine, mutation)
                except Exception as error:  # noqa: BLE001 - raised below, when the queue is empty
                    failure = failure or error
                else:
                    if mutation is own:
                        result = outcome
            mutation = None
    except Abandoned:
        if failure is not None:
            raise failure from None
        return result
    except BaseException:
        abandon(machine, generation)
        raise
    if machine._hooks.queue_end:
        machine._fire(machine._hooks.queue_end, machine)
    if idle:
        _wake(idle)
    if deferred:
        _drain_all(deferred)
    if failure is not None:
        raise failure
    return result


def abandon(machine: Machine, generation: int) -> None:
    """Stop executing, because of something that is meant to end this thread; what is queued stays queued.

    Nothing happens where this thread does not execute any more.
    """
    with machine._lock:
        is_mine = machine._generation == generation and machine._drainer == get_ident()
        deferred, idle = _release(machine) if is_mine else ([], [])
    _wake(idle)
    _drain_all(deferred)


Callbacks = list[Callable[[], object]]


def _release(machine: Machine) -> tuple[list[Machine], Callbacks]:
    machine._transition = None
    machine._drainer = 0
    machine._queue.taken = None
    rest_at(machine)
    deferred = machine._deferred
    if deferred:
        machine._deferred = []
    return deferred, take_idle_waiters(machine)


def rest_at(machine: Machine) -> None:
    """Let known mutations take the short ways from now on, where that is allowed. With the lock held."""
    place = machine._place
    # What an interrupted thread has left in the queue comes first.
    if place is not None and machine._open and not machine._refusing and not machine._queue.items:
        # Only where the machine really is, by the table of handlers and the model that it uses now.
        now = machine._now
        if place.active is now[1] and place.automaton is machine._table.automaton and place.automaton.model is now[0]:
            machine._rest = place


def take_idle_waiters(machine: Machine) -> Callbacks:
    """Who waits for the end of the queue, to be called without the lock. With the lock held."""
    idle = machine._idle_waiters
    if idle:
        machine._idle_waiters = []
    return idle


def _wake(waiters: Callbacks) -> None:
    for wake in waiters:
        wake()


def drain_if_idle(machine: Machine) -> None:
    """Execute what is queued unless somebody does so already; elsewhere, when this is the wrong thread for it."""
    away = machine._runner.away()
    with machine._lock:
        if machine._drainer or not machine._queue.items:
            return
        if not away:
            machine._rest = None
            machine._drainer = get_ident()
    if away:
        machine._runner.summon(machine)
    else:
        drain(machine)


def drain_after(machine: Machine, source: Machine | None) -> None:
    """Execute a machine's queue as soon as the draining of another machine is over, or now if there is none."""
    if source is not None and source is not machine and not machine._runner.away():
        with source._lock:
            if source._drainer:
                source._deferred.append(machine)
                return
    drain_if_idle(machine)


class _Pending(threading.local):
    machines: deque[Machine] | None = None


_pending: Final = _Pending()


def _drain_all(machines: list[Machine]) -> None:
    """Drain machines one after the other; those that come up meanwhile wait in line instead of nesting."""
    if _pending.machines is not None:
        _pending.machines.extend(machines)
        return
    line = _pending.machines = deque(machines)
    failure: Exception | None = None
    try:
        while line:
            try:
                drain_if_idle(line.popleft())
            except Exception as error:  # noqa: BLE001 - raised below, when the others have had their turn
                failure = failure or error
    finally:
        _pending.machines = None
    if failure is not None:
        raise failure


def wait_idle(machine: Machine, timeout: float) -> bool:
    """Wait until nothing is being executed; False when that takes longer than ``timeout`` seconds."""
    waiter = threading.Event()
    with machine._lock:
        if not machine._drainer and not (machine._queue.items and machine._runner.expected()):
            return True
        machine._idle_waiters.append(waiter.set)
    return waiter.wait(timeout)


def after_deadline(event: Event) -> None:
    """Go on where a thread is stuck in a handler: end its transition and execute what comes next."""
    tx = event.transition
    machine = tx.machine
    with machine._lock:
        machine._rest = None
        machine._drainer = get_ident()
    on_deadline(event)
    if machine._hooks.handler_end:
        machine._fire(machine._hooks.handler_end, tx, event.binding, event.name)
    repair(tx)
    finish(tx)
    if machine._runner.away():
        with machine._lock:
            deferred, idle = _release(machine)
            machine._idle_waiters = [*idle, *machine._idle_waiters]
        drain_if_idle(machine)
        _drain_all(deferred)
    else:
        drain(machine)


PENDING, RUNNING, DONE, DROPPED = range(4)


class Evaluation:
    """A function that runs between transitions, and the caller who waits for it."""

    __slots__ = ("caller", "context", "error", "finished", "fn", "machine", "source", "state")

    def __init__(self, machine: Machine, fn: Callable[[], object], source: str) -> None:
        self.machine = machine
        self.fn = fn
        self.source = source
        self.caller = get_ident()
        self.context = copy_context()
        self.state = PENDING
        self.error: BaseException | None = None
        self.finished = threading.Event()

    def run(self) -> None:
        machine = self.machine
        with machine._lock:
            if self.state != PENDING:
                return
            self.state = RUNNING
        if machine._log_level >= OPS:
            machine._log(OPS, f"[eval] {self.source}")
        try:
            # On another thread the function still sees the context variables of its caller.
            if get_ident() == self.caller:
                self.fn()
            else:
                self.context.run(self.fn)
        except BaseException as error:
            # The caller gets it; only what is meant to end the draining thread goes on here as well.
            self.error = error
            if not isinstance(error, Exception) and get_ident() != self.caller:
                raise
        finally:
            self.state = DONE
            if machine._log_level >= EVERYTHING:
                machine._log(EVERYTHING, f"[eval:end] {self.source}")
            self.finished.set()

    def drop(self) -> bool:
        """Give up unless it has started; True when it will not run."""
        with self.machine._lock:
            if self.state == PENDING:
                self.state = DROPPED
        if self.state == DROPPED:
            self.finished.set()
        return self.state == DROPPED


def _finishes(evaluation: Evaluation, timeout: float) -> bool:
    """Wait for an evaluation on another thread; whoever gives up, or is interrupted, leaves nothing in the queue."""
    finished = False
    what = f"eval {evaluation.source}"
    try:
        finished = wait_watched(
            evaluation.finished, timeout, evaluation.machine, what, "await asyncio.to_thread(...) instead"
        )
    finally:
        if not finished:
            evaluation.drop()
    return finished


def evaluate(machine: Machine, fn: Callable[[], object], source: str, timeout: float) -> bool:
    """Run a function under the machine's mutual exclusion; see ``Machine.eval``."""
    ident = get_ident()
    if ident == machine._drainer or machine._runner.owns_thread(ident):
        machine.report(NestedEvalError(f"eval nested in handler or eval: {source}; call the function directly instead"))
        return False
    evaluation = Evaluation(machine, fn, source)
    away = machine._runner.away()
    if machine._runner.lost(machine):
        return False
    with machine._lock:
        if machine._disposing:
            return False
        machine._rest = None
        machine._queue.prepend(EvalMutation(evaluation))
        busy = machine._drainer or away
        if not busy:
            machine._drainer = ident
    if away:
        drain_if_idle(machine)
    if not busy:
        drain(machine)
    elif not _finishes(evaluation, timeout) and evaluation.state != DONE:
        if machine._log_level >= OPS:
            machine._log(OPS, f"[eval:timeout] {source}")
        machine.report(EvalTimeout(f"eval timeout: eval:{source}"))
        return False
    if evaluation.error is not None:
        raise evaluation.error
    return evaluation.state == DONE
