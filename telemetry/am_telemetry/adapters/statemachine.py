"""Machines of the ``python-statemachine`` package, traced by replacing methods of its classes.

One step of its engine (a "microstep": some states are left, others entered) is one transition here.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any, Final

from am_telemetry.adapters.attempt import CANCELLED, NO_TRANSITION, Attempt, Cause, current
from am_telemetry.adapters.base import CAUSE, Adapter, is_cancellation, name_of
from am_telemetry.adapters.statemachine_states import ChartStates, ChartSubject, chart_name
from am_telemetry.adapters.watch import Watch

CHART: Final = "statemachine.statemachine"
BASE: Final = "statemachine.engines.base"
SYNC: Final = "statemachine.engines.sync"
ASYNC: Final = "statemachine.engines.async_"
CALLBACKS: Final = "statemachine.callbacks"
INVOKE: Final = "statemachine.invoke"
INITIAL: Final = "__initial__"
EVENTLESS: Final = "(eventless)"
OWN_EVENTS: Final = ("done.", "error.")
"""Beginnings of the names of events that the engine sends to itself; most machines do not listen to them."""
ATTEMPT: Final = "_am_telemetry_attempt"
"""Attribute of triggers that have passed their conditions."""

parent_id: ContextVar[str] = ContextVar("am_telemetry_parent", default="")
"""The machine for which the running code makes another one."""


class StatemachineAdapter(Adapter):
    """See the module."""

    engine = "python-statemachine"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._charts: weakref.WeakKeyDictionary[type, ChartStates] = weakref.WeakKeyDictionary()

    @property
    def modules(self) -> dict[str, Callable[[ModuleType], None]]:
        """What to do when which module of the package is imported."""
        return {
            BASE: self._base,
            SYNC: self._sync,
            ASYNC: self._async,
            CALLBACKS: self._callbacks,
            INVOKE: self._invoke,
            CHART: self._chart,
        }

    def find_existing(self, chart: ModuleType) -> None:
        """Watch the machines that were made before. The package keeps no list of them, so the memory is searched."""
        for found in gc.get_objects():
            if issubclass(type(found), chart.StateChart):
                self._greet(found)

    def watch_machine(self, machine: Any) -> list[Watch]:
        """Watch a machine, whatever the settings say."""
        watch = self._meet(machine, forced=True)
        return [watch] if watch is not None else []

    # -- machines -----------------------------------------------------------------------------------------------------

    def _find(self, machine: Any) -> Watch | None:
        try:
            return self.watches[(id(machine),)]
        except KeyError:
            return self._meet(machine)

    def _greet(self, machine: Any) -> None:
        try:
            self._find(machine)
        except Exception:  # noqa: BLE001 - a machine may be half made, and telemetry must not disturb it
            self.failed()

    def _meet(self, machine: Any, forced: bool = False) -> Watch | None:
        kind = type(machine)
        states = self._charts.get(kind)
        if states is None:
            states = self._charts.setdefault(kind, ChartStates(machine))
        return self.meet(
            (id(machine),),
            machine,
            lambda: chart_name(machine),
            lambda: ChartSubject(states, machine),
            forced,
            parent_id.get(),
        )

    # -- attempts -----------------------------------------------------------------------------------------------------

    def _begin(self, engine: Any, trigger: Any) -> Attempt | None:
        try:
            watch = self._find(engine.sm)
            if watch is None:
                return None
            event = trigger.event
            sender = getattr(trigger, CAUSE, None)
            cause: Cause | None = sender.link() if sender is not None else None
            if event is None and watch.number:
                cause = Cause(watch.id, "", sum(watch.clock), watch.number)
            name = EVENTLESS if event is None else "initial" if event == INITIAL else str(event)
            attempt = watch.begin(name, trigger.args, trigger.kwargs, cause)
            attempt.auto = event is None
            attempt.queue_len = len(engine.external_queue.queue.queue) + len(engine.internal_queue.queue.queue)
            return attempt
        except Exception:  # noqa: BLE001 - telemetry never raises into the program
            self.failed()
            return None

    def _end(self, attempt: Attempt, accepted: bool) -> None:
        try:
            attempt.watch.end(attempt, accepted)
        except Exception:  # noqa: BLE001 - telemetry never raises into the program
            attempt.watch.forget(attempt)
            self.failed()

    def _selected(self, attempt: Attempt, trigger: Any, transitions: Any) -> None:
        """The conditions of all candidates have been asked."""
        if transitions:
            setattr(trigger, ATTEMPT, attempt)
            return
        event = trigger.event
        if event is None or (attempt.error is None and str(event).startswith(OWN_EVENTS)):
            attempt.watch.forget(attempt)
            return
        attempt.canceled_by = attempt.refused[-1] if attempt.refused else NO_TRANSITION
        self._end(attempt, False)

    def _not_selected(self, attempt: Attempt, error: BaseException) -> None:
        """A condition or a validator has raised, and the program will see that."""
        if is_cancellation(error):
            attempt.canceled_by = CANCELLED
        elif attempt.phase == "VALIDATOR":
            attempt.canceled_by = attempt.handlers[-1] if attempt.handlers else NO_TRANSITION
        else:
            attempt.error = error
        self._end(attempt, False)

    def _enter_step(self, engine: Any, transitions: Any, trigger: Any) -> Attempt | None:
        attempt: Attempt | None = vars(trigger).pop(ATTEMPT, None) or self._begin(engine, trigger)
        if attempt is not None:
            try:
                name = attempt.watch.subject.name  # type: ignore[attr-defined]  # every subject here is a ChartSubject
                attempt.called = tuple(name(state) for transition in transitions for state in transition.targets)
            except Exception:  # noqa: BLE001 - telemetry never raises into the program
                self.failed()
        return attempt

    def _leave_step(self, attempt: Attempt, error: BaseException | None) -> None:
        if error is not None and attempt.error is None:
            attempt.failed = True
            if is_cancellation(error):
                attempt.canceled_by = CANCELLED
            else:
                attempt.error = error
        if attempt.failed:
            # What was left and entered has been undone.
            attempt.entered = attempt.exited = None
        self._end(attempt, not attempt.failed)

    # -- replaced methods ---------------------------------------------------------------------------------------------

    def _chart(self, module: ModuleType) -> None:
        self.patches.wrap(module.StateChart, "__init__", self._wrap_made)
        self.patches.wrap(module.StateChart, "__setstate__", self._wrap_made)
        self.find_existing(module)

    def _base(self, module: ModuleType) -> None:
        wrap = self.patches.wrap
        wrap(module.BaseEngine, "put", self._wrap_put)
        wrap(module.BaseEngine, "_handle_error", self._wrap_handle_error)
        wrap(module.BaseEngine, "_on_error_handler", self._wrap_on_error_handler)
        wrap(module.BaseEngine, "_prepare_exit_states", lambda original: self._wrap_prepare(original, "exited"))
        wrap(module.BaseEngine, "_prepare_entry_states", lambda original: self._wrap_prepare(original, "entered"))

    def _sync(self, module: ModuleType) -> None:
        wrap = self.patches.wrap
        if not wrap(module.SyncEngine, "microstep", lambda original: self._wrap_step(original, False)):
            self.unsupported()
            return
        wrap(module.SyncEngine, "select_transitions", self._wrap_select)
        wrap(module.SyncEngine, "select_eventless_transitions", self._wrap_select)
        wrap(module.SyncEngine, "_enter_states", lambda original: self._wrap_step(original, True))

    def _async(self, module: ModuleType) -> None:
        wrap = self.patches.wrap
        wrap(module.AsyncEngine, "microstep", lambda original: self._wrap_async_step(original, False))
        wrap(module.AsyncEngine, "select_transitions", self._wrap_async_select)
        wrap(module.AsyncEngine, "select_eventless_transitions", self._wrap_async_select)
        wrap(module.AsyncEngine, "_enter_states", lambda original: self._wrap_async_step(original, True))

    def _callbacks(self, module: ModuleType) -> None:
        self.patches.wrap(module.CallbackWrapper, "call", self._wrap_call)
        self.patches.wrap(module.CallbackWrapper, "__call__", self._wrap_async_call)

    def _invoke(self, module: ModuleType) -> None:
        wrap = self.patches.wrap
        wrap(module.InvokeManager, "_run_sync_handler", self._wrap_run_sync_handler)
        wrap(module.InvokeManager, "spawn_pending_async", self._wrap_spawn_pending_async)
        wrap(module.StateChartInvoker, "run", self._wrap_run_child)

    def _wrap_made(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def made(machine: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(machine, *args, **kwargs)
            self._greet(machine)
            return result

        return made

    def _wrap_put(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def put(engine: Any, trigger_data: Any, internal: bool = False) -> Any:
            setattr(trigger_data, CAUSE, current.get())
            return original(engine, trigger_data, internal)

        return put

    def _wrap_select(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def select(engine: Any, trigger_data: Any) -> Any:
            attempt = self._wanted(engine, trigger_data)
            if attempt is None:
                return original(engine, trigger_data)
            token = current.set(attempt)
            try:
                transitions = original(engine, trigger_data)
            except BaseException as error:
                self._not_selected(attempt, error)
                raise
            finally:
                current.reset(token)
            self._selected(attempt, trigger_data, transitions)
            return transitions

        return select

    def _wrap_async_select(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def select(engine: Any, trigger_data: Any) -> Any:
            attempt = self._wanted(engine, trigger_data)
            if attempt is None:
                return await original(engine, trigger_data)
            token = current.set(attempt)
            try:
                transitions = await original(engine, trigger_data)
            except BaseException as error:
                self._not_selected(attempt, error)
                raise
            finally:
                current.reset(token)
            self._selected(attempt, trigger_data, transitions)
            return transitions

        return select

    def _wanted(self, engine: Any, trigger: Any) -> Attempt | None:
        """An attempt for a trigger; None for the search for eventless transitions where there are none at all."""
        if trigger.event is None:
            watch = self.watches.get((id(engine.sm),))
            if watch is not None and not watch.subject.states.has_eventless:  # type: ignore[attr-defined]  # ChartStates
                return None
        return self._begin(engine, trigger)

    def _wrap_step(self, original: Callable[..., Any], initial: bool) -> Callable[..., Any]:
        def step(engine: Any, transitions: Any, trigger_data: Any, *args: Any) -> Any:
            attempt = None
            if not initial or _is_initial(trigger_data):
                attempt = self._enter_step(engine, transitions, trigger_data)
            if attempt is None:
                return original(engine, transitions, trigger_data, *args)
            token, failure = current.set(attempt), None
            try:
                return original(engine, transitions, trigger_data, *args)
            except BaseException as error:
                failure = error
                raise
            finally:
                current.reset(token)
                self._leave_step(attempt, failure)
                del failure

        return step

    def _wrap_async_step(self, original: Callable[..., Any], initial: bool) -> Callable[..., Any]:
        async def step(engine: Any, transitions: Any, trigger_data: Any, *args: Any) -> Any:
            attempt = None
            if not initial or _is_initial(trigger_data):
                attempt = self._enter_step(engine, transitions, trigger_data)
            if attempt is None:
                return await original(engine, transitions, trigger_data, *args)
            token, failure = current.set(attempt), None
            try:
                return await original(engine, transitions, trigger_data, *args)
            except BaseException as error:
                failure = error
                raise
            finally:
                current.reset(token)
                self._leave_step(attempt, failure)
                del failure

        return step

    def _wrap_prepare(self, original: Callable[..., Any], where: str) -> Callable[..., Any]:
        def prepare(engine: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(engine, *args, **kwargs)
            attempt = current.get()
            if attempt is not None and not attempt.ended:
                try:
                    name = attempt.watch.subject.name  # type: ignore[attr-defined]  # every subject here is a ChartSubject
                    setattr(attempt, where, [name(info.state) for info in result[0]])
                except Exception:  # noqa: BLE001 - telemetry never raises into the program
                    self.failed()
            return result

        return prepare

    def _wrap_handle_error(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _handle_error(engine: Any, error: Exception, trigger_data: Any) -> Any:
            attempt = current.get()
            if attempt is not None and not attempt.ended:
                attempt.error = attempt.error or error
                attempt.failed = attempt.phase != "AFTER"
            return original(engine, error, trigger_data)

        return _handle_error

    def _wrap_on_error_handler(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _on_error_handler(engine: Any) -> Any:
            handler = original(engine)
            attempt = current.get()
            if handler is None or attempt is None:
                return handler

            def on_error(error: Exception) -> None:
                if not attempt.ended:
                    attempt.error = attempt.error or error
                handler(error)

            return on_error

        return _on_error_handler

    def _wrap_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(callback: Any, *args: Any, **kwargs: Any) -> Any:
            attempt = current.get()
            if attempt is None or attempt.ended:
                return original(callback, *args, **kwargs)
            group = _note_callback(attempt, callback)
            result = original(callback, *args, **kwargs)
            if group == "COND" and not result:
                _refuse(attempt, callback, kwargs)
            return result

        return call

    def _wrap_async_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def call(callback: Any, *args: Any, **kwargs: Any) -> Any:
            attempt = current.get()
            if attempt is None or attempt.ended:
                return await original(callback, *args, **kwargs)
            group = _note_callback(attempt, callback)
            result = await original(callback, *args, **kwargs)
            if group == "COND" and not result:
                _refuse(attempt, callback, kwargs)
            return result

        return call

    def _wrap_run_sync_handler(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _run_sync_handler(manager: Any, *args: Any, **kwargs: Any) -> Any:
            # A thread of its own: what it sends is a consequence of the step that entered the state.
            watch = self.watches.get((id(manager.sm),))
            token = current.set(watch.last if watch is not None else None)
            try:
                return original(manager, *args, **kwargs)
            finally:
                current.reset(token)

        return _run_sync_handler

    def _wrap_spawn_pending_async(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def spawn_pending_async(manager: Any, *args: Any, **kwargs: Any) -> Any:
            # The tasks it makes inherit the cause.
            watch = self.watches.get((id(manager.sm),))
            token = current.set(watch.last if watch is not None else None)
            try:
                return await original(manager, *args, **kwargs)
            finally:
                current.reset(token)

        return spawn_pending_async

    def _wrap_run_child(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(invoker: Any, ctx: Any) -> Any:
            watch = self.watches.get((id(ctx.machine),))
            token = parent_id.set(watch.id if watch is not None else "")
            try:
                return original(invoker, ctx)
            finally:
                parent_id.reset(token)

        return run


def _is_initial(trigger: Any) -> bool:
    return trigger.event is not None and str(trigger.event) == INITIAL


def _note_callback(attempt: Attempt, callback: Any) -> str:
    meta = callback.meta
    group = str(meta.group.name)
    attempt.phase = group
    attempt.ran(meta.attr_name or name_of(meta.func))
    return group


def _refuse(attempt: Attempt, callback: Any, kwargs: dict[str, Any]) -> None:
    attempt.refuse(str(callback.meta))
    target = getattr(kwargs.get("transition"), "target", None)
    if target is not None:
        attempt.called = (attempt.watch.subject.name(target),)  # type: ignore[attr-defined]  # a ChartSubject
