"""What is new in a session file since a mark, in one snapshot."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from am_telemetry.batch import PatternDef
from am_telemetry.facts import ErrorFact, MachineFact, SchemaFact, SourceFact
from am_telemetry.store import codec, files
from am_telemetry.store.wait_reading import COLUMNS as WAIT_COLUMNS
from am_telemetry.store.wait_reading import wait_from_row
from am_telemetry.store.wait_rereading import SequenceReader
from am_telemetry.waits import WaitBegun, WaitEnded

CHUNK: Final = 2_048
"""Transitions that are read at once."""
_MANY: Final = 500
_MAX_PATTERNS: Final = 50_000


class Mark(NamedTuple):
    """Ids of the last rows that were read, by table."""

    transition: int = 0
    gap: int = 0
    late: int = 0
    omission: int = 0
    wait: int = 0
    """Of the last change to a wait, rather than its id: rows of waits change once."""


@dataclass(slots=True)
class Details:
    """What belongs to one transition."""

    logs: list[tuple[int, int, bool]] = field(default_factory=list)
    """(level, text id, before)."""
    runs: list[tuple[str, int, int]] = field(default_factory=list)
    """(handler, offset, duration)."""
    source: SourceFact | None = None
    arguments: str | None = None
    error: ErrorFact | None = None
    external_id: str | None = None


@dataclass(slots=True)
class Machine:
    """A run of a machine."""

    id: int
    process_id: int
    name: str
    parent: str
    tags: tuple[str, ...]
    clock: tuple[int, ...]
    started_ns: int
    sequence: int
    """Transitions that had happened before recording began."""
    id_prefix: str
    ended_ns: int = 0
    end_reason: str = ""
    revisions: list[tuple[int, int]] = field(default_factory=list)
    """(number of the transition after which it holds, schema id)."""

    def fact(self, schema: SchemaFact, sequence: int) -> MachineFact:
        """As it is announced, for the first time or by how far it had come."""
        return MachineFact(self.name, schema, self.parent, self.tags, self.clock, sequence, self.id_prefix)


@dataclass(slots=True)
class Chunk:
    """Rows by process, and what they refer to."""

    end: Mark
    complete: bool
    """Whether nothing more is in the file. Only then is there anything but transitions, and gaps between them."""
    transitions: dict[int, list[tuple[int, ...]]]
    """Process -> (id, machine, number, skipped, at, duration, pattern, queue length, queue tick)."""
    details: dict[int, Details]
    gaps: dict[int, list[tuple[Any, ...]]]
    """Machine -> (id, after number, after sequence, lost, reason, clock)."""
    late: dict[int, list[tuple[Any, ...]]]
    """Process -> (id, machine, sequence, at, level, text id)."""
    omissions: dict[int, list[tuple[Any, ...]]]
    """Process -> (id, machine, first sequence, last sequence, what, count, reason)."""
    waits: dict[int, list[tuple[int, WaitBegun, WaitEnded | None]]]
    """Process -> (change, beginning, end)."""
    patterns: dict[int, PatternDef]
    texts: dict[int, str]
    machines: dict[int, Machine]
    """All machines of the file."""
    machines_of: Mapping[int, Sequence[Machine]]
    """The same by process."""
    changed: set[int]
    """Processes of which machines have begun, ended, or changed their states since the last chunk."""

    def processes(self) -> set[int]:
        """Those with something new beside :attr:`changed`."""
        found = {*self.transitions, *self.late, *self.omissions, *self.waits}
        if self.complete:
            found.update(self.machines[machine].process_id for machine in self.gaps)
        return found

    def goes_beyond(self, process_id: int, mark: Mark) -> bool:
        """Whether a process has rows here that come after a mark."""
        gaps = [gap for machine in self.machines_of.get(process_id, ()) for gap in self.gaps.get(machine.id, ())]
        found = (
            self.transitions.get(process_id, ()),
            gaps if self.complete else (),
            self.late.get(process_id, ()),
            self.omissions.get(process_id, ()),
            self.waits.get(process_id, ()),
        )
        return any(rows and rows[-1][0] > last for rows, last in zip(found, mark, strict=True))


class Tail:
    """Reads one file. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._db = files.connect_reader(path)
        self._machines: dict[int, Machine] = {}
        self._machines_of: defaultdict[int, list[Machine]] = defaultdict(list)
        self._changed: set[int] = set()
        self._machines_commit = -1
        self._schemas: dict[int, SchemaFact] = {}
        self._patterns: dict[int, PatternDef] = {}

    def close(self) -> None:
        self._db.close()

    def schema(self, schema_id: int) -> SchemaFact:
        """A schema by id."""
        known = self._schemas.get(schema_id)
        if known is None:
            row = self._db.execute("SELECT states_json, groups_json FROM schemas WHERE id = ?", (schema_id,)).fetchone()
            known = self._schemas[schema_id] = codec.schema_from_json(*row)
        return known

    def process(self, process_id: int) -> dict[str, Any]:
        """A process by id, its columns by name."""
        cursor = self._db.execute(
            "SELECT session, name, host, pid, language, library, resource_json FROM processes WHERE id = ?",
            (process_id,),
        )
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    def cursors(self, prefix: str) -> dict[str, tuple[int, Any]]:
        """Name without the prefix -> (position, state)."""
        rows = self._db.execute(
            "SELECT name, position, state_json FROM cursors WHERE substr(name, 1, ?) = ?", (len(prefix), prefix)
        )
        return {name[len(prefix) :]: (position, json.loads(state)) for name, position, state in rows}

    def told(self, machine_id: int, mark: Mark) -> tuple[int, int]:
        """How far a machine had come at a mark: number of its last transition, and the machine's own count."""
        row = self._db.execute(
            "SELECT number, number + skipped FROM transitions WHERE machine_id = ? AND id <= ?"
            " ORDER BY number DESC LIMIT 1",
            (machine_id, mark.transition),
        ).fetchone()
        number, sequence = row or (0, self._machines[machine_id].sequence)
        row = self._db.execute(
            "SELECT max(after_sequence + lost) FROM gaps WHERE machine_id = ? AND id <= ?", (machine_id, mark.gap)
        ).fetchone()
        return number, max(sequence, row[0] or 0)

    def behind(self, mark: Mark) -> int:
        """Transitions after a mark."""
        row = self._db.execute("SELECT max(id) FROM transitions").fetchone()
        return max(0, (row[0] or 0) - mark.transition)

    def read(self, after: Mark) -> Chunk:
        """The next rows, as they are at this moment."""
        self._db.execute("BEGIN")
        try:
            return self._read(after)
        finally:
            self._db.execute("COMMIT")

    def _read(self, after: Mark) -> Chunk:
        self._look_at_machines()
        changed, self._changed = self._changed, set()
        rows = self._db.execute(
            "SELECT id, machine_id, number, skipped, at_ns, duration_ns, pattern_id, queue_len, queue_tick"
            " FROM transitions WHERE id > ? ORDER BY id LIMIT ?",
            (after.transition, CHUNK),
        ).fetchall()
        complete = len(rows) < CHUNK
        first, last = (rows[0][0], rows[-1][0]) if rows else (0, 0)
        by_process: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
        for row in rows:
            by_process[self._machines[row[1]].process_id].append(row)
        gaps: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for machine_id, *gap in self._db.execute(
            "SELECT machine_id, id, after_number, after_sequence, lost, reason, clock_json FROM gaps"
            " WHERE id > ? ORDER BY id",
            (after.gap,),
        ):
            gaps[machine_id].append(tuple(gap))
        late = self._late(after.late) if complete else {}
        omissions = self._omissions(after.omission) if complete else {}
        waits = self._waits(after.wait) if complete else {}
        details = self._details(first, last) if rows else {}
        texts = {text for found in details.values() for _, text, _ in found.logs}
        texts.update(line[5] for lines in late.values() for line in lines)
        end = Mark(
            last or after.transition,
            max([after.gap, *(gap[0] for found in gaps.values() for gap in found)]) if complete else after.gap,
            max([after.late, *(line[0] for lines in late.values() for line in lines)]),
            max([after.omission, *(one[0] for found in omissions.values() for one in found)]),
            max([after.wait, *(one[0] for found in waits.values() for one in found)]),
        )
        return Chunk(
            end=end,
            complete=complete,
            transitions=by_process,
            details=details,
            gaps=gaps,
            late=late,
            omissions=omissions,
            waits=waits,
            patterns=self._take_patterns({row[6] for row in rows}),
            texts=dict(self._by_id("SELECT id, text FROM texts", texts)),
            machines=self._machines,
            machines_of=self._machines_of,
            changed=changed,
        )

    def _look_at_machines(self) -> None:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'machines_changed_at_commit'").fetchone()
        commit = int(row[0]) if row else 0
        if commit == self._machines_commit:
            return
        self._machines_commit = commit
        new = []
        for machine_id, ended_ns, reason in self._db.execute("SELECT id, ended_ns, end_reason FROM machines"):
            known = self._machines.get(machine_id)
            if known is None:
                new.append(machine_id)
            elif known.ended_ns != ended_ns:
                known.ended_ns, known.end_reason = ended_ns, reason
                self._changed.add(known.process_id)
        for row in self._by_id(
            "SELECT id, process_id, name, parent, tags_json, initial_clock_json, started_ns, initial_sequence,"
            " id_prefix, ended_ns, end_reason FROM machines",
            new,
        ):
            tags, clock = tuple(json.loads(row[4])), codec.clock_from_json(row[5])
            machine = self._machines[row[0]] = Machine(
                id=row[0],
                process_id=row[1],
                name=row[2],
                parent=row[3],
                tags=tags,
                clock=clock,
                started_ns=row[6],
                sequence=row[7],
                id_prefix=row[8],
                ended_ns=row[9],
                end_reason=row[10],
            )
            self._machines_of[machine.process_id].append(machine)
            self._changed.add(machine.process_id)
        revisions: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for machine_id, schema_id, after_number in self._db.execute(
            "SELECT machine_id, schema_id, after_number FROM machine_schemas ORDER BY machine_id, revision"
        ):
            revisions[machine_id].append((after_number, schema_id))
        for machine_id, found in revisions.items():
            machine = self._machines[machine_id]
            if machine.revisions != found:
                machine.revisions = found
                self._changed.add(machine.process_id)

    def _details(self, first: int, last: int) -> dict[int, Details]:
        found: defaultdict[int, Details] = defaultdict(Details)
        span = (first, last)

        def rows(columns: str, table: str, order: str = "") -> Iterator[tuple[Any, ...]]:
            sql = f"SELECT transition_id, {columns} FROM {table} WHERE transition_id BETWEEN ? AND ? {order}"  # noqa: S608 - constants
            return iter(self._db.execute(sql, span))

        in_order = "ORDER BY transition_id, position"
        for key, level, text, before in rows("level, text_id, before", "log_lines", in_order):
            found[key].logs.append((level, text, bool(before)))
        for key, handler, offset, duration in rows("handler, offset_ns, duration_ns", "handler_runs", in_order):
            found[key].runs.append((handler, offset, duration))
        for key, machine, sequence, time, external in rows("machine, sequence, machine_time, external_id", "sources"):
            found[key].source = SourceFact(machine, sequence, time, external or "")
        for key, arguments in rows("arguments_json", "arguments"):
            found[key].arguments = arguments
        for key, kind, message, traceback in rows("type, message, traceback", "errors"):
            if kind is not None:
                found[key].error = ErrorFact(kind, message or "", traceback or "")
        for key, external in rows("external_id", "transition_ids"):
            found[key].external_id = external
        return found

    def _late(self, after: int) -> dict[int, list[tuple[Any, ...]]]:
        found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row_id, machine_id, number, at_ns, level, text_id in self._db.execute(
            "SELECT id, machine_id, after_number, at_ns, level, text_id FROM late_log_lines WHERE id > ? ORDER BY id",
            (after,),
        ).fetchall():
            sequence = self._sequence(machine_id, number)
            found[self._machines[machine_id].process_id].append((row_id, machine_id, sequence, at_ns, level, text_id))
        return found

    def _omissions(self, after: int) -> dict[int, list[tuple[Any, ...]]]:
        found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row_id, machine_id, first, last, *rest in self._db.execute(
            "SELECT id, machine_id, first_number, last_number, what, count, reason FROM omissions"
            " WHERE id > ? ORDER BY id",
            (after,),
        ).fetchall():
            span = (self._sequence(machine_id, first), self._sequence(machine_id, last))
            found[self._machines[machine_id].process_id].append((row_id, machine_id, *span, *rest))
        return found

    def _waits(self, after: int) -> dict[int, list[tuple[int, WaitBegun, WaitEnded | None]]]:
        found: defaultdict[int, list[tuple[int, WaitBegun, WaitEnded | None]]] = defaultdict(list)
        sequences = SequenceReader(self._db, {machine.id: machine.sequence for machine in self._machines.values()})
        for change, machine_id, *row in self._db.execute(
            f"SELECT change, machine_id, {WAIT_COLUMNS} FROM waits WHERE change > ? ORDER BY change",  # noqa: S608 - constant
            (after,),
        ).fetchall():
            wait = wait_from_row(row)
            at = sequences.at(machine_id, wait.opened_number)
            begun = WaitBegun(machine_id, wait.ident, at, wait.opened_ns, wait.fact, wait.origin)
            ended = None
            if wait.closed_number is not None:
                at = sequences.at(machine_id, wait.closed_number)
                ended = WaitEnded(machine_id, wait.ident, at, wait.closed_ns or 0, wait.close_reason)
            found[self._machines[machine_id].process_id].append((change, begun, ended))
        return found

    def _sequence(self, machine_id: int, number: int) -> int:
        """The machine's own count of one of its transitions."""
        row = self._db.execute(
            "SELECT number + skipped FROM transitions WHERE machine_id = ? AND number = ?", (machine_id, number)
        ).fetchone()
        return int(row[0]) if row else self._machines[machine_id].sequence

    def _take_patterns(self, wanted: set[int]) -> dict[int, PatternDef]:
        if len(self._patterns) > _MAX_PATTERNS:
            self._patterns.clear()
        missing = wanted - self._patterns.keys()
        for row in self._by_id(f"SELECT {codec.PATTERN_COLUMNS} FROM patterns", missing):  # noqa: S608 - constant
            self._patterns[row[0]] = PatternDef(row[0], row[1], codec.pattern_from_row(row))
        return {pattern: self._patterns[pattern] for pattern in wanted}

    def _by_id(self, select: str, ids: Iterable[int]) -> Iterator[Any]:
        wanted = sorted(ids)
        for start in range(0, len(wanted), _MANY):
            part = wanted[start : start + _MANY]
            yield from self._db.execute(f"{select} WHERE id IN ({','.join('?' * len(part))}) ORDER BY id", part)
