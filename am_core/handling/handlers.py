"""Handlers: what they are called with, how they are bound and found."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from am_core.errors import HandlerBindError
from am_core.handling.callables import is_async, is_generator
from am_core.handling.on import decorated_handlers
from am_core.misuse import nearest, refuse_source
from am_core.resolution.automaton import Automaton
from am_core.resolution.mutation import Mutation, MutationSource
from am_core.schemas.model import Model
from am_core.schemas.names import ANY, SUFFIXES, HandlerName, handler_meanings

if TYPE_CHECKING:
    from am_core.machine import Machine
    from am_core.resolution.transition import Transition

Handler = Callable[["Event"], Any]
T = TypeVar("T")


class Event:
    """What a handler is called with. Valid while its transition runs; see :meth:`is_valid`."""

    __slots__ = ("args", "binding", "machine", "name", "transition")

    def __init__(self, name: str, transition: Transition, args: dict[str, Any]) -> None:
        self.name = name
        """Name of the handler, with every prefix."""
        self.transition = transition
        self.machine: Machine = transition.machine
        self.args = args
        self.binding = ""
        """Id of the binding whose handler is running."""

    @property
    def machine_id(self) -> str:
        """Id of the machine."""
        return self.machine.id

    @property
    def transition_id(self) -> str:
        """Id of the transition, unique among all machines."""
        return self.transition.id

    @property
    def mutation(self) -> Mutation:
        """What the transition carries out."""
        return self.transition.mutation

    @property
    def is_check(self) -> bool:
        """Whether the transition is a dry run."""
        return self.transition.mutation.is_check

    def args_as(self, type_: type[T]) -> T:
        """The arguments as an instance of a dataclass.

        Raises :class:`~am_core.InvalidArgs` listing every one that is missing or of another type.
        """
        from am_core.handling.typed_args import args_as

        return args_as(self.args, type_, f"{self.name} of {self.machine_id}")

    def is_valid(self) -> bool:
        """Whether the transition is still running and neither canceled nor out of time."""
        tx = self.transition
        return self.machine.transition is tx and tx.is_accepted and not tx.is_completed and not tx.is_timed_out

    def source(self) -> MutationSource:
        """Provenance of mutations made on behalf of this event."""
        tx = self.transition
        return MutationSource(self.machine.id, tx.id, sum(tx.time_before), tx.number)

    def swap_args(self, args: dict[str, Any]) -> Event:
        """The same event with other arguments, for calling handlers from handlers."""
        return Event(self.name, self.transition, args)

    def clone(self) -> Event:
        """The same event with arguments of its own, so that changing them concerns nobody else."""
        return Event(self.name, self.transition, dict(self.args))

    def export(self) -> dict[str, str]:
        """Name and ids, without references to the machine."""
        return {"name": self.name, "machine_id": self.machine_id, "transition_id": self.transition_id}

    def __repr__(self) -> str:
        return f"<Event {self.name} of {self.transition!r}>"


current_event: ContextVar[Event | None] = ContextVar("am_event", default=None)
"""The event whose handler is running in this context; mutations take their source from it."""


@dataclass(slots=True, eq=False)
class Bound:
    """One function bound under one name. Not changed once made."""

    number: int
    """Position of its binding."""
    binding: str
    fn: Handler


class Binding(NamedTuple):
    """A group of handlers bound together: full handler name to function."""

    id: str
    handlers: Mapping[str, Handler]


Calls = tuple[Bound, ...]


class HandlerTable:
    """Every bound function by what it is called for. Immutable; made anew when bindings or states change."""

    __slots__ = (
        "__weakref__", "any_enter", "any_state", "automaton", "bindings", "end", "enter", "exit", "pairs", "self_",
        "state",
    )  # fmt: skip

    def __init__(self, bindings: tuple[Binding, ...], model: Model) -> None:
        self.bindings = bindings
        self.automaton = Automaton(model)
        """What is known about the transitions of machines with this table."""
        self.exit: dict[int, Calls] = {}
        self.enter: dict[int, Calls] = {}
        self.self_: dict[int, Calls] = {}
        self.pairs: dict[int, dict[int, Calls]] = {}
        self.end: dict[int, Calls] = {}
        self.state: dict[int, Calls] = {}
        self.any_enter: Calls = ()
        self.any_state: Calls = ()
        tables = {"Exit": self.exit, "Enter": self.enter, "Self": self.self_, "End": self.end, "State": self.state}
        for number, binding in enumerate(bindings):
            for name, fn in binding.handlers.items():
                bound = Bound(number, binding.id, fn)
                for kind, source, target in handler_meanings(name, model.index):
                    if kind == "AnyEnter":
                        self.any_enter += (bound,)
                    elif kind == "AnyState":
                        self.any_state += (bound,)
                    else:
                        table = self.pairs.setdefault(source, {}) if kind == "Pair" else tables[kind]
                        table[target] = (*table.get(target, ()), bound)

    def __bool__(self) -> bool:
        return bool(self.bindings)

    def __del__(self) -> None:
        # Edges and configurations refer to each other; without this, handlers would live on until the garbage
        # collector comes by.
        self.automaton.drop()


def handler_table(bindings: tuple[Binding, ...], model: Model) -> HandlerTable:
    """The table of some bindings; machines of one model that have none share theirs as long as one of them lives."""
    if bindings:
        return HandlerTable(bindings, model)
    table: HandlerTable | None = None if model.bare_table is None else model.bare_table()
    if table is None:
        table = HandlerTable((), model)
        model.bare_table = weakref.ref(table)
    return table


def collect_handlers(source: object, model: Model, prefix: str = "", lenient: bool = False) -> dict[str, Handler]:
    """The handlers of an object or mapping by their full names.

    Methods of an object are considered when their name is a handler's for some state, or looks like one: capitalised
    and no class, or right but for the case of its first letter, or when a decorator of
    :data:`~am_core.handling.on.on` says so. Raises :class:`HandlerBindError` listing every one that belongs to no
    state, unless ``lenient``.
    """
    refuse_source(source)
    mapped = isinstance(source, Mapping)
    candidates: dict[str, Any] = dict(source) if isinstance(source, Mapping) else {}
    if not mapped:
        static = {name for name in dir(source) if not name.startswith("_")}
        candidates = {
            name: getattr(source, name)
            for name in sorted(static)
            if name[:1].isupper() or handler_meanings(prefix + name, model.index) or _is_lowered(prefix, name, model)
        }
    found: dict[str, Handler] = {}
    problems: list[str] = []
    if not mapped:
        functions, origins, attributes, problems = decorated_handlers(source, model.index, prefix, lenient)
        for name in attributes:
            if not handler_meanings(prefix + name, model.index):
                candidates.pop(name, None)
        for name, fn in functions.items():
            if candidates.setdefault(name, fn) != fn:
                problems.append(f"{origins[name]} and {name} both handle {prefix}{name}; decorate or name, not both")
    for own_name, candidate in candidates.items():
        name, fn = prefix + own_name, candidate
        if not callable(fn) or (not mapped and isinstance(fn, type)):
            if mapped:
                problems.append(f"handler {name} is {fn!r}, a function was expected")
            continue
        if not handler_meanings(name, model.index):
            # With a prefix, handlers that fit without it belong to other uses of the same class.
            if not lenient and not (prefix and handler_meanings(own_name, model.index)):
                problems.append(f"missing states: {_subject(name)} from handler {name}{_nearest(name, model)}")
            continue
        if is_async(fn):
            fn, problem = _as_task(fn, name, handler_meanings(name, model.index))
            if problem:
                problems.append(problem)
                continue
        elif is_generator(fn):
            problems.append(f"handler {name} is a generator, which would never run; take the yield out of it")
            continue
        found[name] = fn
    if problems:
        raise HandlerBindError(problems)
    return found


def _as_task(fn: Any, name: str, meanings: list[HandlerName]) -> tuple[Handler, str]:
    """A handler that starts a coroutine function as a task, and what is wrong with that."""
    # Programs without coroutines need none of this.
    from am_core.background.async_handlers import refusal, task_handler

    return task_handler(fn, name, meanings[0].kind), refusal(name, meanings)


def _is_lowered(prefix: str, name: str, model: Model) -> bool:
    return name.endswith(SUFFIXES) and bool(handler_meanings(prefix + name[0].upper() + name[1:], model.index))


def _nearest(name: str, model: Model) -> str:
    known = [state + suffix for state in model.names for suffix in SUFFIXES]
    return nearest(name, [*known, "AnyEnter", "AnyState"])


def _subject(name: str) -> str:
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name.removeprefix(ANY) or name


class ExceptionHandler:
    """Base for handler classes: logs errors that reach the machine. Override ``ExceptionState`` and call it first."""

    def ExceptionState(self, e: Event) -> None:
        """Log the error of the mutation; needs no particular arguments."""
        e.machine.log_error(e)


class _Unset:
    """Reads well in signatures."""

    def __repr__(self) -> str:
        return "<that of the running handler>"


UNSET: Final[Any] = _Unset()
"""Default of ``event`` parameters: take the event of the running handler."""
