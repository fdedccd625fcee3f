"""Events of ``transitions`` machines, from the moment they are processed to the end of their callbacks."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any, Final

from am_telemetry.adapters.attempt import CANCELLED, NO_TRANSITION, Attempt, current
from am_telemetry.adapters.base import CAUSE, Adapter, is_cancellation
from am_telemetry.adapters.transitions_states import MachineStates, ModelSubject
from am_telemetry.adapters.watch import Watch

LIBRARY: Final = "transitions."


class Attempts(Adapter):
    """Finds the watch of a model, and tells it what an event did."""

    engine = "transitions"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._states: dict[int, MachineStates] = {}
        self._ends: dict[int, weakref.ref[Any]] = {}

    def stop(self) -> None:
        super().stop()
        self._states.clear()
        self._ends.clear()

    # -- machines and models ------------------------------------------------------------------------------------------

    def _find(self, machine: Any, model: Any) -> Watch | None:
        try:
            return self.watches[id(machine), id(model)]
        except KeyError:
            return self._meet(machine, model)

    def _meet_all(self, machine: Any) -> None:
        try:
            for model in machine.models:
                self._find(machine, model)
        except Exception:  # noqa: BLE001 - a machine may be half made, and telemetry must not disturb it
            self.failed()

    def _meet(self, machine: Any, model: Any, forced: bool = False) -> Watch | None:
        states = self._states.get(id(machine))
        if states is None:
            states = self._states.setdefault(id(machine), MachineStates(machine))
            self._ends[id(machine)] = weakref.ref(machine, self._forgetter(id(machine)))
        owner = model if hasattr(type(model), "__weakref__") else machine
        attribute = str(machine.model_attribute)
        return self.meet(
            (id(machine), id(model)),
            owner,
            lambda: model_name(machine, model),
            lambda: ModelSubject(states, model, attribute),
            forced,
        )

    def _forgetter(self, identity: int) -> Callable[[object], None]:
        adapter = weakref.ref(self)

        def forget(_reference: object) -> None:
            alive = adapter()
            if alive is not None:
                alive._states.pop(identity, None)
                alive._ends.pop(identity, None)

        return forget

    def _changed(self, machine: Any) -> None:
        states = self._states.get(id(machine))
        if states is not None:
            states.version += 1

    # -- attempts -----------------------------------------------------------------------------------------------------

    def _begin(self, machine: Any, model: Any, event: str, data: Any) -> Attempt | None:
        try:
            try:
                watch = self.watches[id(machine), id(model)]
            except KeyError:
                watch = self._meet(machine, model)
            if watch is None:
                return None
            outer = current.get()
            if machine._queued:
                outer = vars(data).get(CAUSE, outer)
                attempt = watch.begin(event, data.args, data.kwargs, outer.link() if outer is not None else None)
                attempt.queue_len = max(0, waiting(machine, model))
                return attempt
            return watch.begin(event, data.args, data.kwargs, outer.link() if outer is not None else None)
        except Exception:  # noqa: BLE001 - telemetry never raises into the program
            self.failed()
            return None

    def _end(self, attempt: Attempt, data: Any) -> None:
        try:
            accepted = bool(data.result)
            transition = data.transition
            if accepted and transition is not None and data.error is None and not attempt.called:
                inner = transition.dest
                if inner.__class__ is str and inner != transition.source and attempt.watch.end_plainly(attempt, inner):
                    return
            if transition is not None and not attempt.called:
                inner = transition.dest
                if inner is None:
                    inner = transition.source
                elif inner == transition.source and accepted:
                    attempt.entered = attempt.exited = [state_name(inner)]
                attempt.called = (inner if inner.__class__ is str else state_name(inner),)
            if data.error is not None:
                self._judge(attempt, data.error, data)
            elif not accepted:
                attempt.canceled_by = attempt.refused[-1] if attempt.refused else NO_TRANSITION
            attempt.watch.end(attempt, accepted)
        except Exception:  # noqa: BLE001 - telemetry never raises into the program
            attempt.watch.forget(attempt)
            self.failed()

    def _judge(self, attempt: Attempt, error: BaseException, data: Any) -> None:
        """Tell a refusal, a cancellation and a failure apart."""
        if is_cancellation(error):
            attempt.canceled_by = CANCELLED
            return
        own = type(error).__module__.startswith(LIBRARY) or isinstance(error, AttributeError)
        if own and data.transition is None and not attempt.handlers:
            attempt.canceled_by = NO_TRANSITION
        else:
            attempt.error = error

    def _called(self, data: Any) -> None:
        """A state of a hierarchical machine has tried its transitions; several may do so for one event."""
        try:
            attempt = current.get()
            transition = data.transition
            if attempt is None or attempt.ended or transition is None:
                return
            machine = data.machine
            inner = transition.dest if transition.dest is not None else transition.source
            name_ = machine.state_cls.separator.join([*machine.prefix_path, state_name(inner)])
            if data.result or not attempt.called:
                done = attempt.called if attempt.entered else ()
                attempt.called = (*(name for name in done if name != name_), name_)
        except Exception:  # noqa: BLE001 - telemetry never raises into the program
            self.failed()


def model_name(machine: Any, model: Any) -> str:
    """The name of the machine, else of the model; else of its class."""
    name = str(machine.name).removesuffix(": ")
    own = getattr(model, "__dict__", {}).get("name") if model is not machine else None
    kind = type(model).__name__
    if isinstance(own, str) and own:
        return f"{name or kind}/{own}"
    return name or kind


def state_name(state: Any) -> str:
    name = getattr(state, "name", state)
    return name if isinstance(name, str) else str(name)


def mark(trigger: Any) -> None:
    """Remember with a queued event where it was sent; it runs later, in another context."""
    # A trigger of a subclass may be anything; it only lacks its cause then.
    with contextlib.suppress(Exception):
        setattr(trigger.args[0], CAUSE, current.get())


def waiting(machine: Any, model: Any) -> int:
    """Events in the queue behind the one that is being processed; -1 when none is."""
    queues = getattr(machine, "_transition_queue_dict", None)
    if queues is None:
        return len(machine._transition_queue) - 1
    try:
        # Not get(): with one queue for all models this is no real dictionary.
        return len(queues[id(model)]) - 1
    except KeyError:
        return -1


def note_pass(state: Any, scope: Any, where: str) -> None:
    attempt = current.get()
    if attempt is None or attempt.ended:
        return
    name = state_name(state._name)
    full = state.separator.join([*(scope or ()), name])
    names = getattr(attempt, where)
    if names is None:
        setattr(attempt, where, [full])
    else:
        names.append(full)
