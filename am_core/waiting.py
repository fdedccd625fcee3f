"""What waits for a machine: one-shot waiters, and the index that finds those a transition concerns."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from am_core.contexts import Context, StateCtx
from am_core.errors import AmError, MachineDisposed, StateExpired
from am_core.logs import OPS
from am_core.signals import OneShot
from am_core.wait_info import Origin, WaiterInfo, current_origin, next_id

if TYPE_CHECKING:
    from am_core.model import Model
    from am_core.mutation import Mutation
    from am_core.observed import ObservedMachine
    from am_core.transition import Now, Transition

Reason = Literal["", "match", "ctx", "disposed", "canceled", "error"]
Query = Callable[[dict[str, int]], object]
Key = tuple[object, ...]
"""What makes waiters the same: their kind, and what they wait for by name."""
Place = tuple[int, int]
"""Where a condition is looked at: a state's index with a tick, or with ``ON`` or ``OFF``."""

ON: Final = -1
OFF: Final = -2
DISPOSED: Final = "whenDisposed"


class Kind(Enum):
    """What a condition on states demands of all of them; the values are what the log calls it."""

    ACTIVE = "when"
    INACTIVE = "whenNot"
    REACHED = "whenTime"


class Condition(NamedTuple):
    """A demand on several states by index; the second numbers are ticks, and mean nothing for activity."""

    kind: Kind
    needs: tuple[tuple[int, int], ...]

    def open_at(self, now: Now) -> Place | None:
        """One of the states that still keep the condition from holding; None when it holds.

        Looking again when just this state changes is enough, since the condition cannot hold before. Solvers for
        Boolean satisfiability watch one or two literals of each clause in the same way.
        """
        _, _, mask, ticks = now
        for i, tick in self.needs:
            if self.kind is Kind.REACHED:
                if ticks[i] < tick:
                    return i, tick
            elif self.kind is Kind.ACTIVE:
                if not mask >> i & 1:
                    return i, ON
            elif mask >> i & 1:
                return i, OFF
        return None

    def moved(self, old: Model, new: Model) -> Condition:
        """The same condition on the same states of another model."""
        return Condition(self.kind, tuple([(new.index[old.names[i]], tick) for i, tick in self.needs]))


class Waiter(OneShot):
    """Waits for something of one machine, once: for threads, tasks and callbacks.

    It ends when that happens, when its context expires, and when the machine is disposed; :attr:`reason` tells. What
    was waited for may be over again by the time one wakes up. Callers who wait for the same share one waiter.
    """

    __slots__ = (
        "_claims", "_home", "_key", "_place", "error", "id", "machine_id", "origin", "reason", "started_ns", "states",
        "text", "ticks",
    )  # fmt: skip

    def __init__(
        self,
        home: Subscriptions | None,
        machine_id: str,
        key: Key,
        text: str,
        reason: Reason = "",
        states: tuple[str, ...] = (),
        ticks: tuple[int, ...] = (),
    ) -> None:
        super().__init__(None if home is None else home.lock)
        self.machine_id = machine_id
        self.text = text
        """What is waited for, as in the log."""
        self.states = states
        self.ticks = ticks
        """Ticks that the states, or the queue, have to reach, where that is what is waited for."""
        self.id = 0
        """Unique in the process, 0 for a waiter that was over from the start."""
        self.started_ns = monotonic_ns()
        """``time.monotonic_ns()`` of its creation."""
        self.origin: Origin | None = None
        """The handler on whose behalf it was created."""
        if home is not None:
            self.id = next_id()
            self.origin = current_origin()
        self.reason: Reason = reason
        """``match``, ``ctx`` (the context expired), ``disposed``, ``canceled`` or ``error``; empty while waiting."""
        self.error: BaseException | None = None
        """Why waiting was impossible, or what a query raised."""
        self._home = home
        self._key = key
        self._place: tuple[dict[Any, dict[Waiter, Any]], object] | None = None
        """The index the waiter is in, and where."""
        self._claims = 1

    @property
    def kind(self) -> str:
        """What the log calls this way of waiting: ``when``, ``whenNot``, ``whenTime`` …"""
        return str(self._key[0])

    @property
    def info(self) -> WaiterInfo:
        """What there is to know, as a record that does not keep the waiter."""
        return WaiterInfo(
            self.id,
            self.machine_id,
            self.kind,
            self.states,
            self.ticks,
            self.text,
            self.started_ns,
            self.origin,
            self.reason,
        )

    def check(self) -> None:
        """Raise when the waiter has ended without getting what it waited for.

        :class:`StateExpired` when the context expired, :class:`MachineDisposed`, :class:`AmError` when canceled, or
        what a query raised.
        """
        if self.error is not None:
            raise self.error
        what = f"waiting for {self.kind} {self.text} of {self.machine_id}"
        if self.reason == "ctx":
            raise StateExpired("", f"context expired while {what}")
        if self.reason == "disposed":
            raise MachineDisposed(f"machine disposed while {what}")
        if self.reason == "canceled":
            raise AmError(f"canceled: {what}")

    def cancel(self) -> None:
        """Do not wait any longer. A waiter that is shared ends when everybody who got it has said so."""
        home = self._home
        if home is None:
            return
        with home.lock:
            self._claims -= 1
            if self._claims > 0 or not home.finish(self, "canceled"):
                return
        home.tell([self])

    def __repr__(self) -> str:
        return f"<Waiter {self.kind} {self.text} of {self.machine_id}: {self.reason or 'waiting'}>"


class Subscriptions:
    """Waiters and contexts of one machine, by what they depend on.

    A transition looks up the states it has changed, so waiters for other states cost it nothing. Everything is guarded
    by the machine's lock, and nobody is called with it held.
    """

    __slots__ = (
        "_machine", "args", "contexts", "lock", "machine_context", "pending", "queries", "states", "ticks",
    )  # fmt: skip

    def __init__(self, machine: ObservedMachine) -> None:
        # Weak, so that a machine nobody refers to any more needs no garbage collector.
        self._machine = weakref.ref(machine)
        self.lock = machine._lock
        self.pending: dict[Key, Waiter] = {}
        self.states: dict[Place, dict[Waiter, Condition]] = {}
        self.args: dict[int, dict[Waiter, Mapping[str, Any]]] = {}
        self.ticks: dict[int, dict[Waiter, None]] = {}
        self.queries: dict[int, dict[Waiter, Query]] = {}
        """Asked after every transition, so they are all in one place."""
        self.contexts: dict[int, StateCtx] = {}
        self.machine_context: Context | None = None

    # Waiters one by one; with the lock held, except for those that say otherwise

    def enter(self, waiter: Waiter, index: dict[Any, dict[Waiter, Any]], place: object, what: object) -> None:
        """Put a waiter where it will be looked at."""
        index.setdefault(place, {})[waiter] = what
        waiter._place = (index, place)

    def _leave(self, waiter: Waiter) -> None:
        if waiter._place is not None:
            index, place = waiter._place
            waiter._place = None
            bucket = index.get(place)
            if bucket is not None:
                bucket.pop(waiter, None)
                if not bucket:
                    del index[place]

    def finish(self, waiter: Waiter, reason: Reason) -> bool:
        """Mark a waiter as done; :meth:`tell` follows without the lock. False when it was done before."""
        if waiter.done:
            return False
        waiter.reason = reason
        waiter.end()
        self.pending.pop(waiter._key, None)
        self._leave(waiter)
        return True

    def release(self, waiters: Iterable[Waiter], reason: Reason) -> None:
        """End waiters and call their callbacks. Without the lock held."""
        with self.lock:
            ended = [waiter for waiter in waiters if self.finish(waiter, reason)]
        self.tell(ended)

    def tell(self, ended: Iterable[OneShot]) -> None:
        """Call the callbacks of what has ended. Without the lock held."""
        machine = self._machine()
        failure: BaseException | None = None
        for signal in ended:
            if machine is not None:
                if machine._log_level >= OPS:
                    _log_end(machine, signal)
                if signal._announced:
                    _fire_end(machine, signal)
            for fn in signal.callbacks():
                try:
                    if machine is None:
                        fn(signal)
                    else:
                        machine._guarded(fn, signal)
                except BaseException as error:  # noqa: BLE001 - raised below, when all the others have been told
                    failure = failure or error
        if failure is not None:
            raise failure

    def announce(self, machine: ObservedMachine, signal: Waiter | StateCtx) -> None:
        """Tell the tracers of something new, and of its end when that has come already. Without the lock held."""
        if signal._announced:
            return
        hooks = machine._hooks
        machine._fire(hooks.wait_start if isinstance(signal, Waiter) else hooks.context_start, machine, signal)
        with self.lock:
            is_over = signal._announced is None
            if not is_over:
                signal._announced = True
        if is_over:
            _fire_end(machine, signal)

    # What happens to the machine; without the lock held

    def switched(self, tx: Transition) -> None:
        """States have changed, their final handlers come next: contexts of what is over expire."""
        if not self.contexts:
            return
        expired: list[Context] = []
        with self.lock:
            for i in (*tx.exits, *tx.enters):
                context = self.contexts.get(i)
                if context is not None and context.tick != tx.time_after[i]:
                    del self.contexts[i]
                    if context.expire(f"the tick is {tx.time_after[i]} now"):
                        expired.append(context)
        self.tell(expired)

    def entered(self, tx: Transition, state: int) -> None:
        """The handlers of a state's activation have run."""
        with self.lock:
            waiting = tuple(self.args.get(state, {}).items())
        # Comparing values may call anything, so it is done without the lock.
        self.release([waiter for waiter, wanted in waiting if self._fits(wanted, tx.args)], "match")

    def _fits(self, wanted: Mapping[str, Any], args: Mapping[str, Any]) -> bool:
        machine = self._machine()
        fits = False

        def compare() -> None:
            nonlocal fits
            fits = all(name in args and args[name] == value for name, value in wanted.items())

        if machine is not None:
            machine._guarded(compare)
        return fits

    def ended(self, tx: Transition) -> None:
        """A transition is over: whatever it has brought about."""
        machine = tx.machine
        matched: list[Waiter] = []
        queries: tuple[tuple[Waiter, Query], ...] = ()
        with self.lock:
            tick = tx.mutation.queue_tick
            if tick and tick in self.ticks:
                matched += self.ticks[tick]
            if tx.switched and not machine._disposed:
                if self.states:
                    matched += self._concerned(tx, machine._now)
                if self.queries:
                    queries = tuple(self.queries[0].items())
            matched = [waiter for waiter in matched if self.finish(waiter, "match")]
        self.tell(matched)
        if queries:
            self._ask(queries, machine.clock())

    def _concerned(self, tx: Transition, now: Now) -> list[Waiter]:
        """Waiters whose conditions hold now; those that have come nearer to it are moved to what they still need."""
        found: list[Waiter] = []
        mask = now[2]
        for i in (*tx.exits, *tx.enters):
            before, after = tx.time_before[i], tx.time_after[i]
            if before == after:
                continue
            for what in (ON if mask >> i & 1 else OFF, *range(before + 1, after + 1)):
                for waiter, condition in self.states.pop((i, what), {}).items():
                    place = condition.open_at(now)
                    if place is None:
                        waiter._place = None
                        found.append(waiter)
                    else:
                        self.enter(waiter, self.states, place, condition)
        return found

    def _ask(self, queries: Iterable[tuple[Waiter, Query]], clock: dict[str, int]) -> None:
        matched: list[Waiter] = []
        for waiter, query in queries:
            try:
                if query(clock):
                    matched.append(waiter)
            except Exception as error:  # noqa: BLE001 - given to who waits, as it would fail the same way next time
                waiter.error = error
                self.release([waiter], "error")
        if matched:
            self.release(matched, "match")

    def discarded(self, mutations: Iterable[Mutation]) -> None:
        """Queued mutations will never run, which is an end as well."""
        with self.lock:
            waiting = [waiter for mutation in mutations for waiter in self.ticks.get(mutation.queue_tick, ())]
        self.release(waiting, "match")

    def move(self, old: Model, new: Model) -> None:
        """The states have other indexes from now on. With the lock held."""
        where = {i: new.index[name] for i, name in enumerate(old.names)}
        self.contexts = {where[i]: context for i, context in self.contexts.items()}
        states, self.states = self.states, {}
        for (i, what), bucket in states.items():
            for waiter, condition in bucket.items():
                self.enter(waiter, self.states, (where[i], what), condition.moved(old, new))
        args, self.args = self.args, {}
        for i, wanted in args.items():
            for waiter, values in wanted.items():
                self.enter(waiter, self.args, where[i], values)

    def close(self) -> None:
        """The machine has been disposed: nothing more will happen, except for the end itself."""
        with self.lock:
            contexts = [context for context in self.contexts.values() if context.expire("the machine was disposed")]
            self.contexts = {}
            waiting = [waiter for waiter in self.pending.values() if waiter.kind != DISPOSED]
            waiting = [waiter for waiter in waiting if self.finish(waiter, "disposed")]
        self.tell([*contexts, *waiting])

    def close_machine(self) -> None:
        """The disposal is complete."""
        with self.lock:
            ended: list[OneShot] = []
            context = self.machine_context
            if context is not None and context.expire("the machine was disposed"):
                ended.append(context)
            ended += [waiter for waiter in tuple(self.pending.values()) if self.finish(waiter, "match")]
        self.tell(ended)


def _fire_end(machine: ObservedMachine, signal: OneShot) -> None:
    hooks = machine._hooks
    if isinstance(signal, Waiter):
        machine._fire(hooks.wait_end, machine, signal)
    elif isinstance(signal, StateCtx):
        machine._fire(hooks.context_end, machine, signal)


def _log_end(machine: ObservedMachine, signal: OneShot) -> None:
    if isinstance(signal, StateCtx):
        machine._log(OPS, f"[ctx:match] {signal.state}")
    elif isinstance(signal, Waiter) and signal.reason == "match":
        machine._log(OPS, f"[{signal.kind}:match] {signal.text}".rstrip())
