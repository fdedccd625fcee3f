"""Named sets of states. They mean nothing to the engine; people and their tools use them to talk about states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from am_core.errors import SchemaError
from am_core.schemas.names import S

if TYPE_CHECKING:
    from am_core.schemas.schema import State

GroupTable = dict[str, tuple[str, ...]]
"""Group name to state names. Shared between machines, so it is replaced and never changed."""


class Group:
    """A named set of states in a class of typed states: ``Download = Group(Downloading, Downloaded)``.

    Members are states of the class, or names. Once the class is complete the attribute is a list of names
    (:class:`~am_core.schemas.names.S`), to be used wherever several states may be named. Other groups are included by
    unpacking them: ``Transfer = Group(*Download, Uploading)``.
    """

    __slots__ = ("members",)

    def __init__(self, *members: str | State) -> None:
        self.members = members

    def __iter__(self) -> Iterator[str | State]:
        return iter(self.members)

    if TYPE_CHECKING:
        # A class of typed states replaces its groups by lists of names; see am_core.schemas.typed.
        def __get__(self, instance: object, owner: type) -> S: ...


def group_problems(groups: Mapping[str, Iterable[str]], known: Iterable[str]) -> list[str]:
    """What is wrong with groups of some known states; empty when nothing is."""
    names = list(known)
    known_names = set(names)
    problems: list[str] = []
    for group, members in groups.items():
        for name in members:
            if name not in known_names:
                near = get_close_matches(name, names, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                problems.append(f"group {group} names {name}, which is not a state{hint}")
    return problems


def checked_groups(groups: Mapping[str, Iterable[str]], known: Iterable[str]) -> GroupTable:
    """The groups with each member once. Raises :class:`SchemaError` listing unknown states with the nearest names."""
    table: GroupTable = {}
    for group, members in groups.items():
        if isinstance(members, str):
            raise SchemaError(f"group {group} is the text {members!r}, a list of names was expected")
        table[str(group)] = tuple(dict.fromkeys(str(name) for name in members))
    problems = group_problems(table, known)
    if problems:
        raise SchemaError(problems)
    return table


def groups_in(container: type) -> dict[str, list[str | State]]:
    """The groups that a class lists as its attributes, those of its bases first."""
    groups: dict[str, list[str | State]] = {}
    for base in reversed(container.__mro__):
        for name, members in vars(base).items():
            if not name.startswith("_") and isinstance(members, (list, tuple, Group)):
                groups[name] = list(members)
    return groups
