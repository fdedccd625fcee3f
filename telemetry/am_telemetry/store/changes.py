"""What one commit changed, in the order in which readers have to take it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from am_telemetry.facts import SchemaFact
from am_telemetry.store.records import MachineRecord, PatternRecord, ProcessRecord


@dataclass(slots=True)
class Rows:
    """Consecutive transitions of one machine."""

    machine_id: int
    at_ns: list[int] = field(default_factory=list)
    patterns: list[int] = field(default_factory=list)
    """Pattern ids."""
    logged: list[int] = field(default_factory=list)
    """Offsets of the transitions that have log lines."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A hole behind the transitions so far."""

    machine_id: int
    lost: int
    """0 where the machine went on from a snapshot."""
    schema_id: int
    """The schema whose order ``clock`` follows."""
    clock: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Revision:
    """Another schema from the next transition on."""

    machine_id: int
    schema_id: int


@dataclass(frozen=True, slots=True)
class LateLines:
    """Log lines were added after a transition that may be known already."""

    machine_id: int
    number: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Retention has taken transitions away, and log lines with them."""

    machine_id: int
    first: int
    last: int
    ticks: Mapping[str, int]
    """After ``last``, by state name."""
    active: tuple[str, ...]
    """Names of the states that were active then."""


@dataclass(frozen=True, slots=True)
class NoLines:
    """The log lines after a transition, and there are no others of it, were taken away by retention."""

    machine_id: int
    number: int


Event = Rows | Correction | Revision | LateLines | Removed | NoLines


@dataclass(slots=True)
class Changes:
    """Everything from one commit. Definitions and records are applied before the events."""

    commit: int = 0
    """Number of the commit, increasing."""
    last_transition_id: int = 0
    schemas: dict[int, SchemaFact] = field(default_factory=dict)
    patterns: dict[int, PatternRecord] = field(default_factory=dict)
    processes: dict[int, ProcessRecord] = field(default_factory=dict)
    machines: dict[int, MachineRecord] = field(default_factory=dict)
    first_schemas: dict[int, int] = field(default_factory=dict)
    """New machine -> the schema its first transitions follow."""
    last_gap_id: int = 0
    last_late_id: int = 0
    events: list[Event] = field(default_factory=list)
    log_lines: dict[int, int] = field(default_factory=dict)
    """Machine -> new log lines, less those that retention removed."""
    removals_commit: int = 0
    """The last commit in which retention removed something, when that is known from the file."""
