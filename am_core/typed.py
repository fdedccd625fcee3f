"""Schemas written as classes, so that editors and type checkers know the states' names."""

from __future__ import annotations

from typing import Any, ClassVar

from am_core.errors import SchemaError
from am_core.names import EXCEPTION
from am_core.schema import RELATIONS, Schema, State


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
    """Base of typed states: every attribute that is a :class:`~am_core.schema.State` becomes its own name.

    Subclasses have the states of their bases first, then their own in the order of definition. A nested class
    ``Groups`` with lists of states names sets of them.
    """

    schema: ClassVar[Schema] = Schema({EXCEPTION: State(multi=True)})
    names: ClassVar[tuple[str, ...]] = (EXCEPTION,)
    groups: ClassVar[dict[str, tuple[str, ...]]] = {}
    schema_groups: ClassVar[dict[str, list[int]]] = {}
    """Indexes of the states that each class defines itself: own ones as ``self``, inherited ones by class name."""
    _own: ClassVar[tuple[str, ...]] = ()

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
            label = StateName(name)
            label._definition = schema[name]
            setattr(cls, name, label)
        cls._own = tuple(own)
        cls.schema = Schema(schema)
        cls.names = tuple(schema)
        groups: dict[str, tuple[str, ...]] = {}
        for base in bases:
            groups.update(base.groups)
        for name, members in vars(vars(cls).get("Groups", object)).items():
            if not name.startswith("_") and isinstance(members, (list, tuple)):
                groups[name] = tuple(map(named, members))
        cls.groups = groups
        position = {name: i for i, name in enumerate(cls.names)}
        cls.schema_groups = {"self": [position[name] for name in own]}
        for base in reversed(bases):
            if base._own:
                cls.schema_groups[base.__name__] = [position[name] for name in base._own]
