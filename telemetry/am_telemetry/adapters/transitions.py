"""Machines of the ``transitions`` package, traced by replacing methods of its classes.

Every model of a machine is a machine of its own here, because each has its own state.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from am_telemetry.adapters.attempt import current
from am_telemetry.adapters.base import name_of
from am_telemetry.adapters.transitions_async import AsyncHooks
from am_telemetry.adapters.transitions_attempts import mark, note_pass, state_name
from am_telemetry.adapters.watch import Watch

CORE: Final = "transitions.core"
NESTING: Final = "transitions.extensions.nesting"
ASYNC: Final = "transitions.extensions.asyncio"
STATES: Final = "transitions.extensions.states"
ATTEMPT: Final = "_am_telemetry_attempt"
"""Attribute of events that have started a timer."""


class TransitionsAdapter(AsyncHooks):
    """See the module."""

    @property
    def modules(self) -> dict[str, Callable[[ModuleType], None]]:
        """What to do when which module of the package is imported."""
        return {CORE: self._core, NESTING: self._nesting, ASYNC: self._asyncio, STATES: self._timeouts}

    def find_existing(self, core: ModuleType) -> None:
        """Watch the machines that were made before. The package keeps no list of them, so the memory is searched."""
        for found in gc.get_objects():
            if issubclass(type(found), core.Machine):
                self._meet_all(found)

    def watch_machine(self, machine: Any) -> list[Watch]:
        """Watch all models of a machine, whatever the settings say."""
        watches = [self._meet(machine, model, forced=True) for model in machine.models]
        return [watch for watch in watches if watch is not None]

    # -- replaced methods ---------------------------------------------------------------------------------------------

    def _core(self, core: ModuleType) -> None:
        wrap = self.patches.wrap
        if not wrap(core.Event, "_trigger", self._wrap_trigger):
            self.unsupported()
            return
        wrap(core.Machine, "_process", self._wrap_process)
        wrap(core.Machine, "callback", self._wrap_callback)
        wrap(core.Condition, "check", self._wrap_check)
        wrap(core.Machine, "add_model", self._wrap_add_model)
        wrap(core.Machine, "remove_model", self._wrap_remove_model)
        for name in ("add_states", "add_transition", "remove_transition"):
            wrap(core.Machine, name, self._wrap_reshaping)
        self.find_existing(core)

    def _nesting(self, nesting: ModuleType) -> None:
        wrap = self.patches.wrap
        wrap(nesting.HierarchicalMachine, "_trigger_event", self._wrap_trigger_event)
        wrap(nesting.HierarchicalMachine, "to_state", self._wrap_to_state)
        wrap(nesting.HierarchicalMachine, "add_model", self._wrap_add_nested_model)
        wrap(nesting.HierarchicalMachine, "add_states", self._wrap_reshaping)
        wrap(nesting.HierarchicalMachine, "remove_transition", self._wrap_reshaping)
        wrap(nesting.NestedEvent, "_process", self._wrap_nested_process)
        wrap(nesting.NestedState, "scoped_enter", lambda original: self._wrap_scoped(original, "entered"))
        wrap(nesting.NestedState, "scoped_exit", lambda original: self._wrap_scoped(original, "exited"))

    def _timeouts(self, module: ModuleType) -> None:
        self.patches.wrap(module.Timeout, "enter", self._wrap_timeout_enter)
        self.patches.wrap(module.Timeout, "_process_timeout", self._wrap_timeout)

    def _wrap_trigger(self, original: Callable[..., Any]) -> Callable[..., Any]:
        begin, end, switch, back, get = self._begin, self._end, current.set, current.reset, current.get
        watches = self.watches

        def _trigger(event: Any, event_data: Any) -> Any:
            attempt = None
            machine = event.machine
            try:
                watch = watches[id(machine), id(event_data.model)]
                if watch is not None and not (machine._queued or event_data.args or event_data.kwargs):
                    attempt = watch.begin_plainly(event.name, get())
            except Exception:  # noqa: BLE001 - a machine that is not known yet; what is wrong shows below
                attempt = None
            if attempt is None:
                attempt = begin(machine, event_data.model, event.name, event_data)
                if attempt is None:
                    return original(event, event_data)
            token = switch(attempt)
            try:
                return original(event, event_data)
            finally:
                back(token)
                end(attempt, event_data)

        return _trigger

    def _wrap_trigger_event(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _trigger_event(machine: Any, event_data: Any, trigger: str) -> Any:
            attempt = self._begin(machine, event_data.model, str(trigger), event_data)
            if attempt is None:
                return original(machine, event_data, trigger)
            token = current.set(attempt)
            try:
                return original(machine, event_data, trigger)
            finally:
                current.reset(token)
                self._end(attempt, event_data)

        return _trigger_event

    def _wrap_to_state(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def to_state(machine: Any, model: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
            data = _Shortcut(args, kwargs)
            attempt = self._begin(machine, model, "to", data)
            if attempt is None:
                return original(machine, model, target, *args, **kwargs)
            attempt.called = (state_name(target),)
            token = current.set(attempt)
            try:
                result = original(machine, model, target, *args, **kwargs)
                data.result = True
                return result
            except BaseException as error:
                data.error = error
                raise
            finally:
                current.reset(token)
                self._end(attempt, data)

        return to_state

    def _wrap_process(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _process(machine: Any, trigger: Any) -> Any:
            if machine._queued and machine._transition_queue:
                mark(trigger)
            return original(machine, trigger)

        return _process

    def _wrap_callback(self, original: Callable[..., Any]) -> Callable[..., Any]:
        now = current.get

        def callback(machine: Any, func: Any, event_data: Any) -> Any:
            attempt = now()
            if attempt is not None and not attempt.ended:
                attempt.ran(func if func.__class__ is str else name_of(func))
            return original(machine, func, event_data)

        return callback

    def _wrap_check(self, original: Callable[..., Any]) -> Callable[..., Any]:
        now = current.get

        def check(condition: Any, event_data: Any) -> Any:
            attempt = now()
            if attempt is None or attempt.ended or event_data.transition is None:
                return original(condition, event_data)
            attempt.ran(name_of(condition.func))
            passed = original(condition, event_data)
            if not passed:
                attempt.refuse(name_of(condition.func))
            return passed

        return check

    def _wrap_add_model(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def add_model(machine: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(machine, *args, **kwargs)
            # A hierarchical machine has yet to find the innermost initial state.
            if not hasattr(type(machine), "get_nested_state_names"):
                self._meet_all(machine)
            return result

        return add_model

    def _wrap_add_nested_model(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def add_model(machine: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(machine, *args, **kwargs)
            self._meet_all(machine)
            return result

        return add_model

    def _wrap_reshaping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def reshape(machine: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(machine, *args, **kwargs)
            finally:
                self._changed(machine)

        return reshape

    def _wrap_nested_process(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _process(event: Any, event_data: Any) -> Any:
            try:
                return original(event, event_data)
            finally:
                self._called(event_data)

        return _process

    def _wrap_scoped(self, original: Callable[..., Any], where: str) -> Callable[..., Any]:
        def scoped(state: Any, event_data: Any, scope: Any = None) -> Any:
            note_pass(state, scope, where)
            return original(state, event_data, scope)

        return scoped

    def _wrap_timeout_enter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def enter(state: Any, event_data: Any) -> Any:
            attempt = current.get()
            if attempt is not None:
                # The timer's thread will find it there.
                setattr(event_data, ATTEMPT, attempt)
            return original(state, event_data)

        return enter

    def _wrap_timeout(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _process_timeout(state: Any, event_data: Any) -> Any:
            token = current.set(getattr(event_data, ATTEMPT, None))
            try:
                return original(state, event_data)
            finally:
                current.reset(token)

        return _process_timeout


class _Shortcut:
    """Stands for the event that ``model.to(state)`` does not have."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.error: BaseException | None = None
        self.result = False
        self.transition = None
