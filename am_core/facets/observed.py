"""What others see of a machine at work: tracers, logs, breakpoints."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from am_core.engine import failures
from am_core.engine.breakpoints import Breakpoint
from am_core.engine.listening import Listener, listener_among
from am_core.errors import TracerError
from am_core.facets.view import MachineView
from am_core.handling.handlers import Event, HandlerTable
from am_core.logs import (
    EXTERNAL,
    ID_LENGTH,
    OPS,
    ArgsMapper,
    LogBuffer,
    LogEntry,
    Logger,
    LogLevel,
    describe,
    log_level_of,
)
from am_core.resolution.automaton import NEVER_REACHED, Configuration, PlanCache
from am_core.schemas.model import StateNames
from am_core.tracer import Hook, Hooks, Tracer

if TYPE_CHECKING:
    from am_core.waiting.subscriptions import Subscriptions


class ObservedMachine(MachineView):
    """Everything that tells about what happens. Thread-safe; whoever is told is called without a lock held."""

    __slots__ = (
        "_breakpoints", "_brief", "_buffer", "_calm", "_hooks", "_learn_from", "_logger", "_misses", "_on_change",
        "_open", "_place", "_plan_cache", "_queue_limit", "_record_steps", "_record_steps_always", "_rest", "_subs",
        "_table", "breakpoint_hook", "internal_errors", "log_args", "log_id", "log_stack_trace",
    )  # fmt: skip

    _hooks: Hooks
    _breakpoints: tuple[Breakpoint, ...]
    _buffer: LogBuffer
    _logger: Logger | None
    _record_steps: bool
    _record_steps_always: bool
    _on_change: Callable[..., object] | None
    _queue_limit: int
    _table: HandlerTable
    _subs: Subscriptions | None
    """None until somebody waits for the first time."""
    _rest: Configuration | None
    """Where the machine rests: set while nothing is queued or executed, and nobody watches the queue, so that known
    mutations may be executed without being queued. Written with the lock held; whoever begins to execute or to queue
    clears it."""
    _calm: Listener | None
    """Who hears of express transitions, besides waiters; None when that path must not be taken. Written with the
    lock."""
    _brief: bool
    """Whether somebody wants to hear of ends of transitions at most, and nothing is logged."""
    _open: bool
    """Whether mutations that find the machine at rest need not be told to anybody before they are executed."""
    _place: Configuration | None
    """Where the machine was last; for the thread that executes the queue."""
    _plan_cache: PlanCache
    _learn_from: int
    """Transitions before this number do not use the automaton."""
    _misses: int
    """Since that transition, how many outcomes were not known."""
    breakpoint_hook: Callable[..., object] | None
    """Called with the machine and the mutation at a breakpoint."""
    internal_errors: deque[BaseException]
    """Errors of the engine's own work; see :meth:`report`."""
    log_args: ArgsMapper | None
    """Chooses the arguments that are logged; None logs none."""
    log_id: bool
    """Whether lines for the logger begin with the machine's id."""
    log_stack_trace: bool
    """Whether errors carry their stack as text."""

    # Tracers

    def resting_moment(self) -> tuple[tuple[int, ...], int] | None:
        """The ticks and the number of the last transition, of one moment; None while something is executed."""
        with self._lock:
            return None if self._drainer else (self._now[3], self._number)

    def bind_tracer(self, tracer: Tracer) -> None:
        """Call a tracer's hooks from now on. Binding one twice has no effect."""
        with self._lock:
            bound = self._hooks.tracers
            if any(other is tracer for other in bound):
                return
            self._use_hooks(Hooks((*bound, tracer)))
        if self._log_level >= OPS:
            self._log(OPS, f"[tracers] bind {tracer.tracer_id()}")

    def detach_tracer(self, tracer: Tracer) -> bool:
        """Stop calling a tracer; False when it was not bound."""
        with self._lock:
            bound = self._hooks.tracers
            left = tuple(other for other in bound if other is not tracer)
            if len(left) == len(bound):
                return False
            self._use_hooks(Hooks(left))
        if self._log_level >= OPS:
            self._log(OPS, f"[tracers] detach {tracer.tracer_id()}")
        return True

    def tracers(self) -> tuple[Tracer, ...]:
        """Every bound tracer, in the order in which they are called."""
        return self._hooks.tracers

    def _use_hooks(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._record_steps = self._record_steps_always or hooks.wants_steps
        self._look_around()

    def _look_around(self) -> None:
        """Find out whether anybody looks on. With the lock held."""
        hooks = self._hooks
        self._open = not (self._breakpoints or hooks.mutation_queued or self._queue_limit < 1)
        quiet = (
            self._open
            and self._on_change is None
            and not (hooks.transition_init or hooks.transition_start or hooks.transition_finals)
        )
        self._brief = quiet and not self._log_level and self._subs is None
        # Waiters are asked one transition at a time whether it concerns them.
        self._calm = listener_among(hooks, self._log_level, self._logger is not None) if quiet else None
        self._rest = None

    def _use_plan_cache(self, value: str | None) -> None:
        self._plan_cache = PlanCache.chosen(value)
        self._learn_from = NEVER_REACHED if self._plan_cache is PlanCache.NEVER else 0
        self._misses = 0
        self._place = self._rest = None

    @property
    def on_change(self) -> Callable[..., object] | None:
        """Called with the machine and every transition that is no check, before it is complete."""
        return self._on_change

    @on_change.setter
    def on_change(self, callback: Callable[..., object] | None) -> None:
        with self._lock:
            self._on_change = callback
            self._look_around()

    @property
    def queue_limit(self) -> int:
        """Mutations that may wait; further ones are canceled."""
        return self._queue_limit

    @queue_limit.setter
    def queue_limit(self, limit: int) -> None:
        with self._lock:
            self._queue_limit = limit
            self._look_around()

    @property
    def record_steps(self) -> bool:
        """Whether transitions record their steps, because it was asked for or a tracer wants it."""
        return self._record_steps

    @record_steps.setter
    def record_steps(self, on: bool) -> None:
        with self._lock:
            self._record_steps_always = on
            self._use_hooks(self._hooks)

    def _fire(self, hook: Hook, *args: object) -> None:
        for method in hook:
            self._guarded(method, *args)

    def _guarded(self, fn: Callable[..., object], *args: object) -> None:
        """Call foreign code that must not disturb the machine."""
        try:
            fn(*args)
        except Exception as error:  # noqa: BLE001 - kept as an error of the engine's own work
            self._failed(fn, error)

    def _failed(self, fn: Callable[..., object], error: Exception) -> None:
        problem = TracerError(f"{getattr(fn, '__qualname__', fn)} failed: {describe(error)}")
        problem.__cause__ = error
        self.report(problem)

    # Logging

    @property
    def log_level(self) -> LogLevel:
        return LogLevel(self._log_level)

    @log_level.setter
    def log_level(self, level: int | str) -> None:
        with self._lock:
            self._log_level = log_level_of(level)
            self._look_around()

    def set_logger(self, logger: Logger | None) -> None:
        """Give lines to a function; None keeps them in the transitions only."""
        with self._lock:
            self._logger = logger
            self._look_around()

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
            if isinstance(tx.log_entries, list):
                tx.log_entries.append(entry)
            else:
                tx.log_entries = [entry]
        else:
            self._buffer.add(entry)
        if self._logger is not None:
            self._guarded(self._logger, level, f"[{self.id[:ID_LENGTH]}] {text}" if self.log_id else text)

    def take_log(self) -> list[LogEntry]:
        """The lines logged since the last transition, which the next one will not have then.

        For tracers that cannot wait for a next one: the machine may be idle for long, or the program about to exit.
        """
        return self._buffer.take()

    # Breakpoints and the engine's own errors

    def add_breakpoint(self, added: StateNames = (), removed: StateNames = (), strict: bool = False) -> None:
        """Log (and call ``breakpoint_hook``) when exactly these states are added, or removed, in this order."""
        point = Breakpoint(self._called(added)[0], self._called(removed)[0], strict)
        with self._lock:
            self._breakpoints = (*self._breakpoints, point)
            self._look_around()

    def report(self, error: BaseException) -> None:
        """Note an error that is about the engine's work and not the machine's states; ten are kept."""
        if len(self.internal_errors) < 10:
            self.internal_errors.append(error)
