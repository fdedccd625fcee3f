"""Where the transitions are that a transition refers to: found by a machine's id and its own count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from am_dbg.session import lookup
from am_dbg.session.targets import GoToSource, GoToTransition, Target
from am_dbg.session.view import SessionView
from am_telemetry.facts import SourceFact
from am_telemetry.store.records import MachineRecord, TransitionRecord

DEPTH: Final = 12
"""Causes of causes that are followed."""
_KEPT: Final = 4_096


@dataclass(frozen=True, slots=True)
class Cause:
    """What caused a transition, as far as the recording tells."""

    source: SourceFact
    run: MachineRecord | None = None
    """None when the machine is not in the recording."""
    record: TransitionRecord | None = None
    """None when that transition is not."""

    @property
    def target(self) -> Target | None:
        """Where following it leads."""
        if self.record is None or self.run is None:
            source = self.source
            return GoToSource(source.machine, source.sequence, source.transition_id) if self.run is not None else None
        return GoToTransition(self.run.id, self.record.number)


class Places:
    """Answers about one session; remembers what it found. Not thread-safe."""

    def __init__(self, session: SessionView) -> None:
        self._session = session
        self._numbers: dict[tuple[int, int, str], int] = {}
        self._runs: dict[str, list[MachineRecord]] = {}
        self._version = -1

    def runs(self, name: str) -> list[MachineRecord]:
        """The runs of a machine, oldest first."""
        version = self._session.recording.version
        if version != self._version:
            self._version = version
            self._runs = {}
        found = self._runs.get(name)
        if found is None:
            found = self._runs[name] = self._session.runs(name)
        return found

    def run_at(self, name: str, moment: int) -> MachineRecord | None:
        """The run of a machine at a moment: the last one that had begun; None when there is none."""
        runs = self.runs(name)
        return next((run for run in reversed(runs) if run.started_ns <= moment), runs[0]) if runs else None

    def cause(self, record: TransitionRecord) -> Cause | None:
        """What caused a transition; None when no other one is known to have."""
        source = record.source
        if source is None or not source.machine:
            return None
        run = self.run_at(source.machine, record.at_ns)
        if run is None:
            return Cause(source)
        number = self._number(run, source)
        return Cause(source, run, self._session.recording.transition(run.id, number) if number else None)

    def chain(self, record: TransitionRecord) -> list[Cause]:
        """The cause, its cause and so on, up to :data:`DEPTH`."""
        found: list[Cause] = []
        seen = {(record.machine_id, record.number)}
        at: TransitionRecord | None = record
        while at is not None and len(found) < DEPTH:
            cause = self.cause(at)
            if cause is None:
                break
            found.append(cause)
            at = cause.record
            if at is None or (at.machine_id, at.number) in seen:
                break
            seen.add((at.machine_id, at.number))
        return found

    def _number(self, run: MachineRecord, source: SourceFact) -> int:
        """The number of the transition in the recording; 0 when it was not recorded, or not yet."""
        key = (run.id, source.sequence, source.transition_id)
        number = self._numbers.get(key, 0)
        if number:
            return number
        recording = self._session.recording
        if source.transition_id:
            number = lookup.by_id(recording, run.id, source.transition_id) or 0
        elif source.sequence:
            number = self._guess(run.id, source.sequence) or (
                lookup.by_sequence(recording, run.id, source.sequence) or 0
            )
        if number:
            if len(self._numbers) >= _KEPT:
                self._numbers.clear()
            self._numbers[key] = number
        return number

    def _guess(self, machine_id: int, sequence: int) -> int:
        """Where the transition is if nothing was lost between it and the first one that was recorded."""
        recording = self._session.recording
        count = recording.timeline(machine_id).count
        if not count:
            return 0
        number = sequence - recording.transition(machine_id, 1).sequence + 1
        fits = 1 <= number <= count and recording.transition(machine_id, number).sequence == sequence
        return number if fits else 0
