"""What the store hands out: frozen records with database ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from am_telemetry.facts import ErrorFact, Mutation, PatternFact, SchemaFact, SourceFact
from am_telemetry.waits import WaitFact, WaitOrigin

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
    id_prefix: str = ""
    """Ids of its transitions are this and their sequence in eight hexadecimal digits; empty when they are not."""

    @property
    def connected(self) -> bool:
        return self.ended_ns == 0

    def transition_id(self, sequence: int) -> str:
        """The id of a transition by the machine's own count; empty when ids do not follow from it."""
        return f"{self.id_prefix}{sequence & 0xFFFFFFFF:08x}" if self.id_prefix else ""


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
    """Written between the previous transition and this one."""
    after: bool = False
    """Written after this one, which was the last one then."""


@dataclass(frozen=True, slots=True)
class RunningRecord:
    """A transition that had begun and took long when it was last looked at."""

    machine_id: int
    sequence: int
    started_ns: int
    noted_ns: int
    """When it was found to be still running, wall clock."""
    mutation: Mutation
    called: tuple[str, ...]
    auto: bool
    handler: str
    """The one that was called last; empty for none."""
    timed_out: bool


@dataclass(frozen=True, slots=True)
class HandlerRunRecord:
    """One call of a handler."""

    handler: str
    offset_ns: int
    """From the start of the transition."""
    duration_ns: int


@dataclass(frozen=True, slots=True)
class OmissionRecord:
    """What the transitions from one number to another lack, because the program had no room to keep it."""

    first: int
    last: int
    what: str
    """``steps``, ``log lines`` or ``late log lines``."""
    count: int
    """Of transitions without their steps, or of lines."""
    reason: str


@dataclass(frozen=True, slots=True)
class WaitRecord:
    """A wait, a context or a pipe of a machine run."""

    ident: int
    """Tells it apart from all others of the run."""
    fact: WaitFact
    opened_number: int
    """The transition after which it was pending; 0 for the time before the first one, and one more than the last for
    the one under way."""
    opened_ns: int
    closed_number: int | None = None
    """The transition after which it was pending no longer; None as far as the recording goes."""
    closed_ns: int | None = None
    close_reason: str = ""
    origin: WaitOrigin | None = None


class Caused(NamedTuple):
    """A transition that another one caused."""

    machine_id: int
    number: int


class WaitsAt(NamedTuple):
    """What was pending in a machine after one of its transitions."""

    pending: tuple[WaitRecord, ...] = ()
    ended: tuple[WaitRecord, ...] = ()
    """During that transition, or between it and the next one."""
    hidden: int = 0
    """Further ones, which are too many to be told one by one."""


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
