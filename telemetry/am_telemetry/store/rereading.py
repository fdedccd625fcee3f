"""A recording, or part of it, as the batches it might have come from: for exports and partial copies.

Handles in the batches are the ids of the rows. Batches are bounded, and come in the order in which they have to be
stored.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from am_telemetry.batch import Batch, MachineClosed, PatternDef, SchemaRevised
from am_telemetry.facts import ErrorFact, GapFact, OmissionFact, ProcessFact, RunningFact, SourceFact
from am_telemetry.recorded import BookmarkFact, Piece, ProcessPast
from am_telemetry.store import codec, files
from am_telemetry.store.errors import damaged, from_sqlite
from am_telemetry.store.part_reading import Mark, PartReading
from am_telemetry.store.scope import REDACTED, Scope, machine_fact, parts
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.wait_rereading import SequenceReader, reread_waits

CHUNK: Final = 4_096
"""Transitions that are read at once."""

MAX_TEXTS: Final = 50_000
"""Texts that are remembered because they may be used again."""

Row = tuple[int, int, int, int, int, int, int, int, int]


@dataclass(slots=True)
class _Owner:
    """What a process has defined so far."""

    schemas: set[int] = field(default_factory=set)
    patterns: set[int] = field(default_factory=set)


class Rereading:
    """One pass over a recording, as of the moment it was made.

    Args:
        session: caught up with.
        scope: what to leave out or replace.

    Raises:
        StoreError: nothing is in the scope.
    """

    def __init__(self, session: SessionFile, scope: Scope) -> None:
        self._session = session
        self._scope = scope
        self._parts = {part.machine.id: part for part in parts(session, scope)}
        self.total = sum(part.size for part in self._parts.values())
        """Transitions in the scope."""
        self._owners: defaultdict[int, _Owner] = defaultdict(_Owner)
        self._marks: dict[int, deque[Mark]] = {}
        self._text_handles: defaultdict[int, dict[int, int]] = defaultdict(dict)
        """Process -> text -> handle, of the present batch."""
        self._texts: dict[int, str] = {0: REDACTED}
        self._db = files.connect_reader(session.path)
        self._db.execute("BEGIN")
        self._reading = PartReading(self._db, self._parts)

    def close(self) -> None:
        """Let go of the file. Harmless when repeated."""
        self._db.close()

    def pieces(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Iterator[Piece]:
        """All of it: programs, machines, transitions, what stands beside and behind them, bookmarks.

        Args:
            progress: called with the transitions handed out so far and :attr:`total`.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            yield from self._processes()
            yield from self._announcements()
            self._marks = self._reading.marks()
            yield from self._transitions(progress)
            yield from self._rest()
            yield from self._bookmarks()
        except sqlite3.Error as error:
            raise from_sqlite(self._session.path, error) from error
        except UnicodeDecodeError as error:
            raise damaged(self._session.path, "a text in it is not text") from error

    def _processes(self) -> Iterator[Piece]:
        wanted = {part.machine.process_id for part in self._parts.values()}
        for process_id, session, name, host, pid, language, library, resource, first, last, skew in self._db.execute(
            "SELECT id, session, name, host, pid, language, library, resource_json, first_seen_ns, last_seen_ns,"
            " skew_ns FROM processes ORDER BY id"
        ):
            if process_id in wanted:
                fact = ProcessFact(session, name, host, pid, language, library, _resource(resource))
                yield process_id, ProcessPast(fact, first, last, skew)

    def _bookmarks(self) -> Iterator[Piece]:
        for machine_id, number, *rest in self._db.execute(
            "SELECT machine_id, number, title, note, author, created_ns FROM bookmarks ORDER BY id"
        ):
            part = self._parts.get(machine_id)
            if part is not None and part.tells(number):
                yield part.machine.process_id, BookmarkFact(machine_id, part.here(number), *rest)

    def _transitions(self, progress: Callable[[int, int], None]) -> Iterator[Piece]:
        done = 0
        for rows in self._chunks():
            for process_id, group in self._by_process(rows).items():
                for batch in self._cut(process_id, group):
                    yield process_id, batch
            done += len(rows)
            progress(done, self.total)
        for machine_id, marks in self._marks.items():
            for _, mark in marks:
                yield self._process_of(machine_id), self._mark_batch(machine_id, mark)

    # -- definitions --------------------------------------------------------------------------------------------

    def _announcements(self) -> Iterator[Piece]:
        prefixes = dict(self._db.execute("SELECT id, id_prefix FROM machines"))
        for machine_id, part in self._parts.items():
            process_id = part.machine.process_id
            batch = Batch()
            schema_id = self._reading.schema_at(part)
            self._define_schema(process_id, schema_id, batch)
            sequence = self._reading.sequence_before(part)
            fact = machine_fact(self._session, part, self._session.schema(schema_id), sequence, prefixes[machine_id])
            started = part.machine.started_ns
            if not part.is_start and self._scope.from_ns is not None:
                started = max(started, self._scope.from_ns)
            batch.opened.append((machine_id, started, fact))
            yield process_id, batch

    def _define_schema(self, process_id: int, schema_id: int, batch: Batch) -> None:
        owner = self._owners[process_id]
        if schema_id not in owner.schemas:
            owner.schemas.add(schema_id)
            batch.schemas.append((schema_id, self._session.schema(schema_id)))

    def _define_patterns(self, process_id: int, ids: Sequence[int], batch: Batch) -> None:
        owner = self._owners[process_id]
        for pattern_id in dict.fromkeys(ids):
            if pattern_id in owner.patterns:
                continue
            owner.patterns.add(pattern_id)
            row = self._db.execute(
                f"SELECT {codec.PATTERN_COLUMNS} FROM patterns WHERE id = ?",  # noqa: S608 - constant column list
                (pattern_id,),
            ).fetchone()
            self._define_schema(process_id, row[1], batch)
            batch.patterns.append(PatternDef(pattern_id, row[1], codec.pattern_from_row(row)))

    def _text(self, process_id: int, text_id: int, batch: Batch) -> int:
        """The handle of a text. Handles hold for one batch, so that nobody has to remember all texts."""
        if "logs" in self._scope.redact:
            text_id = 0
        handles = self._text_handles[process_id]
        handle = handles.get(text_id)
        if handle is None:
            handle = handles[text_id] = len(batch.texts)
            text = self._texts.get(text_id)
            if text is None:
                text = self._db.execute("SELECT text FROM texts WHERE id = ?", (text_id,)).fetchone()[0]
                if len(self._texts) >= MAX_TEXTS:
                    self._texts = {0: REDACTED}
                self._texts[text_id] = text
            batch.texts.append((handle, text))
        return handle

    # -- holes and revisions ------------------------------------------------------------------------------------

    def _mark_batch(self, machine_id: int, mark: GapFact | SchemaRevised) -> Batch:
        batch = Batch()
        if isinstance(mark, GapFact):
            batch.gaps.append(mark)
        else:
            self._define_schema(self._process_of(machine_id), mark.schema, batch)
            batch.revised.append(mark)
        return batch

    def _process_of(self, machine_id: int) -> int:
        return self._parts[machine_id].machine.process_id

    # -- transitions --------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[list[Row]]:
        ids = ",".join(map(str, self._parts))
        top = self._db.execute("SELECT coalesce(max(id), 0) FROM transitions").fetchone()[0]
        position = 0
        while position < top:
            rows: list[Row] = self._db.execute(
                "SELECT id, machine_id, number, number + skipped, at_ns, duration_ns, pattern_id, queue_len, queue_tick"  # noqa: S608 - numbers
                f" FROM transitions WHERE id > ? AND id <= ? AND +machine_id IN ({ids}) ORDER BY id LIMIT {CHUNK}",
                (position, top),
            ).fetchall()
            if not rows:
                return
            position = rows[-1][0]
            kept = [row for row in rows if self._parts[row[1]].holds(row[2])]
            if kept:
                yield kept

    def _by_process(self, rows: list[Row]) -> dict[int, list[Row]]:
        groups: dict[int, list[Row]] = {}
        for row in rows:
            groups.setdefault(self._parts[row[1]].machine.process_id, []).append(row)
        return groups

    def _cut(self, process_id: int, rows: list[Row]) -> Iterator[Batch]:
        """Batches of the rows, with the machines' marks between those they stand between."""
        highest = {row[1]: row[2] for row in rows}
        if not any(marks and marks[0][0] < highest.get(machine_id, 0) for machine_id, marks in self._marks.items()):
            yield self._batch(process_id, rows)
            return
        start = 0
        for place, row in enumerate(rows):
            marks = self._marks.get(row[1])
            while marks and marks[0][0] < row[2]:
                if place > start:
                    yield self._batch(process_id, rows[start:place])
                    start = place
                yield self._mark_batch(row[1], marks.popleft()[1])
        yield self._batch(process_id, rows[start:])

    def _batch(self, process_id: int, rows: list[Row]) -> Batch:
        batch = Batch()
        ids, machines, _, sequences, moments, durations, patterns, lengths, ticks = map(list, zip(*rows, strict=True))
        self._define_patterns(process_id, patterns, batch)
        columns = batch.transitions
        columns.machine, columns.sequence, columns.at_ns, columns.duration_ns = machines, sequences, moments, durations
        columns.pattern, columns.queue_len, columns.queue_tick = patterns, lengths, ticks
        self._text_handles.clear()
        self._add_details(process_id, ids, batch)
        return batch

    def _add_details(self, process_id: int, ids: list[int], batch: Batch) -> None:
        places = {transition_id: row for row, transition_id in enumerate(ids)}
        span = (ids[0], ids[-1])

        def read(statement: str) -> Iterator[tuple[Any, ...]]:
            for row in self._db.execute(f"{statement} WHERE transition_id BETWEEN ? AND ? ORDER BY 1, 2", span):
                place = places.get(row[0])
                if place is not None:
                    yield (place, *row[1:])

        logs, handles = batch.logs, self._text_handles[process_id]
        # By far the most numerous details.
        for transition_id, _, level, before, text_id in self._db.execute(
            "SELECT transition_id, position, level, before, text_id FROM log_lines"
            " WHERE transition_id BETWEEN ? AND ? ORDER BY 1, 2",
            span,
        ):
            place = places.get(transition_id)
            if place is not None:
                logs.row.append(place)
                logs.level.append(level)
                logs.before.append(before == 1)
                handle = handles.get(text_id)
                logs.text.append(self._text(process_id, text_id, batch) if handle is None else handle)
        for row, _, name, offset, duration in read(
            "SELECT transition_id, position, handler, offset_ns, duration_ns FROM handler_runs"
        ):
            batch.runs.row.append(row)
            batch.runs.name.append(name)
            batch.runs.offset_ns.append(offset)
            batch.runs.duration_ns.append(duration)
        redact = self._scope.redact
        for row, text in read("SELECT transition_id, arguments_json FROM arguments"):
            batch.arguments.append((row, _redacted_arguments(text) if "args" in redact else text))
        for row, kind, message, traceback in read("SELECT transition_id, type, message, traceback FROM errors"):
            if kind is not None:
                told = (REDACTED, "") if "errors" in redact else (message or "", traceback or "")
                batch.errors.append((row, ErrorFact(kind, *told)))
        for row, *source in read(
            "SELECT transition_id, machine, sequence, machine_time, coalesce(external_id, '') FROM sources"
        ):
            batch.sources.append((row, SourceFact(*source)))
        for row, external_id in read("SELECT transition_id, external_id FROM transition_ids"):
            batch.transition_ids.append((row, external_id))

    # -- beside and behind --------------------------------------------------------------------------------------

    def _rest(self) -> Iterator[Piece]:
        rest: defaultdict[int, Batch] = defaultdict(Batch)
        self._text_handles.clear()
        for machine_id, number, at_ns, level, text_id in self._db.execute(
            "SELECT machine_id, after_number, at_ns, level, text_id FROM late_log_lines ORDER BY id"
        ):
            part = self._parts.get(machine_id)
            if part is not None and part.tells(number):
                process_id = self._process_of(machine_id)
                late = rest[process_id].late
                late.machine.append(machine_id)
                late.sequence.append(self._reading.sequence(machine_id, number))
                late.at_ns.append(at_ns)
                late.level.append(level)
                late.text.append(self._text(process_id, text_id, rest[process_id]))
        for machine_id, first, last, what, count, reason in self._db.execute(
            "SELECT machine_id, first_number, last_number, what, count, reason FROM omissions ORDER BY id"
        ):
            part = self._parts.get(machine_id)
            if part is not None and part.holds(last):
                begin, end = (
                    self._reading.sequence(machine_id, max(first, part.first)),
                    self._reading.sequence(machine_id, last),
                )
                batch = rest[self._process_of(machine_id)]
                batch.omissions.append(OmissionFact(machine_id, begin, end, what, count, reason))
        for machine_id, sequence, at_ns, noted, mutation, called, auto, handler, timed_out in self._db.execute(
            "SELECT machine_id, sequence, started_ns, noted_ns, mutation, called_json, auto, handler, timed_out"
            " FROM running_transitions"
        ):
            part = self._parts.get(machine_id)
            if part is not None and part.is_end:
                index = self._session.schema(part.machine.schema_id).index
                states = tuple(index[name] for name in json.loads(called) if name in index)
                rest[part.machine.process_id].running.append(
                    RunningFact(
                        machine_id, sequence, at_ns, noted, mutation, states, bool(auto), handler, bool(timed_out)
                    )
                )
        yield from self._waits()
        for machine_id, part in self._parts.items():
            machine = part.machine
            if part.is_end and machine.ended_ns:
                batch = rest[machine.process_id]
                batch.closed.append(MachineClosed(machine_id, machine.ended_ns, machine.end_reason))
        yield from rest.items()

    def _waits(self) -> Iterator[Piece]:
        beginnings = {machine_id: self._reading.sequence_before(part) for machine_id, part in self._parts.items()}
        yield from reread_waits(self._db, self._parts, SequenceReader(self._db, beginnings))


def _redacted_arguments(text: str) -> str:
    return codec.to_json(dict.fromkeys(codec.arguments_from_json(text), REDACTED))


def _resource(text: str) -> dict[str, str]:
    value = codec.arguments_from_json(text)
    return {key: str(part) for key, part in value.items()}
