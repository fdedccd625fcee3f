"""How a machine of ``python-statemachine`` is looked at. Knows the shape of foreign objects, imports none of them."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterable
from typing import Any

from am_telemetry.adapters.shape import Node, Shape
from am_telemetry.adapters.subject import UNKNOWN


class ChartStates:
    """States of one class of machines; they never change."""

    version = 0

    def __init__(self, machine: Any) -> None:
        states = list(_all(machine.states))
        ids = [str(state.id) for state in states]
        self.names: dict[object, str] = {}
        """By the value that the engine stores for a state."""
        self.outer: dict[str, tuple[str, ...]] = {}
        self.has_eventless = any(t.is_eventless and not t.initial for state in states for t in state.transitions)
        for state in states:
            own, outer = str(state.id), state.parent
            self.names[state.value] = f"{outer.id}.{own}" if outer and ids.count(own) > 1 else own
        for state in states:
            self.outer[self.names[state.value]] = tuple(_outer(state, self.names))
        self.shape = Shape.of([self._node(state) for state in machine.states])

    def _node(self, state: Any) -> Node:
        children = [self._node(child) for child in state.states]
        reenters = any(t.is_self and not t.internal for t in state.transitions)
        tags = [tag for tag, given in (("initial", state.initial), ("final", state.final)) if given]
        return Node(self.names[state.value], children, bool(state.parallel), reenters, tuple(tags))


class ChartSubject:
    """Implements what a watch wants from its machine."""

    def __init__(self, states: ChartStates, machine: Any) -> None:
        self.states = states
        self._machine = weakref.ref(machine)

    def value(self) -> object:
        machine = self._machine()
        if machine is None:
            return UNKNOWN
        try:
            return machine._config.value
        except Exception:  # noqa: BLE001 - the model is the program's, and may be out of reach by now
            return UNKNOWN

    def active(self, value: object) -> frozenset[str]:
        names: set[str] = set()
        for part in _values(value):
            name = self.states.names.get(part)
            if name is not None:
                names.add(name)
                names.update(self.states.outer[name])
        return frozenset(names)

    def key(self, value: object) -> Hashable:
        return frozenset(_values(value))

    def shape(self) -> Shape:
        return self.states.shape

    def gone(self) -> bool:
        return self._machine() is None

    def name(self, state: Any) -> str:
        """What a state of the engine is called; the empty string when it is none that can be active."""
        return self.states.names.get(state.value, "")


def chart_name(machine: Any) -> str:
    """The name of the machine's class, and that of its model if it has one."""
    own = getattr(machine.model, "__dict__", {}).get("name")
    kind = type(machine).__name__
    return f"{kind}/{own}" if isinstance(own, str) and own else kind


def _all(states: Iterable[Any]) -> Iterable[Any]:
    for state in states:
        yield state
        yield from _all(state.states)


def _outer(state: Any, names: dict[object, str]) -> Iterable[str]:
    parent = state.parent
    while parent is not None:
        if parent.value in names:
            yield names[parent.value]
        parent = parent.parent


def _values(value: Any) -> Iterable[Hashable]:
    """What the engine stores is one value, or a set of several."""
    if value is None:
        return ()
    return tuple(value) if hasattr(value, "discard") else (value,)
