"""Questions about schemas, states, ticks and transitions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from am_core.errors import SchemaError, UnknownStateError
from am_core.machine import Machine
from am_core.resolution.transition import Transition
from am_core.schemas.names import SUFFIXES
from am_core.schemas.schema import FIELDS, PROPERTIES, RELATIONS, Schema, State
from am_core.schemas.typed import States

RawSchema = Mapping[str, State | Mapping[str, Any] | None] | type[States]
"""A schema in any of its forms: a mapping, or a class of typed states."""


# States and indexes


def states_to_indexes(names: Iterable[str], states: Iterable[str]) -> list[int]:
    """Positions of states in a list of all names, -1 for unknown ones."""
    index = {name: i for i, name in enumerate(names)}
    return [index.get(state, -1) for state in states]


def indexes_to_states(names: Iterable[str], indexes: Iterable[int]) -> list[str]:
    """Names at some positions of a list of all names; ``unknownN`` for positions outside of it."""
    known = tuple(names)
    return [known[i] if 0 <= i < len(known) else f"unknown{i}" for i in indexes]


def is_multi(source: Machine | RawSchema, state: str) -> bool:
    """Whether a state is a multi state. Raises :class:`UnknownStateError`."""
    schema = source.schema() if isinstance(source, Machine) else _schema_of(source)
    if state not in schema:
        raise UnknownStateError([state], schema, source.id if isinstance(source, Machine) else "the schema")
    return schema[state].multi


def activations(tick: int) -> int:
    """How often a state with this tick has been activated. A multi state counts each of its instances."""
    return (tick + 1) // 2


def count_relations(state: State) -> int:
    """How many states a definition names, over all its relations."""
    return sum(len(getattr(state, relation) or ()) for relation in RELATIONS)


def tag_value(tags: Iterable[str] | None, key: str, default: str = "") -> str:
    """What follows ``key:`` in the first tag that begins with it."""
    start = f"{key}:"
    return next((tag.removeprefix(start) for tag in tags or () if tag.startswith(start)), default)


def tag_value_int(tags: Iterable[str] | None, key: str, default: int = 0) -> int:
    """What follows ``key:``, as a whole number. Raises ValueError when it is none."""
    text = tag_value(tags, key, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"tag {key}:{text} does not hold a whole number") from None


def handler_to_state(handler: str) -> str:
    """``Ready`` for ``ReadyEnter``, ``ReadyExit``, ``ReadyState`` and ``ReadyEnd``; other names are left as they are.

    For names with two states, and for exact answers about a machine's states, see
    :func:`am_core.schemas.names.is_handler`.
    """
    for suffix in SUFFIXES:
        if handler.endswith(suffix) and handler != suffix:
            return handler.removesuffix(suffix)
    return handler


class TransitionStates(NamedTuple):
    """What a transition did to states."""

    added: list[str]
    """Activated, or called again while active in the case of multi states; in index order."""
    removed: list[str]
    """Deactivated; in index order."""
    touched: list[str]
    """Mentioned by a recorded step, in order of appearance; empty unless steps were recorded."""


def get_transition_states(tx: Transition) -> TransitionStates:
    """What a transition did to states."""
    added, removed = tx.diff()
    return TransitionStates(added, removed, tx.touched())


# Schemas


def schema_hash(schema: RawSchema) -> str:
    """Six hex digits that depend on the definitions, but not on the order of states, relations and tags (MD5; no
    security). No relation and an empty one count as the same."""
    plain = {
        str(name): {
            field: getattr(state, field) if field in PROPERTIES else sorted(map(str, getattr(state, field) or ()))
            for field in FIELDS
        }
        for name, state in _schema_of(schema).items()
    }
    text = json.dumps(plain, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:6]


def implements(have: Iterable[str], need: Iterable[str]) -> bool:
    """Whether a list of states has all the needed ones."""
    return set(need) <= set(have)


def schema_implements(have: RawSchema, need: RawSchema) -> bool:
    """Whether a schema can stand in for another one; see :func:`schema_gaps`."""
    return not schema_gaps(have, need)


def schema_gaps(have: RawSchema, need: RawSchema) -> list[str]:
    """What keeps a schema from standing in for another one; empty when nothing does.

    It has to have all states of the other one, with at least their properties, relations and tags.
    """
    ours, theirs = _schema_of(have), _schema_of(need)
    gaps: list[str] = []
    for name, needed in theirs.items():
        state = ours.get(name)
        if state is None:
            near = get_close_matches(name, list(ours), 1)
            gaps.append(f"state {name} is missing" + (f"; there is {near[0]}" if near else ""))
            continue
        gaps += [f"state {name} is not {p}" for p in PROPERTIES if getattr(needed, p) and not getattr(state, p)]
        for field in (*RELATIONS, "tags"):
            known = set(getattr(state, field) or ())
            gaps += [f"{field} of state {name} lacks {n}" for n in getattr(needed, field) or () if n not in known]
    return gaps


def copy_schema(source: RawSchema, target: Machine, states: Iterable[str]) -> None:
    """Add states of a schema to those of a machine, or replace the machine's definitions of them.

    New states get the last places. Raises :class:`SchemaError`, with nothing changed, when the schema has no such
    state, when a relation names a state that the machine would not have, and during a transition.
    """
    schema = _schema_of(source)
    names = list(dict.fromkeys(states))
    problems = []
    for name in names:
        if name not in schema:
            near = get_close_matches(name, list(schema), 1)
            problems.append(f"the source has no state {name}" + (f"; did you mean {near[0]}?" if near else ""))
    if problems:
        raise SchemaError(problems)
    if names:
        merged = target.schema().merge({name: schema[name] for name in names})
        order = dict.fromkeys([*target.states, *names])
        target.set_schema(merged, order, allow_same_len=True)


def _schema_of(source: RawSchema) -> Schema:
    return source.schema if isinstance(source, type) else Schema(source)
