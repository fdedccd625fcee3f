"""Arguments of mutations as dataclasses.

::

    @dataclass
    class Download:
        url: str = field(metadata={"log": True})
        retries: int = 3

    machine.add("Downloading", Download("https://example.org"))

    def DownloadingState(self, e):
        args = e.args_as(Download)

The fields become arguments by their names, so other handlers, filters and logs see them like any others.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from am_core.errors import InvalidArgs
from am_core.logs import LOGGED_ARGS, ArgsMapper, shorten

T = TypeVar("T")
LOG: Final = "log"
"""Key of a field's metadata: True logs the argument under its name, a text under that."""


def pass_args(*values: object, **kwargs: Any) -> dict[str, Any]:
    """Arguments from dataclass instances and mappings, of which later ones win, and keywords. Nothing is copied deeply.

    Raises :class:`TypeError` for anything else.
    """
    args: dict[str, Any] = {}
    for value in values:
        if isinstance(value, Mapping):
            args.update(value)
        elif is_dataclass(value) and not isinstance(value, type):
            args.update({f.name: getattr(value, f.name) for f in fields(value)})
        elif value is not None:
            hint = "; a list names several states, as in add(['Ready', 'Start'])" if isinstance(value, str) else ""
            raise TypeError(f"arguments are a mapping or a dataclass instance, got {value!r}{hint}")
    return {**args, **kwargs}


def args_as(args: Mapping[str, Any], type_: type[T], where: str = "") -> T:
    """A dataclass instance from arguments. Arguments it has no field for are left out.

    The values' types are compared with the annotations as far as these are classes, unions, literals or containers,
    whose items are not looked at. ``where`` says in the error what the arguments are of.

    Raises:
        InvalidArgs: listing every argument that is missing or of another type, or with what the class refused.
        TypeError: ``type_`` is not a dataclass.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    by_name: Mapping[str, tuple[bool, Any]] = _fields(type_)  # type: ignore[arg-type]  # all classes are hashable
    for name, (required, hint) in by_name.items():
        if name not in args:
            if required:
                problems.append(f"{name} is missing")
        elif not _fits(args[name], hint):
            problems.append(f"{name} is {shorten(repr(args[name]), 40)}, {_name(hint)} was expected")
        else:
            values[name] = args[name]
    of = f" of {where}" if where else ""
    if problems:
        raise InvalidArgs(f"invalid arguments: no {type_.__name__} in those{of}: {'; '.join(problems)}")
    try:
        return type_(**values)
    except (TypeError, ValueError) as error:
        raise InvalidArgs(f"invalid arguments: no {type_.__name__} in those{of}: {error}") from error


def args_names(type_: type) -> tuple[str, ...]:
    """The names of all arguments of a dataclass."""
    return tuple(f.name for f in _dataclass_fields(type_))


def args_to_args(source: object, type_: type[T]) -> T:
    """Another dataclass from the fields that it shares with an instance; see :func:`args_as`."""
    return args_as(pass_args(source), type_, type(source).__name__)


def args_to_log_map(value: object, max_len: int = 20) -> dict[str, str]:
    """The text of those fields of a dataclass instance whose metadata has :data:`LOG`, shortened. None is left out."""
    return _log_map(pass_args(value), _dataclass_fields(type(value)), max_len)


def typed_log_args(*types: type, max_len: int = 20, names: Iterable[str] = LOGGED_ARGS) -> ArgsMapper:
    """A mapper for ``machine.log_args`` that logs some arguments by name, and the marked fields of dataclasses."""
    plain = tuple(names)
    marked = [f for type_ in types for f in _dataclass_fields(type_)]

    def mapper(args: Mapping[str, Any]) -> dict[str, str]:
        shown = {name: shorten(str(args[name]), max_len) for name in plain if name in args}
        return {**shown, **_log_map(args, marked, max_len)}

    return mapper


def _log_map(args: Mapping[str, Any], marked: Iterable[Field[Any]], max_len: int) -> dict[str, str]:
    shown: dict[str, str] = {}
    for f in marked:
        label = f.metadata.get(LOG)
        if label and args.get(f.name) is not None:
            shown[f.name if label is True else str(label)] = shorten(str(args[f.name]), max_len)
    return shown


def _dataclass_fields(type_: type) -> tuple[Field[Any], ...]:
    if not (isinstance(type_, type) and is_dataclass(type_)):
        raise TypeError(f"{type_!r} is not a dataclass; decorate it with @dataclass")
    return fields(type_)


@lru_cache(maxsize=512)
def _fields(type_: Any) -> dict[str, tuple[bool, Any]]:
    """Per field that the constructor takes, whether it has to be given, and the annotation."""
    try:
        hints = get_type_hints(type_, include_extras=True)
    except NameError:
        # Annotations of names that only exist for type checkers cannot be compared with anything.
        hints = {}
    return {
        f.name: (f.default is MISSING and f.default_factory is MISSING, hints.get(f.name, Any))
        for f in _dataclass_fields(type_)
        if f.init
    }


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, type) and get_origin(hint) is None:
        # A whole number is as good as any.
        return _is_instance(value, (int, float) if hint is float else hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(hint))
    if origin is Annotated:
        return _fits(value, get_args(hint)[0])
    if hint is Callable or origin is Callable:
        return callable(value)
    supertype = getattr(hint, "__supertype__", None)
    if supertype is not None:
        return _fits(value, supertype)
    return _is_instance(value, origin) if isinstance(origin, type) else True


def _is_instance(value: object, kind: Any) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:
        # A protocol that cannot be compared at run time.
        return True


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and get_origin(hint) is None else str(hint).replace("typing.", "")
