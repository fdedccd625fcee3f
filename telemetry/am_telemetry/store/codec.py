"""Facts as column values and back: JSON for the columns named ``*_json``, and text that SQLite can always store."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from typing import Any, Final, cast

from am_telemetry.facts import Flag, Mutation, PatternFact, Relation, SchemaFact, StateFact, StepFact, StepKind

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_RELATIONS: Final = ("require", "add", "remove", "after", "tags")


def storable(text: str) -> str:
    """The text itself, or with lone surrogates spelled out, because those have no UTF-8 form."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def to_json(value: object) -> str:
    """Compact JSON whose strings are stored as :func:`storable` would have them; non-ASCII text stays readable.

    A JSON escape of a lone surrogate would not do: SQLite's JSON functions turn it into bytes that are not UTF-8.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() else _SURROGATE.sub(_spell_out, text)


def _spell_out(match: re.Match[str]) -> str:
    return f"\\\\u{ord(match[0]):04x}"


def storable_schema(schema: SchemaFact) -> SchemaFact:
    """The schema as it reads after it was stored."""
    text = json.dumps([[astuple(state) for state in schema.states], schema.groups], ensure_ascii=False)
    if not _SURROGATE.search(text):
        return schema
    return schema_from_json(schema_to_json(schema), groups_to_json(schema))


def storable_pattern(fact: PatternFact) -> PatternFact:
    """The pattern as it reads after it was stored."""
    if not any(_SURROGATE.search(text) for text in (*fact.handlers, fact.canceled_by)):
        return fact
    handlers = tuple(storable(name) for name in fact.handlers)
    return replace(fact, handlers=handlers, canceled_by=storable(fact.canceled_by))


def schema_to_json(schema: SchemaFact) -> str:
    """States as an array of objects; what is false or empty is left out."""
    rows: list[dict[str, object]] = []
    for state in schema.states:
        row: dict[str, object] = {"name": state.name}
        if state.auto:
            row["auto"] = True
        if state.multi:
            row["multi"] = True
        for key in _RELATIONS:
            names = getattr(state, key)
            if names:
                row[key] = names
        rows.append(row)
    return to_json(rows)


def groups_to_json(schema: SchemaFact) -> str:
    """Groups as an object of lists of state names."""
    return to_json({name: [schema.state_name(state) for state in members] for name, members in schema.groups})


def schema_from_json(text: str, groups: str = "{}") -> SchemaFact:
    """Inverse of :func:`schema_to_json` and :func:`groups_to_json`.

    Raises:
        ValueError, KeyError, TypeError: a text has another form.
    """
    schema = SchemaFact(
        tuple(
            StateFact(
                name=row["name"],
                auto=row.get("auto", False),
                multi=row.get("multi", False),
                **{key: tuple(row.get(key, ())) for key in _RELATIONS},
            )
            for row in json.loads(text)
        )
    )
    found = json.loads(groups)
    if not found:
        return schema
    index = schema.index
    return SchemaFact(
        schema.states, tuple((name, tuple(index[member] for member in members)) for name, members in found.items())
    )


PATTERN_COLUMNS: Final = (
    "id, schema_id, digest, mutation, accepted, auto, checked, queued, broken, canceled_by, "
    "called_json, added_json, removed_json, handlers_json, steps_json, indexes_json"
)


def pattern_values(fact: PatternFact, schema: SchemaFact) -> tuple[str | int, ...]:
    """The values of :data:`PATTERN_COLUMNS` behind ``schema_id``; the digest is the first of them."""

    def names(indexes: Iterable[int]) -> str:
        return to_json([schema.state_name(index) for index in indexes])

    indexes = to_json([fact.called, fact.added, fact.removed, fact.deltas])
    steps = to_json(
        [[s.kind, s.source, s.target, s.relation, int(s.is_final), int(s.is_self), int(s.is_enter)] for s in fact.steps]
    )
    handlers = to_json(fact.handlers)
    identity = "\n".join((fact.mutation, str(int(fact.flags)), to_json(fact.canceled_by), indexes, handlers, steps))
    return (
        hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        fact.mutation,
        int(fact.accepted),
        int(fact.auto),
        int(fact.check),
        int(fact.queued),
        int(fact.broken),
        storable(fact.canceled_by),
        names(fact.called),
        names(fact.added),
        names(fact.removed),
        handlers,
        steps,
        indexes,
    )


def pattern_from_row(row: Sequence[Any]) -> PatternFact:
    """The fact in a row of :data:`PATTERN_COLUMNS`.

    Raises:
        ValueError, TypeError: the row has another form.
    """
    flags = Flag(0)
    for value, flag in zip(row[4:9], (Flag.ACCEPTED, Flag.AUTO, Flag.CHECK, Flag.QUEUED, Flag.BROKEN), strict=True):
        if value:
            flags |= flag
    called, added, removed, deltas = json.loads(row[15])
    return PatternFact(
        mutation=cast(Mutation, row[3]),
        called=tuple(called),
        flags=flags,
        deltas=tuple((state, ticks) for state, ticks in deltas),
        added=tuple(added),
        removed=tuple(removed),
        steps=tuple(
            StepFact(
                cast(StepKind, kind), source, target, cast(Relation, relation), bool(final), bool(is_self), bool(enter)
            )
            for kind, source, target, relation, final, is_self, enter in json.loads(row[14])
        ),
        handlers=tuple(json.loads(row[13])),
        canceled_by=row[9],
    )


def is_error(fact: PatternFact, schema: SchemaFact) -> bool:
    """Whether an error state became active, or was entered again."""
    if not fact.deltas:
        return False
    errors = schema.error_states
    return any(state in errors and state not in fact.removed for state, _ in fact.deltas)


def clock_from_json(text: str) -> tuple[int, ...]:
    """Ticks by state index."""
    return tuple(json.loads(text))


def arguments_from_json(text: str) -> dict[str, object]:
    """An arguments object; text that is no JSON object is handed out under an empty name rather than lost."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # the latter for brackets nested by the thousand
        return {"": text}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {"": cast(object, value)}
