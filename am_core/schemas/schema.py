"""Definitions of states and the rules a schema has to follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast, overload

from am_core.errors import SchemaError
from am_core.misuse import nearest
from am_core.schemas.groups import GroupTable, checked_groups
from am_core.schemas.names import EXCEPTION, RESERVED, S
from am_core.schemas.schema_data import GROUPS, checked_schema, written_name

if TYPE_CHECKING:
    from am_core.schemas.typed import StateName

Names = tuple[str, ...] | None
RELATIONS: Final = ("add", "require", "remove", "after")


@dataclass(frozen=True, slots=True, init=False)
class State:
    """One state: two properties and four relations to other states. Immutable.

    ``None`` and an empty relation mean the same to the engine; :meth:`set` and ``Machine.inspect`` tell them apart.
    """

    auto: bool
    """Added by the engine whenever its relations allow it."""
    multi: bool
    """Adding it while active is a new instance: handlers run again, the tick grows by two."""
    require: Names
    """All of these must be active, or this state cannot be."""
    add: Names
    """Activated together with this state where possible."""
    remove: Names
    """Kept inactive while this state is active."""
    after: Names
    """Handlers of this state run after those of the listed ones."""
    tags: Names
    """Free text, ``key`` or ``key:value``."""

    def __init__(
        self,
        *,
        auto: bool = False,
        multi: bool = False,
        require: Iterable[str | State] | None = None,
        add: Iterable[str | State] | None = None,
        remove: Iterable[str | State] | None = None,
        after: Iterable[str | State] | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "auto", _switch("auto", auto))
        put(self, "multi", _switch("multi", multi))
        put(self, "require", _listed("require", require))
        put(self, "add", _listed("add", add))
        put(self, "remove", _listed("remove", remove))
        put(self, "after", _listed("after", after))
        put(self, "tags", _listed("tags", tags))

    if TYPE_CHECKING:
        # A class of typed states replaces its definitions by names, which still have them; see am_core.schemas.typed.
        @overload
        def __get__(self, instance: StateName, owner: type) -> State: ...
        @overload
        def __get__(self, instance: object, owner: type) -> StateName: ...
        def __get__(self, instance: object, owner: type) -> State | StateName: ...

    def replace(self, **fields: Any) -> State:
        """A copy with some fields changed."""
        values = {name: getattr(self, name) for name in FIELDS}
        return State(**{**values, **fields})

    def extend(self, overlay: State | None = None, **fields: Any) -> State:
        """A copy with the overlay's relations appended; properties are only ever switched on."""
        overlay = overlay or State(**fields)
        merged: dict[str, Any] = {"auto": self.auto or overlay.auto, "multi": self.multi or overlay.multi}
        for name in (*RELATIONS, "tags"):
            ours, theirs = getattr(self, name), getattr(overlay, name)
            merged[name] = ours if theirs is None else tuple(dict.fromkeys((ours or ()) + theirs))
        return State(**merged)

    def set(self, auto: bool, multi: bool, overlay: State) -> State:
        """A copy with both properties replaced, and each relation that the overlay has."""
        return self.set_rels(overlay).replace(auto=auto, multi=multi)

    def set_rels(self, overlay: State) -> State:
        """A copy with each relation replaced that the overlay has."""
        theirs = {name: getattr(overlay, name) for name in (*RELATIONS, "tags")}
        return self.replace(**{name: value for name, value in theirs.items() if value is not None})

    def relations(self) -> list[str]:
        """Names of the relations this state declares, in the order add, require, remove, after."""
        return [name for name in RELATIONS if getattr(self, name)]

    def related(self) -> S:
        """Every state named by a relation: add, after, require, remove."""
        return S(dict.fromkeys(n for rel in ("add", "after", "require", "remove") for n in getattr(self, rel) or ()))


PROPERTIES: Final = ("auto", "multi")
FIELDS: Final = ("auto", "multi", "require", "add", "remove", "after", "tags")


def _switch(field: str, on: object) -> bool:
    if isinstance(on, str):
        raise SchemaError(f"{field} is the text {on!r}, True or False was expected")
    return bool(on)


def _listed(field: str, names: Iterable[str | State] | None) -> Names:
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise SchemaError(f"{field} is {names!r}, a list of names was expected")
    listed = tuple(names)
    for name in listed:
        if not isinstance(name, (str, State)):
            raise SchemaError(f"{field} holds {name!r}, which is not a name")
    return cast("Names", listed)


def _plain(state: State) -> dict[str, bool | list[str]]:
    plain: dict[str, bool | list[str]] = {name: True for name in PROPERTIES if getattr(state, name)}
    for name in (*RELATIONS, "tags"):
        names = getattr(state, name)
        if names is not None:
            plain[name] = [str(target) for target in names]
    return plain


def to_state(name: str, value: State | Mapping[str, Any] | None) -> State:
    """A definition from what a raw schema may hold: a state, a mapping with lower-case keys, or None."""
    if isinstance(value, State):
        return value
    if value is None:
        return State()
    if not isinstance(value, Mapping):
        raise SchemaError(f"state {name} is {value!r}, a State or a mapping such as {{'auto': True}} was expected")
    unknown = [key for key in value if key not in FIELDS]
    if unknown:
        near = [hit for key in unknown for hit in get_close_matches(str(key).lower(), FIELDS, 1)]
        hint = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(FIELDS)}"
        raise SchemaError(f"state {name} has unknown keys {', '.join(map(str, unknown))}; {hint}")
    try:
        return State(**value)
    except SchemaError as error:
        raise SchemaError(f"state {name}: {problem}" for problem in error.problems) from None


class Schema(dict[str, State]):
    """State name to definition. A plain dictionary with some algebra; every method returns a new schema.

    A schema may name groups of its states. They are no part of the dictionary and do not count when schemas are
    compared.
    """

    _groups: GroupTable

    def __init__(
        self,
        states: Mapping[str, State | Mapping[str, Any] | None] | None = None,
        groups: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        super().__init__({name: to_state(name, value) for name, value in (states or {}).items()})
        if groups is None:
            self._groups = states._groups if isinstance(states, Schema) else {}
        else:
            self._groups = checked_groups(groups, self)

    @classmethod
    def from_dict(cls, data: object) -> Schema:
        """A schema from what a JSON or YAML file holds: names to mappings with the fields of :class:`State`.

        A state without fields may be an empty mapping or None. The key ``$groups`` maps names of groups to lists of
        states. Unlike the constructor this takes nothing for granted: raises :class:`SchemaError` listing every value
        that is not of its type.
        """
        states, groups = checked_schema(data, FIELDS, PROPERTIES)
        return cls(states, groups)

    def to_dict(self) -> dict[str, dict[str, bool | list[str]]]:
        """Dictionaries and lists, ready for JSON and YAML, in the schema's order; for :meth:`from_dict`.

        Properties are written when they are on, relations and tags when they are not None, groups when there are any.
        """
        data = {written_name(str(name)): _plain(state) for name, state in self.items()}
        if self._groups:
            data[GROUPS] = {group: [str(name) for name in names] for group, names in self._groups.items()}
        return data

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Group name to state names; a copy."""
        return dict(self._groups)

    def with_groups(self, groups: Mapping[str, Iterable[str]]) -> Schema:
        """The same states with other groups. Raises :class:`SchemaError` when they name unknown states."""
        return Schema(self, groups)

    def names(self) -> S:
        """Names of the states, in the schema's order."""
        return S(self)

    def merge(self, *others: Mapping[str, State | Mapping[str, Any] | None]) -> Schema:
        """All states and groups; of two definitions of one state or group the later one counts as a whole."""
        merged, groups = Schema(self), self.groups
        for other in others:
            merged.update(Schema(other))
            groups.update(other.groups if isinstance(other, Schema) else {})
        return Schema(merged, groups)

    def prefix(
        self, prefix: str, remove_dups: bool = False, allow: Iterable[str] = (), skip: Iterable[str] = ()
    ) -> Schema:
        """Rename every state and every relation target to ``prefix + name``.

        ``allow`` chooses states by their old names; without it ``skip`` leaves some out. With ``remove_dups`` names
        that already begin with the prefix are kept. Groups are renamed in the same way, and lose the states that were
        left out.
        """
        allowed, skipped = set(allow), set(skip)

        def rename(name: str) -> str:
            return name if remove_dups and name.startswith(prefix) else prefix + name

        def renamed(state: State) -> State:
            rels = {rel: getattr(state, rel) for rel in RELATIONS}
            return state.replace(**{r: names and tuple(map(rename, names)) for r, names in rels.items()})

        keep = [name for name in self if (name in allowed if allowed else name not in skipped)]
        kept = frozenset(keep)
        groups = {rename(g): [rename(n) for n in names if n in kept] for g, names in self._groups.items()}
        return Schema({rename(name): renamed(self[name]) for name in keep}, groups)

    def filter_by_tag(self, tag: str) -> S:
        """States that have exactly this tag."""
        return S(name for name, state in self.items() if tag in (state.tags or ()))

    def states_by_tag(self, tag: str) -> S:
        """States that have this tag, or a tag ``tag:value``."""
        return S(
            name for name, state in self.items() if any(t == tag or t.startswith(tag + ":") for t in state.tags or ())
        )

    def adjacent_states(self, name: str) -> S:
        """States related to one, from its own definition."""
        return self[name].related()


@dataclass(frozen=True, slots=True)
class ParsedSchema:
    """A cleaned schema and what was wrong with the original."""

    schema: Schema
    conflicts: tuple[str, ...]
    """A state that both requires and removes another one."""
    unknown: tuple[str, ...]
    """Relations to states that do not exist."""


def parse_schema(raw: Mapping[str, State | Mapping[str, Any] | None]) -> ParsedSchema:
    """Clean a schema; the input is not changed.

    A state never removes or follows itself, and what it adds it does not remove. Unknown names are dropped, except from
    ``require``, where they make the state impossible. ``Exception`` is added where it is missing.
    """
    if not isinstance(raw, Mapping):
        raise SchemaError(f"a schema maps names to states, as {{'Ready': {{}}, 'Start': {{}}}}, but {raw!r} was given")
    schema = Schema(raw)
    bad = [name for name in schema if not isinstance(name, str) or not name or name in RESERVED]
    if bad:
        raise SchemaError(
            f"{name!r} cannot be a state's name, choose another (reserved are {', '.join(sorted(RESERVED))})"
            for name in bad
        )
    schema.setdefault(EXCEPTION, State(multi=True))
    conflicts: list[str] = []
    unknown: list[str] = []
    for name, state in schema.items():
        for relation in RELATIONS:
            unknown += [
                f"{name} has unknown {other} in {relation}{nearest(str(other), schema)}"
                for other in getattr(state, relation) or ()
                if other not in schema
            ]
        adds = set(state.add or ())
        cleaned = state.replace(
            add=_keep(state.add, lambda n: n in schema),
            remove=_keep(state.remove, lambda n, own=name, adds=adds: n != own and n not in adds and n in schema),
            after=_keep(state.after, lambda n, own=name: n != own and n in schema),
        )
        removed = cleaned.remove or ()
        conflicts += [
            f"require-remove conflict for {name} to {other}" for other in state.require or () if other in removed
        ]
        schema[name] = cleaned
    return ParsedSchema(schema, tuple(conflicts), tuple(unknown))


def _keep(names: Names, wanted: Any) -> Names:
    return None if names is None else tuple(name for name in names if wanted(name))
