"""A batch of records from one process, in columns: the currency between the wire, importers and the store.

Handles (``machine``, ``schema``, ``pattern``, ``text``) are small integers chosen by the sender. They are defined per
connection, in the same batch or an earlier one, before anything refers to them. Handles of texts and patterns may be
defined again by a later batch, which replaces their meaning from then on: senders keep bounded tables. Order of
application inside a batch: texts, schemas, opened, patterns, revised, transitions (with everything attached to them),
gaps, omissions, late lines, running, waits, closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from am_telemetry.facts import (
    ErrorFact,
    GapFact,
    MachineFact,
    OmissionFact,
    PatternFact,
    RunningFact,
    SchemaFact,
    SourceFact,
)
from am_telemetry.waits import Waits


class PatternDef(NamedTuple):
    """A pattern and the schema its state indexes refer to."""

    handle: int
    schema: int
    pattern: PatternFact


class MachineClosed(NamedTuple):
    machine: int
    at_ns: int
    """Wall clock, nanoseconds since the epoch."""
    reason: str


class SchemaRevised(NamedTuple):
    """The machine uses another schema from its next transition on."""

    machine: int
    schema: int


@dataclass(slots=True)
class TransitionColumns:
    """Parallel lists, one entry per transition, in order of execution per machine."""

    machine: list[int] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    """The machine's own count of its transitions, from 1, strictly increasing per machine."""
    at_ns: list[int] = field(default_factory=list)
    """Start, wall clock, nanoseconds since the epoch."""
    duration_ns: list[int] = field(default_factory=list)
    pattern: list[int] = field(default_factory=list)
    queue_len: list[int] = field(default_factory=list)
    queue_tick: list[int] = field(default_factory=list)
    """0 for prepended mutations."""

    def __len__(self) -> int:
        return len(self.machine)


@dataclass(slots=True)
class LogColumns:
    """Parallel lists, one entry per log line, grouped by transition and in order."""

    row: list[int] = field(default_factory=list)
    """Index into the batch's transition columns."""
    level: list[int] = field(default_factory=list)
    text: list[int] = field(default_factory=list)
    """Text handle."""
    before: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row)


@dataclass(slots=True)
class LateColumns:
    """Log lines written after a machine's last transition, which no other one has followed for a while.

    Parallel lists, one entry per line, in order per machine.
    """

    machine: list[int] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    """Of that transition; where there was none, of the machine when it was opened."""
    at_ns: list[int] = field(default_factory=list)
    """When they were collected, which is a little later; wall clock, nanoseconds since the epoch."""
    level: list[int] = field(default_factory=list)
    text: list[int] = field(default_factory=list)
    """Text handle."""

    def __len__(self) -> int:
        return len(self.machine)


@dataclass(slots=True)
class RunColumns:
    """How long handlers took. Parallel lists, one entry per call of a handler, grouped by transition and in order."""

    row: list[int] = field(default_factory=list)
    """Index into the batch's transition columns."""
    name: list[str] = field(default_factory=list)
    offset_ns: list[int] = field(default_factory=list)
    """From the start of the transition."""
    duration_ns: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row)


@dataclass(slots=True)
class Batch:
    """See the module. ``first_seq`` .. ``last_seq`` number the session's records, for resume and acknowledgement."""

    first_seq: int = 0
    last_seq: int = 0
    texts: list[tuple[int, str]] = field(default_factory=list)
    schemas: list[tuple[int, SchemaFact]] = field(default_factory=list)
    opened: list[tuple[int, int, MachineFact]] = field(default_factory=list)
    """(machine handle, wall clock ns, fact)."""
    patterns: list[PatternDef] = field(default_factory=list)
    revised: list[SchemaRevised] = field(default_factory=list)
    transitions: TransitionColumns = field(default_factory=TransitionColumns)
    logs: LogColumns = field(default_factory=LogColumns)
    sources: list[tuple[int, SourceFact]] = field(default_factory=list)
    """(transition row, source)."""
    arguments: list[tuple[int, str]] = field(default_factory=list)
    """(transition row, JSON object text), already redacted and cut by the sender."""
    errors: list[tuple[int, ErrorFact]] = field(default_factory=list)
    transition_ids: list[tuple[int, str]] = field(default_factory=list)
    """(transition row, id) where the id cannot be derived (imported recordings)."""
    gaps: list[GapFact] = field(default_factory=list)
    closed: list[MachineClosed] = field(default_factory=list)
    runs: RunColumns = field(default_factory=RunColumns)
    late: LateColumns = field(default_factory=LateColumns)
    running: list[RunningFact] = field(default_factory=list)
    omissions: list[OmissionFact] = field(default_factory=list)
    waits: Waits = field(default_factory=Waits)
    skew_ns: int | None = None
    """Estimate by the receiver: its wall clock minus the sender's. For display; times are never rewritten."""

    def __len__(self) -> int:
        return len(self.transitions)
