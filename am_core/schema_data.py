"""Checks of schemas that come from outside, such as from a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from am_core.errors import SchemaError


def checked_schema(data: object, fields: Iterable[str], properties: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The data with every state as a dictionary. Raises :class:`SchemaError` with all that is wrong.

    ``fields`` are the known keys of a state; those among ``properties`` hold True or False, the others lists of text.
    """
    if not isinstance(data, Mapping):
        raise SchemaError(f"{_shown(data)} was given, a mapping of names to states was expected")
    known, switches = tuple(fields), frozenset(properties)
    checked: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    for name, value in data.items():
        if not isinstance(name, str):
            problems.append(f"the name {_shown(name)} is no text; put it into quotes")
        elif value is not None and not isinstance(value, Mapping):
            problems.append(f"state {name} is {_shown(value)}, a mapping was expected")
        else:
            checked[name] = dict(value or {})
            problems += _field_problems(name, checked[name], known, switches)
    if problems:
        raise SchemaError(problems)
    return checked


def _field_problems(
    name: str, state: Mapping[Any, Any], known: tuple[str, ...], switches: frozenset[str]
) -> Iterable[str]:
    for key, value in state.items():
        if key not in known:
            near = get_close_matches(str(key).lower(), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            yield f"state {name} has an unknown key {_shown(key)}; {hint}"
        elif key in switches:
            if not isinstance(value, bool):
                yield f"{key} of state {name} is {_shown(value)}, true or false was expected"
        elif value is not None and not (isinstance(value, (list, tuple)) and all(isinstance(n, str) for n in value)):
            yield f"{key} of state {name} is {_shown(value)}, a list of names was expected"


def _shown(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
