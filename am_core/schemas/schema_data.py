"""Checks of schemas that come from outside, such as from a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from am_core.errors import SchemaError
from am_core.schemas.groups import group_problems

GROUPS: Final = "$groups"
"""Key of the groups beside the states."""


def written_name(name: str) -> str:
    """A state's name as a key: one that looks like the key of the groups gets a dollar sign more."""
    return f"${name}" if _looks_like_groups(name) else name


def _read_name(key: str) -> str:
    return key[1:] if _looks_like_groups(key) else key


def _looks_like_groups(name: str) -> bool:
    return name.endswith(GROUPS) and not name.removesuffix(GROUPS).strip("$")


def checked_schema(
    data: object, fields: Iterable[str], properties: Iterable[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Every state as a dictionary, and the groups. Raises :class:`SchemaError` with all that is wrong.

    ``fields`` are the known keys of a state; those among ``properties`` hold True or False, the others lists of text.
    """
    if not isinstance(data, Mapping):
        raise SchemaError(f"{_shown(data)} was given, a mapping of names to states was expected")
    known, switches = tuple(fields), frozenset(properties)
    checked: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    for key, value in data.items():
        if key == GROUPS:
            continue
        if not isinstance(key, str):
            problems.append(f"the name {_shown(key)} is no text; put it into quotes")
            continue
        name = _read_name(key)
        if value is not None and not isinstance(value, Mapping):
            problems.append(f"state {name} is {_shown(value)}, a mapping was expected")
        else:
            checked[name] = dict(value or {})
            problems += _field_problems(name, checked[name], known, switches)
    groups = data.get(GROUPS) or {}
    problems += _group_problems(groups, checked)
    if problems:
        raise SchemaError(problems)
    return checked, dict(groups)


def _group_problems(groups: Any, known: Iterable[str]) -> Iterable[str]:
    if not isinstance(groups, Mapping):
        yield f"{GROUPS} is {_shown(groups)}, a mapping of names to lists of states was expected"
        return
    listed: dict[str, list[str]] = {}
    for name, members in groups.items():
        if not isinstance(name, str):
            yield f"the name {_shown(name)} of a group is no text; put it into quotes"
        elif not (isinstance(members, (list, tuple)) and all(isinstance(member, str) for member in members)):
            yield f"group {name} is {_shown(members)}, a list of names was expected"
        else:
            listed[name] = list(members)
    yield from group_problems(listed, known)


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
