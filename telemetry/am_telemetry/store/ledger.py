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
    connection: int = 1
    """Counts the connections of this process."""
    texts: dict[int, int] = field(default_factory=dict)
    schemas: dict[int, int] = field(default_factory=dict)
    patterns: dict[int, KnownPattern] = field(default_factory=dict)
    machines: dict[int, MachineState] = field(default_factory=dict)
    earlier: dict[str, dict[int, MachineState]] = field(default_factory=dict)
    """Machines of earlier connections that were not announced again so far, by name and former handle."""

    def snapshot(self) -> tuple[Any, ...]:
        return (
            self.have,
            self.skipped,
            self.last_seen_ns,
            self.skew_ns,
            self.connected,
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


def load_sessions(connection: sqlite3.Connection) -> dict[str, SessionState]:
    """The sessions of an existing file, none of them connected."""
    rows = connection.execute(
        "SELECT id, session, name, host, pid, library, have_seq, skipped_records, last_seen_ns, skew_ns FROM processes"
    )
    return {
        row[1]: SessionState(ProcessRecord(*row[:6]), have=row[6], skipped=row[7], last_seen_ns=row[8], skew_ns=row[9])
        for row in rows
    }


def load_machines(
    connection: sqlite3.Connection, catalog: Catalog, sessions: dict[str, SessionState]
) -> dict[int, MachineState]:
    """The machines of an existing file."""
    by_process = {session.process.id: session for session in sessions.values()}
    machines: dict[int, MachineState] = {}
    revisions = dict(connection.execute("SELECT machine_id, max(revision) FROM machine_schemas GROUP BY machine_id"))
    running = dict(connection.execute("SELECT machine_id, sequence FROM running_transitions"))
    clocks = {row[0]: row for row in connection.execute("SELECT * FROM machine_clocks")}
    for row in connection.execute(f"SELECT {MACHINE_COLUMNS}, initial_sequence FROM machines ORDER BY id"):  # noqa: S608 - constant
        record = machine_from_row(row)
        state = MachineState(
            record, by_process[record.process_id], sequence=row[-1], revision=revisions.get(record.id, 1)
        )
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
