"""How a model of a ``transitions`` machine is looked at. Knows the shape of foreign objects, imports none of them."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from am_telemetry.adapters.shape import Node, Shape
from am_telemetry.adapters.subject import UNKNOWN

MAX_VALUES: Final = 4_096


class MachineStates:
    """States of one machine, shared by its models.

    Args:
        machine: held weakly.
    """

    def __init__(self, machine: Any) -> None:
        self.version = 0
        self.machine = weakref.ref(machine)
        self.separator: str = getattr(machine.state_cls, "separator", "")
        self._built = -1
        self._shape: Shape | None = None
        self._paths: dict[object, str] = {}
        """Members of enumerations to full names."""
        self._active: dict[Hashable, frozenset[str]] = {}

    def shape(self) -> Shape:
        """The states of the moment; those of the last time when the machine is gone."""
        machine = self.machine()
        if self._shape is None or (self._built != self.version and machine is not None):
            self._built = self.version
            self._paths, self._active = {}, {}
            roots, events = _outermost(machine)
            reentered = set(_reentered(events, ""))
            initial = set(_initial(machine))
            nodes = self._nodes(roots, "", reentered, initial)
            self._shape = Shape.of(nodes, self._shape)
        return self._shape

    def active(self, value: object) -> frozenset[str]:
        """Names of all states that are active at a value of the model's attribute."""
        key = freeze(value)
        known = self._active.get(key)
        if known is None:
            names: set[str] = set()
            for leaf in _leaves(key):
                name = self._paths.get(leaf) or (leaf.name if isinstance(leaf, Enum) else str(leaf))
                parts = name.split(self.separator) if self.separator else [name]
                names.update(self.separator.join(parts[: i + 1]) for i in range(len(parts)))
            if len(self._active) >= MAX_VALUES:
                self._active.clear()
            known = self._active[key] = frozenset(names)
        return known

    def _nodes(
        self, states: Mapping[Any, Any], prefix: str, reentered: set[str], initial: set[str], parallel: object = ()
    ) -> list[Node]:
        nodes = []
        for key, state in states.items():
            raw = state._name
            full = f"{prefix}{self.separator}{key}" if prefix else str(key)
            if isinstance(raw, Enum):
                self._paths[raw] = full
            first = getattr(state, "initial", None)
            regions = list(first) if isinstance(first, (list, tuple)) and len(first) > 1 else []
            own = getattr(state, "tags", None)
            tags = [str(tag) for tag in own] if isinstance(own, (list, tuple)) else []
            tags += ["initial"] if full in initial else []
            tags += ["final"] if getattr(state, "final", False) else []
            inside = getattr(state, "states", None) or {}
            inner = set(_reentered(getattr(state, "events", None) or {}, f"{full}{self.separator}"))
            children = self._nodes(inside, full, reentered | inner, initial)
            nodes.append(Node(full, children, bool(regions), full in reentered, tuple(dict.fromkeys(tags))))
        return nodes


class ModelSubject:
    """Implements what a watch wants from its machine."""

    def __init__(self, states: MachineStates, model: object, attribute: str) -> None:
        self.states = states
        self._model = _reference(model, states)
        self.value = _reader(self._model, attribute)
        """The model's attribute, or ``UNKNOWN``. A function of its own, because it is called twice per event."""

    def active(self, value: object) -> frozenset[str]:
        return self.states.active(value)

    def key(self, value: object) -> Hashable:
        return freeze(value)

    def shape(self) -> Shape:
        return self.states.shape()

    def gone(self) -> bool:
        return self._model() is None


def freeze(value: object) -> Hashable:
    """Nested lists as nested tuples."""
    return tuple(map(freeze, value)) if isinstance(value, list) else value


def _leaves(value: Hashable) -> Iterable[Hashable]:
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


def _reader(model: Callable[[], object], attribute: str) -> Callable[[], object]:
    get = operator.attrgetter(attribute)

    def value() -> object:
        try:
            return get(model())
        except Exception:  # noqa: BLE001 - the model is gone, or its attribute is code that fails
            return UNKNOWN

    return value


def _reference(model: object, states: MachineStates) -> Any:
    try:
        return weakref.ref(model)
    except TypeError:
        # A model with slots. The machine keeps it alive as long as it is among its models.
        machine, identity = states.machine, id(model)

        def find() -> object:
            owner = machine()
            models = owner.models if owner is not None else ()
            return next((candidate for candidate in models if id(candidate) == identity), None)

        return find


def _outermost(machine: Any) -> tuple[Mapping[Any, Any], Mapping[str, Any]]:
    """States and events of the whole machine, even while it works inside one of its states."""
    stack = getattr(machine, "_stack", None)
    if stack:
        return stack[0][1], stack[0][2]
    return machine.states, machine.events


def _reentered(events: Mapping[str, Any], prefix: str) -> Iterable[str]:
    """Full names of states with a transition to themselves, apart from those that every state has."""
    for name, event in events.items():
        if name.startswith("to_"):
            continue
        for transitions in event.transitions.values():
            for transition in transitions:
                if transition.dest is not None and transition.dest == transition.source:
                    yield f"{prefix}{transition.dest}"


def _initial(machine: Any) -> Iterable[str]:
    initial = machine._initial
    for value in initial if isinstance(initial, (list, tuple)) else [initial]:
        if value is not None:
            yield value.name if isinstance(value, Enum) else str(value)
