"""The asynchronous machines of ``transitions``, where several events may be processed side by side."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from am_telemetry.adapters.attempt import current
from am_telemetry.adapters.base import name_of
from am_telemetry.adapters.transitions_attempts import Attempts, mark, note_pass, waiting


class AsyncHooks(Attempts):
    """Replaces the methods of the module ``transitions.extensions.asyncio``."""

    def _asyncio(self, module: ModuleType) -> None:
        wrap = self.patches.wrap
        wrap(module.AsyncEvent, "_trigger", self._wrap_async_trigger)
        wrap(module.HierarchicalAsyncMachine, "_trigger_event", self._wrap_async_trigger_event)
        wrap(module.AsyncMachine, "process_context", self._wrap_process_context)
        wrap(module.AsyncMachine, "callback", self._wrap_async_callback)
        wrap(module.AsyncMachine, "remove_model", self._wrap_remove_model)
        wrap(module.AsyncMachine, "set_state", self._wrap_set_state)
        wrap(module.HierarchicalAsyncMachine, "set_state", self._wrap_set_state)
        wrap(module.AsyncCondition, "check", self._wrap_async_check)
        wrap(module.NestedAsyncEvent, "_process", self._wrap_async_nested_process)
        wrap(module.NestedAsyncState, "scoped_enter", lambda original: self._wrap_async_scoped(original, "entered"))
        wrap(module.NestedAsyncState, "scoped_exit", lambda original: self._wrap_async_scoped(original, "exited"))

    def _wrap_async_trigger(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def _trigger(event: Any, event_data: Any) -> Any:
            attempt = self._begin(event.machine, event_data.model, event.name, event_data)
            if attempt is None:
                return await original(event, event_data)
            token = current.set(attempt)
            try:
                return await original(event, event_data)
            finally:
                current.reset(token)
                self._end(attempt, event_data)

        return _trigger

    def _wrap_async_trigger_event(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def _trigger_event(machine: Any, event_data: Any, trigger: str) -> Any:
            attempt = self._begin(machine, event_data.model, str(trigger), event_data)
            if attempt is None:
                return await original(machine, event_data, trigger)
            token = current.set(attempt)
            try:
                return await original(machine, event_data, trigger)
            finally:
                current.reset(token)
                self._end(attempt, event_data)

        return _trigger_event

    def _wrap_process_context(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def process_context(machine: Any, func: Any, model: Any) -> Any:
            if machine._queued and waiting(machine, model) >= 0:
                mark(func)
            return await original(machine, func, model)

        return process_context

    def _wrap_async_callback(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def callback(machine: Any, func: Any, event_data: Any) -> Any:
            attempt = current.get()
            if attempt is not None and not attempt.ended:
                attempt.ran(name_of(func))
            return await original(machine, func, event_data)

        return callback

    def _wrap_async_check(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def check(condition: Any, event_data: Any) -> Any:
            attempt = current.get()
            if attempt is None or attempt.ended or event_data.transition is None:
                return await original(condition, event_data)
            attempt.ran(name_of(condition.func))
            passed = await original(condition, event_data)
            if not passed:
                attempt.refuse(name_of(condition.func))
            return passed

        return check

    def _wrap_set_state(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def set_state(machine: Any, state: Any, model: Any = None) -> Any:
            attempt = current.get()
            models = [] if model is None else model if isinstance(model, (list, tuple)) else [model]
            watches = [watch for mod in models if (watch := self.watches.get((id(machine), id(mod)))) is not None]
            for watch in watches:
                watch.before_change(attempt if attempt is not None and attempt.watch is watch else None)
            result = original(machine, state, model)
            for watch in watches:
                watch.after_change(attempt if attempt is not None and attempt.watch is watch else None)
            return result

        return set_state

    def _wrap_async_nested_process(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def _process(event: Any, event_data: Any) -> Any:
            try:
                return await original(event, event_data)
            finally:
                self._called(event_data)

        return _process

    def _wrap_async_scoped(self, original: Callable[..., Any], where: str) -> Callable[..., Any]:
        async def scoped(state: Any, event_data: Any, scope: Any = None) -> Any:
            note_pass(state, scope, where)
            return await original(state, event_data, scope)

        return scoped

    def _wrap_remove_model(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def remove_model(machine: Any, model: Any) -> Any:
            models = list(model) if isinstance(model, (list, tuple)) else [model]
            result = original(machine, model)
            for mod in models:
                self.lose((id(machine), id(mod)), "disposed")
            return result

        return remove_model
