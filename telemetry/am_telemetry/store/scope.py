"""Which part of a recording is meant: machines, a range of time, and what must not be told."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Final, Literal

from am_telemetry.facts import MachineFact, SchemaFact
from am_telemetry.store.errors import StoreError
from am_telemetry.store.pieces import Pieces
from am_telemetry.store.records import MachineRecord
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.timeline import Timeline

Redaction = Literal["args", "logs", "errors"]
REDACTED: Final = "[redacted]"


@dataclass(frozen=True, slots=True)
class Scope:
    """Part of a recording. The default is all of it."""

    machines: tuple[str, ...] = ("*",)
    """Shell patterns; a machine belongs to it when one matches its name."""
    from_ns: int | None = None
    """Transitions that started earlier are left out; machines begin with the ticks they had by then."""
    to_ns: int | None = None
    """Transitions that started later are left out."""
    redact: frozenset[Redaction] = frozenset()
    """Replaced by :data:`REDACTED`: values of arguments, log texts, messages and tracebacks of errors."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out or replaced."""
        return self == Scope()


@dataclass(frozen=True, slots=True)
class Part:
    """What of one machine run is in a scope."""

    machine: MachineRecord
    first: int
    last: int
    """Transition numbers; none when ``last`` is smaller."""
    is_start: bool
    """The beginning is not cut off."""
    is_end: bool
    """Nor the end."""
    pieces: Pieces
    """Which numbers retention has left."""

    @property
    def size(self) -> int:
        """How many transitions."""
        return self.pieces.place(self.last) - self.pieces.place(self.first) + 1 if self.first <= self.last else 0

    def here(self, number: int) -> int:
        """The number that a transition has where the part is a recording of its own; 0 for the moment before it."""
        return self.pieces.place(number) - self.pieces.place(self.first) + 1 if number else 0

    def holds(self, number: int) -> bool:
        """Whether a transition belongs to it."""
        return self.first <= number <= self.last

    def tells(self, number: int) -> bool:
        """Whether a transition, or with 0 the moment before the first one, belongs to it."""
        return self.holds(number) or (number == 0 and self.is_start)


def parts(session: SessionFile, scope: Scope) -> list[Part]:
    """The machines of a scope, in order of appearance.

    A machine without transitions in the range of time belongs to it when it existed then.

    Raises:
        StoreError: no machine matches.
    """
    found: list[Part] = []
    for machine in session.machines:
        if not any(fnmatch.fnmatchcase(machine.name, pattern) for pattern in scope.machines):
            continue
        timeline = session.timeline(machine.id)
        pieces = timeline.pieces
        first = 1 if scope.from_ns is None else timeline.number_at(scope.from_ns - 1) + 1
        first = max(first, pieces.reach(first - 1) + 1)
        last = timeline.count if scope.to_ns is None else timeline.number_at(scope.to_ns)
        if last < first:
            begins_later = scope.to_ns is not None and machine.started_ns > scope.to_ns
            ended_before = scope.from_ns is not None and 0 < machine.ended_ns < scope.from_ns
            if begins_later or ended_before:
                continue
        found.append(Part(machine, first, last, first == 1, last >= timeline.count, pieces))
    if not found and session.machines:
        raise StoreError(
            f"{session.path} has no machine of that name at that time.", "`am-dbg sessions show` lists its machines."
        )
    return found


def machine_fact(session: SessionFile, part: Part, schema: SchemaFact, sequence: int, id_prefix: str) -> MachineFact:
    """How the machine is announced where its part begins.

    Args:
        schema: the states it has there.
        sequence: its own count of transitions before.
    """
    machine = part.machine
    if part.is_start:
        clock = machine.initial_clock
    else:
        timeline = session.timeline(machine.id)
        ticks = dict(zip(timeline.schema.names, _ticks_before(timeline, part.first), strict=False))
        clock = tuple(ticks.get(name, 0) for name in schema.names)
    return MachineFact(machine.name, schema, machine.parent, machine.tags, clock, sequence, id_prefix)


def _ticks_before(timeline: Timeline, number: int) -> tuple[int, ...]:
    """The ticks from which a transition starts; those behind a hole right before it, where there is one."""
    for frame in reversed(timeline.keyframes):
        if frame.since == number:
            return frame.clock
        if frame.since < number:
            break
    return timeline.clock(number - 1)
