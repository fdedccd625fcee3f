"""From what the ring noted to batches. Runs on the sender thread; knows neither engine nor wire nor network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import compress
from operator import sub
from typing import Any, Final

from am_telemetry.batch import Batch, LogColumns, MachineClosed, SchemaRevised, TransitionColumns
from am_telemetry.facts import RESTORED, GapFact, MachineFact, SourceFact
from am_telemetry.sending.arguments import MAX_ID, ArgumentWriter, cut
from am_telemetry.sending.drafts import Draft, Dropped, Span, WallClock, size_of_opened
from am_telemetry.sending.interning import PatternTable, SchemaTable, TextTable
from am_telemetry.sending.ring import (
    HAPPENING_SIZE,
    NEVER,
    NUMBER,
    TICKS_AFTER,
    Appeared,
    DetailChanged,
    HandlersRan,
    Happening,
    LateLog,
    Record,
    Reshaped,
    Restored,
    StillRunning,
    Traced,
    Track,
    Vanished,
)
from am_telemetry.sending.transition_facts import error_fact, pattern_fact, running_fact
from am_telemetry.settings import Settings

MAX_ROWS: Final = 512
LAST_ROW: Final = MAX_ROWS - 1
MAX_COST: Final = 512 * 1024
"""Estimated bytes after which a batch is complete, whatever its number of rows."""
OPENED_COST: Final = 1024
MAX_TAGS: Final = 256

ERROR_ARGUMENT: Final = "err"
"""Under which the engine passes the exception of an error state."""

Row = tuple[int, int, int, int, int, int, int]


class Builder:
    """Builds batches of bounded size and hands them to ``emit``.

    Args:
        settings: what may be told.
        schemas: where handles of schemas come from.
        emit: called with every complete draft.
        dropped: where losses are counted.

    Not thread-safe.
    """

    def __init__(
        self, settings: Settings, schemas: SchemaTable, emit: Callable[[Draft], None], dropped: Dropped
    ) -> None:
        self.texts = TextTable()
        self.patterns = PatternTable()
        self.schemas = schemas
        self.wall = WallClock()
        self.collected = 0
        """Transitions seen so far, including lost ones."""
        self.vanished: list[Traced] = []
        """Tracers whose machines are gone; emptied by the owner."""
        self.failure: Exception | None = None
        """Why something could not be told, the last time; emptied by the owner."""
        self._detail = settings.detail
        self._tracebacks = settings.tracebacks
        self._leaving: list[tuple[Track, int, str]] = []
        self._emit = emit
        self._dropped = dropped
        self._arguments = [ArgumentWriter(values, settings.scrub) for values in (False, True)]
        self._next_seq = 1
        self._reset()

    @property
    def next_seq(self) -> int:
        """The first record number that was not given out yet."""
        return self._next_seq

    def feed(self, records: list[Record]) -> None:
        """Take in what the ring noted, in order, and emit what is complete.

        What cannot be told is booked as lost, and what comes after it is told.
        """
        self._offset = self.wall.check()
        transition = self._transition
        for record in records:
            try:
                if len(record) != HAPPENING_SIZE:
                    transition(record)
                else:
                    self._happened(*record)
            except Exception as error:  # noqa: BLE001  # one bad record must not take the good ones with it
                self.failure = error
                if len(record) != HAPPENING_SIZE:
                    self.gap(record[0].track, record[NUMBER], tuple(record[TICKS_AFTER]), "error")
                    self.finish()
            if self._cost >= MAX_COST:
                self.finish()

    @property
    def busy(self) -> bool:
        """Whether :meth:`close_left` has something to do."""
        return bool(self._leaving)

    def close_left(self) -> None:
        """Close the machines that were disposed before, whose last lines have come in by now."""
        leaving, self._leaving = self._leaving, []
        for track, at_ns, reason in leaving:
            self._close(track, at_ns, reason)

    def finish(self) -> None:
        """Emit what was collected so far, if anything."""
        batch = self._batch
        rows = self._rows
        records = len(rows) + len(batch.opened) + len(batch.revised) + len(batch.gaps) + len(batch.closed)
        records += len(batch.late) + len(batch.running)
        if not records:
            return
        batch.first_seq = self._next_seq
        batch.last_seq = self._next_seq + records - 1
        self._next_seq += records
        self.collected += len(rows)
        if rows:
            batch.transitions = TransitionColumns(*map(list, zip(*rows, strict=True)))
        definitions = self.patterns.by_handle
        used = {handle: definitions[handle - 1] for handle in set(batch.transitions.pattern)}
        texts = {handle: self.texts.text(handle) for handle in {*batch.logs.text, *batch.late.text}}
        draft = Draft(batch, texts, used, self._spans)
        self._reset()
        self.texts.tidy()
        self.patterns.tidy()
        self._emit(draft)

    def gap(self, track: Track, sequence: int, clock: tuple[int, ...], reason: str) -> None:
        """Book that the transitions of a machine up to ``sequence`` were lost, with its ticks after them.

        A restoration only looks like a lost transition, so it is not counted as one.
        """
        lost = sequence - track.sequence
        if lost <= 0 or not track.announced or track.closed:
            return
        self._batch.gaps.append(GapFact(track.handle, track.sequence, lost, reason, clock))
        span = self._spans.setdefault(track.handle, Span(track.sequence, sequence))
        span.last, span.lost, span.clock = sequence, span.lost + lost, clock
        track.sequence, track.clock = sequence, clock
        if reason != RESTORED:
            self.collected += lost
            self._dropped.count(reason, lost)

    def book_lost(self, tracer: Traced) -> None:
        """Book what the ring dropped of a machine since the last transition that came through."""
        record, tracer.lost = tracer.lost, None
        if record is not None:
            self.gap(tracer.track, record[NUMBER], tuple(record[TICKS_AFTER]), "buffer full")

    def announce(self, opened: list[tuple[int, int, MachineFact]]) -> None:
        """Tell of machines again, as records of their own, because a hub may not know them."""
        for entry in opened:
            self._batch.opened.append(entry)
            schema = self._cost_of_schema(self.schemas.handles[entry[2].schema.digest])
            self._cost += OPENED_COST + size_of_opened(entry[2]) + schema
            if self._cost >= MAX_COST:
                self.finish()

    def _reset(self) -> None:
        self._batch = Batch()
        self._rows: list[Row] = []
        self._spans: dict[int, Span] = {}
        self._batch_schemas: set[int] = set()
        self._cost = 0
        self._logs = LogColumns()
        self._batch.logs = self._logs
        self._offset = self.wall.offset

    # -- happenings -----------------------------------------------------------------------------------------------

    def _happened(self, tracer: Traced, item: Happening, at_ns: int) -> None:
        track = tracer.track
        if isinstance(item, Appeared):
            if not track.announced and not track.closed:
                self._appeared(at_ns, item, track)
        elif isinstance(item, Reshaped):
            if track.announced and not track.closed:
                self._reshaped(at_ns, item, track)
        elif isinstance(item, Restored):
            self.book_lost(tracer)
            self.gap(track, item.sequence, item.clock, RESTORED)
            self.finish()
        elif isinstance(item, Vanished):
            if not (track.closed or track.leaving):
                self.book_lost(tracer)
                self.vanished.append(tracer)
                track.leaving = item.still_logs
                if track.leaving:
                    self._leaving.append((track, at_ns, item.reason))
                else:
                    self._close(track, at_ns, item.reason)
        elif isinstance(item, DetailChanged):
            track.detail = item.level
            if track.announced and not track.closed:
                track.patterns = self.patterns.keys_of(track.schema, track.detail)
        elif track.announced and not track.closed:
            if isinstance(item, LateLog):
                self._log_late(track, item, at_ns)
            elif isinstance(item, HandlersRan):
                track.runs = item
            elif item.sequence > track.sequence:
                self._still_running(track, item, at_ns)
        elif isinstance(item, LateLog):
            self._dropped.omit("late log lines", len(item.entries))

    def _close(self, track: Track, at_ns: int, reason: str) -> None:
        track.closed, track.leaving = True, False
        track.sequence = NEVER
        if track.announced:
            self._batch.closed.append(MachineClosed(track.handle, at_ns + self._offset, reason))

    def _log_late(self, track: Track, item: LateLog, at_ns: int) -> None:
        levels, handles, cost = self.texts.lines(item.entries)
        late = self._batch.late
        for level, text in zip(levels, handles, strict=True):
            late.machine.append(track.handle)
            late.sequence.append(item.sequence)
            late.at_ns.append(at_ns + self._offset)
            late.level.append(level)
            late.text.append(text)
        self._mention(track)
        self._cost += cost + 16 * len(levels)

    def _still_running(self, track: Track, item: StillRunning, at_ns: int) -> None:
        fact = running_fact(track.handle, item, at_ns, self._offset, told=track.detail >= 1)
        self._batch.running.append(fact)
        self._mention(track)
        self._cost += 128

    def _mention(self, track: Track) -> None:
        """Have the batch need the machine, although nothing happens to it."""
        if track.handle not in self._spans:
            self._spans[track.handle] = Span(track.sequence, track.sequence, 0, track.clock)

    def _appeared(self, at_ns: int, item: Appeared, track: Track) -> None:
        schema = self.schemas.handle(item.names, item.schema)
        if not schema:
            self._too_large(track)
            return
        track.schema = schema
        if track.detail < 0:
            track.detail = self._detail
        track.patterns = self.patterns.keys_of(schema, track.detail)
        track.sequence, track.clock = item.sequence, item.clock
        track.announced = True
        size = len(item.names)
        fact = MachineFact(
            id=cut(track.id, MAX_ID),
            schema=self.schemas.facts[track.schema],
            parent=cut(item.parent, MAX_ID),
            tags=tuple(cut(tag) for tag in item.tags[:MAX_TAGS]),
            clock=item.clock[:size] if any(item.clock) else (),
            sequence=item.sequence,
            id_prefix=item.id_prefix,
        )
        self._batch.opened.append((track.handle, at_ns + self._offset, fact))
        self._cost += OPENED_COST + size_of_opened(fact) + self._cost_of_schema(schema)

    def _reshaped(self, at_ns: int, item: Reshaped, track: Track) -> None:
        schema = self.schemas.handle(item.names, item.schema)
        if schema == track.schema:
            return
        if not schema:
            self._too_large(track)
            self._batch.closed.append(MachineClosed(track.handle, at_ns + self._offset, "closed"))
            return
        if track.handle in self._spans or any(entry[0] == track.handle for entry in self._batch.opened):
            self.finish()
        facts = self.schemas.facts
        ticks = dict(zip(facts[track.schema].names, track.clock, strict=False))
        track.clock = tuple([ticks.get(name, 0) for name in facts[schema].names])
        track.schema = schema
        track.patterns = self.patterns.keys_of(schema, track.detail)
        self._batch.revised.append(SchemaRevised(track.handle, schema))
        self._cost += self._cost_of_schema(schema)
        self._spans[track.handle] = Span(track.sequence, track.sequence, 0, track.clock)

    def _cost_of_schema(self, schema: int) -> int:
        """What a schema adds to the batch, once; a hub may have to be told of it."""
        if schema in self._batch_schemas:
            return 0
        self._batch_schemas.add(schema)
        return self.schemas.sizes[schema]

    def _too_large(self, track: Track) -> None:
        """A machine cannot be told of from now on, because a hub would refuse its schema."""
        track.closed = track.too_large = True
        track.sequence = NEVER
        self.failure = ValueError(f"the schema of machine {cut(track.id)!r} is too large")

    # -- transitions ----------------------------------------------------------------------------------------------

    def _transition(self, record: Record) -> None:
        (
            tracer, number, started_ns, ended_ns, mutation, called, accepted, auto, check, broken, canceled_by,
            before, after, queue_len, queue_tick, steps, handlers, pre_log, log, source, arguments,
        ) = record  # fmt: skip
        track: Track = tracer.track
        if number != track.sequence + 1 and not self._fits(tracer, number, before, started_ns):
            return
        moved: tuple[int, ...] = ()
        were_active: tuple[int, ...] = ()
        if before is not after and before != after:
            if len(before) < len(after):
                before = (*before, *[0] * (len(after) - len(before)))
            moved = tuple(map(sub, after, before))
            were_active = tuple([tick & 1 for tick in compress(before, moved)])
        key = (
            mutation,
            called,
            accepted,
            auto,
            check,
            broken,
            canceled_by,
            moved,
            were_active,
            tuple(steps) if steps is not None else None,
            tuple(handlers) if handlers is not None else None,
        )
        definition = track.patterns.get(key)
        if definition is None:
            fact = pattern_fact(*key, detail=track.detail)
            definition = self.patterns.define(track.schema, key, fact, track.detail)
            self._cost += 64 + 8 * len(fact.steps)
        handle = track.handle
        rows = self._rows
        row = len(rows)
        rows.append(
            (
                handle,
                number,
                started_ns + self._offset,
                ended_ns - started_ns,
                definition.handle,
                queue_len,
                queue_tick,
            )
        )
        track.sequence = number
        track.clock = after
        span = self._spans.get(handle)
        if span is None:
            self._spans[handle] = Span(number - 1, number, 0, after)
        else:
            span.last = number
            span.clock = after
        if row == LAST_ROW:
            self._cost += MAX_COST
        if track.detail:
            if track.runs is not None:
                self._runs(row, track)
            if log is not None or pre_log is not None:
                if pre_log is not None:
                    self._log(row, tuple(pre_log), True)
                if log is not None:
                    self._log(row, tuple(log), False)
            if source is not None:
                self._source(row, source)
            if arguments is not None:
                self._attach(row, track, arguments)

    def _fits(self, tracer: Traced, number: int, before: tuple[int, ...], started_ns: int) -> bool:
        """Handle a transition that is not the expected next one; False when it must be ignored."""
        track = tracer.track
        if track.closed:
            self._dropped.count("too large" if track.too_large else "after disposal", 1)
            return False
        if not track.announced:
            # Another thread changed the machine while the tracer was being bound.
            appeared = tracer.announcement(tuple(before), number - 1)
            if appeared is None:
                self._dropped.count("garbage", 1)
                return False
            self._appeared(started_ns, appeared, track)
            return True
        if number > track.sequence + 1:
            self.gap(track, number - 1, tuple(before), "buffer full")
            self.finish()
            return True
        # It was being noted while the machine was asked how much is missing, so the hole before it counts it already.
        return False

    def _log(self, row: int, entries: tuple[tuple[int, str], ...], before: bool) -> None:
        levels, handles, cost = self.texts.lines(entries)
        count = len(levels)
        logs = self._logs
        if count == 1:
            logs.row.append(row)
            logs.level.append(levels[0])
            logs.text.append(handles[0])
            logs.before.append(before)
        else:
            logs.row.extend([row] * count)
            logs.level.extend(levels)
            logs.text.extend(handles)
            logs.before.extend([before] * count)
        self._cost += cost

    def _runs(self, row: int, track: Track) -> None:
        ran, track.runs = track.runs, None
        if ran is None or ran.sequence != track.sequence:
            return
        columns = self._batch.runs
        for name, offset, duration in ran.runs:
            columns.row.append(row)
            columns.name.append(cut(name, MAX_ID))
            columns.offset_ns.append(max(0, offset))
            columns.duration_ns.append(max(0, duration))
        self._cost += 16 * len(ran.runs)

    def _source(self, row: int, source: Any) -> None:
        sequence = source.transition_number
        transition_id = "" if sequence else cut(str(source.transition_id), MAX_ID)
        fact = SourceFact(cut(str(source.machine_id), MAX_ID), sequence, max(0, source.machine_time), transition_id)
        self._batch.sources.append((row, fact))
        self._cost += 8

    def _attach(self, row: int, track: Track, arguments: Mapping[str, object]) -> None:
        error = arguments.get(ERROR_ARGUMENT)
        if isinstance(error, BaseException):
            fact = error_fact(error, self._tracebacks and track.detail >= 2)
            self._batch.errors.append((row, fact))
            self._cost += len(fact.message) + len(fact.traceback)
        text = self._arguments[track.detail >= 3].write(track.id, arguments)
        self._batch.arguments.append((row, text))
        self._cost += len(text)
