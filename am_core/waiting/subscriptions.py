"""Who waits for a machine, by what they depend on: a transition finds those it concerns without looking at others."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from am_core.logs import OPS
from am_core.resolution.mutation import CANCELED, Mutation, Result
from am_core.waiting.contexts import Context, StateCtx
from am_core.waiting.signals import OneShot
from am_core.waiting.waiters import DISPOSED, OFF, ON, Condition, Key, Place, Query, Reason, Waiter

if TYPE_CHECKING:
    from am_core.facets.subscribing import SubscribableMachine
    from am_core.resolution.transition import Now, Transition
    from am_core.schemas.model import Model

ArgsPlace = tuple[Any, ...]
"""Where a waiter for arguments is looked at: the state's index, then the name and value of one argument if any."""
PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None)})
"""Types whose values can be compared while a lock is held, because doing so calls nobody."""
CONTAINERS: Final = frozenset({list, dict, set})
"""Types whose values never equal plain ones."""


class Subscriptions:
    """Waiters and contexts of one machine.

    Everything is guarded by the machine's lock, and nobody is called with it held.
    """

    __slots__ = (
        "__weakref__", "_machine", "_results", "_results_wanted", "args", "contexts", "lock", "machine_context",
        "pending", "queries", "states", "ticks", "watched",
    )  # fmt: skip

    def __init__(self, machine: SubscribableMachine) -> None:
        # Weak, so that a machine nobody refers to any more needs no garbage collector; and when it goes, nothing that
        # is waited for can happen.
        self._machine = weakref.ref(machine, _farewell(weakref.ref(self)))
        self.lock = machine._lock
        self.pending: dict[Key, Waiter] = {}
        self.states: dict[Place, dict[Waiter, Condition]] = {}
        self.args: dict[ArgsPlace, dict[Waiter, Mapping[str, Any]]] = {}
        self.watched: dict[int, int] = {}
        """How many waiters there are for each state in the two above."""
        self.ticks: dict[int, dict[Waiter, None]] = {}
        self.queries: dict[int, dict[Waiter, Query]] = {}
        """Asked after every transition, so they are all in one place."""
        self.contexts: dict[int, StateCtx] = {}
        self.machine_context: Context | None = None
        self._results: dict[int, Result] = {}
        """Results by queue tick, kept while somebody is about to ask for one of them."""
        self._results_wanted = 0

    def machine(self) -> SubscribableMachine | None:
        """The machine, unless it is garbage."""
        return self._machine()

    # Waiters one by one; with the lock held, except for those that say otherwise

    def enter(self, waiter: Waiter, index: dict[Any, dict[Waiter, Any]], place: object, what: object) -> None:
        """Put a waiter where it will be looked at."""
        index.setdefault(place, {})[waiter] = what
        waiter._place = (index, place)
        if isinstance(place, tuple):
            state = place[0]
            self.watched[state] = self.watched.get(state, 0) + 1

    def _leave(self, waiter: Waiter) -> None:
        if waiter._place is not None:
            index, place = waiter._place
            waiter._place = None
            bucket = index.get(place)
            if bucket is not None:
                bucket.pop(waiter, None)
                if not bucket:
                    del index[place]
            if isinstance(place, tuple):
                self._unwatch(place[0], 1)

    def _unwatch(self, state: int, count: int) -> None:
        left = self.watched[state] - count
        if left:
            self.watched[state] = left
        else:
            del self.watched[state]

    def is_concerned(self, ticks: Iterable[int]) -> bool:
        """Whether a transition would have to be told of, going by the states that tick in it."""
        if self.queries or self.ticks or self._results_wanted:
            return True
        watched, contexts = self.watched, self.contexts
        for i in ticks:  # noqa: SIM110 - a generator would cost more than the loop
            if i in watched or i in contexts:
                return True
        return False

    def awaits(self, state: int) -> bool:
        """Whether anybody waits for a state to become active."""
        return (state, ON) in self.states

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

    def announce(self, machine: SubscribableMachine, signal: Waiter | StateCtx) -> None:
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

    # Results of queued mutations; without the lock held

    def __enter__(self) -> Subscriptions:
        """From here on, results are kept until somebody can wait for them."""
        with self.lock:
            self._results_wanted += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self._results_wanted -= 1
            if not self._results_wanted:
                self._results = {}

    def result_of(self, tick: int) -> Result | None:
        """Result of the mutation with a queue tick, if it has ended since results are kept."""
        with self.lock:
            return self._results.get(tick)

    def _has_result(self, tick: int, result: Result) -> Iterable[Waiter]:
        """Who waits for the end of a mutation. With the lock held."""
        if self._results_wanted:
            self._results[tick] = result
        waiters = self.ticks.get(tick, ())
        for waiter in waiters:
            waiter.result = result
        return waiters

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
        machine = self._machine()
        if machine is None:
            return
        args = tx.args
        waiting: list[tuple[Waiter, Mapping[str, Any]]] = []
        matched: list[Waiter] = []

        # Looking up and comparing values may call anything, so it is done without the lock.
        def look() -> None:
            buckets = list(self._buckets(state, args))
            with self.lock:
                for bucket in buckets:
                    waiting.extend(bucket.items())

        def compare(waiter: Waiter, wanted: Mapping[str, Any]) -> None:
            if all(name in args and args[name] == value for name, value in wanted.items()):
                matched.append(waiter)

        machine._guarded(look)
        for waiter, wanted in waiting:
            machine._guarded(compare, waiter, wanted)
        self.release(matched, "match")

    def _buckets(self, state: int, args: Mapping[str, Any]) -> Iterator[dict[Waiter, Mapping[str, Any]]]:
        """Waiters that could be satisfied by some arguments."""
        places: list[ArgsPlace] = [(state,)]
        for name, value in args.items():
            if type(value) not in CONTAINERS:
                try:
                    hash(value)
                except TypeError:
                    # It may equal anything.
                    with self.lock:
                        yield from [bucket for place, bucket in self.args.items() if place[0] == state]
                    return
                places.append((state, name, value))
        for place in places:
            bucket = self.args.get(place)
            if bucket is not None:
                yield bucket

    def ended(self, tx: Transition, result: Result) -> None:
        """A transition is over: whatever it has brought about."""
        machine = tx.machine
        matched: list[Waiter] = []
        queries: tuple[tuple[Waiter, Query], ...] = ()
        with self.lock:
            tick = tx.mutation.queue_tick
            if tick and (self.ticks or self._results_wanted):
                matched += self._has_result(tick, result)
            if tx.switched and not machine._disposed:
                if self.states:
                    matched += self._concerned(tx, machine._now)
                if self.queries:
                    queries = tuple(self.queries[0].items())
            matched = [waiter for waiter in matched if self.finish(waiter, "match")]
        if matched:
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
                bucket = self.states.pop((i, what), None)
                if bucket is None:
                    continue
                self._unwatch(i, len(bucket))
                for waiter, condition in bucket.items():
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
        waiting: list[Waiter] = []
        with self.lock:
            for mutation in mutations:
                if mutation.queue_tick:
                    waiting += self._has_result(mutation.queue_tick, CANCELED)
        self.release(waiting, "match")

    def move(self, old: Model, new: Model) -> None:
        """The states have other indexes from now on. With the lock held."""
        where = {i: new.index[name] for i, name in enumerate(old.names)}
        self.contexts = {where[i]: context for i, context in self.contexts.items()}
        self.watched = {}
        states, self.states = self.states, {}
        for (i, what), bucket in states.items():
            for waiter, condition in bucket.items():
                self.enter(waiter, self.states, (where[i], what), condition.moved(old, new))
        args, self.args = self.args, {}
        for (i, *clue), wanted in args.items():
            for waiter, values in wanted.items():
                self.enter(waiter, self.args, (where[i], *clue), values)

    def jumped(self, now: Now, why: str) -> list[OneShot]:
        """The ticks are others without a transition; returns what has ended, to be told. With the lock held."""
        ended: list[OneShot] = []
        for i, context in tuple(self.contexts.items()):
            if context.tick != now[3][i]:
                del self.contexts[i]
                if context.expire(f"{why}, the tick is {now[3][i]} now"):
                    ended.append(context)
        conditions = [item for bucket in self.states.values() for item in bucket.items()]
        for waiter, condition in conditions:
            self._leave(waiter)
            place = condition.open_at(now)
            if place is not None:
                self.enter(waiter, self.states, place, condition)
            elif self.finish(waiter, "match"):
                ended.append(waiter)
        return ended

    def close(self) -> None:
        """The machine has been disposed: nothing more will happen, except for the end itself."""
        with self.lock:
            ended = self._end_states("the machine was disposed")
        self.tell(ended)

    def close_machine(self) -> None:
        """The disposal is complete."""
        with self.lock:
            ended = self.end_all("the machine was disposed")
        self.tell(ended)

    def abandon(self) -> None:
        """The machine is garbage, so nothing will happen any more."""
        with self.lock:
            ended = self.end_all("the machine is garbage")
        self.tell(ended)

    # With the lock held

    def _end_states(self, why: str) -> list[OneShot]:
        ended: list[OneShot] = [context for context in self.contexts.values() if context.expire(why)]
        self.contexts = {}
        waiting = [waiter for waiter in self.pending.values() if waiter.kind != DISPOSED]
        return [*ended, *(waiter for waiter in waiting if self.finish(waiter, "disposed"))]

    def end_all(self, why: str) -> list[OneShot]:
        """Mark everything as ended; returns what there is to tell."""
        ended = self._end_states(why)
        context = self.machine_context
        if context is not None and context.expire(why):
            ended.append(context)
        return [*ended, *(waiter for waiter in tuple(self.pending.values()) if self.finish(waiter, "match"))]


def _farewell(subs_of: weakref.ref[Subscriptions]) -> Callable[[object], None]:
    """What ends everything that waits for a machine which has become garbage without having been disposed."""

    def gone(_: object) -> None:
        subs = subs_of()
        if subs is None or not (subs.pending or subs.contexts or subs.machine_context):
            return
        # The garbage collector may call this at any point, also where this thread holds locks. So it must neither wait
        # for one nor call anybody else.
        if not subs.lock.acquire(blocking=False):
            _start(subs.abandon)
            return
        try:
            ended = subs.end_all("the machine is garbage")
        finally:
            subs.lock.release()
        waiting = [signal for signal in ended if signal.has_callbacks]
        if waiting:
            _start(lambda: subs.tell(waiting))

    return gone


def _start(work: Callable[[], None]) -> None:
    try:
        threading.Thread(target=work, name="am-farewell", daemon=True).start()
    except RuntimeError:
        # The interpreter is shutting down, and whoever waits with it.
        return


def _fire_end(machine: SubscribableMachine, signal: OneShot) -> None:
    hooks = machine._hooks
    if isinstance(signal, Waiter):
        machine._fire(hooks.wait_end, machine, signal)
    elif isinstance(signal, StateCtx):
        machine._fire(hooks.context_end, machine, signal)


def _log_end(machine: SubscribableMachine, signal: OneShot) -> None:
    if isinstance(signal, StateCtx):
        machine._log(OPS, f"[ctx:match] {signal.state}")
    elif isinstance(signal, Waiter) and signal.reason == "match":
        machine._log(OPS, f"[{signal.kind}:match] {signal.text}".rstrip())
