"""The part of a machine that can be waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from am_core.errors import AmError, MachineDisposed, UnknownStateError
from am_core.facets.pipe_info import PipedMachine
from am_core.logs import OPS
from am_core.misuse import function
from am_core.resolution.mutation import QUEUED, Result
from am_core.schemas.model import Model, StateNames, names_in
from am_core.schemas.names import EXCEPTION
from am_core.waiting.contexts import Context, StateCtx, WhileActive
from am_core.waiting.signals import all_of, any_of
from am_core.waiting.subscriptions import PLAIN, ArgsPlace, Subscriptions
from am_core.waiting.waiters import DISPOSED, Condition, Key, Kind, Query, Reason, Waiter

if TYPE_CHECKING:
    from am_core.engine.runners import Runner

C = TypeVar("C", bound=Context)


class SubscribableMachine(PipedMachine):
    """Waiters and contexts. Thread-safe.

    Waiters for states, times and queries are looked at once per transition that changed something, after the tracers
    and before the next transition: they see what is between transitions, never what is within. They are released on the
    thread that executes the queue.

    ``ctx`` is a context whose end ends the waiting. All methods raise :class:`UnknownStateError` for unknown states,
    but return a waiter that is done when the machine is disposed.
    """

    __slots__ = ("_ended", "_idle_waiters")

    _idle_waiters: list[Callable[[], object]]
    """Called when the queue has run empty."""
    _ended: bool
    """Whether the disposal is complete."""
    _runner: Runner
    _outer: Context | None

    # States and clocks

    def when(self, states: StateNames, ctx: Context | None = None) -> Waiter:
        """Wait until all states are active at the same time."""
        return self._on_states(Kind.ACTIVE, states, None, ctx)

    def when_not(self, states: StateNames, ctx: Context | None = None) -> Waiter:
        """Wait until none of the states is active."""
        return self._on_states(Kind.INACTIVE, states, None, ctx)

    def when_err(self, ctx: Context | None = None) -> Waiter:
        """Wait until ``Exception`` is active."""
        return self.when(EXCEPTION, ctx)

    def when_time(self, states: StateNames, times: Iterable[int], ctx: Context | None = None) -> Waiter:
        """Wait until every state has reached its tick.

        For lists that are empty, or not of the same length, the machine gets an error and the waiter is done.
        """
        names = names_in(states)
        ticks = list(times)
        if not names or len(names) != len(ticks):
            error = AmError(f"when_time needs a time per state: {len(names)} states, {len(ticks)} times")
            self._add_error(error)
            waiter = self._done("error", Kind.REACHED.value)
            waiter.error = error
            return waiter
        return self._on_states(Kind.REACHED, names, lambda _: ticks, ctx)

    def when_time1(self, state: str, tick: int, ctx: Context | None = None) -> Waiter:
        """Wait until a state has reached a tick."""
        return self._on_states(Kind.REACHED, [state], lambda _: [tick], ctx)

    def when_ticks(self, state: str, ticks: int, ctx: Context | None = None) -> Waiter:
        """Wait until a state has ticked so many times from now on; 2 is a full cycle, or once more for multi states."""
        return self._on_states(Kind.REACHED, [state], lambda now: [now + ticks], ctx)

    def when_next_active(self, state: str, ctx: Context | None = None) -> Waiter:
        """Wait until a state is activated, not counting the activity it may have now."""
        return self._on_states(Kind.REACHED, [state], lambda now: [now + 2 if now % 2 else now + 1], ctx)

    when1 = when
    when_not1 = when_not

    def _on_states(
        self, kind: Kind, states: StateNames, ticks_of: Callable[[int], list[int]] | None, ctx: Context | None
    ) -> Waiter:
        names = names_in(states)
        if ctx is not None and ctx.expired:
            self._known(names)
            return self._done("ctx", kind.value)
        with self._lock:
            if self._disposed:
                return self._done("disposed", kind.value)
            model, _, _, times = self._now
            indexes = [_index(model, name, self.id) for name in names]
            ticks = ticks_of(times[indexes[0]]) if ticks_of is not None else [0] * len(indexes)
            condition = Condition(kind, tuple(zip(indexes, ticks, strict=True)))
            if condition.open_at(self._now) is None:
                return self._done("match", kind.value)
            subs = self._subscriptions()
            # Looked at again: a transition may have ended without seeing subscriptions that were not there yet.
            place = condition.open_at(self._now)
            if place is None:
                return self._done("match", kind.value)
            wanted = frozenset(names) if ticks_of is None else frozenset(zip(names, ticks, strict=True))
            text = ",".join(names) if ticks_of is not None else " ".join(names)
            text = " ".join([text, *map(str, ticks)]) if ticks_of is not None else text
            reached = tuple(ticks) if ticks_of is not None else ()
            waiter, is_new = self._shared(subs, (kind.value, wanted, ctx), text, tuple(names), reached)
            if is_new:
                subs.enter(waiter, subs.states, place, condition)
        return self._linked(subs, waiter, ctx) if is_new else waiter

    # Arguments and queries

    def when_args(
        self, state: str, args: Mapping[str, Any] | None = None, *, ctx: Context | None = None, **kwargs: Any
    ) -> Waiter:
        """Wait until a state is activated with at least these arguments; what has happened does not count.

        Released within the final phase, right after the handlers of that activation, and not when one of them fails.
        """
        kind = "whenArgs"
        wanted = {**(args or {}), **kwargs}
        self._known([state])
        if ctx is not None and ctx.expired:
            return self._done("ctx", kind)
        plain = sorted([name for name, value in wanted.items() if type(value) in PLAIN and type(name) is str])
        clues: list[ArgsPlace] = [(name, wanted[name]) for name in plain] or [()]
        twin = None
        if len(plain) < len(wanted):
            # Comparing other values may call anything, so it is done without the lock.
            with self._lock:
                place: ArgsPlace = (self.index1(state), *clues[0])
                candidates = tuple(self._subs.args.get(place, {}).items()) if self._subs is not None else ()
            twin = next(
                (waiter for waiter, other in candidates if waiter._key[-1] is ctx and _same(other, wanted)), None
            )
            del clues[1:]
            key: Key = (kind, object(), ctx)
        else:
            key = (kind, state, frozenset(wanted.items()), ctx)
        with self._lock:
            if self._disposed:
                return self._done("disposed", kind)
            if twin is not None and not twin.done:
                twin._claims += 1
                return twin
            subs = self._subscriptions()
            waiter, is_new = self._shared(subs, key, f"{state} ({' '.join(sorted(map(str, wanted)))})", (state,))
            if is_new:
                i = _index(self._now[0], state, self.id)
                # Found by the rarest of its arguments, so that it is compared as seldom as possible.
                places: list[ArgsPlace] = [(i, *clue) for clue in clues]
                subs.enter(waiter, subs.args, min(places, key=lambda place: len(subs.args.get(place, ()))), wanted)
        return self._linked(subs, waiter, ctx) if is_new else waiter

    def when_query(self, query: Query, ctx: Context | None = None) -> Waiter:
        """Wait until a function of all ticks by name returns something true.

        It is called after every accepted transition, but not now, so it has to be quick and must not keep or change
        what it is given. When it raises, the waiter ends with that ``error``.
        """
        kind = "whenQuery"
        function(query, "when_query")
        if ctx is not None and ctx.expired:
            return self._done("ctx", kind)
        with self._lock:
            if self._disposed:
                return self._done("disposed", kind)
            subs = self._subscriptions()
            text = str(len(subs.queries.get(0, ())) + 1)
            waiter, _ = self._shared(subs, (kind, object(), ctx), text)
            subs.enter(waiter, subs.queries, 0, query)
        return self._linked(subs, waiter, ctx)

    # Queue and end

    def when_queue(self, result: Result | int, ctx: Context | None = None) -> Waiter:
        """Wait until a queued mutation is over, whether it was accepted, refused or discarded.

        ``result`` is what the mutation returned, or a queue tick. Done at once for everything else than a queue tick,
        as for ``Result.QUEUED`` of a prepended mutation, which has none.
        """
        kind = "whenQueue"
        if result is QUEUED:
            return self._done("match", kind)
        if ctx is not None and ctx.expired:
            return self._done("ctx", kind)
        tick = int(result)
        with self._lock:
            if self._disposed:
                return self._done("disposed", kind)
            if self._has_finished(tick):
                return self._done("match", kind)
            subs = self._subscriptions()
            # Looked at again: it may have ended without seeing subscriptions that were not there yet.
            if self._has_finished(tick):
                return self._done("match", kind)
            waiter, is_new = self._shared(subs, (kind, tick, ctx), str(tick), (), (tick,))
            if is_new:
                subs.enter(waiter, subs.ticks, tick, None)
        return self._linked(subs, waiter, ctx) if is_new else waiter

    def _has_finished(self, tick: int) -> bool:
        tx = self._transition
        return self._queue.has_finished(tick, tx.mutation if tx is not None and tx.is_completed else None)

    def when_queue_ends(self, ctx: Context | None = None) -> Waiter:
        """Wait until everything that is queued has been executed; done when nothing is being executed."""
        kind = "whenQueueEnds"
        if ctx is not None and ctx.expired:
            return self._done("ctx", kind)
        with self._lock:
            if self._disposed:
                return self._done("disposed", kind)
            if not self._drainer and not (self._queue.items and self._runner.expected()):
                return self._done("match", kind)
            subs = self._subscriptions()
            waiter, is_new = self._shared(subs, (kind, ctx), "")
            if is_new:
                self._idle_waiters.append(lambda: subs.release([waiter], "match"))
        return self._linked(subs, waiter, ctx) if is_new else waiter

    def when_disposed(self, ctx: Context | None = None) -> Waiter:
        """Wait until the machine has been disposed and everybody who asked was told."""
        if ctx is not None and ctx.expired:
            return self._done("ctx", DISPOSED)
        with self._lock:
            if self._ended:
                return self._done("match", DISPOSED)
            subs = self._subscriptions()
            waiter, is_new = self._shared(subs, (DISPOSED, ctx), "")
        return self._linked(subs, waiter, ctx) if is_new else waiter

    def wait_disposed(self, timeout: float | None = None) -> bool:
        """Wait up to ``timeout`` seconds for the end."""
        waiter = self.when_disposed()
        try:
            return waiter.wait(timeout)
        finally:
            waiter.cancel()

    # Contexts

    @property
    def ctx(self) -> Context:
        """Lasts as long as the machine, including its disposal."""
        above = self._context_above()
        with self._lock:
            if self._ended:
                return self._expired(Context(self._lock, self.id, above), "the machine was disposed")
            return self._machine_context(self._subscriptions(), above)

    def state_ctx(self, state: str) -> StateCtx:
        """A context that lasts until the state's tick changes. Everybody who asks in that time gets the same one.

        It expires as soon as the states have been switched, before the final handlers of that transition. Inactive
        states have contexts too, which last until the activation. The context of a disposed machine has expired.
        """
        above = self._context_above()
        with self._lock:
            if self._disposed:
                return self._expired(StateCtx(self._lock, self.id, None, state, 0), "the machine was disposed")
            i = _index(self._now[0], state, self.id)
            subs = self._subscriptions()
            known = subs.contexts.get(i)
            if known is not None and known.tick == self._now[3][i]:
                return known
            ctx = StateCtx(self._lock, self.id, self._machine_context(subs, above), state)
            # Entered first and read afterwards, so that a transition of this moment cannot miss both.
            subs.contexts[i] = ctx
            ctx.tick = self._now[3][i]
            ctx._announced = not (self._hooks.context_start or self._hooks.context_end)
            # The executing thread has just switched the states, and is about to end what it finds here.
            over = [known] if known is not None and known.expire(f"the tick is {ctx.tick} now") else []
        if over:
            subs.tell(over)
        if self._log_level >= OPS:
            self._log(OPS, f"[ctx:new] {state}")
        subs.announce(self, ctx)
        return ctx

    new_state_ctx = state_ctx

    @staticmethod
    def _expired(ctx: C, why: str) -> C:
        ctx.expire(why)
        return ctx

    def while_active(self, state: str) -> WhileActive[StateCtx]:
        """``async with machine.while_active("Connected") as ctx:`` leaves the block when the activity ends.

        What the block is waiting for at that moment is canceled, and that cancellation goes no further. When the state
        is inactive to begin with, the block gets an expired context and ends at its first wait.
        """
        ctx = self.state_ctx(state) if self.is_(state) or not self.has(state) else None
        if ctx is None or (ctx.tick % 2 == 0 and not ctx.expired):
            over = StateCtx(self._lock, self.id, None, state, self.tick(state))
            ctx = self._expired(over, "the state is inactive")
        return WhileActive(ctx)

    any_of = staticmethod(any_of)
    all_of = staticmethod(all_of)

    # Who is waiting

    def waiters(self) -> list[Waiter]:
        """Every waiter that has not ended, oldest first."""
        with self._lock:
            return list(self._subs.pending.values()) if self._subs is not None else []

    def contexts(self) -> list[StateCtx]:
        """Every context of a state that has not expired, oldest first."""
        with self._lock:
            return list(self._subs.contexts.values()) if self._subs is not None else []

    # Common to all

    def _subscriptions(self) -> Subscriptions:
        """Under the lock."""
        subs = self._subs
        if subs is None:
            subs = self._subs = Subscriptions(self)
            self._look_around()
        return subs

    def _context_above(self) -> Context | None:
        """The outer context, or that of the parent machine. Not under the lock, since it needs another one."""
        subs = self._subs
        if subs is not None and subs.machine_context is not None:
            return None
        if self._outer is not None or self._parent is None:
            return self._outer
        parent = self._parent()
        return parent.ctx if isinstance(parent, SubscribableMachine) else None

    def _machine_context(self, subs: Subscriptions, above: Context | None) -> Context:
        if subs.machine_context is None:
            subs.machine_context = Context(self._lock, self.id, above)
        return subs.machine_context

    def _shared(
        self, subs: Subscriptions, key: Key, text: str, states: tuple[str, ...] = (), ticks: tuple[int, ...] = ()
    ) -> tuple[Waiter, bool]:
        """The pending waiter of a key, and whether it is new. Under the lock."""
        waiter = subs.pending.get(key)
        if waiter is not None:
            waiter._claims += 1
            return waiter, False
        waiter = subs.pending[key] = Waiter(subs, self.id, key, text, "", states, ticks)
        hooks = self._hooks
        waiter._announced = not (hooks.wait_start or hooks.wait_end)
        return waiter, True

    def _linked(self, subs: Subscriptions, waiter: Waiter, ctx: Context | None) -> Waiter:
        """Log a new waiter, and tie it to its context."""
        if self._log_level >= OPS:
            self._log(OPS, f"[{waiter.kind}:new] {waiter.text}".rstrip())
        subs.announce(self, waiter)
        if ctx is not None:
            stop = ctx.add_done_callback(lambda _: subs.release([waiter], "ctx"))
            waiter.add_done_callback(lambda _: stop())
        return waiter

    def _done(self, reason: Reason, kind: str) -> Waiter:
        return Waiter(None, self.id, (kind,), "", reason)

    def _known(self, names: Iterable[str]) -> None:
        if not self._disposed:
            with suppress(MachineDisposed):
                self._called(list(names))

    if TYPE_CHECKING:
        # Of the machine itself.
        def _add_error(self, error: Exception) -> None: ...


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - such as arrays, of which nobody can say whether they are equal: they are not then
        return False


def _index(model: Model, name: str, machine_id: str) -> int:
    names_in([name])
    i = model.index.get(name)
    if i is None:
        raise UnknownStateError([name], model.names, machine_id)
    return i
