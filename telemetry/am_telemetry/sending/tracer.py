"""The part of telemetry that runs on the program's own threads: it notes that something happened, nothing more.

Noting costs one ``list.append`` of a tuple. A list is enough as a queue because append, slice and delete of a front
slice are atomic in CPython, and one reader only ever removes what it has read. Everything else (deltas, patterns,
texts, arguments) is worked out later by the sender thread.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from am_core.tracer import Tracer
from am_telemetry.batch import PatternDef

if TYPE_CHECKING:
    from am_core.machine import Machine
    from am_core.transition import Transition

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

    @classmethod
    def of(cls, machine: Machine, clock: tuple[int, ...], sequence: int) -> Appeared:
        """The announcement of a machine that is not disposed."""
        parent, tags = str(machine.parent_id or ""), tuple(map(str, machine.tags))
        return cls(tuple(machine.states), machine.schema(), parent, tags, clock, sequence)


@dataclass(frozen=True, slots=True)
class Reshaped:
    """A machine got another schema."""

    names: tuple[str, ...]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Vanished:
    """A machine was disposed, or is garbage."""

    reason: str = "disposed"


Happening = Appeared | Reshaped | Vanished
HAPPENING_SIZE: Final = 3
Record = tuple[Any, ...]
"""Either (tracer, happening, monotonic ns), or for a transition the fields that :func:`_hook` puts together."""
NUMBER: Final = 1
"""Position of a transition's number in its record."""
TICKS_AFTER: Final = 12
"""Position of the ticks after a transition in its record."""


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
        self.on_idle: Callable[[MachineTracer], None] | None = None

    def note(self, happening: Happening, tracer: MachineTracer) -> None:
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

    def sleep(self, on_idle: Callable[[MachineTracer], None] | None = None) -> None:
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
    too_large: bool = False
    """Closed because its schema cannot be sent."""
    patterns: dict[tuple[Any, ...], PatternDef] = field(default_factory=dict)
    """The quick cache of the schema, shared by all machines that have it."""


class MachineTracer(Tracer):
    """Watches one machine.

    Args:
        ring: where records go.
        machine: held weakly.
        wants_steps: whether the engine has to record the steps of transitions.
        wants_values: whether arguments are copied, because their values will be read after the call has returned.
    """

    def __init__(self, ring: Ring, machine: Machine, handle: int, wants_steps: bool, wants_values: bool) -> None:
        self.ring = ring
        self.wants_steps = wants_steps
        self.track = Track(handle, str(machine.id))
        self.key = id(machine)
        self.lost: Record | None = None
        """The last of its transitions that the ring dropped, until that is booked."""
        self.raised_log_level: tuple[int, int] | None = None
        """(level before, level now) when the log level was raised for telemetry."""
        self.machine = weakref.ref(machine, self._collected)
        self.transition_end = _hook(ring, self, wants_values)  # type: ignore[method-assign,assignment]  # a closure is quicker

    def tracer_id(self) -> str:
        return "am-telemetry"

    def transition_end(self, tx: Transition) -> None:
        raise AssertionError("replaced in every instance")

    def schema_change(self, machine: Machine, old: object) -> None:
        self.ring.note(Reshaped(tuple(machine.states), dict(machine.schema())), self)

    def machine_dispose(self, machine_id: str) -> None:
        self.ring.note(Vanished(), self)

    def start_over(self) -> None:
        """Forget what was told about the machine: another session begins."""
        self.track = Track(self.track.handle, self.track.id)
        self.lost = None

    def announce(self, machine: Machine) -> None:
        """Note the machine's present moment, from which its story is told. Thread-safe."""
        clock, sequence = steady_moment(machine)
        self.ring.note(Appeared.of(machine, clock, sequence), self)

    def _collected(self, _reference: object) -> None:
        self.ring.note(Vanished(), self)


def steady_moment(machine: Machine) -> tuple[tuple[int, ...], int]:
    """Ticks and number of transitions that belong together, even while another thread changes the machine.

    For a machine in the middle of a transition it is the moment before, because its end will be noted. Falls back to
    the last values seen when the machine never rests.
    """
    count = machine.transition_count
    clock = tuple(machine.time())
    for _ in range(100):
        tx = machine.transition
        if tx is not None and not tx.is_completed:
            return tuple(tx.time_before), tx.number - 1
        again, count_again = tuple(machine.time()), machine.transition_count
        if count == count_again and clock == again:
            break
        clock, count = again, count_again
    return clock, count


def _hook(ring: Ring, tracer: MachineTracer, copies_values: bool) -> Callable[[Transition], None]:
    """The function that notes a transition.

    It takes out the fields instead of keeping the transition, although that is more work: a transition and what hangs
    on it are a dozen objects, which would outlive the garbage collector's young generation while they wait, and cost
    twice as much time there as reading the fields costs here.
    """
    items, append, now = ring.items, ring.items.append, time.monotonic_ns

    def note(tx: Transition) -> None:
        mutation = tx.mutation
        arguments = mutation.args
        if copies_values and arguments:
            arguments = dict(arguments)
        record = (
            tracer,
            tx.number,
            tx.started_ns,
            now(),
            mutation.type,
            mutation.called,
            tx.is_accepted,
            mutation.is_auto,
            mutation.is_check,
            tx.is_broken,
            tx.canceled_by,
            tx.time_before,
            tx.time_after,
            tx.queue_len,
            mutation.queue_tick,
            tx.steps or None,
            tx.handlers_called or None,
            tx.pre_log_entries or None,
            tx.log_entries or None,
            mutation.source,
            arguments or None,
        )
        if len(items) < ring.limit:
            append(record)
        else:
            ring.overflow(record)

    return note
