"""From what the ring noted to batches. Runs on the sender thread; knows neither engine nor wire nor network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from am_telemetry.batch import MachineClosed, SchemaRevised, TransitionColumns
from am_telemetry.facts import RESTORED, GapFact, MachineFact
from am_telemetry.sending.arguments import MAX_ID, cut
from am_telemetry.sending.drafts import Draft, Dropped, Span, size_of_opened
from am_telemetry.sending.happenings import (
    Appeared,
    DetailChanged,
    HandlersRan,
    Happening,
    LateLog,
    Reshaped,
    Restored,
    StillRunning,
    Vanished,
)
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.note_rows import NoteRows
from am_telemetry.sending.ring import FULL, NEVER, NUMBER, TICKS_AFTER, WIDTH, Record, Ring, Traced, Track
from am_telemetry.sending.transition_facts import running_fact
from am_telemetry.sending.transition_rows import MAX_COST, ROW
from am_telemetry.sending.wait_book import WaitBook
from am_telemetry.sending.wait_notes import WaitHappening
from am_telemetry.settings import Settings

OPENED_COST: Final = 1024
MAX_TAGS: Final = 256


class Builder(NoteRows):
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
        super().__init__(settings, schemas, dropped)
        self.collected = 0
        """Transitions seen so far, including lost ones."""
        self.vanished: list[Traced] = []
        """Tracers whose machines are gone; emptied by the owner."""
        self._detail = settings.detail
        self._waits = WaitBook(dropped)
        self._leaving: list[tuple[Track, int, str]] = []
        self._emit = emit
        self._next_seq = 1

    @property
    def next_seq(self) -> int:
        """The first record number that was not given out yet."""
        return self._next_seq

    @property
    def busy(self) -> bool:
        """Whether :meth:`close_left` has something to do."""
        return bool(self._leaving)

    @property
    def leaving(self) -> list[Track]:
        """Machines that were disposed and may still do something."""
        return [track for track, _, _ in self._leaving]

    @property
    def unfinished(self) -> int:
        """Records that were collected and are not emitted yet."""
        batch = self._batch
        records = len(self._rows) // ROW + len(batch.opened) + len(batch.revised) + len(batch.gaps)
        return records + len(batch.closed) + len(batch.late) + len(batch.running) + len(batch.waits)

    def close_left(self) -> None:
        """Close the machines that were disposed before, whose last lines have come in by now."""
        leaving, self._leaving = self._leaving, []
        for track, at_ns, reason in leaving:
            self._close(track, at_ns, reason)

    def finish(self) -> None:
        """Emit what was collected so far, if anything."""
        records = self.unfinished
        if not records:
            return
        batch = self._batch
        rows = self._rows
        count = len(rows) // ROW
        batch.first_seq = self._next_seq
        batch.last_seq = self._next_seq + records - 1
        self._next_seq += records
        self.collected += count
        for track in self._busy:
            self._settle(track)
        if rows:
            batch.transitions = TransitionColumns(*[rows[column::ROW] for column in range(ROW)])
        definitions = self.patterns.by_handle
        used = {handle: definitions[handle - 1] for handle in set(batch.transitions.pattern)}
        texts = {handle: self.texts.text(handle) for handle in {*batch.logs.text, *batch.late.text}}
        draft = Draft(batch, texts, used, self._spans)
        self._reset()
        if self.texts.tidy() | self.patterns.tidy():
            self.patterns.forget_known()
        self._emit(draft)

    def gap(self, track: Track, sequence: int, clock: tuple[int, ...], reason: str) -> None:
        """Book that the transitions of a machine up to ``sequence`` were lost, with its ticks after them.

        A restoration only looks like a lost transition, so it is not counted as one.
        """
        lost = sequence - track.sequence
        if lost <= 0 or not track.announced or track.closed:
            return
        self._settle(track)
        track.torn_at = 0
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
            # In a batch, gaps come after transitions.
            self.finish()

    def book_losses(self, ring: Ring, tracers: Iterable[Traced]) -> None:
        """Book all that a ring has dropped of some machines, also where no later transition has told how much."""
        ring.booked = ring.dropped
        for tracer in tracers:
            if tracer.lost is not None:
                # What was noted in the meantime is not lost.
                self.feed(ring.take())
                self.book_lost(tracer)
        ring.reopen()

    def announce(self, opened: list[tuple[int, int, MachineFact]]) -> None:
        """Tell of machines again, as records of their own, because a hub may not know them."""
        for entry in opened:
            self._batch.opened.append(entry)
            schema = self._cost_of_schema(self.schemas.handles[entry[2].schema.digest])
            self._cost += OPENED_COST + size_of_opened(entry[2]) + schema
            if self._cost >= MAX_COST:
                self.finish()

    def tell_waits(self, lost: set[int]) -> None:
        """Tell again what is pending in machines, because a hub may not know it, or think of it what is not true.

        Args:
            lost: handles of the machines; emptied.
        """
        if not lost:
            return
        self._offset = self.wall.check()
        now = time.monotonic_ns() + self._offset
        while lost:
            track = self._waits.track(lost.pop())
            if track is not None and track.announced and not track.closed:
                self._cost += self._waits.tell_again(self._batch, track, now, self._offset)
                self._mention(track)
            if self._cost >= MAX_COST:
                self.finish()
        self.finish()

    # -- happenings -----------------------------------------------------------------------------------------------

    def _happened(self, tracer: Traced, item: Happening, at_ns: int) -> None:
        track = tracer.track
        if isinstance(item, Appeared):
            if track.torn_at:
                self.gap(track, item.sequence, item.clock, "error")
                self.finish()
            elif not track.announced and not track.closed:
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
                self._use_caches(track)
        elif track.announced and not track.closed:
            if isinstance(item, WaitHappening):
                self._cost += self._waits.take(self._batch, track, item, at_ns, self._offset)
                self._mention(track)
            elif isinstance(item, LateLog):
                self._log_late(track, item, at_ns)
            elif isinstance(item, HandlersRan):
                track.runs = item
            elif item.sequence > track.sequence:
                self._still_running(track, item, at_ns)
        elif isinstance(item, LateLog):
            self._dropped.omit("late log lines", len(item.entries))

    def _close(self, track: Track, at_ns: int, reason: str) -> None:
        self._settle(track)
        if track.torn_at:
            self.gap(track, track.torn_at, (), "error")
        if track.early:
            self._dropped.count("garbage", sum(map(_size, track.early)))
            track.early = []
        track.closed, track.leaving = True, False
        track.sequence = NEVER
        self._waits.close(track)
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
        self._settle(track)
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
        self._use_caches(track)
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
        early, track.early = track.early, []
        for record in early:
            if record[NUMBER] > track.sequence:
                if record[2] is FULL:
                    self._transition(record[:WIDTH], record[WIDTH:])
                else:
                    self._express(record)

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
        self._settle(track)
        facts = self.schemas.facts
        ticks = dict(zip(facts[track.schema].names, track.clock, strict=False))
        track.clock = tuple([ticks.get(name, 0) for name in facts[schema].names])
        track.schema = schema
        self._use_caches(track)
        self._batch.revised.append(SchemaRevised(track.handle, schema))
        self._cost += self._cost_of_schema(schema)
        self._spans[track.handle] = Span(track.sequence, track.sequence, 0, track.clock)

    def _cost_of_schema(self, schema: int) -> int:
        """What a schema adds to the batch, once; a hub may have to be told of it."""
        if schema in self._batch_schemas:
            return 0
        self._batch_schemas.add(schema)
        return self.schemas.sizes[schema]

    def _use_caches(self, track: Track) -> None:
        track.patterns = self.patterns.keys_of(track.schema, track.detail)
        track.recalled, track.ways = self.patterns.recalled_of(track.schema, track.detail)
        self._use_level(track, track.level)

    def _too_large(self, track: Track) -> None:
        """A machine cannot be told of from now on, because a hub would refuse its schema."""
        track.closed = track.too_large = True
        track.sequence = NEVER
        self.failure = ValueError(f"the schema of machine {cut(track.id)!r} is too large")


def _size(record: Record) -> int:
    """How many transitions a note or a transition tells of."""
    return 1 if record[2] is FULL else record[-1] - record[NUMBER] + 1
