"""Reads what was committed since a known position, in one snapshot, and hands it out as :class:`Changes`."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Final

from am_telemetry.facts import RESTORED, SchemaFact
from am_telemetry.store import codec
from am_telemetry.store.changes import Changes, Correction, Event, LateLines, Removed, Revision, Rows
from am_telemetry.store.records import PatternRecord, ProcessRecord
from am_telemetry.store.rows import MACHINE_COLUMNS, machine_from_row

_ROWS: Final = """
SELECT machine_id, number, at_ns, pattern_id,
  EXISTS (SELECT 1 FROM log_lines WHERE log_lines.transition_id = transitions.id) AS logged
FROM transitions
"""
_LEFT_LINES: Final = """
SELECT machine_id, log_lines
  - (SELECT coalesce(sum(r.log_lines), 0) FROM removals AS r WHERE r.machine_id = c.machine_id)
  - (SELECT coalesce(sum(o.count), 0) FROM omissions AS o WHERE o.machine_id = c.machine_id AND o.reason = 'retention')
FROM machine_clocks AS c
"""
_CHUNK: Final = 65_536
_MAX_ID: Final = 2**63 - 1


@dataclass(slots=True)
class Position:
    """How far a reader has come."""

    commit: int = 0
    machines_commit: int = 0
    transition_id: int = 0
    schema_id: int = 0
    pattern_id: int = 0
    gap_id: int = 0
    late_id: int = 0
    revisions: dict[int, int] = field(default_factory=dict)
    """Machine -> last schema revision."""
    removals_commit: int = 0
    """What retention had removed by this commit is taken in."""
    log_lines: dict[int, int] = field(default_factory=dict)
    """Machine -> log lines counted."""

    def advance(self, changes: Changes) -> None:
        """Changes were taken in without reading the file."""
        self.commit = changes.commit
        if changes.machines or changes.processes:
            self.machines_commit = changes.commit
        self.transition_id = max(self.transition_id, changes.last_transition_id)
        self.schema_id = max(self.schema_id, *changes.schemas, 0)
        self.pattern_id = max(self.pattern_id, *changes.patterns, 0)
        self.gap_id = max(self.gap_id, changes.last_gap_id)
        self.late_id = max(self.late_id, changes.last_late_id)
        for machine_id, count in changes.log_lines.items():
            self.log_lines[machine_id] = self.log_lines.get(machine_id, 0) + count
        for event in changes.events:
            if isinstance(event, Removed):
                self.removals_commit = changes.commit
            elif isinstance(event, Revision):
                self.revisions[event.machine_id] = self.revisions.get(event.machine_id, 1) + 1


def read_commit(connection: sqlite3.Connection) -> int:
    """The number of the last commit."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'commits'").fetchone()
    return int(row[0]) if row else 0


def read_definitions(connection: sqlite3.Connection, position: Position, schemas: dict[int, SchemaFact]) -> Changes:
    """Processes, machines, schemas and patterns that are new or changed; moves the position on.

    Args:
        connection: inside a read transaction.
        position: where the reader stands.
        schemas: those already known; new ones are added.
    """
    meta = dict(
        connection.execute(
            "SELECT key, value FROM meta WHERE key IN ('commits', 'machines_changed_at_commit', 'removed_at_commit')"
        )
    )
    changes = Changes(commit=int(meta.get("commits", 0)), removals_commit=int(meta.get("removed_at_commit", 0)))
    for schema_id, text, groups in connection.execute(
        "SELECT id, states_json, groups_json FROM schemas WHERE id > ? ORDER BY id", (position.schema_id,)
    ):
        changes.schemas[schema_id] = schemas[schema_id] = codec.schema_from_json(text, groups)
        position.schema_id = schema_id
    for row in connection.execute(
        f"SELECT {codec.PATTERN_COLUMNS} FROM patterns WHERE id > ? ORDER BY id",  # noqa: S608 - constant column list
        (position.pattern_id,),
    ):
        changes.patterns[row[0]] = PatternRecord(row[0], schemas[row[1]], codec.pattern_from_row(row))
        position.pattern_id = row[0]
    machines_commit = int(meta.get("machines_changed_at_commit", 0))
    if machines_commit > position.machines_commit:
        position.machines_commit = machines_commit
        for row in connection.execute("SELECT id, session, name, host, pid, library FROM processes ORDER BY id"):
            changes.processes[row[0]] = ProcessRecord(*row)
        for row in connection.execute(f"SELECT {MACHINE_COLUMNS} FROM machines ORDER BY id"):  # noqa: S608 - constant column list
            changes.machines[row[0]] = machine_from_row(row)
        changes.first_schemas.update(
            connection.execute("SELECT machine_id, schema_id FROM machine_schemas WHERE revision = 1")
        )
    for machine_id, count in connection.execute(present_log_lines(connection)):
        known = position.log_lines.get(machine_id, 0)
        if count != known:
            changes.log_lines[machine_id] = count - known
            position.log_lines[machine_id] = count
    position.commit = changes.commit
    return changes


def present_log_lines(connection: sqlite3.Connection) -> str:
    """A statement for (machine, log lines that are there); the table of clocks also counts those that were removed."""
    removed = connection.execute("SELECT 1 FROM meta WHERE key = 'removed_at_commit'").fetchone()
    if removed is None:
        return "SELECT machine_id, log_lines FROM machine_clocks"
    return _LEFT_LINES


def read_events(connection: sqlite3.Connection, position: Position) -> Iterator[list[Event]]:
    """Transitions, gaps, revisions and removals behind the position, in portions that are in order per machine.

    Args:
        connection: inside the same read transaction as the definitions.
        position: where the reader stands; moved on with every portion.
    """
    marks = _read_marks(connection, position, _MAX_ID)
    _add_removals(connection, position, marks)
    cursor = connection.execute(f"{_ROWS} WHERE id > ? ORDER BY id", (position.transition_id,))
    top = connection.execute("SELECT max(id) FROM transitions").fetchone()[0] or 0
    while True:
        rows = list(islice(cursor, _CHUNK))
        if not rows:
            break
        yield [event for group in _group(rows) for event in _cut(group, marks)]
    position.transition_id = max(position.transition_id, top)
    rest: list[Event] = [event for events in marks.values() for _, event in events]
    rest += _read_late(connection, position)
    if rest:
        yield rest


def _read_late(connection: sqlite3.Connection, position: Position) -> list[Event]:
    """Where lines were added after transitions, which readers may know already; moves the position on."""
    rows = connection.execute(
        "SELECT machine_id, after_number, max(id) FROM late_log_lines WHERE id > ? GROUP BY machine_id, after_number",
        (position.late_id,),
    ).fetchall()
    position.late_id = max((row[2] for row in rows), default=position.late_id)
    return [LateLines(machine_id, number) for machine_id, number, _ in rows]


def read_machine_events(
    connection: sqlite3.Connection, machine_ids: Iterable[int], saved: Position
) -> Iterator[list[Event]]:
    """Everything of some machines up to a position, read through the index.

    Args:
        connection: inside a read transaction.
        machine_ids: machines of which nothing was taken in so far.
        saved: its transition and gap ids are the limits; the machines' revisions are filled in.
    """
    start = Position()
    marks = _read_marks(connection, start, saved.gap_id)
    _add_removals(connection, start, marks)
    for machine_id in machine_ids:
        saved.revisions[machine_id] = start.revisions.get(machine_id, 1)
        cursor = connection.execute(
            f"{_ROWS} WHERE machine_id = ? AND id <= ? ORDER BY number", (machine_id, saved.transition_id)
        )
        while rows := list(islice(cursor, _CHUNK)):
            for group in _group(rows):
                yield _cut(group, marks)
        rest = [event for _, event in marks.get(machine_id, ())]
        if rest:
            yield rest


Marks = dict[int, list[tuple[int, Event]]]
"""Machine -> (transition number, what happens behind it), ascending."""


def _read_marks(connection: sqlite3.Connection, position: Position, last_gap_id: int) -> Marks:
    """Gaps and revisions behind the position; moves it on."""
    marks: list[tuple[int, int, int, Event]] = []
    for owner, revision, schema_id, after in connection.execute(
        "SELECT machine_id, revision, schema_id, after_number FROM machine_schemas"
        " WHERE revision > 1 ORDER BY machine_id, revision",
    ):
        if revision > position.revisions.get(owner, 1):
            position.revisions[owner] = revision
            marks.append((owner, after, 0, Revision(owner, schema_id)))
    for gap_id, owner, after, lost, reason, schema_id, clock in connection.execute(
        "SELECT id, machine_id, after_number, lost, reason, schema_id, clock_json FROM gaps"
        " WHERE id > ? AND id <= ? ORDER BY id",
        (position.gap_id, last_gap_id),
    ):
        position.gap_id = gap_id
        true_clock = None if clock is None else codec.clock_from_json(clock)
        missing = 0 if reason == RESTORED else lost
        marks.append((owner, after, 1, Correction(owner, missing, schema_id, true_clock)))
    marks.sort(key=itemgetter(0, 1, 2))
    result: Marks = {}
    for owner, after, _, event in marks:
        result.setdefault(owner, []).append((after, event))
    return result


def _add_removals(connection: sqlite3.Connection, position: Position, marks: Marks) -> None:
    """What retention has removed, where something is new about that; moves the position on."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'removed_at_commit'").fetchone()
    commit = int(row[0]) if row else 0
    if commit <= position.removals_commit:
        return
    position.removals_commit = commit
    touched: set[int] = set()
    for machine_id, first, last, ticks, active in connection.execute(
        "SELECT machine_id, first_number, last_number, ticks_json, active_json FROM removals"
        " ORDER BY machine_id, first_number"
    ):
        touched.add(machine_id)
        event = Removed(machine_id, first, last, json.loads(ticks), tuple(json.loads(active)))
        marks.setdefault(machine_id, []).append((last, event))
    for machine_id in touched:
        # Before what happens behind the last one of them; states may be new since within.
        marks[machine_id].sort(key=lambda mark: (mark[0], not isinstance(mark[1], Removed)))


_Row = tuple[int, int, int, int, int]


def _group(rows: list[_Row]) -> list[tuple[Rows, list[int]]]:
    """The rows of each machine, with their numbers."""
    groups: dict[int, tuple[Rows, list[int]]] = {}
    for machine_id, number, at_ns, pattern_id, logged in rows:
        found = groups.get(machine_id)
        if found is None:
            groups[machine_id] = found = (Rows(machine_id), [])
        group, numbers = found
        if logged:
            group.logged.append(len(group.at_ns))
        group.at_ns.append(at_ns)
        group.patterns.append(pattern_id)
        numbers.append(number)
    return list(groups.values())


def _cut(numbered: tuple[Rows, list[int]], marks: Marks) -> list[Event]:
    """Split the rows of one machine where something else happens in between."""
    group, numbers = numbered
    waiting = marks.get(group.machine_id)
    if not waiting:
        return [group]
    events: list[Event] = []
    start = 0
    while waiting and waiting[0][0] < numbers[-1]:
        after, event = waiting.pop(0)
        end = max(start, bisect_right(numbers, after))
        if end > start:
            events.append(_slice(group, start, end))
        events.append(event)
        start = end
    events.append(_slice(group, start, len(numbers)))
    return events


def _slice(group: Rows, start: int, end: int) -> Rows:
    return Rows(
        group.machine_id,
        group.at_ns[start:end],
        group.patterns[start:end],
        [offset - start for offset in group.logged if start <= offset < end],
    )
