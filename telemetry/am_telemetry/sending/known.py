"""What the other end of one connection has been told, and what it lacks before it can take a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from am_telemetry.batch import Batch, PatternDef
from am_telemetry.facts import MachineFact
from am_telemetry.sending.drafts import size_of_opened
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.items import Item, Machine

MAX_DEFINED: Final = 16_384
"""Schemas that a hub has to remember for one connection, where definitions last as long as it does."""
MAX_ANNOUNCED: Final = 512
MAX_ANNOUNCED_COST: Final = 256 * 1024

Opened = tuple[int, int, MachineFact]


class Told(Protocol):
    """Where machines stand from which what follows goes on."""

    @property
    def machines(self) -> Mapping[int, Machine]: ...


class Known:
    """Definitions made on one connection. Not thread-safe.

    Args:
        told: the machines that were announced before.
        schemas: of this process.
        announce_all: whether to tell of machines to which nothing happens.
    """

    def __init__(self, told: Told, schemas: SchemaTable, *, announce_all: bool = True) -> None:
        self._told = told
        self._schemas = schemas
        self._texts: dict[int, str] = {}
        self._patterns: dict[int, PatternDef] = {}
        self._defined: set[int] = set()
        self._machines: set[int] = set()
        self._waiting = deque(told.machines if announce_all else ())
        """Machines that the hub should hear of again, whether anything happens to them or not."""

    @property
    def is_worn(self) -> bool:
        """Whether so many schemas that are forgotten by now were defined that a new connection should be begun."""
        return len(self._defined) >= MAX_DEFINED + 2 * len(self._schemas.facts)

    def weight(self, item: Item) -> int:
        """Estimated bytes of the texts and patterns that the other end lacks before it can take an item."""
        texts = [text for handle, text in item.texts.items() if self._texts.get(handle) != text]
        patterns = [entry for handle, entry in item.patterns.items() if self._patterns.get(handle) is not entry]
        wanted = {entry.schema for entry in patterns} | {revised.schema for revised in item.revised}
        wanted.update(self._schemas.handles[fact.schema.digest] for _, _, fact in item.opened)
        size = sum(self._schemas.sizes[schema] for schema in wanted - self._defined)
        size += sum(len(text) if text.isascii() else 4 * len(text) for text in texts)
        facts = [entry.pattern for entry in patterns]
        return size + sum(64 + 8 * len(fact.steps) + sum(map(len, fact.handlers)) for fact in facts)

    def lacking(self, item: Item) -> Batch:
        """The definitions an item needs, marked as made, and some of the machines that wait to be announced."""
        batch = Batch()
        texts, patterns = self._texts, self._patterns
        batch.texts = [(handle, text) for handle, text in item.texts.items() if texts.get(handle) != text]
        texts.update(batch.texts)
        new = [definition for handle, definition in item.patterns.items() if patterns.get(handle) is not definition]
        patterns.update((definition.handle, definition) for definition in new)
        batch.patterns = new
        self._machines.update(handle for handle, _, _ in item.opened)
        batch.opened = self._announce([*item.spans, *(closed.machine for closed in item.closed)])
        batch.opened += self.take_waiting()
        wanted = [definition.schema for definition in new]
        wanted += [revised.schema for revised in item.revised]
        self._define(batch, wanted, [*item.opened, *batch.opened])
        self._machines.difference_update(closed.machine for closed in item.closed)
        return batch

    def take_waiting(self) -> list[Opened]:
        """A bounded number of the machines that wait to be announced, marked as known."""
        opened: list[Opened] = []
        cost = 0
        schemas: set[int] = set()
        while self._waiting and len(opened) < MAX_ANNOUNCED:
            if cost + sum(self._schemas.sizes[schema] for schema in schemas - self._defined) >= MAX_ANNOUNCED_COST:
                break
            entries = self._announce([self._waiting.popleft()])
            cost += sum(size_of_opened(fact) for _, _, fact in entries)
            schemas.update(self._schemas.handles[fact.schema.digest] for _, _, fact in entries)
            opened += entries
        return opened

    def _announce(self, handles: Iterable[int]) -> list[Opened]:
        opened: list[Opened] = []
        for handle in handles:
            machine: Machine | None = self._told.machines.get(handle)
            if handle not in self._machines and machine is not None:
                self._machines.add(handle)
                opened.append((handle, machine.at_ns, machine.fact))
        return opened

    def _define(self, batch: Batch, wanted: Iterable[int], opened: Iterable[Opened]) -> None:
        handles = {*wanted, *(self._schemas.handles[fact.schema.digest] for _, _, fact in opened)}
        for handle in sorted(handles - self._defined):
            self._defined.add(handle)
            batch.schemas.append((handle, self._schemas.facts[handle]))
