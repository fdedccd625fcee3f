"""Transitions of the ring as rows of a batch. See :mod:`am_telemetry.sending.builder`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from am_telemetry.batch import Batch, LogColumns, PatternDef
from am_telemetry.sending.arguments import ArgumentWriter
from am_telemetry.sending.drafts import Dropped, Span, WallClock
from am_telemetry.sending.happenings import Appeared
from am_telemetry.sending.interning import PatternTable, SchemaTable, TextTable
from am_telemetry.sending.recalling import MAX_RECALLED, MAX_WAYS, Recalled, Way, movement, movement_of, recall
from am_telemetry.sending.ring import NUMBER, Record, Traced, Track
from am_telemetry.sending.row_details import add_arguments, add_lines, add_runs, add_source
from am_telemetry.sending.transition_facts import error_fact, pattern_fact
from am_telemetry.settings import Settings

MAX_ROWS: Final = 1024
ROW: Final = 7
"""Entries of a row: machine, sequence, start, duration, pattern, queue length, queue tick."""
MAX_ENTRIES: Final = MAX_ROWS * ROW
MAX_COST: Final = 512 * 1024
"""Estimated bytes after which a batch is complete, whatever its number of rows."""

ERROR_ARGUMENT: Final = "err"
"""Under which the engine passes the exception of an error state."""


class TransitionRows(ABC):
    """The rows of the batch under way, and their log lines, arguments and sources. Not thread-safe."""

    def __init__(self, settings: Settings, schemas: SchemaTable, dropped: Dropped) -> None:
        self.schemas = schemas
        self.texts = TextTable()
        self.patterns = PatternTable()
        self.wall = WallClock()
        self._tracebacks = settings.tracebacks
        self._dropped = dropped
        self._arguments = [ArgumentWriter(values, settings.scrub) for values in (False, True)]
        self._reset()

    def _reset(self) -> None:
        self._batch = Batch()
        self._rows: list[int] = []
        self._busy: list[Track] = []
        """Machines that have rows."""
        self._spans: dict[int, Span] = {}
        self._batch_schemas: set[int] = set()
        self._cost = 0
        self._logs = LogColumns()
        self._batch.logs = self._logs
        self._offset = self.wall.offset

    @abstractmethod
    def finish(self) -> None:
        """Emit what was collected so far, if anything."""

    @abstractmethod
    def gap(self, track: Track, sequence: int, clock: tuple[int, ...], reason: str) -> None:
        """Book that the transitions of a machine up to ``sequence`` were lost, with its ticks after them."""

    @abstractmethod
    def _appeared(self, at_ns: int, item: Appeared, track: Track) -> None:
        """A machine is announced."""

    @property
    def _is_full(self) -> bool:
        return self._cost >= MAX_COST or len(self._rows) >= MAX_ENTRIES

    def _transition(self, note: Record, rest: Record) -> None:
        """A transition whose fields are all told, in two parts."""
        tracer, number, _, started_ns, ended_ns, mutation, called, accepted, auto, check, broken = note
        canceled_by, before, after, queue_len, queue_tick, steps, handlers, pre_log, log, source, arguments = rest
        track: Track = tracer.track
        is_brief = type(before) is int
        if number != track.sequence + 1 and not (
            self._follows(tracer, (*note, *rest), number)
            if is_brief
            else self._fits(tracer, number, before, started_ns)
        ):
            return
        kind = (
            mutation,
            called,
            accepted,
            auto,
            check,
            broken,
            canceled_by,
            tuple(steps) if steps is not None else None,
            tuple(handlers) if handlers is not None else None,
        )
        way: Way | None = None
        if is_brief:
            way = track.ways.get((kind, before, after)) or self._way(track, kind, before, after)
            definition = way.definition
        else:
            if len(before) < len(after):
                before = (*before, *[0] * (len(after) - len(before)))
            candidates = track.recalled.get(kind)
            known = recall(candidates, before, after) if candidates is not None else None
            definition = known or self._recognised(track, kind, before, after)
        if track.is_idle:
            self._begin(track)
        row = len(self._rows) // ROW
        self._rows += (
            track.handle,
            number,
            started_ns + self._offset,
            ended_ns - started_ns,
            definition.handle,
            queue_len,
            queue_tick,
        )
        track.sequence = number
        if way is not None:
            track.moves.append(way)
        else:
            track.clock = after
            track.moves.clear()
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

    def _recognised(
        self, track: Track, kind: tuple[Any, ...], before: tuple[int, ...], after: tuple[int, ...]
    ) -> PatternDef:
        """The definition of a transition that was not met lately."""
        key = (*kind[:-2], *movement(before, after), *kind[-2:])
        definition = track.patterns.get(key) or self._define(track, key)
        candidates = track.recalled.setdefault(kind, [])
        if len(candidates) >= MAX_RECALLED:
            candidates.pop(0)
        candidates.append(Recalled.of(definition, before, after))
        return definition

    def _way(self, track: Track, kind: tuple[Any, ...], active: int, ticks: tuple[int, ...]) -> Way:
        """A transition that tells its ticks and was not met lately."""
        size = len(self.schemas.facts[track.schema].states)
        key = (*kind[:-2], *movement_of(ticks, active, size), *kind[-2:])
        way = Way(track.patterns.get(key) or self._define(track, key), ticks)
        if len(track.ways) >= MAX_WAYS:
            track.ways.clear()
        track.ways[kind, active, ticks] = way
        return way

    def _define(self, track: Track, key: tuple[Any, ...]) -> PatternDef:
        fact = pattern_fact(*key, detail=track.detail)
        self._cost += 64 + 8 * len(fact.steps)
        return self.patterns.define(track.schema, key, fact, track.detail)

    def _begin(self, track: Track) -> None:
        """A machine gets its first row of the batch, or the first one since it was settled."""
        track.is_idle = False
        self._busy.append(track)
        if track.handle not in self._spans:
            self._spans[track.handle] = Span(track.sequence, track.sequence, 0, track.clock)

    def _settle(self, track: Track) -> None:
        """Work out where a machine stands."""
        if track.moves:
            ticks = list(track.clock)
            for part, count in Counter(track.moves).items():
                for state in part.ticks:
                    ticks[state] += count
            track.clock = tuple(ticks)
            track.moves.clear()
        if not track.is_idle:
            track.is_idle = True
            span = self._spans[track.handle]
            span.last, span.clock = track.sequence, track.clock

    def _follows(self, tracer: Any, record: Record, last: int) -> bool:
        """Handle something without times that is not the expected next one; False when it must be ignored.

        Args:
            last: number of the last transition that it tells of.
        """
        track: Track = tracer.track
        number = record[NUMBER]
        if track.closed:
            self._dropped.count("too large" if track.too_large else "after disposal", last - number + 1)
        elif not track.announced:
            # Another thread changed the machine while the tracer was being bound. Its announcement is to come.
            track.early.append(record)
        elif number > track.sequence + 1:
            self._tear(tracer, last)
        # Otherwise it was being noted while the machine was asked how much is missing, so the hole before it counts it.
        return False

    def _tear(self, tracer: Traced, last: int) -> None:
        """Notes that should have come have not, and nobody knows the ticks. Have the machine tell them."""
        if not tracer.track.torn_at:
            tracer.announce()
        tracer.track.torn_at = last

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

    def _runs(self, row: int, track: Track) -> None:
        ran, track.runs = track.runs, None
        if ran is not None and ran.sequence == track.sequence:
            self._cost += add_runs(self._batch, row, ran)

    def _attach(self, row: int, track: Track, arguments: Mapping[str, object]) -> None:
        error = arguments.get(ERROR_ARGUMENT)
        told = error_fact(error, self._tracebacks and track.detail >= 2) if isinstance(error, BaseException) else None
        text = self._arguments[track.detail >= 3].write(track.id, arguments)
        self._cost += add_arguments(self._batch, row, text, told)
