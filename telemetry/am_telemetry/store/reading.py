"""What a reader of a recording may rely on. ``SessionFile`` is the implementation over SQLite; tests bring others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from am_telemetry.facts import SchemaFact, SourceFact
from am_telemetry.store.measuring import RowMeasure
from am_telemetry.store.records import (
    Caused,
    HandlerRunRecord,
    LogRecord,
    MachineRecord,
    OmissionRecord,
    ProcessRecord,
    RunningRecord,
    TransitionRecord,
    WaitsAt,
)
from am_telemetry.store.removals import RemovalRecord
from am_telemetry.store.timeline import Timeline


@dataclass(frozen=True, slots=True)
class RecordingTotals:
    """Counts over the whole recording."""

    machines: int
    transitions: int
    errors: int
    canceled: int
    """Without automatic transitions that were tried in vain."""
    log_lines: int
    lost: int
    removed: int = 0
    """Transitions that retention has taken away. They count nowhere else."""


class Recording(Protocol):
    """A session file, possibly still growing. All methods are for one reading thread; none blocks on a writer.

    What a reader sees changes in ``catch_up`` only. Where several readers share a recording, ``catch_up`` tells the
    first caller about a change; the others see it by comparing ``version`` with the one they drew last.
    """

    @property
    def label(self) -> str:
        """What to show as the source, usually a path."""
        ...

    @property
    def version(self) -> int:
        """Grows whenever machines, schemas or timelines changed."""
        ...

    @property
    def machines(self) -> Sequence[MachineRecord]:
        """All machine runs in order of appearance."""
        ...

    def catch_up(self) -> bool:
        """Take in what was committed since the last call; True when ``version`` grew."""
        ...

    def timeline(self, machine_id: int) -> Timeline: ...

    def schema(self, schema_id: int) -> SchemaFact: ...

    def process(self, process_id: int) -> ProcessRecord: ...

    def transition(self, machine_id: int, number: int) -> TransitionRecord: ...

    def numbers_within(
        self, machine_id: int, measure: RowMeasure, low: int | None, high: int | None, first: int, last: int
    ) -> list[int]:
        """Numbers from ``first`` to ``last`` whose measure lies between two limits (None: no limit), ascending."""
        ...

    def find_transition_id(self, external_id: str, machine_id: int | None = None) -> tuple[int, int] | None:
        """(machine run, number) of the transition whose id was recorded with it, as in imported recordings.

        Args:
            external_id: the id as the machine spells it.
            machine_id: only of this run.
        """
        ...

    def log_lines(self, machine_id: int, first: int, last: int) -> list[LogRecord]:
        """Log lines of transitions ``first`` to ``last`` (inclusive), in order; those before the first one with 0."""
        ...

    def running(self, machine_id: int) -> RunningRecord | None:
        """The transition that had begun and was not over when it was last looked at; None when there is none."""
        ...

    def handler_runs(self, machine_id: int, number: int) -> list[HandlerRunRecord]:
        """How long the handlers of a transition took, in order; empty where the program did not tell."""
        ...

    def waits(self, machine_id: int, number: int) -> WaitsAt:
        """What was pending after a transition (after the last one: now), and what it ended: waits, contexts, pipes."""
        ...

    def effects(self, cause: SourceFact, machine_id: int, number: int) -> list[Caused]:
        """The transitions that name a cause, among those recorded at about the time of another transition."""
        ...

    def omissions(self, machine_id: int) -> list[OmissionRecord]:
        """What stored transitions of a machine lack, because its program had no room to keep it."""
        ...

    def skews(self) -> Mapping[int, int]:
        """About how many nanoseconds the recording computer's clock is ahead of each process's, by process id.

        Processes of which that is not known are left out.
        """
        ...

    def removals(self, machine_id: int) -> Sequence[RemovalRecord]:
        """What retention has removed of a machine, ascending. Its timeline knows the same by numbers."""
        ...

    def totals(self) -> RecordingTotals: ...
