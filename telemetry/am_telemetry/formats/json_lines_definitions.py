"""Definitions in JSON lines: programs, schemas, machines, patterns. All functions raise ``WrongFieldError``."""

from __future__ import annotations

from typing import Any, Final, cast, get_args

from am_telemetry.facts import (
    Flag,
    MachineFact,
    Mutation,
    PatternFact,
    ProcessFact,
    Relation,
    SchemaFact,
    StateFact,
    StepFact,
    StepKind,
)
from am_telemetry.formats.json_fields import Fields, WrongFieldError
from am_telemetry.formats.json_lines import FORMAT, VERSION
from am_telemetry.recorded import ProcessPast

_FLAGS: Final = (
    ("accepted", Flag.ACCEPTED),
    ("auto", Flag.AUTO),
    ("check", Flag.CHECK),
    ("queued", Flag.QUEUED),
    ("broken", Flag.BROKEN),
)


def check_header(fields: Fields) -> None:
    """The first line: whether this is the format, in a version that can be read."""
    if fields.values.get("record") != "header" or fields.values.get("format") != FORMAT:
        raise WrongFieldError("it does not say that these are JSON lines of am-dbg")
    version = fields.number("version")
    if version > VERSION:
        raise WrongFieldError(f"it was written by a later am-dbg (version {version}, this one knows {VERSION})")


def read_process(fields: Fields) -> ProcessPast:
    """A program."""
    fact = ProcessFact(
        session=fields.text("session"),
        name=fields.text("name"),
        host=fields.text("host"),
        pid=fields.number("pid"),
        language=fields.text("language"),
        library=fields.text("library"),
        resource={key: str(value) for key, value in fields.mapping("resource").items()},
    )
    skew = fields.optional("skew_ns", fields.signed)
    return ProcessPast(fact, fields.number("first_seen_ns"), fields.number("last_seen_ns"), skew)


def read_schema(fields: Fields) -> SchemaFact:
    """The states of machines."""
    states = tuple(_state(state) for state in fields.objects("states"))
    groups: list[tuple[str, tuple[int, ...]]] = []
    for name, members in fields.pairs("groups"):
        if not isinstance(name, str):
            raise WrongFieldError("groups holds something else than pairs of a name and indexes")
        groups.append((name, _states(members, len(states), lowest=0)))
    return SchemaFact(states, tuple(groups))


def read_machine(fields: Fields, schema: SchemaFact) -> MachineFact:
    """A machine as it is announced."""
    fact = MachineFact(
        id=fields.text("name"),
        schema=schema,
        parent=fields.text("parent"),
        tags=fields.texts("tags"),
        clock=fields.ticks("clock"),
        sequence=fields.number("sequence"),
        id_prefix=fields.text("id_prefix"),
    )
    if len(fact.clock) > len(schema.states):
        raise WrongFieldError("clock has more ticks than there are states")
    return fact


def read_pattern(fields: Fields, schema: SchemaFact) -> PatternFact:
    """What repeats of a transition."""
    size = len(schema.states)
    indexes = fields.sequence("indexes", 4)
    called, added, removed = (_states(part, size) for part in indexes[:3])
    flags = Flag(0)
    for name, flag in _FLAGS:
        if fields.boolean(name):
            flags |= flag
    return PatternFact(
        mutation=cast(Mutation, fields.choice("mutation", get_args(Mutation))),
        called=called,
        flags=flags,
        deltas=_deltas(indexes[3], size),
        added=added,
        removed=removed,
        steps=tuple(_step(step) for step in fields.list_of("steps", list)),
        handlers=fields.texts("handlers"),
        canceled_by=fields.text("canceled_by"),
    )


def _state(fields: Fields) -> StateFact:
    def names(key: str) -> tuple[str, ...]:
        return fields.texts(key) if key in fields.values else ()

    return StateFact(
        name=fields.text("name"),
        auto=fields.values.get("auto") is True,
        multi=fields.values.get("multi") is True,
        require=names("require"),
        add=names("add"),
        remove=names("remove"),
        after=names("after"),
        tags=names("tags"),
    )


def _states(value: object, size: int, lowest: int = -2) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(index) is int and lowest <= index < size for index in value):
        raise WrongFieldError("indexes refer to states that do not exist")
    return tuple(cast("list[int]", value))


def _deltas(value: object, size: int) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list):
        raise WrongFieldError("the fourth of indexes is not a list")
    deltas: list[tuple[int, int]] = []
    for pair in value:
        match pair:
            case [int(state), int(ticks)] if 0 <= state < size and abs(ticks) < 2**31:
                deltas.append((int(state), int(ticks)))
            case _:
                raise WrongFieldError("the fourth of indexes holds something else than [state, ticks]")
    return tuple(deltas)


def _step(value: list[Any]) -> StepFact:
    match value:
        case [str(kind), int(source), int(target), str(relation), bool(final), bool(is_self), bool(enter)] if (
            kind in get_args(StepKind) and relation in get_args(Relation) and max(abs(source), abs(target)) < 2**31
        ):
            return StepFact(
                cast(StepKind, kind), int(source), int(target), cast(Relation, relation), final, is_self, enter
            )
        case _:
            raise WrongFieldError("steps holds something else than [kind, from, to, relation, final, self, enter]")
