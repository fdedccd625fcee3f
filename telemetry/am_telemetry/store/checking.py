"""Whether a session file is whole, and what can be made whole again.

Rows of transitions are the facts. Everything that follows from them (SQLite's own indexes, the stored timelines, the
table of clocks, the search index) can be made anew; rows of details without their transition can be dropped.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from am_telemetry.store import files, saved_timelines
from am_telemetry.store.derived import expected_clocks, model_from_rows
from am_telemetry.store.errors import StoreError
from am_telemetry.store.layouts import FACTS
from am_telemetry.store.loading import Position, read_definitions, read_events, read_machine_events
from am_telemetry.store.model import Model
from am_telemetry.store.timeline import Timeline

Area = Literal["database", "index", "references", "numbers", "holes", "ticks", "clocks", "timelines"]
REPAIRABLE: Final[frozenset[str]] = frozenset({"index", "references", "clocks", "timelines"})
_SAMPLES: Final = 200
"""Transitions per machine whose sum of ticks is compared."""


_NUMBERS: Final = """
SELECT name, run, present, coalesce(gone, 0), first, last
FROM (
  SELECT machine_id, count(*) AS present, min(number) AS first, max(number) AS last
  FROM transitions GROUP BY machine_id
) AS kept
LEFT JOIN (
  SELECT machine_id, sum(last_number - first_number + 1) AS gone FROM removals GROUP BY machine_id
) AS removed USING (machine_id)
JOIN machines ON machines.id = machine_id
WHERE last <> present + coalesce(gone, 0) OR (first <> 1 AND gone IS NULL)
UNION ALL
SELECT name, run, count(*), last_number - first_number + 1, first_number, last_number
FROM removals
JOIN transitions ON transitions.machine_id = removals.machine_id AND number BETWEEN first_number AND last_number
JOIN machines ON machines.id = removals.machine_id
GROUP BY removals.machine_id, first_number
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    area: Area
    text: str

    @property
    def repairable(self) -> bool:
        return self.area in REPAIRABLE


def check_session(path: Path) -> list[Finding]:
    """Look for damage. Changes nothing; a file that is being recorded is seen as of one moment.

    Returns:
        What was found; empty when all is well. Where the database itself is damaged, nothing else is looked at.

    Raises:
        StoreError: the file cannot be opened as a session at all.
    """
    with closing(files.open_readonly(path)) as connection:
        try:
            connection.execute("BEGIN")
            findings = list(_database(connection))
            if any(finding.area == "database" for finding in findings):
                return findings
            findings += _references(connection)
            findings += _numbers(connection)
            findings += _holes(connection)
            return findings + _derived(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            return [Finding("database", str(error))]


def _database(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (text,) in connection.execute("PRAGMA main.integrity_check(20)"):
        if text == "ok":
            return
        of_index = " missing from index " in text or text.startswith("wrong # of entries in index")
        yield Finding("index" if of_index else "database", text)


def _references(connection: sqlite3.Connection) -> Iterator[Finding]:
    lost: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in connection.execute("PRAGMA main.foreign_key_check"):
        lost[table, parent] = lost.get((table, parent), 0) + 1
    for (table, parent), count in lost.items():
        area: Area = "database" if table in FACTS else "references"
        yield Finding(area, f"{count} rows of {table} refer to rows of {parent} that do not exist")


def _numbers(connection: sqlite3.Connection) -> Iterator[Finding]:
    for name, run, count, removed, first, last in connection.execute(_NUMBERS):
        known = f" and {removed} removed ones" if removed else ""
        yield Finding("numbers", f"{name} run {run}: {count} transitions{known} are numbered from {first} to {last}")


def _holes(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Whether the machines' own counts jump exactly where holes are booked, and by as much."""
    booked: dict[int, list[tuple[int, int]]] = {}
    for machine_id, after, lost in connection.execute(
        "SELECT machine_id, after_number, lost FROM gaps ORDER BY machine_id, after_number, id"
    ):
        booked.setdefault(machine_id, []).append((after, lost))
    steps: dict[int, list[tuple[int, int]]] = {}
    for machine_id, number, skipped in connection.execute(
        "SELECT machine_id, min(number), skipped FROM transitions GROUP BY machine_id, skipped ORDER BY machine_id, 2"
    ):
        steps.setdefault(machine_id, []).append((number, skipped))
    removed: dict[int, list[int]] = {}
    for machine_id, last in connection.execute("SELECT machine_id, last_number FROM removals ORDER BY 1, 2"):
        removed.setdefault(machine_id, []).append(last)
    for machine_id, name, run, initial in connection.execute("SELECT id, name, run, initial_sequence FROM machines"):
        holes = booked.get(machine_id, [])
        expected, place, before = initial, 0, 0
        for number, skipped in steps.get(machine_id, []):
            while place < len(holes) and holes[place][0] < number:
                expected += holes[place][1]
                place += 1
            # Holes among removed transitions are gone with them.
            if skipped > expected and any(before <= last < number for last in removed.get(machine_id, ())):
                expected = skipped
            before = number
            if skipped != expected:
                yield Finding(
                    "holes",
                    f"{name} run {run}: {skipped - expected:+} transitions before {number} without a hole for it",
                )
                expected = skipped


def _derived(connection: sqlite3.Connection) -> list[Finding]:
    try:
        model, _ = model_from_rows(connection)
        stored = _model_with_stored_timelines(connection)
        clocks = list(_clocks(connection, model))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, StoreError) as error:
        return [Finding("database", f"a row cannot be understood ({error!r})")]
    findings = [
        Finding("timelines", f"the stored timeline of {machine.name} run {machine.run} differs from its transitions")
        for machine in model.machines
        if not _equal(model.timelines[machine.id], stored.timelines[machine.id])
    ]
    findings += _ticks(connection, model)
    return findings + clocks


def _model_with_stored_timelines(connection: sqlite3.Connection) -> Model:
    model, position = Model(), Position()
    model.define(read_definitions(connection, position, model.schemas))
    rest = saved_timelines.take_back(connection, model, position)
    for events in read_machine_events(connection, rest, position):
        model.apply(events)
    for events in read_events(connection, position):
        model.apply(events)
    return model


def _equal(one: Timeline, other: Timeline) -> bool:
    def shown(timeline: Timeline) -> dict[str, object]:
        return {name: value for name, value in vars(timeline).items() if not name.startswith("_")}

    return shown(one) == shown(other)


def _ticks(connection: sqlite3.Connection, model: Model) -> Iterator[Finding]:
    for machine in model.machines:
        timeline = model.timelines[machine.id]
        step = max(1, timeline.count // _SAMPLES)
        for number in sorted({*range(1, timeline.count + 1, step), timeline.count} - {0}):
            row = connection.execute(
                "SELECT machine_time FROM transitions WHERE machine_id = ? AND number = ?", (machine.id, number)
            ).fetchone()
            if row is not None and row[0] != timeline.machine_time(number):
                yield Finding(
                    "ticks",
                    f"{machine.name} run {machine.run}: the ticks at transition {number} add up to"
                    f" {timeline.machine_time(number)}, not to {row[0]}",
                )
                break


def _clocks(connection: sqlite3.Connection, model: Model) -> Iterator[Finding]:
    expected = expected_clocks(connection, model)
    found: dict[int, tuple[object, ...]] = {}
    for row in connection.execute(
        "SELECT machine_id, transitions, log_lines, lost, last_sequence, last_at_ns, machine_time, ticks_json"
        " FROM machine_clocks"
    ):
        names = model.timelines[row[0]].schema.names if row[0] in model.timelines else ()
        ticks = json.loads(row[7])
        found[row[0]] = (*row[1:7], {name: ticks.get(name, 0) for name in names})
    for machine in model.machines:
        if found.get(machine.id) != expected[machine.id]:
            yield Finding(
                "clocks", f"the clock of {machine.name} run {machine.run} does not follow from its transitions"
            )
