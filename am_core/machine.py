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
from typing import TYPE_CHECKING, Any, Literal, Self

from am_core.engine import disposal, forking  # noqa: F401 - looks after machines in forked processes
from am_core.engine.breakpoints import Breakpoint
from am_core.engine.drain import drain_if_idle, evaluate
from am_core.engine.failures import tell_unseen
from am_core.engine.reschema import prepare, replace_schema, set_order
from am_core.engine.runners import Runner, RunnerName, make_runner
from am_core.engine.submit import Args, add_error, check, merged, mutate, submit_first
from am_core.errors import AmError, InvalidArgs, SchemaError
from am_core.facets.aio import AsyncMachine
from am_core.facets.lifetime import end_with
from am_core.facets.restoring import NO_GROUPS, groups_of
from am_core.facets.signature import InitSignature
from am_core.handling.binding import bind_handlers, detach_handlers
from am_core.handling.handlers import UNSET, Event, handler_table
from am_core.logs import OPS, ArgsMapper, LogBuffer, Logger, LogLevel, log_level_of
from am_core.misuse import NOT_INITIALIZED, check_options, function
from am_core.resolution.mutation import ADD, REMOVE, SET, Check, Mutation, MutationType, Result
from am_core.resolution.queue import MutationQueue
from am_core.resolution.transition import Now, Transition
from am_core.schemas.model import Model, StateNames, names_in
from am_core.schemas.names import EXCEPTION
from am_core.schemas.schema import State
from am_core.schemas.typed import States
from am_core.tracer import NO_HOOKS, Hooks, Tracer, registry
from am_core.waiting.contexts import Context

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

RawSchema = Mapping[str, State | Mapping[str, Any] | None]
"""A schema as plain data: names of states to their definitions. For annotating a variable that holds one."""


class Machine(AsyncMachine):
    """A state machine of the asyncmachine kind: many states at once, relations instead of listed transitions.

    A mutation asks for states; relations and handlers decide. Mutations never raise for a refusal, their
    :class:`Result` tells. Any thread may call any method: the thread that finds the machine idle executes everything
    that is queued, others are told that their mutation is queued. Handlers, tracers and callbacks are never called with
    a lock held.

    ``schema`` maps state names to definitions, or is a class of typed states. Unless it is ``strict``, unknown
    names in it are dropped, and conflicts become the machine's first error. ``id`` is random by default. The machine is
    disposed when ``ctx`` expires. The context of ``parent`` is what its own one lasts no longer than.

    ``runner`` says where handlers run: ``inline`` on the thread that executes the queue, ``thread`` on a thread of the
    machine, ``loop`` on its event loop (default: the running one). Limits are in seconds. A handler that takes longer
    than ``handler_timeout`` cancels its transition; after ``handler_deadline`` more it is given up, the queue is
    dropped, and mutations are refused for ``handler_backoff``. When ``queue_limit`` mutations wait, others are refused.

    Handlers that raise bring ``Exception``; without ``panic_to_exception`` they raise where the queue is executed.
    ``on_error`` is called with the machine and every error before that, ``on_change`` with every transition.
    ``log_level`` is a number or name of :class:`LogLevel`; ``logger`` gets level and text of each line, which begins
    with the machine's id if ``log_id`` is set, and ``log_args`` chooses the arguments in it.

    ``plan_cache`` says whether the outcomes of earlier mutations are kept and looked up: ``auto`` (as long as mutations
    repeat themselves), ``always`` or ``never``; the environment variable ``AM_PLAN_CACHE`` is the default.
    """

    __slots__ = (
        "_backoff_until", "_deferred", "_dispose_asked", "_dispose_callbacks", "_err", "_generation", "_last_deadline",
        "_refusing", "_runner", "dispose_timeout", "eval_timeout", "handler_backoff", "handler_deadline",
        "handler_timeout", "on_error", "panic_to_exception",
    )  # fmt: skip

    __signature__ = InitSignature()

    def __new__(cls, *_: Any, **__: Any) -> Self:
        self = super().__new__(cls)
        # Replaced in __init__, which subclasses may have forgotten to call.
        self._now = self._lock = self._rest = self._refusing = self._disposing = self._disposed = NOT_INITIALIZED
        return self

    def __init__(
        self,
        schema: RawSchema | type[States],
        *,
        id: str = "",  # noqa: A002 - the field's own name
        parent: Machine | None = None,
        ctx: Context | None = None,
        tags: Iterable[str] = (),
        tracers: Iterable[Tracer] = (),
        strict: bool = True,
        runner: RunnerName = "inline",
        loop: AbstractEventLoop | None = None,
        handler_timeout: float = 0.1,
        handler_deadline: float = 10.0,
        handler_backoff: float = 3.0,
        eval_timeout: float = 1.0,
        dispose_timeout: float = 1.0,
        queue_limit: int = 1000,
        panic_to_exception: bool = True,
        record_steps: bool = False,
        plan_cache: Literal["auto", "always", "never"] | None = None,
        log_level: int | str = LogLevel.NOTHING,
        logger: Logger | None = None,
        log_args: ArgsMapper | None = None,
        log_id: bool = True,
        log_stack_trace: bool = False,
        on_change: Callable[[Machine, Transition], object] | None = None,
        on_error: Callable[[Machine, BaseException], object] | None = None,
    ) -> None:
        limits = (handler_timeout, handler_deadline, handler_backoff, eval_timeout, dispose_timeout)
        check_options(id, tags, limits)
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
        self._drainer = 0
        self._generation = 0
        self._deferred: list[Machine] = []
        self._idle_waiters = []
        self._subs = None
        self._pipes = None
        self._transition = None
        self._groups, self._machine_tick = groups_of(schema, NO_GROUPS), 0
        self._number = 0
        self._use_plan_cache(plan_cache)
        self._table = handler_table((), model)
        self._queue_limit = queue_limit
        self.handler_timeout = handler_timeout
        self.handler_deadline = handler_deadline
        self.handler_backoff = handler_backoff
        self.eval_timeout = eval_timeout
        self.dispose_timeout = dispose_timeout
        self.panic_to_exception = panic_to_exception
        self._limits = None
        self._outer = ctx
        self._loop = loop
        self._runner: Runner = make_runner(self, runner)
        self._refusing = self._runner.gated
        self._backoff_until = 0.0
        self._last_deadline: float | None = None
        self._err: BaseException | None = None
        self.internal_errors: deque[BaseException] = deque()
        self._on_change = on_change
        self.on_error = on_error
        self._log_level = log_level_of(log_level)
        self._logger = logger
        self._buffer = LogBuffer()
        self.log_args = log_args
        self.log_id = log_id
        self.log_stack_trace = log_stack_trace
        self._breakpoints: tuple[Breakpoint, ...] = ()
        self.breakpoint_hook: Callable[[Machine, Mutation], object] | None = None
        self._dispose_asked = self._disposing = self._disposed = self._ended = False
        self._dispose_callbacks: list[Callable[[Machine, Context], object]] = []
        self._record_steps_always = record_steps
        self._use_hooks(Hooks(tracers) if tracers else NO_HOOKS)
        if parent is not None and parent._hooks.new_submachine:
            parent._fire(parent._hooks.new_submachine, parent, self)
        self._fire(self._hooks.machine_init, self)
        registry.add(self)
        if ctx is not None:
            end_with(self, ctx)
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
        return mutate(self, ADD, states, args, event, kwargs)

    def remove(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Deactivate states; see :meth:`add`."""
        return mutate(self, REMOVE, states, args, event, kwargs)

    def set(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Activate states and deactivate all others; see :meth:`add`."""
        return mutate(self, SET, states, args, event, kwargs)

    def toggle(self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any) -> Result:
        """Deactivate states when all are active now, else activate them; see :meth:`add`."""
        listed = states if isinstance(states, str) else names_in(states)
        return mutate(self, REMOVE if self.is_(listed) else ADD, listed, args, event, kwargs)

    add1 = add
    remove1 = remove
    set_ = set  # noqa: A003 - the method above is meant
    set1 = set  # noqa: A003 - the method above is meant
    toggle1 = toggle

    def must_add(self, states: StateNames, /, args: Args = None, **kwargs: Any) -> Result:
        """Like :meth:`add`, but raises :class:`CanceledError` for a refusal."""
        return self.add(states, args, **kwargs).raise_if_canceled()

    def can_add(
        self,
        states: StateNames,
        /,
        args: Args = None,
        *,
        answer: Check | None = None,
        event: Event | None = UNSET,
        **kwargs: Any,
    ) -> Result:
        """Whether :meth:`add` would be accepted: a dry run of relations and negotiation.

        Executed means possible, Canceled impossible. On a busy machine the result is Queued, and ``answer`` gets it
        later.
        """
        return check(self, ADD, states, args, event, kwargs, answer)

    def can_remove(
        self,
        states: StateNames,
        /,
        args: Args = None,
        *,
        answer: Check | None = None,
        event: Event | None = UNSET,
        **kwargs: Any,
    ) -> Result:
        """Whether :meth:`remove` would be accepted; see :meth:`can_add`."""
        return check(self, REMOVE, states, args, event, kwargs, answer)

    can_add1 = can_add
    can_remove1 = can_remove

    def prepend_mut(self, mutation: Mutation) -> Result:
        """Put a mutation at the front of the queue, for postponing work from a negotiation handler."""
        if not isinstance(mutation, Mutation):
            raise InvalidArgs(f"{mutation!r} is no mutation; machine.mutation() makes one")
        return submit_first(self, mutation.clone())

    def mutation(self, type_: MutationType, states: StateNames, args: Args = None) -> Mutation:
        """A mutation of this machine that is not queued yet. Raises :class:`UnknownStateError`."""
        called, mask = self._called(states)
        return Mutation(MutationType(type_), called, mask, dict(merged(args, {})))

    def post(self, kind: MutationType, states: StateNames, args: Args = None, *, event: Event | None = UNSET) -> Result:
        """Queue a mutation without executing it inside the handler of another machine: it runs as soon as that
        machine has worked off its own queue. Returns Queued or Canceled."""
        return mutate(self, MutationType(kind), states, args, event, {}, later=True)

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
        return add_error(self, state, error, args, event, later)

    def _add_error(self, error: Exception) -> None:
        self.add_err(error)

    def _tell_unseen(self, what: str, error: BaseException) -> None:
        tell_unseen(self, what, error)

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

    def backoff(self) -> bool:
        """Whether mutations are refused for a while because a handler exceeded its deadline."""
        return monotonic() < self._backoff_until

    @property
    def last_handler_deadline(self) -> float | None:
        """``time.monotonic()`` of the last exceeded deadline."""
        return self._last_deadline

    # Handlers

    def bind(
        self,
        handlers: object,
        *,
        id: str = "",  # noqa: A002 - what it is called everywhere
        prefix: str = "",
        lenient: bool = False,
    ) -> str:
        """Bind an object's methods, or a mapping of functions, by handler names; returns the binding's id.

        With ``prefix`` the names are looked up without it. Raises :class:`HandlerBindError` for handlers of unknown
        states (unless ``lenient``), and for coroutine functions that would have to answer before the switch.
        """
        return bind_handlers(self, handlers, id, prefix, lenient)

    def detach(self, binding_id: str) -> None:
        """Undo a binding. Raises :class:`HandlerBindError` when there is none of that id, unless the machine has been
        disposed, which undoes all."""
        detach_handlers(self, binding_id)

    def handlers(self) -> list[str]:
        """Ids of all bindings in order."""
        return [binding.id for binding in self._table.bindings]

    @contextmanager
    def bound(
        self,
        handlers: object,
        *,
        id: str = "",  # noqa: A002 - as for bind
        prefix: str = "",
    ) -> Iterator[str]:
        """Bind handlers for the enclosed code."""
        binding_id = self.bind(handlers, id=id, prefix=prefix)
        try:
            yield binding_id
        finally:
            if binding_id in self.handlers():
                self.detach(binding_id)

    # Schema

    def verify_states(self, names: Iterable[str]) -> None:
        """Set the order of the states. Raises :class:`SchemaError` unless exactly all are listed."""
        if not self._disposed:
            set_order(self, tuple(dict.fromkeys(names)))

    def set_schema(self, schema: RawSchema, names: Iterable[str], *, allow_same_len: bool = False) -> None:
        """Replace the schema by one with more states; clocks and active states stay.

        Raises :class:`SchemaError`, with nothing changed, during a transition and for anything wrong with the schema.
        """
        groups = groups_of(schema, self._groups)
        replace_schema(self, schema, tuple(names), allow_same_len)
        self._groups = groups

    def _move(self, now: Now) -> None:
        """Enter a new moment."""
        self._now = now
        if self._disposed:
            # Disposed by another thread in the meantime; whatever comes last, the machine is left empty.
            self._now = disposal.NOTHING

    def _use_model(self, model: Model, now: Now) -> None:
        if self._subs is not None:
            self._subs.move(self._now[0], model)
        self._schema = model.schema
        self._now = now
        self._rest = None
        self._table = handler_table(self._table.bindings, model)

    # Eval and end

    def eval(self, fn: Callable[[], object], source: str | None = None, *, timeout: float | None = None) -> bool:
        """Run a function while no transition runs, before everything queued; False when it did not run in time.

        ``source`` says who asks (default: the function's name). Exceptions of the function are raised here. Inside a
        handler or evaluation of the same machine this returns False at once.
        """
        name = getattr(fn, "__qualname__", repr(fn)) if source is None else source
        if not name:
            raise AmError("eval needs a source: say in a few words who asks")
        return evaluate(self, function(fn, "eval"), name, self.eval_timeout if timeout is None else timeout)

    def drain_queue(self) -> None:
        """Execute what is queued unless some thread does so already."""
        drain_if_idle(self)

    def dispose(self) -> None:
        """End the machine in the background: remove ``Start``, let the queue end, then refuse everything."""
        disposal.dispose(self)

    def dispose_force(self) -> None:
        """End the machine at once, on the calling thread."""
        disposal.dispose_now(self)

    def on_dispose(self, callback: Callable[[Machine, Context], object]) -> None:
        """Call back with the machine and its context when it ends, in the order of registration; at once when it has.

        The context lasts until all have been called.
        """
        function(callback, "on_dispose")
        with self._lock:
            if not self._disposed:
                self._dispose_callbacks.append(callback)
                return
        self._guarded(callback, self, self.ctx)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.dispose_force()
