"""Transitions of the ring as rows of a batch. See :mod:`am_telemetry.sending.builder`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from operator import sub
from typing import Any, Final

from am_telemetry.batch import Batch, LogColumns, PatternDef
from am_telemetry.sending.arguments import ArgumentWriter
from am_telemetry.sending.drafts import Dropped, Span, WallClock
from am_telemetry.sending.express import MAX_KNOWN, Entries, Repetition
from am_telemetry.sending.interning import PatternTable, TextTable
from am_telemetry.sending.ring import Appeared, Record, Traced, Track
from am_telemetry.sending.row_details import add_arguments, add_lines, add_runs, add_source
from am_telemetry.sending.transition_facts import error_fact, pattern_fact
from am_telemetry.settings import Settings

MAX_ROWS: Final = 512
LAST_ROW: Final = MAX_ROWS - 1
MAX_COST: Final = 512 * 1024
"""Estimated bytes after which a batch is complete, whatever its number of rows."""

ERROR_ARGUMENT: Final = "err"
"""Under which the engine passes the exception of an error state."""

Row = tuple[int, int, int, int, int, int, int]


class TransitionRows:
    """The rows of the batch under way, and their log lines, arguments and sources. Not thread-safe."""

    def __init__(self, settings: Settings, dropped: Dropped) -> None:
        self.texts = TextTable()
        self.patterns = PatternTable()
        self.wall = WallClock()
        self._tracebacks = settings.tracebacks
        self._dropped = dropped
        self._arguments = [ArgumentWriter(values, settings.scrub) for values in (False, True)]
        self._reset()

    def _reset(self) -> None:
        self._batch = Batch()
        self._rows: list[Row] = []
        self._spans: dict[int, Span] = {}
        self._batch_schemas: set[int] = set()
        self._cost = 0
        self._logs = LogColumns()
        self._batch.logs = self._logs
        self._offset = self.wall.offset

    def finish(self) -> None:
        """Emit what was collected so far, if anything."""
        raise NotImplementedError

    def gap(self, track: Track, sequence: int, clock: tuple[int, ...], reason: str) -> None:
        """Book that the transitions of a machine up to ``sequence`` were lost, with its ticks after them."""
        raise NotImplementedError

    def _appeared(self, at_ns: int, item: Appeared, track: Track) -> None:
        raise NotImplementedError

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
        definition = track.patterns.get(key) or self._define(track, key)
        row = self._row(track, number, started_ns, ended_ns, definition, queue_len, queue_tick, after)
        if track.detail:
            if track.runs is not None:
                self._runs(row, track)
            if log is not None or pre_log is not None:
                if pre_log is not None:
                    self._cost += add_lines(self._logs, row, self.texts.lines(tuple(pre_log)), True)
                if log is not None:
                    self._cost += add_lines(self._logs, row, self.texts.lines(tuple(log)), False)
            if source is not None:
                self._cost += add_source(self._batch, row, source)
            if arguments is not None:
                self._attach(row, track, arguments)

    def _express(
        self,
        tracer: Any,
        last: int,
        number: int,
        before: tuple[int, ...],
        after: tuple[int, ...],
        outcome: Any,
        level: int,
        started_ns: int,
        ended_ns: int,
        queue_tick: int,
        arguments: Mapping[str, object] | None,
        source: Any,
        pre_log: Entries | None,
    ) -> None:
        track: Track = tracer.track
        if number != track.sequence + 1 and not self._fits(tracer, number, before, started_ns, last - number + 1):
            return
        parts = track.known.get((outcome, level)) or self._repetitions(tracer, outcome, level)
        part = parts[0]
        if len(parts) > 1:
            # What follows automatically has neither a place in the queue nor arguments.
            between = part.after(before)
            self._repeat(
                tracer, part, number, between, started_ns, ended_ns, queue_tick, arguments, source, pre_log, level
            )
            if self._cost >= MAX_COST:
                self.finish()
                parts = track.known.get((outcome, level)) or self._repetitions(tracer, outcome, level)
            self._repeat(tracer, parts[1], last, after, ended_ns, ended_ns, 0, None, None, None, level)
        else:
            self._repeat(
                tracer, part, number, after, started_ns, ended_ns, queue_tick, arguments, source, pre_log, level
            )

    def _repeat(
        self,
        tracer: Any,
        part: Repetition,
        number: int,
        after: tuple[int, ...],
        started_ns: int,
        ended_ns: int,
        queue_tick: int,
        arguments: Mapping[str, object] | None,
        source: Any,
        pre_log: Entries | None,
        level: int,
    ) -> None:
        track: Track = tracer.track
        row = self._row(track, number, started_ns, ended_ns, part.definition, part.told.queue_len, queue_tick, after)
        if not track.detail:
            return
        lines_before, lines = part.pre_log, part.log
        if pre_log is not None or source is not None:
            told = tracer.full_log(part.told, tuple(pre_log or ()), source, level)
            lines_before, lines = [self.texts.lines(entries) if entries else None for entries in told]
        if lines_before is not None:
            self._cost += add_lines(self._logs, row, lines_before, True)
        if lines is not None:
            self._cost += add_lines(self._logs, row, lines, False)
        if source is not None:
            self._cost += add_source(self._batch, row, source)
        if arguments:
            self._attach(row, track, arguments)

    def _repetitions(self, tracer: Any, outcome: Any, level: int) -> list[Repetition]:
        """Have an outcome explained that was not met before."""
        track: Track = tracer.track
        parts = []
        for told in tracer.retell(outcome, level):
            definition = track.patterns.get(told.key) or self._define(track, told.key)
            parts.append(Repetition.of(told, definition, self.texts))
        if len(track.known) >= MAX_KNOWN:
            track.known.clear()
        track.known[outcome, level] = parts
        return parts

    def _define(self, track: Track, key: tuple[Any, ...]) -> PatternDef:
        fact = pattern_fact(*key, detail=track.detail)
        self._cost += 64 + 8 * len(fact.steps)
        return self.patterns.define(track.schema, key, fact, track.detail)

    def _row(
        self,
        track: Track,
        number: int,
        started_ns: int,
        ended_ns: int,
        definition: PatternDef,
        queue_len: int,
        queue_tick: int,
        after: tuple[int, ...],
    ) -> int:
        handle, rows = track.handle, self._rows
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
        return row

    def _fits(self, tracer: Traced, number: int, before: tuple[int, ...], started_ns: int, count: int = 1) -> bool:
        """Handle one or more transitions that are not the expected next ones; False when they must be ignored."""
        track = tracer.track
        if track.closed:
            self._dropped.count("too large" if track.too_large else "after disposal", count)
            return False
        if not track.announced:
            # Another thread changed the machine while the tracer was being bound.
            appeared = tracer.announcement(tuple(before), number - 1)
            if appeared is None:
                self._dropped.count("garbage", count)
                return False
            self._appeared(started_ns, appeared, track)
            return True
        if number > track.sequence + 1:
            self.gap(track, number - 1, tuple(before), "buffer full")
            self.finish()
            return True
        # It was being noted while the machine was asked how much is missing, so the hole before it counts it already.
        return False

    def _runs(self, row: int, track: Track) -> None:
        ran, track.runs = track.runs, None
        if ran is not None and ran.sequence == track.sequence:
            self._cost += add_runs(self._batch, row, ran)

    def _attach(self, row: int, track: Track, arguments: Mapping[str, object]) -> None:
        error = arguments.get(ERROR_ARGUMENT)
        told = error_fact(error, self._tracebacks and track.detail >= 2) if isinstance(error, BaseException) else None
        text = self._arguments[track.detail >= 3].write(track.id, arguments)
        self._cost += add_arguments(self._batch, row, text, told)
