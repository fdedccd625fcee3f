"""Where the program's threads leave what happened, and what the sender thread knows about a machine.

Noting costs one extension of a list. A list is enough as a queue because extending it by a tuple, slicing it and
deleting a front slice are atomic in CPython, and one reader only ever removes what it has read. Everything else
(deltas, patterns, texts, arguments) is worked out later by the sender thread. Nothing here knows which engine runs the
machines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from am_telemetry.batch import PatternDef
from am_telemetry.sending.happenings import Appeared, HandlersRan, Happening

if TYPE_CHECKING:
    from am_telemetry.sending.express import Known, KnownPairs, Repetition
    from am_telemetry.sending.recalling import RecalledByKind, Way, Ways

RING_LIMIT: Final = 131_072
"""Places for what waits for the sender thread: for as many notes of the engine, or half as many transitions whose
fields are all told. At its pace of 20 ms this is never reached unless it is starved."""
NEVER: Final = -2
"""A sequence that no transition follows: of machines not yet announced, or closed."""
WIDTH: Final = 11
"""Entries of the ring in which a note is told: notes of the engine take one such place, see
:mod:`am_telemetry.sending.express`, and so do happenings; transitions take two."""
FULL: Final = 1
"""Third entry of a transition whose fields are all told."""
HAPPENED: Final = 2
"""Third entry of a happening."""
Record = tuple[Any, ...]
"""The ``2 * WIDTH`` entries of a transition: tracer, number, ``FULL``, start and end in monotonic nanoseconds,
mutation, states called, accepted, auto, check, broken; canceled by, ticks before and after, queue length, queue tick,
steps, handlers, lines before and in it, source, arguments. Instead of the ticks before and after, an engine may tell a
number with one bit for every active state before, and a tuple with the index of a state for every tick it has made."""
NUMBER: Final = 1
"""Position of a transition's number in its record."""
TICKS_AFTER: Final = 13
"""Position of the ticks after it."""
_NOTHING: Final = (None,) * (WIDTH - 4)


class Ring:
    """What happened and was not yet looked at. Bounded for transitions; other happenings are few and always kept."""

    def __init__(self, limit: int = RING_LIMIT) -> None:
        self.items: list[Any] = []
        """Flat, because a tuple per transition would keep the garbage collector of the program busy."""
        self.full_limit = limit * WIDTH
        self.room = self.full_limit
        """With so many entries, transitions are dropped. 0 has the next one call :attr:`on_idle` first, or be dropped
        when there is none."""
        self.limit = self.full_limit
        """With so many entries, the engine tells all fields of a transition instead of noting it; 0 after transitions
        were dropped, because only then the ticks behind the hole are known."""
        self.dropped = 0
        """Transitions that found the ring full."""
        self.booked = 0
        """Value of ``dropped`` when the losses were booked last."""
        self.on_idle: Callable[[Traced], None] | None = None
        self._guard = threading.RLock()

    def note(self, happening: Happening, tracer: Traced) -> None:
        """Append something that is not a transition, unless nobody will ever look. Thread-safe."""
        if self.room or self.on_idle is not None:
            self.items.extend((tracer, happening, HAPPENED, time.monotonic_ns(), *_NOTHING))

    def overflow(self, record: Record) -> None:
        """A transition met a full ring, or one whose reader has to be started first. Thread-safe."""
        if self.room == 0 and self.on_idle is not None:
            self.on_idle(record[0])
            self.items.extend(record)
            return
        with self._guard:
            self.limit = 0
            self.dropped += 1
            record[0].lost = record

    def reopen(self) -> None:
        """Have the engine note transitions again, if all losses are booked."""
        with self._guard:
            if self.dropped == self.booked:
                self.limit = self.room

    def sleep(self, on_idle: Callable[[Traced], None] | None = None) -> None:
        """Forget everything, and take in nothing until :meth:`awake`.

        Args:
            on_idle: called, on the program's thread, by the first transition that comes, with its tracer. None: the
                reader is gone for good.
        """
        # A thread that does not exist after a fork may have held it.
        self._guard = threading.RLock()
        self.on_idle = on_idle
        self.limit = self.room = 0
        self.booked = self.dropped
        self.items.clear()

    def awake(self) -> bool:
        """Take in transitions again; False when the ring was not asleep, or is for ever."""
        if self.room or self.on_idle is None:
            return False
        self.limit = self.room = self.full_limit
        return True

    def take(self) -> list[Any]:
        """Remove and return everything. For one reader thread."""
        count = len(self.items)
        taken = self.items[:count]
        del self.items[:count]
        return taken

    @property
    def is_relieved(self) -> bool:
        """Whether there is room again after transitions were dropped that nobody has booked."""
        return self.dropped != self.booked and 2 * len(self.items) <= self.room

    def __len__(self) -> int:
        thirds = self.items[2::WIDTH]
        return len(thirds) - thirds.count(FULL)

    def __bool__(self) -> bool:
        return bool(self.items)


@dataclass(eq=False, slots=True)
class Track:
    """What the sender thread knows about a machine. Only that thread touches it."""

    handle: int
    id: str
    schema: int = 0
    """Handle of the schema that the machine's next transition uses."""
    sequence: int = NEVER
    """Number of its last transition that was put into a batch or counted as lost."""
    clock: tuple[int, ...] = ()
    """Ticks after it, when :attr:`moves` are added."""
    moves: list[Repetition | Way] = field(default_factory=list)
    """Transitions since."""
    is_idle: bool = True
    """No transition was put into the batch under way, or those that were are settled."""
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
    recalled: RecalledByKind = field(default_factory=dict)
    """A quicker one in front of it."""
    ways: Ways = field(default_factory=dict)
    """The same for transitions that tell which states made ticks."""
    level: int = -1
    """The machine's log level when it was noted last."""
    known: Known = field(default_factory=dict)
    """The cache for notes of one transition at that level, by outcome."""
    known_pairs: KnownPairs = field(default_factory=dict)
    """The same for notes of two."""
    early: list[Record] = field(default_factory=list)
    """Notes and transitions that came before the machine's announcement."""
    torn_at: int = 0
    """The last transition behind a hole after which the ticks are unknown; 0 for none. The machine was asked."""


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
