"""Decorators that say what a method handles, for those who rather not put it into the method's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeVar

from am_core.errors import HandlerBindError
from am_core.schemas.names import RESERVED, SUFFIXES, handler_meanings

F = TypeVar("F", bound=Callable[..., Any])
MARK: Final = "__am_handles__"
"""Attribute of a decorated function: a tuple of :class:`Handles`."""


class Handles(NamedTuple):
    """What a function was decorated for: states and the suffix that makes a handler's name of them."""

    decorator: str
    states: tuple[str, ...]
    suffix: str

    def name(self, prefix: str = "") -> str:
        """Name of the handler when every state's name has a prefix."""
        return "".join(prefix + state for state in self.states) + self.suffix

    def __str__(self) -> str:
        return f"@on.{self.decorator}" + (f"({', '.join(map(repr, self.states))})" if self.states else "")


class On:
    """The decorators. They can be stacked, and used beside methods that are named like handlers.

    A method that overrides a decorated one handles the same, unless it is decorated itself. Wrong use raises
    :class:`HandlerBindError`; whether the states exist is checked when the handlers are bound to a machine.
    """

    __slots__ = ()

    def enter(self, state: str) -> Callable[[F], F]:
        """Before the state is activated; returning False refuses the transition."""
        return _one("enter", state, "Enter")

    def exit(self, state: str) -> Callable[[F], F]:
        """Before the state is deactivated; returning False refuses the transition."""
        return _one("exit", state, "Exit")

    def state(self, state: str) -> Callable[[F], F]:
        """After the state was activated."""
        return _one("state", state, "State")

    def end(self, state: str) -> Callable[[F], F]:
        """After the state was deactivated."""
        return _one("end", state, "End")

    def between(self, source: str, target: str) -> Callable[[F], F]:
        """When ``source`` was active before and ``target`` is among the targets; returning False refuses."""
        source, target = _checked("between", source), _checked("between", target)
        if source == target:
            raise HandlerBindError(f"on.between has {source} twice, use @on.self_({source!r})")
        return _marker(Handles("between", (source, target), ""))

    def self_(self, state: str) -> Callable[[F], F]:
        """When the state is active and stays so; returning False refuses the transition."""
        state = _checked("self_", state)
        return _marker(Handles("self_", (state, state), ""))

    def any_enter(self, fn: F) -> F:
        """During the negotiation of every transition, without parentheses; returning False refuses it."""
        _expect_no_state("any_enter", fn)
        return _marker(Handles("any_enter", (), "AnyEnter"))(fn)

    def any_state(self, fn: F) -> F:
        """At the end of every accepted transition, without parentheses."""
        _expect_no_state("any_state", fn)
        return _marker(Handles("any_state", (), "AnyState"))(fn)

    def __getattr__(self, name: str) -> Any:
        known = [word for word in dir(On) if not word.startswith("_")]
        near = get_close_matches(name, known, 1)
        raise AttributeError(f"on.{name} does not exist, " + (f"use on.{near[0]}" if near else f"known: {known}"))


on: Final = On()
"""The decorators, as in ``@on.state("Ready")``."""


def _one(decorator: str, state: str, suffix: str) -> Callable[[F], F]:
    return _marker(Handles(decorator, (_checked(decorator, state),), suffix))


def _checked(decorator: str, state: object) -> str:
    if callable(state) or isinstance(state, (staticmethod, classmethod)):
        raise HandlerBindError(f"on.{decorator} needs a state, as in @on.{decorator}('Ready')")
    if not isinstance(state, str):
        raise HandlerBindError(f"on.{decorator} got {state!r}, the name of a state was expected")
    if state == "Any" and decorator in ("enter", "state"):
        raise HandlerBindError(f"on.{decorator}('Any') is written @on.any_{decorator}")
    if not state or state in RESERVED:
        raise HandlerBindError(f"on.{decorator} got {state!r}, which cannot be a state's name")
    return str(state)


def _expect_no_state(decorator: str, fn: object) -> None:
    if isinstance(fn, str):
        raise HandlerBindError(f"on.{decorator} is about all states, write @on.{decorator} without {fn!r}")


def _marker(handles: Handles) -> Callable[[F], F]:
    def mark(fn: Any) -> Any:
        if isinstance(fn, type) or not (callable(fn) or isinstance(fn, (staticmethod, classmethod))):
            raise HandlerBindError(f"{handles} decorates {fn!r}, a function was expected")
        marks = _marks(fn)
        if handles in marks:
            raise HandlerBindError(f"{handles} decorates {_plain(fn).__name__} twice")
        setattr(_plain(fn), MARK, (handles, *marks))
        return fn

    return mark


def _plain(fn: Any) -> Any:
    """The function inside a static or class method."""
    return fn.__func__ if isinstance(fn, (staticmethod, classmethod)) else fn


def _marks(value: Any) -> tuple[Handles, ...]:
    value = _plain(value)
    if isinstance(value, FunctionType):
        return getattr(value, MARK, ())
    # Asking anything else could run foreign code, or find the marks of its class.
    own = getattr(value, "__dict__", None)
    return own.get(MARK, ()) if isinstance(own, dict) else ()


def _decorated(source: object) -> dict[str, tuple[Handles, ...]]:
    """Attributes of an object whose nearest decorated definition has marks, in the order of definition."""
    layers = [getattr(source, "__dict__", {}), *(vars(cls) for cls in type(source).__mro__ if cls is not object)]
    found: dict[str, tuple[Handles, ...]] = {}
    for layer in layers:
        for attribute, value in layer.items():
            marks = _marks(value)
            if marks:
                found.setdefault(attribute, marks)
    return found


class Decorated(NamedTuple):
    """Decorated methods of an object. Names of handlers are without the prefix."""

    functions: dict[str, Any]
    """By the name of the handler."""
    origins: dict[str, str]
    """Name of the handler to that of the method."""
    attributes: list[str]
    """Every decorated method, also those that are not bound."""
    problems: list[str]


def decorated_handlers(source: object, index: Mapping[str, int], prefix: str, lenient: bool) -> Decorated:
    """What the decorators of an object's methods mean for a machine with some states."""
    found = Decorated({}, {}, [], [])
    functions, origins, attributes, problems = found
    for attribute, marks in _decorated(source).items():
        attributes.append(attribute)
        fn = getattr(source, attribute, None)
        if not callable(fn):
            # Overridden by None: a subclass does without this handler.
            continue
        for handles in marks:
            name = handles.name(prefix)
            missing = [state for state in handles.states if prefix + state not in index]
            if prefix and (not handles.states or (missing and all(state in index for state in handles.states))):
                # Handlers that fit without the prefix belong to other uses of the same class.
                continue
            if missing:
                problems += [] if lenient else [_missing(attribute, handles, prefix, missing, index)]
            elif len(handler_meanings(name, index)) > 1:
                others = _others(name, handles, index)
                problems.append(f"{handles} of {attribute} is ambiguous: {name} also is {others}")
            elif name.removeprefix(prefix) in origins:
                other = origins[name.removeprefix(prefix)]
                problems.append(f"{attribute} and {other} both handle {name}; bind them separately, or call one")
            else:
                functions[name.removeprefix(prefix)] = fn
                origins[name.removeprefix(prefix)] = attribute
    return found


def _missing(attribute: str, handles: Handles, prefix: str, missing: list[str], index: Mapping[str, int]) -> str:
    near = [hit for state in missing for hit in get_close_matches(prefix + state, index, 1)]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"missing states: {', '.join(prefix + state for state in missing)} from {handles} of {attribute}{hint}"


def _others(name: str, handles: Handles, index: Mapping[str, int]) -> str:
    """The other readings of a handler's name."""
    names = list(index)
    readings: list[str] = []
    for kind, source, target in handler_meanings(name, index):
        states = (names[source],) if kind in SUFFIXES else (names[source], names[target])
        suffix = kind if kind in SUFFIXES else ""
        if (states, suffix) != (handles.states, handles.suffix):
            readings.append(" and ".join(states) + (f" with {suffix}" if suffix else ""))
    return " or ".join(readings)
