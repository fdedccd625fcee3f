"""Messages of Go state machines, translated into batches.

What the messages do not carry is left at its neutral value: durations are 0, the sequence numbers of sources 0 (their
ids and machine times are kept). What batches have no place for is dropped: stack traces of queued mutations, queue
dumps, markers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from am_telemetry.batch import Batch, MachineClosed, PatternDef
from am_telemetry.facts import NO_STATE, Flag, MachineFact, Mutation, PatternFact, SchemaFact
from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.go_time import decode_time
from am_telemetry.formats.upstream_inference import clock_before, refusal
from am_telemetry.formats.upstream_log import LogFindings, level_shift, our_level, read_log
from am_telemetry.formats.upstream_schema import read_schema
from am_telemetry.formats.upstream_shape import Dialect
from am_telemetry.formats.upstream_steps import StepReader
from am_telemetry.formats.upstream_waits import PREFIXES, OpenWaits

MAX_TICK: Final = 2**48
_MAX_INTERNED: Final = 100_000
_MAX_TEXT: Final = 16_000_000
"""Characters of all interned texts together."""
_MUTATIONS: Final[tuple[Mutation, ...]] = ("add", "remove", "set")
_NOTHING: Final = LogFindings()
_ACCEPTED: Final = int(Flag.ACCEPTED)
_AUTO: Final = int(Flag.AUTO)
_CHECK: Final = int(Flag.CHECK)
_QUEUED: Final = int(Flag.QUEUED)
_BROKEN: Final = int(Flag.BROKEN)


@dataclass(slots=True)
class Counts:
    """What went through so far."""

    machines: int = 0
    transitions: int = 0
    accepted: int = 0
    auto: int = 0
    steps: int = 0
    log_lines: int = 0
    skipped: int = 0
    """Records that are no transitions (evaluations), and steps of unknown kinds."""
    mutations: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_MUTATIONS, 0))


class OpenMachine:
    """One machine while its messages come in."""

    __slots__ = (
        "at_ns", "clock", "fact", "handle", "lost", "reader", "reason", "schema", "sequence", "uncertain", "waits",
    )  # fmt: skip

    def __init__(self, handle: int, schema: int, fact: MachineFact, reader: StepReader) -> None:
        self.handle = handle
        self.schema = schema
        self.fact = fact
        self.reader = reader
        self.clock: list[int] | None = None
        """Ticks after the last transition, None while the machine is not announced."""
        self.uncertain = True
        """What the ticks were before the next transition is not known."""
        self.sequence = 0
        self.at_ns = 0
        self.lost = 0
        """Transitions that were given up since the last one."""
        self.reason = ""
        """Why they were."""
        self.waits = OpenWaits()


class Converter:
    """Turns schema and transition messages of one source into batches with handles of their own. Not thread-safe.

    The messages must have passed ``upstream_shape``. Methods raise ``FormatError`` for values out of range.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.counts = Counts()
        self._numbered = dialect.numbered
        self._shift = dialect.level_shift
        self._batch = Batch()
        self._last_seq = 0
        self._handles = 0
        self._schemas: dict[str, int] = {}
        self._readers: dict[int, StepReader] = {}
        self._patterns: dict[tuple[Any, ...], int] = {}
        self._texts: dict[str, int] = {}
        self._text_size = 0
        self.latest_ns = 0
        """The latest time met, which also serves what has no time of its own."""

    def open(self, message: Mapping[str, Any]) -> OpenMachine:
        """A machine's schema. The machine is announced with its first transition, which tells its first moment."""
        schema = read_schema(message)
        handle = self._schema_handle(schema)
        fact = MachineFact(message.get("ID", ""), schema, message.get("Parent", ""), tuple(message.get("Tags", ())))
        self.counts.machines += 1
        return OpenMachine(self._next_handle(), handle, fact, self._readers[handle])

    def close(self, machine: OpenMachine, reason: str = "disconnected") -> None:
        """The source says no more about the machine."""
        if machine.clock is None:
            machine.at_ns = self.latest_ns
            self._announce(machine, ())
        self._batch.closed.append(MachineClosed(machine.handle, machine.at_ns, reason))

    def add(self, machine: OpenMachine, message: Mapping[str, Any]) -> None:
        """The machine's next transition, or its next queued mutation."""
        get = message.get
        kind = get("Type", 0)
        if not 0 <= kind < len(_MUTATIONS):
            self.counts.skipped += 1
            return
        lines = get("LogEntries", ())
        earlier = get("PreLogEntries", ())
        found = _NOTHING
        if lines or earlier:
            found = read_log([line.get("Text", "") for line in lines], [line.get("Text", "") for line in earlier])
        reader = machine.reader
        steps = reader.read(get("Steps", ()))
        flags = _flags(message, found)
        clock = self._clock(machine, get("Clocks", ()))
        at_ns = self._time(machine, get("Time"))
        queue = _counter(get("Queue", 0)), _queue_tick(message)
        if machine.uncertain or machine.clock is None:
            before = self._before(machine, message, clock, steps)
            self._make_certain(machine, before, at_ns)
        else:
            before = machine.clock
        deltas = _deltas(before, clock)
        handlers = reader.handlers(steps)
        if len(found.handlers) == len(handlers) or not steps:
            handlers = tuple(found.handlers)
        canceled_by = "" if flags & _ACCEPTED else found.canceled_by or refusal(reader, steps)
        key = (machine.schema, kind, self._called(machine, message), flags, deltas, steps, handlers, canceled_by)
        pattern = self._patterns.get(key)
        if pattern is None:
            pattern = self._pattern(machine, key)
        machine.clock = clock
        machine.sequence += 1
        machine.at_ns = at_ns
        self._append(machine, message, pattern, queue, found)
        self._log(earlier, lines)
        self._pending(machine, earlier, machine.sequence - 1)
        self._pending(machine, lines, machine.sequence)
        self._count(message, kind, len(steps))

    def __len__(self) -> int:
        """Transitions in the batch being filled."""
        return len(self._batch)

    def take(self) -> Batch:
        """The batch filled so far; the next one is begun."""
        batch, self._batch = self._batch, Batch()
        size = max(1, len(batch) + len(batch.opened) + len(batch.closed))
        batch.first_seq = self._last_seq + 1
        batch.last_seq = self._last_seq = self._last_seq + size
        # What is forgotten is defined again under the handles of old, so the reader's tables stay small as well.
        if len(self._texts) > _MAX_INTERNED or self._text_size > _MAX_TEXT:
            self._texts.clear()
            self._text_size = 0
        if len(self._patterns) > _MAX_INTERNED:
            self._patterns.clear()
        return batch

    def _schema_handle(self, schema: SchemaFact) -> int:
        handle = self._schemas.get(schema.digest)
        if handle is None:
            handle = self._schemas[schema.digest] = self._next_handle()
            self._readers[handle] = StepReader(schema, self._numbered)
            self._batch.schemas.append((handle, schema))
        return handle

    def _next_handle(self) -> int:
        self._handles += 1
        return self._handles

    def _before(
        self, machine: OpenMachine, message: Mapping[str, Any], clock: list[int], steps: tuple[int, ...]
    ) -> list[int]:
        """The machine's ticks before a transition, of which those after it are known."""
        return clock_before(machine.fact.schema, message, clock, machine.reader, steps)

    def _make_certain(self, machine: OpenMachine, before: list[int], at_ns: int) -> None:
        """The machine's ticks before its next transition have become known."""
        machine.at_ns = at_ns
        self._announce(machine, tuple(before))
        machine.uncertain = False

    def _announce(self, machine: OpenMachine, clock: tuple[int, ...]) -> None:
        fact = machine.fact
        if any(clock):
            fact = MachineFact(fact.id, fact.schema, fact.parent, fact.tags, clock)
        self._batch.opened.append((machine.handle, machine.at_ns, fact))
        machine.clock = list(clock)

    def _clock(self, machine: OpenMachine, sent: Sequence[int]) -> list[int]:
        states = len(machine.fact.schema.states)
        clock = list(sent)
        if len(clock) > states:
            raise FormatError(f"machine {machine.fact.id!r} has {states} states but {len(clock)} clocks")
        if clock and not 0 <= min(clock) <= max(clock) < MAX_TICK:
            raise FormatError(f"machine {machine.fact.id!r} has a clock out of range")
        if len(clock) < states:
            clock += (machine.clock or [0] * states)[len(clock) :]
        return clock

    def _time(self, machine: OpenMachine, data: bytes | None) -> int:
        moment = decode_time(data) if data is not None else None
        if moment is None:
            return machine.at_ns or self.latest_ns
        self.latest_ns = max(self.latest_ns, moment.unix_ns)
        return moment.unix_ns

    @staticmethod
    def _called(machine: OpenMachine, message: Mapping[str, Any]) -> tuple[int, ...]:
        schema = machine.fact.schema
        names = message.get("CalledStates")
        if names:
            return tuple([schema.index.get(name, NO_STATE) for name in names])
        known = len(schema.states)
        return tuple([i if 0 <= i < known else NO_STATE for i in message.get("CalledStatesIdxs", ())])

    def _pattern(self, machine: OpenMachine, key: tuple[Any, ...]) -> int:
        schema, kind, called, flags, deltas, numbers, handlers, canceled_by = key
        steps = machine.reader.steps
        fact = PatternFact(
            _MUTATIONS[kind],
            called,
            Flag(flags),
            tuple((i, gained) for i, gained, _ in deltas),
            tuple(i for i, gained, active in deltas if gained % 2 and not active),
            tuple(i for i, gained, active in deltas if gained % 2 and active),
            tuple(step for number in numbers if (step := steps[number]) is not None),
            handlers,
            canceled_by,
        )
        handle = self._patterns[key] = len(self._patterns) + 1
        self._batch.patterns.append(PatternDef(handle, schema, fact))
        return handle

    def _append(
        self,
        machine: OpenMachine,
        message: Mapping[str, Any],
        pattern: int,
        queue: tuple[int, int],
        found: LogFindings,
    ) -> None:
        get = message.get
        batch = self._batch
        row = len(batch)
        columns = batch.transitions
        columns.machine.append(machine.handle)
        columns.sequence.append(machine.sequence)
        columns.at_ns.append(machine.at_ns)
        columns.duration_ns.append(0)
        columns.pattern.append(pattern)
        columns.queue_len.append(queue[0])
        columns.queue_tick.append(queue[1])
        if identity := get("ID"):
            batch.transition_ids.append((row, identity))
        if found.source is not None:
            batch.sources.append((row, found.source))
        if found.error is not None:
            batch.errors.append((row, found.error))
        if arguments := get("Args"):
            batch.arguments.append((row, json.dumps(arguments, ensure_ascii=False)))

    def _log(self, earlier: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> None:
        row = len(self._batch) - 1
        logs = self._batch.logs
        for before, entries in ((True, earlier), (False, lines)):
            for entry in entries:
                text = entry.get("Text", "")
                level = entry.get("Level", 0)
                shift = level_shift(level, text)
                if shift is not None:
                    self._shift = shift
                handle = self._texts.get(text)
                if handle is None:
                    handle = self._texts[text] = len(self._texts) + 1
                    self._text_size += len(text)
                    self._batch.texts.append((handle, text))
                logs.row.append(row)
                logs.level.append(our_level(level, text, self._shift))
                logs.text.append(handle)
                logs.before.append(before)
        self.counts.log_lines += len(earlier) + len(lines)

    def _pending(self, machine: OpenMachine, lines: Sequence[Mapping[str, Any]], sequence: int) -> None:
        for line in lines:
            text = line.get("Text", "")
            if text.startswith(PREFIXES):
                machine.waits.read(text, self._batch.waits, machine.handle, sequence, machine.at_ns)

    def _count(self, message: Mapping[str, Any], kind: int, steps: int) -> None:
        counts = self.counts
        counts.transitions += 1
        counts.accepted += bool(message.get("Accepted"))
        counts.auto += bool(message.get("IsAuto"))
        counts.mutations[_MUTATIONS[kind]] += 1
        counts.steps += steps
        counts.skipped += len(message.get("Steps", ())) - steps


def _deltas(before: Sequence[int], after: Sequence[int]) -> tuple[tuple[int, int, int], ...]:
    """(state index, ticks gained, 1 when active before) of every state whose tick changed."""
    if before == after:
        return ()
    pairs = enumerate(zip(before, after, strict=True))
    return tuple([(i, new - old, old & 1) for i, (old, new) in pairs if new != old])


def _flags(message: Mapping[str, Any], found: LogFindings) -> int:
    """Bits of ``Flag``; plain integers, because members of enumerations are slow to combine."""
    get = message.get
    flags = _ACCEPTED if get("Accepted") else _BROKEN if found.broken else 0
    if get("IsAuto"):
        flags |= _AUTO
    if get("IsCheck"):
        flags |= _CHECK
    if get("IsQueued"):
        flags |= _QUEUED
    return flags


def _queue_tick(message: Mapping[str, Any]) -> int:
    """Where in the queue the mutation is or was; prepended ones have a token instead, and 0 here."""
    if message.get("MutQueueToken"):
        return 0
    return _counter(message.get("MutQueueTick" if message.get("IsQueued") else "QueueTick", 0))


def _counter(value: int) -> int:
    """A number that counts something small; nothing sane lies outside."""
    if not 0 <= value < MAX_TICK:
        raise FormatError(f"a queue position of {value}")
    return value
