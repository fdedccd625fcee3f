"""What can be said about machines and their transitions, free of any wire or storage format.

Every record is frozen, so it may be shared between threads. States are named by their index in
``SchemaFact.states``; ``NO_STATE`` and ``ANY_STATE`` stand for "none" and for the global handlers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import IntFlag
from functools import cached_property
from typing import Final, Literal

NO_STATE: Final = -1
ANY_STATE: Final = -2

RESTORED: Final = "restored"
"""Reason of a gap in which no transition was lost: the machine went on from a snapshot."""

EXCEPTION: Final = "Exception"
ERROR_PREFIX: Final = "Err"
HEALTH_STATES: Final = frozenset({"Healthcheck", "Heartbeat"})

Mutation = Literal["add", "remove", "set"]
StepKind = Literal["called", "activate", "deactivate", "deactivate-passive", "rel", "handler", "cancel"]
Relation = Literal["", "after", "add", "require", "remove"]


def is_error_state(name: str) -> bool:
    """True for ``Exception`` and for every state whose name begins with ``Err``."""
    return name == EXCEPTION or name.startswith(ERROR_PREFIX)


class Flag(IntFlag):
    """Yes/no facts of one transition."""

    ACCEPTED = 1
    AUTO = 2
    CHECK = 4
    """A dry run ("can I?"): nothing changes."""
    QUEUED = 8
    """A record of a queued mutation, not of its execution (sent by Go programs of v0.19)."""
    BROKEN = 16
    """A handler failed or timed out."""


NO_FLAGS: Final = Flag(0)


@dataclass(frozen=True, slots=True)
class StateFact:
    """One state of a schema. Relations hold state names, which need not all be known."""

    name: str
    auto: bool = False
    multi: bool = False
    require: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class SchemaFact:
    """The ordered states of a machine. Not slotted: derived values are computed once and kept."""

    states: tuple[StateFact, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """States that belong together, for people: names of groups and indexes of their states."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """State names in index order."""
        return tuple(state.name for state in self.states)

    @cached_property
    def index(self) -> dict[str, int]:
        """State name to index."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def error_states(self) -> frozenset[int]:
        """Indexes of the error states."""
        return frozenset(i for i, name in enumerate(self.names) if is_error_state(name))

    @cached_property
    def health_states(self) -> frozenset[int]:
        """Indexes of ``Healthcheck`` and ``Heartbeat``."""
        return frozenset(i for i, name in enumerate(self.names) if name in HEALTH_STATES)

    @cached_property
    def digest(self) -> str:
        """Content address: 32 hex characters (BLAKE2b-128 over canonical JSON)."""
        rows: list[object] = [
            [s.name, s.auto, s.multi, s.require, s.add, s.remove, s.after, s.tags] for s in self.states
        ]
        if self.groups:
            rows.append({"groups": self.groups})
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def state_name(self, index: int) -> str:
        """The name at an index; ``Any`` and an empty string for the two special indexes."""
        if 0 <= index < len(self.names):
            return self.names[index]
        return "Any" if index == ANY_STATE else "" if index == NO_STATE else f"unknown{index}"


@dataclass(frozen=True, slots=True)
class StepFact:
    """One step of a transition, as the debugger draws it."""

    kind: StepKind
    source: int = NO_STATE
    target: int = NO_STATE
    relation: Relation = ""
    is_final: bool = False
    is_self: bool = False
    is_enter: bool = False


@dataclass(frozen=True, slots=True)
class PatternFact:
    """Everything about a transition except its moment: what repeats and is therefore sent once per schema."""

    mutation: Mutation
    called: tuple[int, ...] = ()
    flags: Flag = NO_FLAGS
    deltas: tuple[tuple[int, int], ...] = ()
    """(state index, ticks gained) of every state whose tick changed, by index."""
    added: tuple[int, ...] = ()
    """Inactive before, active after."""
    removed: tuple[int, ...] = ()
    """Active before, inactive after."""
    steps: tuple[StepFact, ...] = ()
    handlers: tuple[str, ...] = ()
    """Names of the handlers that ran, in order."""
    canceled_by: str = ""
    """Name of the handler that refused, or ``relations``, ``timeout``, ``recover``; empty when accepted or unknown."""

    @property
    def accepted(self) -> bool:
        return bool(self.flags & Flag.ACCEPTED)

    @property
    def auto(self) -> bool:
        return bool(self.flags & Flag.AUTO)

    @property
    def check(self) -> bool:
        return bool(self.flags & Flag.CHECK)

    @property
    def queued(self) -> bool:
        return bool(self.flags & Flag.QUEUED)

    @property
    def broken(self) -> bool:
        return bool(self.flags & Flag.BROKEN)


@dataclass(frozen=True, slots=True)
class SourceFact:
    """The transition that caused this one."""

    machine: str
    """Machine id, possibly of another process."""
    sequence: int
    """The source machine's own transition number, 0 when unknown."""
    machine_time: int = 0
    """Sum of the source machine's ticks before that transition."""
    transition_id: str = ""
    """As the source machine spells it, where the number is unknown."""


@dataclass(frozen=True, slots=True)
class ErrorFact:
    """The exception behind a transition into an error state."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class LogFact:
    """One log entry of a transition."""

    level: int
    """1 external, 2 changes, 3 ops, 4 decisions, 5 everything."""
    text: str
    before: bool = False
    """Written between the previous transition and this one."""


@dataclass(frozen=True, slots=True)
class MachineFact:
    """One run of a machine, as its process announces it."""

    id: str
    schema: SchemaFact
    parent: str = ""
    tags: tuple[str, ...] = ()
    clock: tuple[int, ...] = ()
    """Ticks by state index when the machine was announced; empty means all zero."""
    sequence: int = 0
    """Number of transitions the machine had already executed by then."""
    id_prefix: str = ""
    """Ids of its transitions are this and the sequence in eight hexadecimal digits; empty when they are not."""


@dataclass(frozen=True, slots=True)
class RunningFact:
    """A transition that has begun, takes long, and is not over."""

    machine: int
    sequence: int
    at_ns: int
    """Start, wall clock, nanoseconds since the epoch."""
    noted_ns: int
    """When it was found to be still running, same clock."""
    mutation: Mutation
    called: tuple[int, ...] = ()
    auto: bool = False
    handler: str = ""
    """The one that was called last; empty before the first one."""
    timed_out: bool = False
    """That handler has exceeded its limit."""


@dataclass(frozen=True, slots=True)
class OmissionFact:
    """What transitions that did reach the hub lack, because the program had no room to keep it."""

    machine: int
    first_sequence: int
    last_sequence: int
    what: str
    """``steps``, ``log lines`` or ``late log lines``."""
    count: int
    """Of transitions without their steps, or of lines."""
    reason: str


@dataclass(frozen=True, slots=True)
class GapFact:
    """Transitions of one machine that were given up before they reached the hub."""

    machine: int
    after_sequence: int
    """The last transition that was delivered before the hole."""
    lost: int
    reason: str
    clock: tuple[int, ...] = ()
    """Ticks after the hole, so that later moments are right again."""


@dataclass(frozen=True, slots=True)
class ProcessFact:
    """The operating system process that reports."""

    session: str
    """32 hex characters, new for every process image."""
    name: str = ""
    host: str = ""
    pid: int = 0
    language: str = "python"
    library: str = ""
    resource: dict[str, str] = field(default_factory=dict)
