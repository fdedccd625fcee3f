"""The recording in memory: machines, definitions and timelines, moved on change by change."""

from __future__ import annotations

from collections.abc import Iterable

from am_telemetry.facts import SchemaFact
from am_telemetry.store.changes import Changes, Correction, Event, Rows
from am_telemetry.store.reading import RecordingTotals
from am_telemetry.store.records import MachineRecord, PatternRecord, ProcessRecord
from am_telemetry.store.timeline import Timeline


class Model:
    """What readers see. Not thread-safe: :class:`SessionFile` decides when it moves on."""

    def __init__(self) -> None:
        self.version = 0
        self.machines: list[MachineRecord] = []
        self.schemas: dict[int, SchemaFact] = {}
        self.patterns: dict[int, PatternRecord] = {}
        self.processes: dict[int, ProcessRecord] = {}
        self.timelines: dict[int, Timeline] = {}
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
                self.timelines[machine_id] = Timeline(schema, record.initial_clock)
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
            else:
                timeline.revise(self.schemas[event.schema_id])
        self.version += 1

    def totals(self) -> RecordingTotals:
        """Counts over all machines."""
        transitions = errors = canceled = lost = 0
        for timeline in self.timelines.values():
            transitions += timeline.count
            errors += len(timeline.errors)
            canceled += len(timeline.canceled)
            lost += sum(timeline.gaps.values())
        return RecordingTotals(
            machines=len(self.machines),
            transitions=transitions,
            errors=errors,
            canceled=canceled,
            log_lines=self._log_lines,
            lost=lost,
        )
