"""Notes of the ring as rows of a batch: what is most of the work when much happens. See
:mod:`am_telemetry.sending.builder`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from am_telemetry.sending.express import MAX_KNOWN, Entries, Repetition
from am_telemetry.sending.happenings import Happening
from am_telemetry.sending.ring import FULL, HAPPENED, TICKS_AFTER, WIDTH, Record, Traced, Track
from am_telemetry.sending.row_details import add_lines, add_source
from am_telemetry.sending.transition_rows import MAX_COST, MAX_ENTRIES, ROW, TransitionRows


class NoteRows(TransitionRows):
    """Takes in everything that the ring has, and turns notes into rows. Not thread-safe."""

    failure: Exception | None = None
    """Why something could not be told, the last time; emptied by the owner."""

    @abstractmethod
    def _happened(self, tracer: Traced, item: Happening, at_ns: int) -> None:
        """Something other than a transition."""

    def feed(self, items: list[Any]) -> None:
        """Take in what the ring noted, in order, and emit what is complete.

        What cannot be told is booked as lost, and what comes after it is told.
        """
        self._offset = self.wall.check()
        rows = self._rows
        notes: Iterator[Record] = zip(*[iter(items)] * WIDTH, strict=True)
        for note in notes:
            tracer, number, outcome, level, started_ns, ended_ns, queue_tick, arguments, source, lines, _ = note
            track: Track = tracer.track
            # Most notes are of this kind, so what _repeat does is done here, without a call.
            part = track.known.get(outcome)
            if (
                part is not None
                and number == track.sequence + 1
                and level == track.level
                and lines is None
                and source is None
                and not arguments
            ):
                if track.is_idle:
                    self._begin(track)
                if part.levels:
                    self._add_known_lines(len(rows) // ROW, part)
                rows += (
                    track.handle,
                    number,
                    started_ns + self._offset,
                    ended_ns - started_ns,
                    part.pattern,
                    part.queue_len,
                    queue_tick,
                )
                track.sequence = number
                track.moves.append(part)
            else:
                self._take(note, notes)
                rows = self._rows
            if len(rows) >= MAX_ENTRIES or self._cost >= MAX_COST:
                self.finish()
                rows = self._rows

    def _take(self, note: Record, notes: Iterator[Record]) -> None:
        """Take in something unusual, of which there may be more in the next place."""
        tracer, number, kind = note[:3]
        rest = next(notes) if kind is FULL else ()
        try:
            if kind is HAPPENED:
                self._happened(tracer, number, note[3])
            elif kind is FULL:
                self._transition(note, rest)
            else:
                self._express(note)
        except Exception as error:  # noqa: BLE001  # one bad record must not take the good ones with it
            self.failure = error
            if kind is FULL:
                before, after = (*note, *rest)[TICKS_AFTER - 1 : TICKS_AFTER + 1]
                clock = self._advanced(tracer.track, after) if type(before) is int else tuple(after)
                self.gap(tracer.track, number, clock, "error")
            elif kind is not HAPPENED:
                self.gap(tracer.track, note[-1], self._advanced(tracer.track, tracer.ticks(kind)), "error")
            self.finish()

    def _advanced(self, track: Track, ticks: Iterable[int]) -> tuple[int, ...]:
        """Where a machine stands after some more ticks."""
        self._settle(track)
        clock = list(track.clock)
        for state in ticks:
            clock[state] += 1
        return tuple(clock)

    def _express(self, note: Record) -> None:
        """What the engine noted, if it is not as simple as most of it."""
        tracer, number, outcome, level, started_ns, ended_ns, queue_tick, arguments, source, lines, last = note
        track: Track = tracer.track
        if level != track.level:
            self._use_level(track, level)
        if number != track.sequence + 1 and not self._follows(tracer, note, last):
            return
        if last == number:
            part = track.known.get(outcome) or self._met(tracer, outcome, level)[0]
            self._repeat(tracer, part, number, started_ns, ended_ns, queue_tick, arguments, source, lines)
            return
        first, second = track.known_pairs.get(outcome) or self._met(tracer, outcome, level)
        self._repeat(tracer, first, number, started_ns, ended_ns, queue_tick, arguments, source, lines)
        if self._is_full:
            self.finish()
            first, second = track.known_pairs.get(outcome) or self._met(tracer, outcome, level)
        # What follows automatically has neither a place in the queue nor arguments.
        self._repeat(tracer, second, last, ended_ns, ended_ns, 0, None, None, None)

    def _repeat(
        self,
        tracer: Any,
        part: Repetition,
        number: int,
        started_ns: int,
        ended_ns: int,
        queue_tick: int,
        arguments: Mapping[str, object] | None,
        source: Any,
        pre_log: Entries | None,
    ) -> None:
        track: Track = tracer.track
        if track.is_idle:
            self._begin(track)
        row = len(self._rows) // ROW
        self._rows += (
            track.handle,
            number,
            started_ns + self._offset,
            ended_ns - started_ns,
            part.pattern,
            part.queue_len,
            queue_tick,
        )
        track.sequence = number
        track.moves.append(part)
        if not track.detail:
            return
        if pre_log is None and source is None:
            if part.levels:
                self._add_known_lines(row, part)
        else:
            told = tracer.full_log(part.told, tuple(pre_log or ()), source, track.level)
            for entries, is_before in zip(told, (True, False), strict=True):
                if entries:
                    self._cost += add_lines(self._logs, row, self.texts.lines(entries), is_before)
        if source is not None:
            self._cost += add_source(self._batch, row, source)
        if arguments:
            self._attach(row, track, arguments)

    def _add_known_lines(self, row: int, part: Repetition) -> None:
        logs = self._logs
        logs.row += [row] * len(part.levels)
        logs.level += part.levels
        logs.text += part.texts
        logs.before += part.before
        self._cost += part.cost

    def _met(self, tracer: Any, outcome: Any, level: int) -> tuple[Repetition, Repetition]:
        """Have an outcome explained that was not met before; one transition is told twice."""
        track: Track = tracer.track
        parts = []
        for told in tracer.retell(outcome, level):
            definition = track.patterns.get(told.key) or self._define(track, told.key)
            parts.append(Repetition.of(told, definition, self.texts, track.detail))
        if len(parts) == 1:
            if len(track.known) >= MAX_KNOWN:
                track.known.clear()
            track.known[outcome] = parts[0]
        else:
            if len(track.known_pairs) >= MAX_KNOWN:
                track.known_pairs.clear()
            track.known_pairs[outcome] = (parts[0], parts[1])
        return parts[0], parts[-1]

    def _use_level(self, track: Track, level: int) -> None:
        track.level = level
        track.known, track.known_pairs = self.patterns.known_of(track.schema, track.detail, level)
