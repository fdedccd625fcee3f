"""Schemas written as classes, so that editors and type checkers know the states' names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from am_core.errors import SchemaError
from am_core.schemas.groups import Group, GroupTable, checked_groups, groups_in
from am_core.schemas.names import EXCEPTION, S
from am_core.schemas.schema import RELATIONS, Schema, State


class StateName(str):
    """The name of a state, with its definition."""

    __slots__ = ("_definition",)
    # Type checkers take an attribute of type State for the state's name, so this one says less.
    _definition: Any

    @property
    def state(self) -> State:
        """The definition."""
        definition: State = self._definition
        return definition

    def extend(self, overlay: State | None = None, **fields: Any) -> State:
        """The state's definition with relations added, for overriding it in a subclass."""
        return self.state.extend(overlay, **fields)


class States:
    """Base of typed states: every attribute that is a :class:`~am_core.schemas.schema.State` becomes its own name.

    Subclasses have the states of their bases first, then their own in the order of definition. Every attribute that is
    a :class:`~am_core.schemas.groups.Group` names a set of states; groups are inherited like states. Groups that are
    named like a state go into a nested class ``Groups``, as lists of names in quotes: code in a nested class does not
    see the attributes around it.
    """

    Exception = State(multi=True)
    """The state of errors, which every machine has."""
    schema: ClassVar[Schema] = Schema({EXCEPTION: State(multi=True)})
    names: ClassVar[tuple[str, ...]] = (EXCEPTION,)
    groups: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Group name to state names, those of the bases first."""
    schema_groups: ClassVar[dict[str, list[int]]] = {}
    """Indexes of the states that each class defines itself: own ones as ``self``, inherited ones by class name."""
    _own: ClassVar[tuple[str, ...]] = ()
    _class_groups: ClassVar[GroupTable] = {}
    """As ``schema_groups``, with names."""
    _group_table: ClassVar[GroupTable] = {}
    """Both kinds of groups."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, State)}
        by_object = {id(state): name for name, state in own.items()}

        def named(target: str | State) -> str:
            if not isinstance(target, State):
                return str(target)
            name = by_object.get(id(target))
            if name is None:
                raise SchemaError(f"{cls.__name__} refers to a state that is not one of its attributes: {target!r}")
            return name

        bases = [base for base in reversed(cls.__mro__[1:]) if issubclass(base, States)]
        schema: dict[str, State] = dict(States.schema)
        for base in bases:
            schema.update({name: base.schema[name] for name in base._own})
        for name, written in own.items():
            rels = {rel: getattr(written, rel) for rel in RELATIONS}
            schema[name] = written.replace(**{r: t if t is None else tuple(map(named, t)) for r, t in rels.items()})
            _name(cls, name, schema[name])
        cls._own = tuple(own)
        cls.schema = Schema(schema)
        cls.names = tuple(schema)
        groups: dict[str, tuple[str, ...]] = {}
        for base in bases:
            groups.update(base.groups)
        groups.update(_own_groups(cls, named))
        cls.groups = checked_groups(groups, cls.names)
        cls.schema = Schema(schema, cls.groups)
        position = {name: i for i, name in enumerate(cls.names)}
        cls.schema_groups = {"self": [position[name] for name in own]}
        for base in reversed(bases):
            if base._own:
                cls.schema_groups[base.__name__] = [position[name] for name in base._own]
        cls._class_groups = {name: tuple(cls.names[i] for i in ids) for name, ids in cls.schema_groups.items()}
        cls._group_table = {**cls.groups, **{n: m for n, m in cls._class_groups.items() if n not in cls.groups}}


def _name(cls: type[States], name: str, definition: State) -> None:
    label = StateName(name)
    label._definition = definition
    setattr(cls, name, label)


_name(States, EXCEPTION, States.schema[EXCEPTION])


def _own_groups(cls: type[States], named: Callable[[str | State], str]) -> GroupTable:
    """The groups that a class defines itself; those among its attributes become lists of names."""
    groups: GroupTable = {}
    for name, group in tuple(vars(cls).items()):
        if isinstance(group, Group):
            if name in cls.names:
                raise SchemaError(f"{cls.__name__}.{name} is a state and a group; rename one, or use a class Groups")
            groups[name] = S(dict.fromkeys(map(named, group.members)))
            setattr(cls, name, groups[name])
    for name, members in groups_in(vars(cls).get("Groups", object)).items():
        groups[name] = tuple(map(named, members))
    return groups
