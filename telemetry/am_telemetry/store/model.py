"""The recording in memory: machines, definitions and timelines, moved on change by change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from am_telemetry.facts import SchemaFact
from am_telemetry.store.changes import Changes, Correction, Event, LateLines, NoLines, Removed, Rows
from am_telemetry.store.pattern_effects import Effects
from am_telemetry.store.reading import RecordingTotals
from am_telemetry.store.records import MachineRecord, PatternRecord, ProcessRecord
from am_telemetry.store.timeline import Timeline


class Model:
    """What readers see. Not thread-safe: :class:`SessionFile` decides when it moves on."""

    def __init__(self) -> None:
        self.version = 0
        self.machines: list[MachineRecord] = []
        self.abandoned = False
        """Nobody is recording any more, so machines without an end are shown as disconnected. See :meth:`abandon`."""
        self.schemas: dict[int, SchemaFact] = {}
        self.patterns: dict[int, PatternRecord] = {}
        self.processes: dict[int, ProcessRecord] = {}
        self.timelines: dict[int, Timeline] = {}
        self.effects = Effects()
        self._ended_machines: list[MachineRecord] = []
        self._ended_version = -1
        self._places: dict[int, int] = {}
        self._log_lines = 0

    def define(self, changes: Changes) -> None:
        """Take in definitions and machine records."""
        self.schemas.update(changes.schemas)
        self.patterns.update(changes.patterns)
        self.processes.update(changes.processes)
        for machine_id, record in changes.machines.items():
            place = self._places.get(machine_id)
            if place is None:
                self._places[machine_id] = len(self.machines)
                self.machines.append(record)
            else:
                self.machines[place] = record
            if machine_id not in self.timelines:
                schema = self.schemas[changes.first_schemas[machine_id]]
                self.timelines[machine_id] = Timeline(schema, record.initial_clock, self.effects)
        self._log_lines += sum(changes.log_lines.values())
        self.version += 1

    def apply(self, events: Iterable[Event]) -> None:
        """Take in transitions, holes and schema revisions."""
        patterns = self.patterns
        for event in events:
            timeline = self.timelines[event.machine_id]
            if isinstance(event, Rows):
                timeline.extend_ids(event.at_ns, event.patterns, event.logged, patterns)
            elif isinstance(event, Correction):
                timeline.correct(event.clock, event.lost, self.schemas[event.schema_id])
            elif isinstance(event, LateLines):
                timeline.log_late(event.number)
            elif isinstance(event, Removed):
                timeline.remove(event.first, event.last, event.ticks, event.active)
            elif isinstance(event, NoLines):
                timeline.unlog(event.number)
            else:
                timeline.revise(self.schemas[event.schema_id])
        self.version += 1

    def abandon(self, abandoned: bool) -> None:
        """Say whether the recording program is gone."""
        if abandoned != self.abandoned:
            self.abandoned = abandoned
            self.version += 1

    def present_machines(self) -> list[MachineRecord]:
        """The machines as they are now: where the recording program is gone, none is connected."""
        if not self.abandoned:
            return self.machines
        if self._ended_version != self.version:
            self._ended_machines = [self._ended(m) if m.connected else m for m in self.machines]
            self._ended_version = self.version
        return self._ended_machines

    def machine(self, machine_id: int) -> MachineRecord:
        """A machine run by database id.

        Raises:
            KeyError: there is no such run.
        """
        return self.machines[self._places[machine_id]]

    def _ended(self, machine: MachineRecord) -> MachineRecord:
        timeline = self.timelines[machine.id]
        last = timeline.times[-1] if timeline.size else machine.started_ns
        return replace(machine, ended_ns=max(last, machine.started_ns), end_reason="disconnected")

    def totals(self) -> RecordingTotals:
        """Counts over all machines."""
        transitions = errors = canceled = lost = removed = 0
        for timeline in self.timelines.values():
            transitions += timeline.size
            removed += timeline.count - timeline.size
            errors += len(timeline.errors)
            canceled += len(timeline.canceled) - len(timeline.refused_auto)
            lost += sum(timeline.gaps.values())
        return RecordingTotals(
            machines=len(self.machines),
            transitions=transitions,
            errors=errors,
            canceled=canceled,
            log_lines=self._log_lines,
            lost=lost,
            removed=removed,
        )
