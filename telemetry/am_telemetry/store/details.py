"""What a session file holds, machine by machine: for people who look at the file rather than at its transitions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from am_telemetry.store import files
from am_telemetry.store.errors import damaged, from_sqlite
from am_telemetry.store.lock import has_writer


@dataclass(frozen=True, slots=True)
class ProcessDetails:
    """A program that reported."""

    id: int
    name: str
    host: str
    pid: int
    library: str
    first_seen_ns: int
    last_seen_ns: int
    machines: int
    skipped_records: int


@dataclass(frozen=True, slots=True)
class RunDetails:
    """One run of a machine."""

    id: int
    name: str
    run: int
    process_id: int
    started_ns: int
    ended_ns: int
    status: str
    """``connected`` while it is being recorded, else how it ended."""
    transitions: int
    log_lines: int
    errors: int
    lost: int
    schemas: int
    """1, and one more for each time its states were changed."""
    removed: int = 0
    """Transitions that retention has taken away; they count nowhere else, nor do their log lines."""


@dataclass(frozen=True, slots=True)
class GapDetails:
    """Transitions that never arrived."""

    machine: str
    run: int
    after_number: int
    lost: int
    reason: str


@dataclass(frozen=True, slots=True)
class RemovalDetails:
    """Transitions that retention has taken away."""

    machine: str
    run: int
    first_number: int
    last_number: int
    removed_ns: int
    kept: str


@dataclass(frozen=True, slots=True)
class SessionDetails:
    """Everything but the transitions."""

    path: Path
    layout: int
    made_by: str
    processes: tuple[ProcessDetails, ...]
    runs: tuple[RunDetails, ...]
    gaps: tuple[GapDetails, ...]
    removals: tuple[RemovalDetails, ...]
    counters: dict[str, int]
    """What could not be stored, by kind; see the table ``meta``."""
    patterns: int
    schemas: int


_COUNTERS: Final = (
    "key LIKE 'orphaned\\_%' ESCAPE '\\' OR key LIKE 'repeated\\_%' ESCAPE '\\' OR key = 'refused_batches'"
)


def read_details(path: Path) -> SessionDetails:
    """Look into a session file.

    Raises:
        StoreError: it cannot be read.
    """
    connection = files.open_readonly(path)
    try:
        return _read(connection, path)
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error
    except (UnicodeDecodeError, TypeError, ValueError) as error:
        raise damaged(path, "a row cannot be understood") from error
    finally:
        connection.close()


def _read(connection: sqlite3.Connection, path: Path) -> SessionDetails:
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    processes = connection.execute(
        "SELECT id, name, host, pid, library, first_seen_ns, last_seen_ns,"
        " (SELECT count(*) FROM machines WHERE process_id = processes.id), skipped_records FROM processes ORDER BY id"
    )
    live = has_writer(path)
    errors = dict(
        connection.execute(
            "SELECT machine_id, count(*) FROM errors CROSS JOIN transitions ON transitions.id = errors.transition_id"
            " GROUP BY machine_id"
        )
    )
    runs = [
        RunDetails(
            id=row[0],
            name=row[1],
            run=row[2],
            process_id=row[3],
            started_ns=row[4],
            ended_ns=row[5],
            status=row[6] or ("connected" if live else "disconnected"),
            transitions=row[7] - row[11],
            log_lines=row[8] - row[12],
            errors=errors.get(row[0], 0),
            lost=row[9] - row[13],
            schemas=row[10],
            removed=row[11],
        )
        for row in connection.execute(
            "SELECT machines.id, name, run, process_id, started_ns, ended_ns, end_reason, coalesce(transitions, 0),"
            " coalesce(log_lines, 0), coalesce(lost, 0),"
            " (SELECT count(*) FROM machine_schemas WHERE machine_id = machines.id),"
            " coalesce(gone, 0), coalesce(gone_lines, 0)"
            " + (SELECT coalesce(sum(count), 0) FROM omissions"
            " WHERE machine_id = machines.id AND reason = 'retention'),"
            " coalesce(gone_lost, 0)"
            " FROM machines LEFT JOIN (SELECT machine_id, sum(last_number - first_number + 1) AS gone,"
            " sum(log_lines) AS gone_lines, sum(lost) AS gone_lost FROM removals GROUP BY machine_id) AS removed"
            " ON removed.machine_id = machines.id LEFT JOIN machine_clocks"
            " ON machine_clocks.machine_id = machines.id ORDER BY machines.id"
        )
    ]
    gaps = connection.execute(
        "SELECT name, run, after_number, lost, reason FROM gaps JOIN machines ON machines.id = gaps.machine_id"
        " ORDER BY gaps.id"
    )
    removals = connection.execute(
        "SELECT name, run, first_number, last_number, removed_ns, kept FROM removals"
        " JOIN machines ON machines.id = removals.machine_id ORDER BY machines.id, first_number"
    )
    counters = connection.execute(f"SELECT key, value FROM meta WHERE {_COUNTERS} ORDER BY key")  # noqa: S608 - constant
    return SessionDetails(
        path=path,
        layout=int(connection.execute("PRAGMA user_version").fetchone()[0]),
        made_by=meta.get("made_by", ""),
        processes=tuple(ProcessDetails(*row) for row in processes),
        runs=tuple(runs),
        gaps=tuple(GapDetails(*row) for row in gaps),
        removals=tuple(RemovalDetails(*row) for row in removals),
        counters={key: int(value) for key, value in counters},
        patterns=connection.execute("SELECT count(*) FROM patterns").fetchone()[0],
        schemas=connection.execute("SELECT count(*) FROM schemas").fetchone()[0],
    )
