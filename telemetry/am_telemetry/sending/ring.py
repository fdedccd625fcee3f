"""Where the program's threads leave what happened, and what the sender thread knows about a machine.

Noting costs one ``list.append`` of a tuple. A list is enough as a queue because append, slice and delete of a front
slice are atomic in CPython, and one reader only ever removes what it has read. Everything else (deltas, patterns,
texts, arguments) is worked out later by the sender thread. Nothing here knows which engine runs the machines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from am_telemetry.batch import PatternDef
from am_telemetry.sending.wait_notes import WaitHappening

if TYPE_CHECKING:
    from am_telemetry.sending.express import Known

RING_LIMIT: Final = 65_536
"""Transitions that may wait for the sender thread. At its pace of 20 ms this is never reached unless it is starved."""
NEVER: Final = -2
"""A sequence that no transition follows: of machines not yet announced, or closed."""


@dataclass(frozen=True, slots=True)
class Appeared:
    """A machine is to be announced. Everything is of the moment it was met, because it may be gone soon after."""

    names: tuple[str, ...]
    schema: Mapping[str, Any]
    parent: str
    tags: tuple[str, ...]
    clock: tuple[int, ...]
    sequence: int
    id_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Reshaped:
    """A machine got another schema."""

    names: tuple[str, ...]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restored:
    """A machine's ticks were replaced, which took the number of a transition."""

    sequence: int
    clock: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vanished:
    """A machine was disposed, or is garbage."""

    reason: str = "disposed"
    still_logs: bool = False
    """Lines may follow, logged while it ends."""


@dataclass(frozen=True, slots=True)
class LateLog:
    """Lines logged after a machine's last transition, when no other one has followed."""

    sequence: int
    """Of that transition."""
    entries: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class StillRunning:
    """A transition that takes long and is not over."""

    sequence: int
    started_ns: int
    mutation: int
    called: tuple[int, ...]
    auto: bool
    handler: str
    """The one that was called last, empty for none."""
    timed_out: bool


@dataclass(frozen=True, slots=True)
class HandlersRan:
    """How long the handlers of the transition took that is noted next."""

    sequence: int
    runs: tuple[tuple[str, int, int], ...]
    """(name, nanoseconds from the start of the transition, nanoseconds)."""


@dataclass(frozen=True, slots=True)
class DetailChanged:
    """As much as this is to be told of a machine from now on."""

    level: int


Happening = (
    Appeared | Reshaped | Restored | Vanished | LateLog | StillRunning | HandlersRan | DetailChanged | WaitHappening
)
HAPPENING_SIZE: Final = 3
EXPRESS_SIZE: Final = 13
Record = tuple[Any, ...]
"""Either (tracer, happening, monotonic ns), or the fields of a transition in the order in which they are unpacked, or a
note of express transitions, see :mod:`am_telemetry.sending.express`."""
NUMBER: Final = 1
"""Position of a transition's number in its record, of the last one in a note of express transitions."""
TICKS_AFTER: Final = 12
"""Position of the ticks after a transition in its record."""
EXPRESS_TICKS_AFTER: Final = 4
"""The same in a note of express transitions."""


class Ring:
    """What happened and was not yet looked at. Bounded for transitions; other happenings are few and always kept."""

    def __init__(self, limit: int = RING_LIMIT) -> None:
        self.items: list[Record] = []
        self.limit = limit
        """0 has the next transition call :attr:`on_idle` first, or be dropped when there is none."""
        self.dropped = 0
        """Transitions that found the ring full. Approximate when several threads overflow it at once; the exact
        count per machine follows from the numbers of the transitions that come next."""
        self.booked = 0
        """Value of ``dropped`` when the losses were booked last."""
        self.full_limit = limit
        self.on_idle: Callable[[Traced], None] | None = None

    def note(self, happening: Happening, tracer: Traced) -> None:
        """Append something that is not a transition, unless nobody will ever look. Thread-safe."""
        if self.limit or self.on_idle is not None:
            self.items.append((tracer, happening, time.monotonic_ns()))

    def overflow(self, record: Record) -> None:
        """A transition met a full ring, or one whose reader has to be started first. Thread-safe."""
        if self.limit == 0 and self.on_idle is not None:
            self.on_idle(record[0])
            self.items.append(record)
            return
        self.dropped += 1
        record[0].lost = record

    def sleep(self, on_idle: Callable[[Traced], None] | None = None) -> None:
        """Forget everything, and take in nothing until :meth:`awake`.

        Args:
            on_idle: called, on the program's thread, by the first transition that comes, with its tracer. None: the
                reader is gone for good.
        """
        self.on_idle = on_idle
        self.limit = 0
        self.items.clear()

    def awake(self) -> bool:
        """Take in transitions again; False when the ring was not asleep, or is for ever."""
        if self.limit or self.on_idle is None:
            return False
        self.limit = self.full_limit
        return True

    def take(self) -> list[Record]:
        """Remove and return everything. For one reader thread."""
        count = len(self.items)
        taken = self.items[:count]
        del self.items[:count]
        return taken

    def __len__(self) -> int:
        return len(self.items)


@dataclass(eq=False)
class Track:
    """What the sender thread knows about a machine. Only that thread touches it."""

    handle: int
    id: str
    schema: int = 0
    """Handle of the schema that the machine's next transition uses."""
    sequence: int = NEVER
    """Number of its last transition that was put into a batch or counted as lost."""
    clock: tuple[int, ...] = ()
    announced: bool = False
    closed: bool = False
    leaving: bool = False
    """Disposed, but the lines it logs meanwhile are still to come."""
    detail: int = -1
    """As in the settings; -1 for what they say."""
    runs: HandlersRan | None = None
    """Of the transition that is noted next."""
    too_large: bool = False
    """Closed because its schema cannot be sent."""
    patterns: dict[tuple[Any, ...], PatternDef] = field(default_factory=dict)
    """The quick cache of the schema, shared by all machines that have it."""
    known: Known = field(default_factory=dict)
    """The same for express transitions, by outcome and log level."""


class Traced(Protocol):
    """One machine that is watched, whatever engine runs it."""

    key: object
    """Tells the machines of a process apart."""
    track: Track
    lost: Record | None
    """The last of its transitions that the ring dropped, until that is booked."""

    def announcement(self, clock: tuple[int, ...], sequence: int) -> Appeared | None:
        """What there is to say about the machine at a given moment; None when it is gone."""
        ...

    def announce(self) -> None:
        """Note the machine's present moment, from which its story is told. Thread-safe."""
        ...

    def start_over(self) -> None:
        """Forget what was told about the machine: another session begins."""
        ...

    def glance(self, now_ns: int) -> None:
        """Note what no hook tells: lines logged while nothing happens, and a transition that takes long.

        Called now and then on the sender's thread, with the monotonic clock.
        """
        ...

    def collect_log(self) -> None:
        """Note the lines logged since the last transition. Thread-safe."""
        ...

    def set_detail(self, level: int) -> None:
        """Tell so much from now on, see :class:`Settings`. Called on the sender's thread."""
        ...

    def release(self) -> None:
        """Leave the machine as it was before it was traced."""
        ...
