"""The machine: states, the queue of mutations, bound handlers."""

from __future__ import annotations

import secrets
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any, Literal, Self

from am_core import disposal, failures
from am_core.binding import bind_handlers, detach_handlers
from am_core.breakpoints import Breakpoint, check_breakpoints
from am_core.drain import drain, drain_after, drain_if_idle, evaluate
from am_core.errors import AmError, SchemaError, TracerError
from am_core.handlers import UNSET, Event, HandlerTable, current_event
from am_core.logs import EXTERNAL, ID_LENGTH, OPS, ArgsMapper, LogBuffer, LogEntry, Logger, LogLevel, args_text
from am_core.model import Model
from am_core.mutation import ADD, CANCELED, EXECUTED, QUEUED, REMOVE, SET, Check, Mutation, MutationType, Result
from am_core.names import EXCEPTION
from am_core.queue import MutationQueue
from am_core.reschema import prepare, replace_schema, set_order
from am_core.runners import InlineRunner, Runner, ThreadRunner
from am_core.schema import State
from am_core.tracer import NO_HOOKS, Hook, Hooks, Tracer, registry
from am_core.transition import Now, Transition
from am_core.typed import States
from am_core.view import MachineView, StateNames

RawSchema = Mapping[str, State | Mapping[str, Any] | None]
Args = Mapping[str, Any] | None


class Machine(MachineView):
    """A state machine of the asyncmachine kind: many states at once, relations instead of listed transitions.

    A mutation asks for states; relations and handlers decide. Mutations never raise for a refusal, their
    :class:`Result` tells. Any thread may call any method: the thread that finds the machine idle executes everything
    that is queued, others are told that their mutation is queued. Handlers, tracers and callbacks are never called with
    a lock held.

    ``schema`` maps state names to definitions, or is a class of typed states. Limits are in seconds.
    """

    __slots__ = (
        "_backoff_until", "_breakpoints", "_buffer", "_deferred", "_dispose_asked", "_dispose_callbacks",
        "_disposed_waiters", "_drainer", "_err", "_generation", "_hooks", "_idle_waiters", "_last_deadline", "_logger",
        "_record_steps", "_record_steps_always", "_refusing", "_runner", "_table", "breakpoint_hook", "dispose_timeout",
        "eval_timeout", "handler_backoff", "handler_deadline", "handler_timeout", "internal_errors", "log_args", "log_id",
        "log_stack_trace", "on_change", "on_error", "panic_to_exception", "queue_limit",
    )  # fmt: skip

    def __init__(
        self,
        schema: RawSchema | type[States],
        *,
        id: str = "",  # noqa: A002 - the field's own name
        parent: Machine | None = None,
        tags: Iterable[str] = (),
        tracers: Iterable[Tracer] = (),
        strict: bool = True,
        runner: Literal["inline", "thread"] = "inline",
        handler_timeout: float = 0.1,
        handler_deadline: float = 10.0,
        handler_backoff: float = 3.0,
        eval_timeout: float = 1.0,
        dispose_timeout: float = 1.0,
        queue_limit: int = 1000,
        panic_to_exception: bool = True,
        record_steps: bool = False,
        log_level: int | str = LogLevel.NOTHING,
        logger: Logger | None = None,
        log_args: ArgsMapper | None = None,
        log_id: bool = True,
        log_stack_trace: bool = False,
        on_change: Callable[[Machine, Transition], object] | None = None,
        on_error: Callable[[Machine, BaseException], object] | None = None,
    ) -> None:
        model, ordered, problems = prepare(schema, strict)
        self._schema = model.schema
        self._now: Now = (model, (), 0, (0,) * len(model.names))
        self.id = id or secrets.token_hex(8)
        self.transition_prefix = secrets.token_hex(4)
        self._parent = None if parent is None else weakref.ref(parent)
        self.parent_id = "" if parent is None else parent.id
        self.tags = tuple(tags)
        self.states_verified = ordered
        self._lock = threading.Lock()
        self._queue = MutationQueue()
        self._draining = False
        self._drainer = 0
        self._generation = 0
        self._deferred: list[Machine] = []
        self._idle_waiters: list[threading.Event] = []
        self._transition = None
        self._number = 0
        self._table = HandlerTable((), model)
        self.queue_limit = queue_limit
        self.handler_timeout = handler_timeout
        self.handler_deadline = handler_deadline
        self.handler_backoff = handler_backoff
        self.eval_timeout = eval_timeout
        self.dispose_timeout = dispose_timeout
        self.panic_to_exception = panic_to_exception
        self._runner: Runner = ThreadRunner(self) if runner == "thread" else InlineRunner(self)
        self._refusing = False
        self._backoff_until = 0.0
        self._last_deadline: float | None = None
        self._err: BaseException | None = None
        self.internal_errors: deque[BaseException] = deque()
        self.on_change = on_change
        self.on_error = on_error
        self._log_level = int(LogLevel.parse(log_level))
        self._logger = logger
        self._buffer = LogBuffer()
        self.log_args = log_args
        self.log_id = log_id
        self.log_stack_trace = log_stack_trace
        self._breakpoints: tuple[Breakpoint, ...] = ()
        self.breakpoint_hook: Callable[[Machine, Mutation], object] | None = None
        self._dispose_asked = self._disposing = self._disposed = False
        self._dispose_callbacks: list[Callable[[Machine], object]] = []
        self._disposed_waiters: list[threading.Event] | None = []
        self._record_steps_always = record_steps
        self._use_hooks(Hooks(tracers) if tracers else NO_HOOKS)
        if parent is not None and parent._hooks.new_submachine:
            parent._fire(parent._hooks.new_submachine, parent, self)
        self._fire(self._hooks.machine_init, self)
        registry.add(self)
        if problems:
            for problem in problems[1]:
                if self._log_level >= OPS:
                    self._log(OPS, f"[schema] {problem}")
            if problems[0]:
                self.add_err(SchemaError(problems[0]))

    @classmethod
    def create(cls, states: type[States], handlers: Iterable[object] = (), **options: Any) -> Self:
        """A machine of typed states, in their order, with handlers bound."""
        machine = cls(states, **options)
        for handler in handlers:
            machine.bind(handler)
        return machine

    # Mutations

    def add(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Activate states. ``args`` and keywords reach the handlers; ``event`` is what caused this (default: the
        handler that is running). Raises :class:`UnknownStateError`."""
        return self._mutate(ADD, states, args, event, kwargs)

    def remove(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Deactivate states; see :meth:`add`."""
        return self._mutate(REMOVE, states, args, event, kwargs)

    def set(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Activate states and deactivate all others; see :meth:`add`."""
        return self._mutate(SET, states, args, event, kwargs)

    def toggle(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Deactivate states when all are active now, else activate them; see :meth:`add`."""
        listed = states if isinstance(states, str) else list(states)
        return self._mutate(REMOVE if self.is_(listed) else ADD, listed, args, event, kwargs)

    add1 = add
    remove1 = remove
    set_ = set
    set1 = set
    toggle1 = toggle

    def must_add(self, states: StateNames, /, args: Args = None, **kwargs: Any) -> Result:
        """Like :meth:`add`, but raises :class:`CanceledError` for a refusal."""
        return self.add(states, args, **kwargs).raise_if_canceled()

    def can_add(
        self, states: StateNames, /, args: Args = None, *, check: Check | None = None, event: Event | None = UNSET,
        **kwargs: Any,
    ) -> Result:  # fmt: skip
        """Whether :meth:`add` would be accepted: a dry run of relations and negotiation.

        Executed means possible, Canceled impossible. On a busy machine the result is Queued, and ``check`` gets the
        answer later.
        """
        return self._check(ADD, states, args, event, kwargs, check)

    def can_remove(
        self, states: StateNames, /, args: Args = None, *, check: Check | None = None, event: Event | None = UNSET,
        **kwargs: Any,
    ) -> Result:  # fmt: skip
        """Whether :meth:`remove` would be accepted; see :meth:`can_add`."""
        return self._check(REMOVE, states, args, event, kwargs, check)

    can_add1 = can_add
    can_remove1 = can_remove

    def prepend_mut(self, mutation: Mutation) -> Result:
        """Put a mutation at the front of the queue, for postponing work from a negotiation handler."""
        if self._refusing and self._refuses():
            return CANCELED
        mutation = mutation.clone()
        return self._prepend_and_drain(mutation)

    def mutation(self, type_: MutationType, states: StateNames, args: Args = None) -> Mutation:
        """A mutation of this machine that is not queued yet. Raises :class:`UnknownStateError`."""
        called, mask = self._called(states)
        return Mutation(type_, called, mask, dict(args or {}))

    def _mutate(
        self,
        kind: MutationType,
        states: StateNames,
        args: Args,
        event: Event | None,
        kwargs: dict[str, Any],
        later: bool = False,
    ) -> Result:
        if self._refusing and self._refuses():
            return CANCELED
        called, mask = self._called(states)
        if event is UNSET:
            event = current_event.get()
        mutation = Mutation(kind, called, mask, _merged(args, kwargs), None if event is None else event.source())
        queue = self._queue
        items = queue.items
        twin = None
        with self._lock:
            if len(items) >= self.queue_limit and not self._exempt(kind, mask):
                return CANCELED
            model, _, active_mask, _ = self._now
            if items:
                if not mutation.args and not mask & model.multi_mask:
                    twin = queue.twin(kind, mask)
            elif kind is REMOVE and self._draining and not mask & active_mask and _is_running(self._transition):
                return EXECUTED
            busy = self._draining
            if twin is None:
                queue.append(mutation)
                if not later:
                    self._draining = True
        if twin is not None:
            return self._skip(mutation, twin)
        if self._log_level or self._breakpoints or self._hooks.mutation_queued:
            self._announce(mutation)
        if later:
            drain_after(self, None if event is None else event.machine)
            return Result(mutation.queue_tick)
        if busy:
            return Result(mutation.queue_tick)
        return drain(self, mutation)

    def post(self, kind: MutationType, states: StateNames, args: Args = None, *, event: Event | None = UNSET) -> Result:
        """Queue a mutation without executing it inside the handler of another machine: it runs as soon as that
        machine has worked off its own queue. Returns Queued or Canceled."""
        return self._mutate(kind, states, args, event, {}, later=True)

    def _exempt(self, kind: MutationType, mask: int) -> bool:
        """A full queue still takes the error that explains it, and its removal."""
        model, _, active_mask, _ = self._now
        if not mask & model.exception_mask:
            return False
        is_err = bool(active_mask & model.exception_mask)
        return (kind is ADD and not is_err) or (kind is REMOVE and is_err)

    def _skip(self, mutation: Mutation, twin: Mutation) -> Result:
        if self._log_level >= OPS:
            text = mutation.text(self._now[0].names)
            self._log(OPS, f"[queue:skipped] Duplicate detected for {text}")
        return Result(twin.queue_tick) if twin.queue_tick else QUEUED

    def _check(
        self,
        kind: MutationType,
        states: StateNames,
        args: Args,
        event: Event | None,
        kwargs: dict[str, Any],
        check: Check | None,
    ) -> Result:
        if (self._refusing and self._refuses()) or len(self._queue.items) >= self.queue_limit:
            return CANCELED
        called, mask = self._called(states)
        if event is UNSET:
            event = current_event.get()
        source = None if event is None else event.source()
        mutation = Mutation(kind, called, mask, _merged(args, kwargs), source, is_check=True, check=check)
        return self._prepend_and_drain(mutation)

    def _prepend(self, mutation: Mutation) -> None:
        """Queue something at the front from within a drain."""
        with self._lock:
            self._queue.prepend(mutation)
        self._announce(mutation)

    def _prepend_and_drain(self, mutation: Mutation) -> Result:
        with self._lock:
            self._queue.prepend(mutation)
            busy = self._draining
            self._draining = True
        self._announce(mutation)
        return QUEUED if busy else drain(self, mutation)

    def _announce(self, mutation: Mutation) -> None:
        """Tell everybody who wants to know that a mutation was queued."""
        if self._log_level >= OPS:
            model = self._now[0]
            verb = "queue" if mutation.queue_tick else "prepend"
            names = model.text(mutation.called)
            self._log(OPS, f"[{verb}:{mutation.type}] {names}{args_text(mutation.args, self.log_args)}")
            if _is_running(self._transition):
                count = len(self._queue.items)
                self._log(OPS, f"[postpone] queue running ({count} item{'' if count == 1 else 's'})")
        if self._breakpoints:
            self._guarded(check_breakpoints, self, mutation)
        if self._hooks.mutation_queued:
            self._fire(self._hooks.mutation_queued, self, mutation)

    # Errors

    def err(self) -> BaseException | None:
        """The last error, also after ``Exception`` was removed."""
        return self._err

    def is_err(self) -> bool:
        """Whether ``Exception`` is active."""
        return self.is_(EXCEPTION)

    def add_err(self, error: BaseException | None, args: Args = None, *, event: Event | None = UNSET) -> Result:
        """Activate ``Exception`` with an error; see :meth:`add_err_state`."""
        return self.add_err_state(EXCEPTION, error, args, event=event)

    def add_err_state(
        self,
        state: str,
        error: BaseException | None,
        args: Args = None,
        *,
        event: Event | None = UNSET,
        later: bool = False,
    ) -> Result:
        """Activate an error state together with ``Exception``. None and cancellations are no errors: Canceled.

        ``later`` queues it as :meth:`post` does.
        """
        if error is None or _is_cancellation(error) or self._disposing:
            return CANCELED
        self._called(state)
        self._err = error
        if self.on_error is not None:
            self._guarded(self.on_error, self, error)
        states = [state] if state == EXCEPTION else [state, EXCEPTION]
        return self._mutate(
            ADD, states, {**(args or {}), "err": error, **failures.trace_of(self, error)}, event, {}, later
        )

    @contextmanager
    def errors_to_state(self, state: str = EXCEPTION, args: Args = None) -> Iterator[None]:
        """Turn an exception of the enclosed code into an error state. Also usable as a decorator."""
        try:
            yield
        except Exception as error:
            if not self.panic_to_exception or self._disposing:
                raise
            self.add_err_state(state, error, args)

    guard = errors_to_state

    def report(self, error: BaseException) -> None:
        """Note an error that is about the engine's work and not the machine's states; ten are kept."""
        if len(self.internal_errors) < 10:
            self.internal_errors.append(error)

    def backoff(self) -> bool:
        """Whether mutations are refused for a while because a handler exceeded its deadline."""
        return monotonic() < self._backoff_until

    @property
    def last_handler_deadline(self) -> float | None:
        """``time.monotonic()`` of the last exceeded deadline."""
        return self._last_deadline

    def _refuses(self) -> bool:
        with self._lock:
            self._refusing = self._disposing or self.backoff()
            return self._refusing

    # Handlers, tracers, callbacks

    def bind(self, handlers: object, *, id: str = "", prefix: str = "", lenient: bool = False) -> str:  # noqa: A002
        """Bind an object's methods, or a mapping of functions, by handler names; returns the binding's id.

        With ``prefix`` the names are looked up without it. Raises :class:`HandlerBindError` for handlers of unknown
        states (unless ``lenient``) and for coroutine functions.
        """
        return bind_handlers(self, handlers, id, prefix, lenient)

    def detach(self, binding_id: str) -> None:
        """Undo a binding. Raises :class:`HandlerBindError` when there is none of that id."""
        detach_handlers(self, binding_id)

    def handlers(self) -> list[str]:
        """Ids of all bindings in order."""
        return [binding.id for binding in self._table.bindings]

    @contextmanager
    def bound(self, handlers: object, *, id: str = "", prefix: str = "") -> Iterator[str]:  # noqa: A002
        """Bind handlers for the enclosed code."""
        binding_id = self.bind(handlers, id=id, prefix=prefix)
        try:
            yield binding_id
        finally:
            if binding_id in self.handlers():
                self.detach(binding_id)

    def bind_tracer(self, tracer: Tracer) -> None:
        """Call a tracer's hooks from now on. Binding one twice has no effect."""
        with self._lock:
            if any(bound is tracer for bound in self._hooks.tracers):
                return
            self._use_hooks(Hooks((*self._hooks.tracers, tracer)))
        if self._log_level >= OPS:
            self._log(OPS, f"[tracers] bind {tracer.tracer_id()}")

    def detach_tracer(self, tracer: Tracer) -> bool:
        """Stop calling a tracer; False when it was not bound."""
        with self._lock:
            left = tuple(bound for bound in self._hooks.tracers if bound is not tracer)
            if len(left) == len(self._hooks.tracers):
                return False
            self._use_hooks(Hooks(left))
        if self._log_level >= OPS:
            self._log(OPS, f"[tracers] detach {tracer.tracer_id()}")
        return True

    def tracers(self) -> tuple[Tracer, ...]:
        return self._hooks.tracers

    def _use_hooks(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._record_steps = self._record_steps_always or hooks.wants_steps

    @property
    def record_steps(self) -> bool:
        """Whether transitions record their steps, because it was asked for or a tracer wants it."""
        return self._record_steps

    @record_steps.setter
    def record_steps(self, on: bool) -> None:
        self._record_steps_always = on
        self._use_hooks(self._hooks)

    def _fire(self, hook: Hook, *args: object) -> None:
        for method in hook:
            self._guarded(method, *args)

    def _guarded(self, fn: Callable[..., object], *args: object) -> None:
        """Call foreign code that must not disturb the machine."""
        try:
            fn(*args)
        except Exception as error:
            problem = TracerError(f"{getattr(fn, '__qualname__', fn)} failed: {failures.describe(error)}")
            problem.__cause__ = error
            self.report(problem)

    # Logging

    @property
    def log_level(self) -> LogLevel:
        return LogLevel(self._log_level)

    @log_level.setter
    def log_level(self, level: int | str) -> None:
        self._log_level = int(LogLevel.parse(level))

    def set_logger(self, logger: Logger | None) -> None:
        """Give lines to a function; None keeps them in the transitions only."""
        self._logger = logger

    def log(self, message: str) -> None:
        """Log a line of the program's own, at level External. Line breaks become blanks."""
        if self._log_level >= EXTERNAL:
            self._log(EXTERNAL, f"[exter] {' '.join(message.splitlines())}")

    def log_error(self, event: Event) -> None:
        """Log the error that an event's mutation carries, at level Changes."""
        failures.log_error(event)

    def _log(self, level: int, text: str) -> None:
        tx = self._transition
        entry = LogEntry(level, text)
        if tx is not None and not tx.is_completed:
            tx.log_entries.append(entry)
        else:
            self._buffer.add(entry)
        if self._logger is not None:
            self._guarded(self._logger, level, f"[{self.id[:ID_LENGTH]}] {text}" if self.log_id else text)

    # Schema

    def verify_states(self, names: Iterable[str]) -> None:
        """Set the order of the states. Raises :class:`SchemaError` unless exactly all are listed."""
        if not self._disposed:
            set_order(self, tuple(dict.fromkeys(names)))

    def set_schema(self, schema: RawSchema, names: Iterable[str], *, allow_same_len: bool = False) -> None:
        """Replace the schema by one with more states; clocks and active states stay.

        Raises :class:`SchemaError`, with nothing changed, during a transition and for anything wrong with the schema.
        """
        replace_schema(self, schema, tuple(names), allow_same_len)

    def _move(self, now: Now) -> None:
        """Enter a new moment."""
        if not self._disposed:
            self._now = now

    def _use_model(self, model: Model, now: Now) -> None:
        self._schema = model.schema
        self._now = now
        self._table = HandlerTable(self._table.bindings, model)

    # Eval, breakpoints, end

    def eval(self, fn: Callable[[], object], source: str | None = None, *, timeout: float | None = None) -> bool:
        """Run a function while no transition runs, before everything queued; False when it did not run in time.

        ``source`` says who asks (default: the function's name). Exceptions of the function are raised here. Inside a
        handler or evaluation of the same machine this returns False at once.
        """
        name = getattr(fn, "__qualname__", repr(fn)) if source is None else source
        if not name:
            raise AmError("eval needs a source: say in a few words who asks")
        return evaluate(self, fn, name, self.eval_timeout if timeout is None else timeout)

    def add_breakpoint(self, added: StateNames = (), removed: StateNames = (), strict: bool = False) -> None:
        """Log (and call ``breakpoint_hook``) when exactly these states are added, or removed, in this order."""
        point = Breakpoint(self._called(added)[0], self._called(removed)[0], strict)
        self._breakpoints = (*self._breakpoints, point)

    def drain_queue(self) -> None:
        """Execute what is queued unless some thread does so already."""
        drain_if_idle(self)

    def dispose(self) -> None:
        """End the machine in the background: remove ``Start``, let the queue end, then refuse everything."""
        disposal.dispose(self)

    def dispose_force(self) -> None:
        """End the machine at once, on the calling thread."""
        disposal.dispose_now(self)

    def on_dispose(self, callback: Callable[[Machine], object]) -> None:
        """Call back when the machine ends, in the order of registration."""
        self._dispose_callbacks.append(callback)

    def wait_disposed(self, timeout: float | None = None) -> bool:
        """Wait up to ``timeout`` seconds for the end."""
        waiter = threading.Event()
        with self._lock:
            if self._disposed_waiters is None:
                return True
            self._disposed_waiters.append(waiter)
        return waiter.wait(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.dispose_force()


def _merged(args: Args, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments as handlers get them: the caller's own dictionary where that is possible."""
    if not args:
        return kwargs if args is None or kwargs else args if isinstance(args, dict) else {}
    if kwargs or not isinstance(args, dict):
        return {**args, **kwargs}
    return args


def _is_running(tx: Transition | None) -> bool:
    return tx is not None and not tx.is_completed


def _is_cancellation(error: BaseException) -> bool:
    # asyncio and concurrent.futures are not imported for this: where they are not loaded, nobody can raise theirs.
    return type(error).__name__ == "CancelledError" and type(error).__module__.startswith(
        ("asyncio", "concurrent.futures")
    )
