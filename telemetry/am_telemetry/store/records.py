"""What the store hands out: frozen records with database ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from am_telemetry.facts import ErrorFact, PatternFact, SchemaFact, SourceFact

EndReason = Literal["", "disposed", "closed", "disconnected", "superseded"]
"""``disposed``: the program disposed the machine; ``closed``: the program ended in order; ``disconnected``: it
vanished; ``superseded``: another run of the same machine began while this one's program was gone."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    id: int
    session: str
    name: str
    host: str
    pid: int
    library: str


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """One run of a machine. ``id`` is the database key, ``name`` the machine id that people use."""

    id: int
    name: str
    parent: str
    """Machine id of the parent, empty for none."""
    run: int
    """1 for the first run of that name in this session file, then 2, …"""
    tags: tuple[str, ...]
    schema_id: int
    process_id: int
    started_ns: int
    ended_ns: int
    """0 while connected."""
    end_reason: EndReason
    initial_clock: tuple[int, ...]

    @property
    def connected(self) -> bool:
        return self.ended_ns == 0


@dataclass(frozen=True, slots=True)
class PatternRecord:
    """A pattern and the schema its indexes belong to."""

    id: int
    schema: SchemaFact
    fact: PatternFact


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log line of transition ``number`` of a machine."""

    number: int
    position: int
    level: int
    text: str
    before: bool


@dataclass(frozen=True, slots=True)
class TransitionRecord:
    """One transition with all its details. ``number`` counts from 1 per machine run without holes."""

    machine_id: int
    number: int
    sequence: int
    at_ns: int
    duration_ns: int
    pattern: PatternRecord
    queue_len: int
    queue_tick: int
    machine_time: int
    """Sum of all ticks after the transition."""
    source: SourceFact | None = None
    arguments: dict[str, object] | None = None
    error: ErrorFact | None = None
    transition_id: str = ""
