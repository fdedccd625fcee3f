"""What is different on a machine between two of its moments."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from am_dbg.session import navigation
from am_telemetry.store.reading import Recording
from am_telemetry.store.records import WaitRecord


@dataclass(frozen=True, slots=True)
class Moment:
    """A machine after one of its transitions; ``number`` 0 is the moment before the first one."""

    number: int
    at_ns: int | None
    """Wall clock; None before the first transition, and where it was removed."""
    machine_time: int
    queue_len: int | None
    """How many mutations waited then; None where that is not known."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A state whose tick is not the same any more."""

    name: str
    was_active: bool
    is_active: bool
    tick_before: int
    tick_after: int

    @property
    def flipped(self) -> bool:
        """Whether it is active in one of the moments only."""
        return self.was_active != self.is_active


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences between an earlier and a later moment of one machine run."""

    earlier: Moment
    later: Moment
    transitions: int
    errors: int
    canceled: int
    """Among those transitions; without automatic ones that were tried in vain."""
    states: tuple[StateChange, ...]
    """Those that flipped come first; in the order of the schema otherwise."""
    ended: tuple[WaitRecord, ...]
    """Waits, contexts and pipes that were pending in the earlier moment only."""
    begun: tuple[WaitRecord, ...]
    """Those that were pending in the later moment only."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        same_queue = self.earlier.queue_len == self.later.queue_len
        return not (self.states or self.ended or self.begun) and same_queue


def compare(recording: Recording, machine_id: int, one: int, other: int) -> Comparison:
    """Compare two moments of a machine run, in whatever order. The cost does not depend on what lies between.

    Args:
        recording: where the machine is.
        machine_id: its run.
        one: number of a transition, 0 for the moment before the first one.
        other: likewise.

    Raises:
        KeyError: the recording has no such run.
    """
    first, last = sorted((one, other))
    timeline = recording.timeline(machine_id)
    changes = [
        StateChange(
            name,
            timeline.is_active(state, first),
            timeline.is_active(state, last),
            timeline.tick(state, first),
            timeline.tick(state, last),
        )
        for state, name in enumerate(timeline.schema.names)
    ]
    changes = [change for change in changes if change.tick_before != change.tick_after or change.flipped]
    before = {wait.ident: wait for wait in recording.waits(machine_id, first).pending}
    after = {wait.ident: wait for wait in recording.waits(machine_id, last).pending}

    def among(numbers: BitMap) -> int:
        return navigation.rank(numbers, last) - navigation.rank(numbers, first)

    return Comparison(
        earlier=_moment(recording, machine_id, first),
        later=_moment(recording, machine_id, last),
        transitions=among(timeline.all()),
        errors=among(timeline.errors | timeline.broken),
        canceled=among(timeline.canceled - timeline.refused_auto),
        states=tuple(sorted(changes, key=lambda change: not change.flipped)),
        ended=tuple(wait for ident, wait in before.items() if ident not in after),
        begun=tuple(wait for ident, wait in after.items() if ident not in before),
    )


def _moment(recording: Recording, machine_id: int, number: int) -> Moment:
    timeline = recording.timeline(machine_id)
    if not timeline.holds(number):
        return Moment(number, None, timeline.machine_time(number), None)
    record = recording.transition(machine_id, number)
    return Moment(number, record.at_ns, timeline.machine_time(number), record.queue_len)
