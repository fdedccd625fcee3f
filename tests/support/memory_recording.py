"""A recording kept in memory, made transition by transition: what tests of readers use instead of a session file.

    recording = MemoryRecording()
    orders = recording.machine("orders", ["Exception", "Ready", "Start"])
    orders.add("Start")                      # transition 1
    orders.add("Ready", accepted=False, canceled_by="ReadyEnter")
    recording.catch_up()                     # a Session does this by itself

Everything is buffered until ``catch_up``, like rows that another process commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from am_telemetry.facts import (
    ErrorFact,
    Flag,
    LogFact,
    Mutation,
    PatternFact,
    SchemaFact,
    SourceFact,
    StateFact,
    StepFact,
)
from am_telemetry.store.measuring import RowMeasure
from am_telemetry.store.reading import RecordingTotals
from am_telemetry.store.records import (
    Caused,
    EndReason,
    HandlerRunRecord,
    LogRecord,
    MachineRecord,
    OmissionRecord,
    PatternRecord,
    ProcessRecord,
    RunningRecord,
    TransitionRecord,
    WaitRecord,
    WaitsAt,
)
from am_telemetry.store.removals import RemovalRecord
from am_telemetry.store.rows import merge_late_lines
from am_telemetry.store.timeline import Timeline

START_NS = 1_700_000_000_000_000_000
"""2023-11-14 22:13:20 UTC: when recordings begin unless told otherwise."""
MILLISECOND = 1_000_000


@dataclass
class _Details:
    duration_ns: int = 0
    queue_len: int = 0
    source: SourceFact | None = None
    arguments: dict[str, object] | None = None
    error: ErrorFact | None = None
    logs: tuple[LogFact, ...] = ()


@dataclass
class MachineBuilder:
    """Writes one machine run. ``id`` is its database id."""

    recording: MemoryRecording
    id: int
    schema: SchemaFact
    clock: list[int]
    count: int = 0
    details: list[_Details] = field(default_factory=list)

    def add(self, *states: str, **more: object) -> int:
        """Record an add mutation; returns the transition number. Keywords as in ``mutate``."""
        return self.mutate("add", states, **more)  # type: ignore[arg-type]  # keywords are passed through

    def remove(self, *states: str, **more: object) -> int:
        """Record a remove mutation; returns the transition number. Keywords as in ``mutate``."""
        return self.mutate("remove", states, **more)  # type: ignore[arg-type]  # keywords are passed through

    def mutate(
        self,
        kind: Mutation,
        states: Sequence[str],
        *,
        also_add: Sequence[str] = (),
        also_remove: Sequence[str] = (),
        accepted: bool = True,
        auto: bool = False,
        check: bool = False,
        queued: bool = False,
        broken: bool = False,
        canceled_by: str = "",
        handlers: Sequence[str] = (),
        steps: Sequence[StepFact] = (),
        at_ns: int | None = None,
        duration_ns: int = 300_000,
        queue_len: int = 0,
        logs: Iterable[LogFact] = (),
        source: SourceFact | None = None,
        arguments: dict[str, object] | None = None,
        error: ErrorFact | None = None,
    ) -> int:
        """Record one transition. Ticks follow from the current clock; without effect when not accepted or a check."""
        index = self.schema.index
        deltas: dict[int, int] = {}
        if accepted and not (check or queued):
            for name in (*(states if kind != "remove" else ()), *also_add):
                state = index[name]
                if self.clock[state] % 2 == 0:
                    deltas[state] = 1
                elif self.schema.states[state].multi:
                    deltas[state] = 2
            for name in (*(states if kind == "remove" else ()), *also_remove):
                if self.clock[index[name]] % 2:
                    deltas[index[name]] = 1
        flags = Flag(0)
        for on, flag in (
            (accepted, Flag.ACCEPTED),
            (auto, Flag.AUTO),
            (check, Flag.CHECK),
            (queued, Flag.QUEUED),
            (broken, Flag.BROKEN),
        ):
            if on:
                flags |= flag
        odd = [state for state, ticks in deltas.items() if ticks == 1]
        pattern = PatternFact(
            mutation=kind,
            called=tuple(index[name] for name in states),
            flags=flags,
            deltas=tuple(sorted(deltas.items())),
            added=tuple(sorted(s for s in odd if self.clock[s] % 2 == 0)),
            removed=tuple(sorted(s for s in odd if self.clock[s] % 2)),
            steps=tuple(steps),
            handlers=tuple(handlers),
            canceled_by=canceled_by,
        )
        details = _Details(duration_ns, queue_len, source, arguments, error, tuple(logs))
        return self._append(pattern, details, at_ns)

    def record(self, fact: PatternFact) -> int:
        """Record a transition of which everything is known; returns its number."""
        return self._append(fact, _Details(), None)

    def lose(self, count: int) -> None:
        """So many transitions after the last one never reach the recording, and leave the ticks as they are."""
        self.recording.later(lambda: self.recording.timeline(self.id).correct(None, count))

    def _append(self, pattern: PatternFact, details: _Details, at_ns: int | None) -> int:
        for state, ticks in pattern.deltas:
            self.clock[state] += ticks
        moment = self.recording.next_ns() if at_ns is None else at_ns
        self.count += 1
        self.details.append(details)
        record = self.recording.pattern(self.schema, pattern)
        logged = [0] if details.logs else []
        self.recording.later(lambda: self.recording.timeline(self.id).extend([moment], [record], logged))
        return self.count

    def end(self, reason: EndReason = "disconnected", at_ns: int | None = None) -> None:
        """The machine is gone."""
        moment = self.recording.next_ns() if at_ns is None else at_ns
        self.recording.later(lambda: self.recording.end(self.id, moment, reason))


class MemoryRecording:
    """Implements ``am_telemetry.store.reading.Recording``."""

    def __init__(self, label: str = "memory", start_ns: int = START_NS, step_ns: int = 10 * MILLISECOND) -> None:
        self.label = label
        self.version = 0
        self.machines: list[MachineRecord] = []
        self.builders: dict[int, MachineBuilder] = {}
        self.still_running: dict[int, RunningRecord] = {}
        self.late_lines: list[tuple[int, int, str]] = []
        """Machine, number and text of lines logged after a transition."""
        self.removed: dict[int, list[RemovalRecord]] = {}
        self.transition_ids: dict[str, tuple[int, int]] = {}
        """Ids that were recorded with transitions."""
        self.omitted: dict[int, list[OmissionRecord]] = {}
        """By machine."""
        self.process_skews: dict[int, int] = {}
        self.process_hosts: dict[int, str] = {}
        self.wait_records: dict[int, list[WaitRecord]] = {}
        """By machine."""
        self.timed_handlers: dict[tuple[int, int], list[HandlerRunRecord]] = {}
        """By machine and number."""
        self._step = step_ns
        self._now = start_ns - step_ns
        self._schemas: list[SchemaFact] = []
        self._patterns: dict[tuple[str, PatternFact], PatternRecord] = {}
        self._timelines: dict[int, Timeline] = {}
        self._pending: list[Callable[[], None]] = []
        self._processes = {1: ProcessRecord(1, "0" * 32, "app", "localhost", 4242, "am_telemetry 0.1.0")}
        self._runs: dict[str, int] = {}

    # -- writing ------------------------------------------------------------------------------------------------

    def machine(
        self,
        name: str,
        states: SchemaFact | Sequence[str | StateFact],
        *,
        parent: str = "",
        tags: Sequence[str] = (),
        process_id: int = 1,
        at_ns: int | None = None,
        clock: Sequence[int] = (),
    ) -> MachineBuilder:
        """Announce a machine run."""
        if isinstance(states, SchemaFact):
            schema = states
        else:
            schema = SchemaFact(tuple(StateFact(s) if isinstance(s, str) else s for s in states))
        if schema not in self._schemas:
            self._schemas.append(schema)
        run = self._runs[name] = self._runs.get(name, 0) + 1
        record = MachineRecord(
            id=len(self.builders) + 1,
            name=name,
            parent=parent,
            run=run,
            tags=tuple(tags),
            schema_id=self._schemas.index(schema) + 1,
            process_id=process_id,
            started_ns=self.next_ns() if at_ns is None else at_ns,
            ended_ns=0,
            end_reason="",
            initial_clock=tuple(clock),
            id_prefix=f"{len(self.builders) + 1:08x}",
        )
        ticks = [*clock, *([0] * (len(schema.names) - len(clock)))]
        builder = self.builders[record.id] = MachineBuilder(self, record.id, schema, ticks)

        def publish() -> None:
            self._timelines[record.id] = Timeline(schema, clock)
            self.machines.append(record)

        self.later(publish)
        return builder

    def next_ns(self) -> int:
        """The recording's own clock: every call is one step later."""
        self._now += self._step
        return self._now

    def pattern(self, schema: SchemaFact, fact: PatternFact) -> PatternRecord:
        """The interned pattern."""
        key = (schema.digest, fact)
        record = self._patterns.get(key)
        if record is None:
            record = self._patterns[key] = PatternRecord(len(self._patterns) + 1, schema, fact)
        return record

    def later(self, change: Callable[[], None]) -> None:
        """Do something at the next ``catch_up``."""
        self._pending.append(change)

    def end(self, machine_id: int, at_ns: int, reason: EndReason) -> None:
        place = next(i for i, m in enumerate(self.machines) if m.id == machine_id)
        self.machines[place] = replace(self.machines[place], ended_ns=at_ns, end_reason=reason)

    # -- reading ------------------------------------------------------------------------------------------------

    def catch_up(self) -> bool:
        if not self._pending:
            return False
        changes, self._pending = self._pending, []
        for change in changes:
            change()
        self.version += 1
        return True

    def timeline(self, machine_id: int) -> Timeline:
        return self._timelines[machine_id]

    def schema(self, schema_id: int) -> SchemaFact:
        return self._schemas[schema_id - 1]

    def process(self, process_id: int) -> ProcessRecord:
        host = self.process_hosts.get(process_id, "localhost")
        if process_id == 1:
            return replace(self._processes[1], host=host)
        return replace(self._processes[1], id=process_id, pid=4242 + process_id, host=host)

    def omissions(self, machine_id: int) -> list[OmissionRecord]:
        return list(self.omitted.get(machine_id, ()))

    def skews(self) -> dict[int, int]:
        return dict(self.process_skews)

    def transition(self, machine_id: int, number: int) -> TransitionRecord:
        timeline = self.timeline(machine_id)
        details = self.builders[machine_id].details[number - 1]
        return TransitionRecord(
            machine_id=machine_id,
            number=number,
            sequence=number,
            at_ns=timeline.at(number),
            duration_ns=details.duration_ns,
            pattern=timeline.pattern(number),
            queue_len=details.queue_len,
            queue_tick=number,
            machine_time=timeline.machine_time(number),
            source=details.source,
            arguments=details.arguments,
            error=details.error,
            transition_id=next(
                (text for text, place in self.transition_ids.items() if place == (machine_id, number)),
                f"{machine_id:08x}{number:08x}",
            ),
        )

    def numbers_within(
        self, machine_id: int, measure: RowMeasure, low: int | None, high: int | None, first: int, last: int
    ) -> list[int]:
        found = []
        for number in range(first, last + 1):
            if not self.timeline(machine_id).holds(number):
                continue
            record = self.transition(machine_id, number)
            value = {"duration": record.duration_ns, "queue": record.queue_len, "queue tick": record.queue_tick}
            if (low is None or value[measure] >= low) and (high is None or value[measure] <= high):
                found.append(number)
        return found

    def find_transition_id(self, external_id: str, machine_id: int | None = None) -> tuple[int, int] | None:
        place = self.transition_ids.get(external_id)
        return place if place and machine_id in (None, place[0]) else None

    def running(self, machine_id: int) -> RunningRecord | None:
        return self.still_running.get(machine_id)

    def handler_runs(self, machine_id: int, number: int) -> list[HandlerRunRecord]:
        return self.timed_handlers.get((machine_id, number), [])

    def waits(self, machine_id: int, number: int) -> WaitsAt:
        present = number >= self.timeline(machine_id).count
        pending, ended = [], []
        for wait in self.wait_records.get(machine_id, []):
            if wait.opened_number > number + present:
                continue
            if wait.closed_number is None or (wait.closed_number > number and not present):
                pending.append(wait)
            elif wait.closed_number >= number:
                ended.append(wait)
        return WaitsAt(tuple(pending), tuple(ended))

    def effects(self, cause: SourceFact, machine_id: int, number: int) -> list[Caused]:
        return [
            Caused(owner, place)
            for owner, timeline in self._timelines.items()
            for place, details in enumerate(self.builders[owner].details[: timeline.count], 1)
            if details.source is not None
            and (details.source.machine, details.source.sequence) == (cause.machine, cause.sequence)
        ]

    def log_lines(self, machine_id: int, first: int, last: int) -> list[LogRecord]:
        details = self.builders[machine_id].details
        count = self.timeline(machine_id).count
        lines = [
            LogRecord(number, position, log.level, log.text, log.before)
            for number in range(max(1, first), min(last, count) + 1)
            for position, log in enumerate(details[number - 1].logs)
        ]
        late = [(n, 1, text) for machine, n, text in self.late_lines if machine == machine_id and first <= n <= last]
        return merge_late_lines(lines, late, first=min(1, last))

    def removals(self, machine_id: int) -> list[RemovalRecord]:
        return list(self.removed.get(machine_id, ()))

    def totals(self) -> RecordingTotals:
        lines = [self._timelines[m.id] for m in self.machines]
        return RecordingTotals(
            machines=len(self.machines),
            transitions=sum(t.count for t in lines),
            errors=sum(len(t.errors) for t in lines),
            canceled=sum(len(t.canceled) - len(t.refused_auto) for t in lines),
            log_lines=sum(len(self.log_lines(m.id, 1, self._timelines[m.id].count)) for m in self.machines),
            lost=sum(sum(t.gaps.values()) for t in lines),
        )
