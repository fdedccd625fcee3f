"""One batch that is on its way, and where machines stand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from am_telemetry.batch import MachineClosed, PatternDef, SchemaRevised
from am_telemetry.facts import MachineFact
from am_telemetry.sending.drafts import Span
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.spool import Place


@dataclass(eq=False, slots=True)
class Item:
    """One batch, encoded without the definitions, which depend on what a connection already knows."""

    first_seq: int
    last_seq: int
    frame: bytes
    cost: int
    transitions: int
    texts: dict[int, str]
    patterns: dict[int, PatternDef]
    spans: dict[int, Span]
    opened: list[tuple[int, int, MachineFact]]
    revised: list[SchemaRevised]
    closed: list[MachineClosed]
    was_sent: bool = False
    """The hub may have it although no acknowledgement came."""
    given_up: str = ""
    """Why only its gaps and machines are left."""
    steps_cost: int = 0
    """Of the steps of patterns that no earlier item brought along; 0 when it has no steps to lose."""
    has_lines: bool = False
    place: Place | None = None
    """In the spool, complete with all definitions."""
    resident: int = 0
    """Transitions in memory."""
    late: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Machine to (sequence, number) of its late log lines."""
    waits: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The same of its waits that began and ended."""


@dataclass(eq=False, slots=True)
class Machine:
    """What the hub durably knows about a machine."""

    fact: MachineFact
    """With the schema, clock and sequence after its last durable transition."""
    at_ns: int


class Spooler(Protocol):
    """Keeps items on disk."""

    def append(self, item: Item) -> Place | None:
        """Write an item with all it needs; None when that is not possible."""
        ...

    def read(self, place: Place) -> bytes | None:
        """What was written; None when it is gone."""
        ...

    def acknowledged(self, upto_seq: int) -> None:
        """Everything up to a record number is needed no more."""
        ...


def settle(machines: dict[int, Machine], item: Item, schemas: SchemaTable) -> None:
    """Move machines on to where they stand after an item."""
    for handle, at_ns, fact in item.opened:
        machines[handle] = Machine(fact, at_ns)
    for revised in item.revised:
        machine = machines.get(revised.machine)
        if machine is not None:
            machine.fact = replace(machine.fact, schema=schemas.facts[revised.schema])
    for handle, span in item.spans.items():
        machine = machines.get(handle)
        if machine is not None:
            machine.fact = replace(machine.fact, clock=span.clock, sequence=span.last)
    for closed in item.closed:
        machines.pop(closed.machine, None)
