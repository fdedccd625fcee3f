"""From protobuf to batches. Whatever comes in, either a valid batch comes out or a ``WireError``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NoReturn

from google.protobuf.message import DecodeError

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch, LogColumns, MachineClosed, PatternDef, SchemaRevised, TransitionColumns
from am_telemetry.facts import ErrorFact, GapFact, MachineFact, SchemaFact, SourceFact, StateFact
from am_telemetry.wire.additions import (
    decode_groups,
    decode_late,
    decode_omissions,
    decode_running,
    decode_runs,
)
from am_telemetry.wire.limits import (
    MAX_ATTACHED,
    MAX_CELLS,
    MAX_HANDLES,
    MAX_INT,
    MAX_NAME,
    MAX_ROWS,
    MAX_STATES,
    WireError,
)
from am_telemetry.wire.patterns import decode_pattern
from am_telemetry.wire.waits import decode_waits


def decode(data: bytes) -> Batch:
    """The batch of one serialised ``ClientFrame`` that defines everything it uses.

    Raises:
        WireError: the bytes are anything else.
    """
    try:
        frame = pb.ClientFrame.FromString(data)
    except DecodeError as error:
        raise WireError("not a telemetry frame") from error
    if frame.WhichOneof("frame") != "batch":
        raise WireError("the frame holds no batch")
    return Decoder().decode(frame.batch)


class Decoder:
    """Decodes and checks the batches of one connection, in order.

    It knows which handles are defined, so what it returns is consistent: every handle is known, every state index is
    inside its schema, sequences rise, numbers fit 63 bits. After an error the decoder must not be used again.
    Not thread-safe.
    """

    def __init__(self) -> None:
        self._texts: set[int] = set()
        self._schemas: dict[int, SchemaFact] = {}
        self._machines: dict[int, int] = {}
        self._sequences: dict[int, int] = {}
        self._patterns: dict[int, int] = {}
        self._cells = 0
        self._pairs: set[tuple[int, int]] = set()
        """(machine, pattern) that were found to have the same schema."""

    def decode(self, message: pb.Batch) -> Batch:
        """Check a batch and turn it into facts.

        Raises:
            WireError: it breaks the protocol.
        """
        _require(0 < message.first_seq <= message.last_seq <= MAX_INT, "record numbers are out of order")
        batch = Batch(message.first_seq, message.last_seq)
        self._take_definitions(message, batch)
        batch.transitions = self._transitions(message)
        size = len(batch.transitions)
        batch.logs = self._logs(message, size)
        batch.sources = _sources(message, size)
        batch.arguments = _texts_by_row(message.argument_row, message.argument_json, size)
        batch.transition_ids = _texts_by_row(message.id_row, message.id_text, size)
        batch.errors = _errors(message, size)
        batch.runs = decode_runs(message, size)
        batch.gaps = self._gaps(message)
        batch.omissions = decode_omissions(message, self._machines)
        batch.late = decode_late(message, self._machines, self._texts)
        if message.running:
            owners = {entry.machine: self._machines.get(entry.machine, 0) for entry in message.running}
            schemas = {machine: self._schemas[owner] for machine, owner in owners.items() if owner in self._schemas}
            batch.running = decode_running(message, schemas)
        if message.HasField("waits"):
            batch.waits = decode_waits(message.waits, self._machines)
        batch.closed = self._closed(message)
        return batch

    # -- definitions ----------------------------------------------------------------------------------------------

    def _take_definitions(self, message: pb.Batch, batch: Batch) -> None:
        for entries in (message.texts, message.schemas, message.opened, message.patterns, message.revised):
            _require(len(entries) <= MAX_ATTACHED, "too many definitions in one batch")
        if message.texts:
            batch.texts = [(entry.handle, entry.text) for entry in message.texts]
            self._texts.update([handle for handle, _ in batch.texts])
        for schema in message.schemas:
            batch.schemas.append((schema.handle, self._schema(schema)))
        for opened in message.opened:
            batch.opened.append((opened.machine, opened.at_ns, self._opened(opened)))
        for pattern in message.patterns:
            owner = self._schemas.get(pattern.schema)
            if owner is None:
                _refuse(f"pattern {pattern.handle} belongs to unknown schema {pattern.schema}")
            batch.patterns.append(
                PatternDef(pattern.handle, pattern.schema, decode_pattern(pattern, len(owner.states)))
            )
            self._patterns[pattern.handle] = pattern.schema
        for revised in message.revised:
            _require(revised.machine in self._machines, f"machine {revised.machine} was not opened")
            _require(revised.schema in self._schemas, f"schema {revised.schema} is not defined")
            self._adopt(revised.machine, revised.schema)
            batch.revised.append(SchemaRevised(revised.machine, revised.schema))
        if message.schemas or message.opened or message.patterns or message.revised:
            self._pairs.clear()
        for table in (self._texts, self._schemas, self._machines, self._patterns):
            _require(len(table) <= MAX_HANDLES, "too many handles are alive")

    def _schema(self, message: pb.Schema) -> SchemaFact:
        _require(len(message.states) <= MAX_STATES, f"a schema has {len(message.states)} states")
        states = tuple(
            StateFact(
                name=state.name,
                auto=state.auto,
                multi=state.multi,
                require=tuple(state.require),
                add=tuple(state.add),
                remove=tuple(state.remove),
                after=tuple(state.after),
                tags=tuple(state.tags),
            )
            for state in message.states
        )
        names = [state.name for state in states]
        _require(len(set(names)) == len(names), "a schema names a state twice")
        _require(all(len(name) <= MAX_NAME for name in names), "a state name is too long")
        schema = SchemaFact(states, decode_groups(message))
        # Machines and patterns that were defined with it would not fit another one.
        _require(self._schemas.get(message.handle, schema) == schema, f"schema {message.handle} is defined differently")
        self._schemas[message.handle] = schema
        return schema

    def _opened(self, message: pb.MachineOpened) -> MachineFact:
        schema = self._schemas.get(message.schema)
        if schema is None:
            _refuse(f"machine {message.machine} has unknown schema {message.schema}")
        longest = max(len(message.id), len(message.parent), len(message.id_prefix))
        _require(longest <= MAX_NAME, "a machine id is too long")
        _require(max(message.at_ns, message.sequence) <= MAX_INT, "a number of an opened machine is too large")
        clock = _clock(message.clock)
        _require(len(clock) <= len(schema.states), "a clock has more entries than its machine has states")
        self._adopt(message.machine, message.schema)
        self._sequences[message.machine] = message.sequence
        return MachineFact(
            message.id,
            schema,
            message.parent,
            tuple(message.tags),
            clock=clock,
            sequence=message.sequence,
            id_prefix=message.id_prefix,
        )

    def _adopt(self, machine: int, schema: int) -> None:
        """The machine has that schema from now on."""
        self._release(self._machines.get(machine))
        self._machines[machine] = schema
        self._cells += len(self._schemas[schema].states)
        _require(self._cells <= MAX_CELLS, "the machines have too many states altogether")

    def _release(self, schema: int | None) -> None:
        if schema is not None:
            self._cells -= len(self._schemas[schema].states)

    # -- transitions ----------------------------------------------------------------------------------------------

    def _transitions(self, message: pb.Batch) -> TransitionColumns:
        size = len(message.machine)
        _require(size <= MAX_ROWS, f"a batch has {size} transitions")
        full = (message.sequence, message.at_ns, message.pattern)
        omissible = (message.duration_ns, message.queue_len, message.queue_tick)
        _require(
            all(len(column) == size for column in full) and all(len(column) in (0, size) for column in omissible),
            "the columns of a batch differ in length",
        )
        if not size:
            return TransitionColumns()
        # Slices, because they are twice as quick to go through as the fields themselves.
        steps = message.sequence[:]
        columns = TransitionColumns(
            machine=message.machine[:],
            sequence=list(accumulate(steps)),
            at_ns=list(accumulate(message.at_ns[:])),
            duration_ns=_filled(message.duration_ns, size),
            pattern=message.pattern[:],
            queue_len=_filled(message.queue_len, size),
            queue_tick=list(accumulate(_filled(message.queue_tick, size))),
        )
        pairs = set(zip(columns.machine, columns.pattern, strict=True)) - self._pairs
        if pairs:
            self._check_pairs(pairs)
        self._check_sequences(columns, steps)
        for column in (columns.sequence, columns.at_ns, columns.queue_tick):
            _require(min(column) >= 0 and max(column) <= MAX_INT, "a number of a transition is out of range")
        for column in (columns.duration_ns, columns.queue_len):
            # Never negative on the wire, so none is larger than the sum.
            _require(sum(column) <= MAX_INT or max(column) <= MAX_INT, "a number of a transition is out of range")
        return columns

    def _check_sequences(self, columns: TransitionColumns, steps: Sequence[int]) -> None:
        """Every machine must go forward. ``steps`` are from one transition to the next one, the first from zero."""
        sequences = self._sequences
        if columns.machine.count(columns.machine[0]) == len(columns):
            machine, numbers = columns.machine[0], columns.sequence
            if numbers[0] > sequences[machine] and min(steps) > 0:
                sequences[machine] = numbers[-1]
                return
        for machine, sequence in zip(columns.machine, columns.sequence, strict=True):
            if sequence <= sequences[machine]:
                _refuse(f"machine {machine} goes back from transition {sequences[machine]} to {sequence}")
            sequences[machine] = sequence

    def _check_pairs(self, pairs: Iterable[tuple[int, int]]) -> None:
        for machine, pattern in pairs:
            schema = self._machines.get(machine)
            _require(schema is not None, f"machine {machine} was not opened")
            _require(pattern in self._patterns, f"pattern {pattern} is not defined")
            _require(
                self._patterns[pattern] == schema, f"pattern {pattern} is of another schema than machine {machine}"
            )
            self._pairs.add((machine, pattern))

    # -- what is attached to transitions --------------------------------------------------------------------------

    def _logs(self, message: pb.Batch, size: int) -> LogColumns:
        count = len(message.log_row)
        _require(count <= MAX_ATTACHED, f"a batch has {count} log lines")
        same = len(message.log_level) == len(message.log_text) == count and len(message.log_before) in (0, count)
        _require(same, "the columns of log lines differ in length")
        if not count:
            return LogColumns()
        logs = LogColumns(
            row=list(accumulate(message.log_row)),
            level=list(message.log_level),
            text=list(message.log_text),
            before=list(message.log_before) or [False] * count,
        )
        _require(logs.row[-1] < size, "a log line belongs to no transition")
        _require(max(logs.level) <= 255, "a log level is out of range")
        _require(self._texts.issuperset(logs.text), "a log line uses an undefined text")
        return logs

    def _gaps(self, message: pb.Batch) -> list[GapFact]:
        _require(len(message.gaps) <= MAX_ATTACHED, "too many gaps in one batch")
        gaps = []
        for gap in message.gaps:
            schema = self._machines.get(gap.machine)
            if schema is None:
                _refuse(f"a gap belongs to unknown machine {gap.machine}")
            clock = _clock(gap.clock)
            _require(len(clock) <= len(self._schemas[schema].states), "the clock of a gap is too long")
            _require(0 < gap.lost <= MAX_INT - gap.after_sequence, "a gap is of impossible size")
            _require(len(gap.reason) <= MAX_NAME, "the reason of a gap is too long")
            self._sequences[gap.machine] = max(self._sequences[gap.machine], gap.after_sequence + gap.lost)
            gaps.append(GapFact(gap.machine, gap.after_sequence, gap.lost, gap.reason, clock))
        return gaps

    def _closed(self, message: pb.Batch) -> list[MachineClosed]:
        _require(len(message.closed) <= MAX_ATTACHED, "too many machines closed in one batch")
        closed = []
        for entry in message.closed:
            schema = self._machines.pop(entry.machine, None)
            _require(schema is not None, f"machine {entry.machine} was not opened")
            self._release(schema)
            _require(entry.at_ns <= MAX_INT and len(entry.reason) <= MAX_NAME, "a closing entry is out of range")
            del self._sequences[entry.machine]
            closed.append(MachineClosed(entry.machine, entry.at_ns, entry.reason))
        if closed:
            self._pairs.clear()
        return closed


def _sources(message: pb.Batch, size: int) -> list[tuple[int, SourceFact]]:
    rows = message.source_row
    if not rows:
        return []
    count = len(rows)
    _require(
        len(message.source_machine) == count
        and all(len(c) in (0, count) for c in (message.source_sequence, message.source_time, message.source_id)),
        "the columns of sources differ in length",
    )
    _check_rows(rows, size)
    names = list(message.source_names)
    _require(max(message.source_machine) < len(names), "a source has no name")
    _require(all(len(name) <= MAX_NAME for name in names), "the name of a source is too long")
    sequences = _filled(message.source_sequence, count)
    times = _filled(message.source_time, count)
    _require(max(*sequences, *times) <= MAX_INT, "a number of a source is out of range")
    ids = list(message.source_id) or [""] * count
    _require(all(len(text) <= MAX_NAME for text in ids), "the transition id of a source is too long")
    return [
        (row, SourceFact(names[machine], sequence, time, text))
        for row, machine, sequence, time, text in zip(rows, message.source_machine, sequences, times, ids, strict=True)
    ]


def _texts_by_row(rows: Sequence[int], texts: Sequence[str], size: int) -> list[tuple[int, str]]:
    _require(len(rows) == len(texts), "the columns of attached texts differ in length")
    _check_rows(rows, size)
    return list(zip(rows, texts, strict=True))


def _errors(message: pb.Batch, size: int) -> list[tuple[int, ErrorFact]]:
    errors = [(entry.row, ErrorFact(entry.type, entry.message, entry.traceback)) for entry in message.problems]
    _check_rows([row for row, _ in errors], size)
    return errors


def _check_rows(rows: Sequence[int], size: int) -> None:
    previous = -1
    for row in rows:
        if row <= previous:
            _refuse("attached rows are out of order")
        previous = row
    _require(previous < size, "something is attached to no transition")


def _clock(ticks: Iterable[int]) -> tuple[int, ...]:
    clock = tuple(ticks)
    _require(not clock or max(clock) <= MAX_INT, "a tick is out of range")
    return clock


def _filled(column: Sequence[int], size: int) -> list[int]:
    return list(column[:]) or [0] * size


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WireError(otherwise)


def _refuse(reason: str) -> NoReturn:
    raise WireError(reason)
