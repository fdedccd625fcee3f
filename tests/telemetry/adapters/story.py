"""What a program of another engine tells, collected without thread and network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from am_telemetry.adapters import Adapters
from am_telemetry.facts import ErrorFact, GapFact, MachineFact, PatternFact, SchemaFact, SourceFact
from am_telemetry.sending.builder import Builder
from am_telemetry.sending.client import Client
from am_telemetry.sending.drafts import Draft, Dropped
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.settings import read_settings


@dataclass
class Row:
    """One transition as the hub will see it."""

    number: int
    pattern: PatternFact
    schema: SchemaFact
    source: tuple[str, int] | None
    source_fact: SourceFact | None
    arguments: dict[str, Any] | None
    error: ErrorFact | None
    log: list[str]
    queue_len: int
    queue_tick: int

    @property
    def event(self) -> str:
        return next((line.removeprefix("[event] ") for line in self.log if line.startswith("[event] ")), "")

    @property
    def called(self) -> list[str]:
        return [self.schema.names[i] for i in self.pattern.called]

    @property
    def added(self) -> set[str]:
        return {self.schema.names[i] for i in self.pattern.added}

    @property
    def removed(self) -> set[str]:
        return {self.schema.names[i] for i in self.pattern.removed}

    @property
    def ticks(self) -> dict[str, int]:
        return {self.schema.names[i]: gained for i, gained in self.pattern.deltas}

    @property
    def outcome(self) -> str:
        text = "accepted" if self.pattern.accepted else f"canceled by {self.pattern.canceled_by}"
        return f"broken, {text}" if self.pattern.broken else text


@dataclass
class Life:
    """One machine."""

    fact: MachineFact
    schema: SchemaFact
    clock: list[int]
    rows: list[Row] = field(default_factory=list)
    closed: str = ""
    schemas: list[SchemaFact] = field(default_factory=list)

    @property
    def active(self) -> set[str]:
        """Active states from nothing but the facts, without the one for exceptions."""
        return {name for name, ticks in zip(self.schema.names[1:], self.clock[1:], strict=True) if ticks % 2}

    @property
    def in_error(self) -> bool:
        return self.clock[0] % 2 == 1

    @property
    def events(self) -> list[str]:
        return [row.event for row in self.rows]


class Story:
    """Telemetry of this process, whose records are built when asked for.

    Args:
        existing: whether machines are told that were made before; other tests may have left some.
        options: as for ``init``.
    """

    def __init__(self, existing: bool = False, **options: Any) -> None:
        self.client = Client(read_settings("localhost:1", environ={}, **options))
        self.client.sender.start = lambda: None
        self.adapters = Adapters(self.client)
        if not existing:
            for adapter in (self.adapters.transitions, self.adapters.statemachine):
                adapter.find_existing = lambda _: None
        self._drafts: list[Draft] = []
        self._builder = Builder(self.client.settings, SchemaTable(), self._drafts.append, Dropped())
        self._lives: dict[int, Life] = {}
        self._patterns: dict[int, PatternFact] = {}
        self.gaps: list[GapFact] = []
        self.client.start(self.adapters)

    def close(self) -> None:
        self.client.close(0)

    def lives(self) -> dict[str, Life]:
        """All machines so far, by id, with everything that happened to them."""
        self._builder.feed(self.client.ring.take())
        self._builder.finish()
        if self._builder.failure is not None:
            raise self._builder.failure
        for draft in self._drafts:
            self._read(draft)
        self._drafts.clear()
        return {life.fact.id: life for life in self._lives.values()}

    def life(self, machine_id: str) -> Life:
        return self.lives()[machine_id]

    def _read(self, draft: Draft) -> None:
        batch = draft.batch
        self._patterns.update((handle, entry.pattern) for handle, entry in draft.patterns.items())
        for handle, _, fact in batch.opened:
            clock = list(fact.clock) or [0] * len(fact.schema.states)
            self._lives[handle] = Life(fact, fact.schema, clock, schemas=[fact.schema])
        for revised in batch.revised:
            life = self._lives[revised.machine]
            life.schema = self._builder.schemas.facts[revised.schema]
            life.schemas.append(life.schema)
            life.clock += [0] * (len(life.schema.states) - len(life.clock))
        logs: dict[int, list[str]] = {}
        for row, text in zip(batch.logs.row, batch.logs.text, strict=True):
            logs.setdefault(row, []).append(draft.texts[text])
        sources, arguments, errors = dict(batch.sources), dict(batch.arguments), dict(batch.errors)
        columns = batch.transitions
        for row, handle in enumerate(columns.machine):
            life = self._lives[handle]
            pattern = self._patterns[columns.pattern[row]]
            expected = life.rows[-1].number + 1 if life.rows else life.fact.sequence + 1
            assert columns.sequence[row] == expected, "transitions are numbered without holes"
            before = list(life.clock)
            for state, gained in pattern.deltas:
                life.clock[state] += gained
            added = {i for i, ticks in enumerate(life.clock) if ticks % 2 and not before[i] % 2}
            removed = {i for i, ticks in enumerate(life.clock) if not ticks % 2 and before[i] % 2}
            assert (added, removed) == (set(pattern.added), set(pattern.removed))
            assert pattern.accepted or not pattern.deltas, "what was refused changes nothing"
            assert not (pattern.accepted and pattern.canceled_by)
            source = sources.get(row)
            life.rows.append(
                Row(
                    columns.sequence[row],
                    pattern,
                    life.schema,
                    (source.machine, source.sequence) if source else None,
                    source,
                    json.loads(arguments[row]) if row in arguments else None,
                    errors.get(row),
                    logs.get(row, []),
                    columns.queue_len[row],
                    columns.queue_tick[row],
                )
            )
        for closed in batch.closed:
            self._lives[closed.machine].closed = closed.reason
        self.gaps += batch.gaps


Make = Callable[..., Story]
