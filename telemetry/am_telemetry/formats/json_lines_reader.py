"""Reads recordings written as JSON lines. Every line is checked; the first wrong one ends it, with its number.

What is read was written by other programs, so nothing in it is trusted: sizes are bounded, numbers fit their columns,
and whatever is referred to has to be defined before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast, get_args

from am_telemetry.batch import Batch, MachineClosed, PatternDef, SchemaRevised
from am_telemetry.facts import (
    ErrorFact,
    GapFact,
    Mutation,
    OmissionFact,
    PatternFact,
    RunningFact,
    SchemaFact,
    SourceFact,
)
from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.json_fields import Fields, WrongFieldError
from am_telemetry.formats.json_lines_definitions import (
    check_header,
    read_machine,
    read_pattern,
    read_process,
    read_schema,
)
from am_telemetry.formats.json_lines_waits import read_wait, read_wait_end
from am_telemetry.recorded import BookmarkFact, Piece

MAX_LINE: Final = 32 * 1024 * 1024
"""Bytes of one line."""
BATCH_ROWS: Final = 2_048

_INT64: Final = 2**63
# In a batch, records are stored in this order; one that comes later in the file but earlier here needs another batch.
_REVISION, _TRANSITION, _GAP, _OMISSION, _LATE, _RUNNING, _WAIT, _WAIT_END, _END = range(9)


@dataclass(slots=True)
class JsonLineCounts:
    """What was read so far."""

    machines: int = 0
    transitions: int = 0
    log_lines: int = 0


@dataclass(slots=True)
class _Process:
    id: int
    batch: Batch = field(default_factory=Batch)
    phase: int = 0
    schemas: set[int] = field(default_factory=set)
    patterns: set[int] = field(default_factory=set)
    texts: dict[str, int] = field(default_factory=dict)


class JsonLines:
    """One pass over a file of JSON lines.

    Args:
        file: opened for reading bytes, at its beginning.
        progress: called now and then with the number of bytes read.
    """

    def __init__(self, file: BinaryIO, progress: Callable[[int], None] = lambda _done: None) -> None:
        self._file = file
        self._progress = progress
        self.counts = JsonLineCounts()
        self._processes: dict[int, _Process] = {}
        self._sessions: set[str] = set()
        self._schemas: dict[int, SchemaFact] = {}
        self._patterns: dict[int, tuple[int, PatternFact]] = {}
        self._machines: dict[int, _Process] = {}
        self._ready: list[Piece] = []
        self._bookmarks: list[Piece] = []
        self._readers: dict[str, Callable[[Fields], None]] = {
            "process": self._process,
            "schema": self._schema,
            "machine": self._machine,
            "pattern": self._pattern,
            "transition": self._transition,
            "revision": self._revision,
            "gap": self._gap,
            "omission": self._omission,
            "late_log": self._late,
            "running": self._running,
            "wait": self._wait,
            "wait_end": self._wait_end,
            "end": self._end,
            "bookmark": self._bookmark,
        }

    def pieces(self) -> Iterator[Piece]:
        """The recording, in pieces that can be stored one after the other.

        Raises:
            FormatError: a line is wrong; the message holds its number.
        """
        for number, line in self._lines():
            try:
                fields = Fields.parse(line)
                if number == 1:
                    check_header(fields)
                    continue
                kind = fields.text("record")
                reader = self._readers.get(kind)
                if reader is None:
                    raise WrongFieldError(f"{kind[:40]!r} is not a kind of record")
                reader(fields)
            except WrongFieldError as error:
                raise FormatError(f"line {number:,}: {error}") from error
            if self._ready:
                yield from self._ready
                self._ready.clear()
        for process in self._processes.values():
            self._flush(process)
        yield from self._ready
        yield from self._bookmarks

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        done = told = number = 0
        while line := self._file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise FormatError(f"line {number:,}: it is longer than {MAX_LINE:,} bytes")
            done += len(line)
            if done - told > 1_000_000:
                told = done
                self._progress(done)
            if line.strip() or number == 1:
                yield number, line
        if not number:
            raise FormatError("it is empty")
        self._progress(done)

    # -- definitions --------------------------------------------------------------------------------------------

    def _process(self, fields: Fields) -> None:
        handle = fields.new("id", self._processes)
        past = read_process(fields)
        if past.fact.session in self._sessions:
            raise WrongFieldError("that session was defined before")
        self._sessions.add(past.fact.session)
        self._processes[handle] = _Process(handle)
        self._ready.append((handle, past))

    def _schema(self, fields: Fields) -> None:
        handle = fields.new("id", self._schemas)
        self._schemas[handle] = read_schema(fields)

    def _machine(self, fields: Fields) -> None:
        handle = fields.new("id", self._machines)
        process = self._owner(fields)
        schema = fields.known("schema", self._schemas)
        fact = read_machine(fields, self._schemas[schema])
        self._machines[handle] = process
        self._define_schema(process, schema)
        process.batch.opened.append((handle, fields.number("started_ns"), fact))
        self.counts.machines += 1

    def _pattern(self, fields: Fields) -> None:
        handle = fields.new("id", self._patterns)
        schema = fields.known("schema", self._schemas)
        self._patterns[handle] = (schema, read_pattern(fields, self._schemas[schema]))

    def _owner(self, fields: Fields) -> _Process:
        return self._processes[fields.known("process", self._processes)]

    def _define_schema(self, process: _Process, handle: int) -> None:
        if handle not in process.schemas:
            process.schemas.add(handle)
            process.batch.schemas.append((handle, self._schemas[handle]))

    # -- what happened ------------------------------------------------------------------------------------------

    def _turn(self, fields: Fields, phase: int) -> tuple[int, _Process, Batch]:
        """The machine of a record, its process, and the batch that the record goes into."""
        machine = fields.known("machine", self._machines)
        process = self._machines[machine]
        batch = process.batch
        if (
            phase < process.phase
            or len(batch.transitions.machine) >= BATCH_ROWS
            or len(batch.gaps) >= 64
            or len(batch.waits) >= BATCH_ROWS
        ):
            self._flush(process)
            batch = process.batch
        process.phase = phase
        return machine, process, batch

    def _flush(self, process: _Process) -> None:
        if process.batch != Batch():
            self._ready.append((process.id, process.batch))
        process.batch, process.phase = Batch(), 0
        process.texts.clear()

    def _text(self, process: _Process, text: str) -> int:
        handle = process.texts.get(text)
        if handle is None:
            handle = process.texts[text] = len(process.texts)
            process.batch.texts.append((handle, text))
        return handle

    def _transition(self, fields: Fields) -> None:
        machine, process, batch = self._turn(fields, _TRANSITION)
        pattern = fields.known("pattern", self._patterns)
        if pattern not in process.patterns:
            process.patterns.add(pattern)
            schema, fact = self._patterns[pattern]
            self._define_schema(process, schema)
            batch.patterns.append(PatternDef(pattern, schema, fact))
        columns = batch.transitions
        row = len(columns.machine)
        columns.machine.append(machine)
        columns.pattern.append(pattern)
        columns.sequence.append(fields.number("sequence", 1))
        columns.at_ns.append(fields.signed("at_ns"))
        columns.duration_ns.append(fields.number("duration_ns"))
        columns.queue_len.append(fields.number("queue_len"))
        columns.queue_tick.append(fields.number("queue_tick"))
        self.counts.transitions += 1
        if len(fields.values) > 8:
            self._details(fields, process, batch, row)

    def _details(self, fields: Fields, process: _Process, batch: Batch, row: int) -> None:
        logs, runs = batch.logs, batch.runs
        for line in fields.list_of("log", list, required=False):
            match line:
                case [int(level), str(text), bool(before)] if 0 <= level <= 255:
                    logs.row.append(row)
                    logs.level.append(int(level))
                    logs.text.append(self._text(process, text))
                    logs.before.append(before)
                    self.counts.log_lines += 1
                case _:
                    raise WrongFieldError("log holds something else than [level, text, before]")
        for run in fields.list_of("handlers", list, required=False):
            match run:
                case [str(name), int(offset), int(duration)] if 0 <= duration < _INT64 and abs(offset) < _INT64:
                    runs.row.append(row)
                    runs.name.append(name)
                    runs.offset_ns.append(int(offset))
                    runs.duration_ns.append(int(duration))
                case _:
                    raise WrongFieldError("handlers holds something else than [name, offset, duration]")
        if "arguments_json" in fields.values:
            batch.arguments.append((row, fields.text("arguments_json")))
        if "id" in fields.values:
            batch.transition_ids.append((row, fields.text("id")))
        if "error" in fields.values:
            error = fields.inner("error")
            batch.errors.append((row, ErrorFact(error.text("type"), error.text("message"), error.text("traceback"))))
        if "source" in fields.values:
            source = fields.inner("source")
            fact = SourceFact(
                source.text("machine"),
                source.number("sequence"),
                source.number("machine_time"),
                source.text("transition_id"),
            )
            batch.sources.append((row, fact))

    def _revision(self, fields: Fields) -> None:
        schema = fields.known("schema", self._schemas)
        machine, process, batch = self._turn(fields, _REVISION)
        # Two revisions in one batch would take effect at the same time.
        if batch.revised:
            self._flush(process)
        self._define_schema(process, schema)
        process.batch.revised.append(SchemaRevised(machine, schema))

    def _gap(self, fields: Fields) -> None:
        machine, _, batch = self._turn(fields, _GAP)
        batch.gaps.append(
            GapFact(
                machine,
                fields.number("after_sequence"),
                fields.number("lost"),
                fields.text("reason"),
                fields.ticks("clock"),
            )
        )

    def _omission(self, fields: Fields) -> None:
        machine, _, batch = self._turn(fields, _OMISSION)
        first, last = fields.number("first_sequence"), fields.number("last_sequence")
        what, count, reason = fields.text("what"), fields.number("count"), fields.text("reason")
        batch.omissions.append(OmissionFact(machine, first, last, what, count, reason))

    def _late(self, fields: Fields) -> None:
        machine, process, batch = self._turn(fields, _LATE)
        late = batch.late
        late.machine.append(machine)
        late.sequence.append(fields.number("sequence"))
        late.at_ns.append(fields.signed("at_ns"))
        late.level.append(fields.number("level"))
        late.text.append(self._text(process, fields.text("text")))
        self.counts.log_lines += 1

    def _running(self, fields: Fields) -> None:
        machine, _, batch = self._turn(fields, _RUNNING)
        batch.running.append(
            RunningFact(
                machine=machine,
                sequence=fields.number("sequence"),
                at_ns=fields.signed("at_ns"),
                noted_ns=fields.signed("noted_ns"),
                mutation=cast(Mutation, fields.choice("mutation", get_args(Mutation))),
                called=fields.ticks("called"),
                auto=fields.boolean("auto"),
                handler=fields.text("handler"),
                timed_out=fields.boolean("timed_out"),
            )
        )

    def _wait(self, fields: Fields) -> None:
        machine, _, batch = self._turn(fields, _WAIT)
        batch.waits.begun.append(read_wait(fields, machine))

    def _wait_end(self, fields: Fields) -> None:
        machine, _, batch = self._turn(fields, _WAIT_END)
        batch.waits.ended.append(read_wait_end(fields, machine))

    def _end(self, fields: Fields) -> None:
        machine, _, batch = self._turn(fields, _END)
        batch.closed.append(MachineClosed(machine, fields.number("at_ns"), fields.text("reason")))

    def _bookmark(self, fields: Fields) -> None:
        machine = fields.known("machine", self._machines)
        texts = (fields.text("title"), fields.text("note"), fields.text("author"))
        mark = BookmarkFact(machine, fields.number("number"), *texts, fields.number("created_ns"))
        self._bookmarks.append((self._machines[machine].id, mark))
