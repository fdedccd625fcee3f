"""Where sessions and machines stand, as the writer remembers it between transactions."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

from am_telemetry.store.catalog import Catalog, KnownPattern
from am_telemetry.store.changes import Rows
from am_telemetry.store.records import MachineRecord, ProcessRecord
from am_telemetry.store.rows import MACHINE_COLUMNS, machine_from_row

CLOCK_WAS_SET_NS: Final = 1_000_000_000
RESUMABLE: Final = ("", "closed", "disconnected")
"""End reasons of runs that go on when their process connects again."""
_RESUMABLE_IDS: Final = "SELECT id FROM machines WHERE process_id = ? AND end_reason IN (?, ?, ?)"


@dataclass(slots=True)
class MachineState:
    """One run of a machine."""

    record: MachineRecord
    session: SessionState
    count: int = 0
    log_lines: int = 0
    lost: int = 0
    sequence: int = 0
    last_at_ns: int = 0
    time: int = 0
    """Sum of the ticks."""
    ticks: dict[str, int] = field(default_factory=dict)
    """By state name; lags behind ``time`` until the segment is flushed."""
    revision: int = 1
    handle: int = -1
    connection: int = 0
    """The connection of its session on which it was announced last."""
    running: int = 0
    """Sequence of a transition that was told to be running, 0 for none."""
    segment: Rows | None = None

    def snapshot(self) -> tuple[Any, ...]:
        return (
            self.record,
            self.count,
            self.log_lines,
            self.lost,
            self.sequence,
            self.last_at_ns,
            self.time,
            dict(self.ticks),
            self.revision,
            self.handle,
            self.connection,
            self.running,
        )

    def restore(self, values: tuple[Any, ...]) -> None:
        (
            self.record,
            self.count,
            self.log_lines,
            self.lost,
            self.sequence,
            self.last_at_ns,
            self.time,
            self.ticks,
            self.revision,
            self.handle,
            self.connection,
            self.running,
        ) = values
        self.segment = None


@dataclass(slots=True)
class SessionState:
    """One process, and what its handles mean on its present connection."""

    process: ProcessRecord
    have: int = 0
    skipped: int = 0
    last_seen_ns: int = 0
    skew_ns: int | None = None
    """Estimate of how far this computer's clock is ahead of the process's."""
    connected: bool = False
    gone: bool = False
    """Its connection has ended, or was not made by this writer; what its handles meant is void."""
    connection: int = 1
    """Counts the connections of this process."""
    texts: dict[int, int] = field(default_factory=dict)
    schemas: dict[int, int] = field(default_factory=dict)
    patterns: dict[int, KnownPattern] = field(default_factory=dict)
    machines: dict[int, MachineState] = field(default_factory=dict)
    """Those that have not ended on the present connection, by handle."""
    runs: dict[int, MachineState] = field(default_factory=dict)
    """Those that have not ended, or may go on when the program connects again, by id."""
    earlier: dict[str, dict[int, MachineState]] = field(default_factory=dict)
    """Machines of earlier connections that were not announced again so far, by name and former handle."""

    def snapshot(self) -> tuple[Any, ...]:
        return (
            self.have,
            self.skipped,
            self.last_seen_ns,
            self.skew_ns,
            self.connected,
            self.gone,
            self.connection,
            self.texts,
            self.schemas,
            self.patterns,
            self.machines,
            self.earlier,
        )

    def restore(self, values: tuple[Any, ...]) -> None:
        (
            self.have,
            self.skipped,
            self.last_seen_ns,
            self.skew_ns,
            self.connected,
            self.gone,
            self.connection,
            self.texts,
            self.schemas,
            self.patterns,
            self.machines,
            self.earlier,
        ) = values

    def note_skew(self, skew_ns: int) -> None:
        """Take in an estimate, which is never too small: it holds the time the message was under way.

        The smallest one is the best, until a clock is set.
        """
        known = self.skew_ns
        if known is None or abs(skew_ns - known) > CLOCK_WAS_SET_NS or skew_ns < known:
            self.skew_ns = skew_ns


def forget_handles(session: SessionState) -> None:
    """What handles meant is void."""
    session.texts, session.schemas, session.patterns, session.machines, session.earlier = {}, {}, {}, {}, {}


def sessions_with_open_machines(connection: sqlite3.Connection) -> list[str]:
    """Keys of the sessions of which machines are recorded as running."""
    rows = connection.execute(
        "SELECT session FROM processes WHERE id IN (SELECT process_id FROM machines WHERE ended_ns = 0) ORDER BY id"
    )
    return [row[0] for row in rows]


def load_session(connection: sqlite3.Connection, catalog: Catalog, key: str) -> SessionState | None:
    """A session of an existing file, not connected, with the machines that may go on; None when there is none."""
    row = connection.execute(
        "SELECT id, session, name, host, pid, library, have_seq, skipped_records, last_seen_ns, skew_ns"
        " FROM processes WHERE session = ?",
        (key,),
    ).fetchone()
    if row is None:
        return None
    session = SessionState(
        ProcessRecord(*row[:6]), have=row[6], skipped=row[7], last_seen_ns=row[8], skew_ns=row[9], gone=True
    )
    session.runs = _load_machines(connection, catalog, session)
    return session


def _load_machines(connection: sqlite3.Connection, catalog: Catalog, session: SessionState) -> dict[int, MachineState]:
    of_process = f"machine_id IN ({_RESUMABLE_IDS})"
    parameters = (session.process.id, *RESUMABLE)
    revisions = dict(
        connection.execute(
            f"SELECT machine_id, max(revision) FROM machine_schemas WHERE {of_process} GROUP BY machine_id",  # noqa: S608 - constant
            parameters,
        )
    )
    running = dict(
        connection.execute(f"SELECT machine_id, sequence FROM running_transitions WHERE {of_process}", parameters)  # noqa: S608 - constant
    )
    clocks = {
        row[0]: row
        for row in connection.execute(f"SELECT * FROM machine_clocks WHERE {of_process}", parameters)  # noqa: S608 - constant
    }
    machines: dict[int, MachineState] = {}
    for row in connection.execute(
        f"SELECT {MACHINE_COLUMNS}, initial_sequence FROM machines WHERE id IN ({_RESUMABLE_IDS}) ORDER BY id",  # noqa: S608 - constant
        parameters,
    ):
        record = machine_from_row(row)
        state = MachineState(record, session, sequence=row[-1], revision=revisions.get(record.id, 1))
        clock = clocks.get(record.id)
        if clock is None:
            names = catalog.schema_fact(record.schema_id).names
            state.ticks = dict(zip(names, record.initial_clock, strict=False))
            state.time = sum(record.initial_clock)
        else:
            state.count, state.log_lines, state.lost, state.sequence, state.last_at_ns, state.time = clock[1:7]
            state.ticks = json.loads(clock[7])
        state.running = running.get(record.id, 0)
        machines[record.id] = state
    return machines
