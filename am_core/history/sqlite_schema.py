"""Layout of history files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Final

from am_core.history.errors import HistoryFileError

APPLICATION_ID: Final = 0x616D6869
"""Marks a SQLite file as a history ("amhi")."""
VERSION: Final = 1
_BUSY_TIMEOUT: Final = 1.0
"""Seconds to wait for another program's lock; much less than it may take to close a store."""
_LARGEST: Final = 2**63 - 1
_DIGITS: Final = 30

# Columns without a type hold numbers of any size; see encoded().
_TABLES: Final = """
CREATE TABLE machines (
    machine_key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    first_tracking_ns INTEGER NOT NULL,
    last_tracking_ns INTEGER NOT NULL,
    last_sync_ns INTEGER NOT NULL,
    next_id INTEGER NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    mtime_sum NOT NULL,
    machine_tick NOT NULL,
    mtime_json TEXT NOT NULL,
    tracked_json TEXT NOT NULL,
    state_names_json TEXT,
    schema_json TEXT
);
CREATE TABLE records (
    machine_key INTEGER NOT NULL REFERENCES machines,
    record_id INTEGER NOT NULL,
    human_time_ns INTEGER NOT NULL,
    mutation_type TEXT NOT NULL,
    mtime_sum NOT NULL,
    mtime_tracked_sum NOT NULL,
    mtime_diff_sum NOT NULL,
    mtime_tracked_diff_sum NOT NULL,
    mtime_record_diff_sum NOT NULL,
    machine_tick NOT NULL,
    active TEXT NOT NULL,
    mtime_tracked_json TEXT NOT NULL,
    mtime_tracked_diff_json TEXT NOT NULL,
    activated_json TEXT NOT NULL,
    deactivated_json TEXT NOT NULL,
    PRIMARY KEY (machine_key, record_id)
) WITHOUT ROWID;
CREATE INDEX records_by_time ON records (machine_key, human_time_ns);
CREATE INDEX records_by_sum ON records (machine_key, mtime_sum);
CREATE TABLE flips (
    machine_key INTEGER NOT NULL,
    state TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    record_id INTEGER NOT NULL,
    PRIMARY KEY (machine_key, state, is_active, record_id),
    FOREIGN KEY (machine_key, record_id) REFERENCES records
) WITHOUT ROWID;
CREATE INDEX flips_by_record ON flips (machine_key, record_id);
CREATE TABLE transitions (
    machine_key INTEGER NOT NULL,
    record_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    source_transition TEXT NOT NULL,
    source_machine TEXT NOT NULL,
    is_auto INTEGER NOT NULL,
    is_accepted INTEGER NOT NULL,
    is_check INTEGER NOT NULL,
    is_broken INTEGER NOT NULL,
    queue_len INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    executed_at INTEGER NOT NULL,
    called_json TEXT NOT NULL,
    args_json TEXT NOT NULL,
    PRIMARY KEY (machine_key, record_id),
    FOREIGN KEY (machine_key, record_id) REFERENCES records
) WITHOUT ROWID;
CREATE VIEW v_records AS
SELECT
    machines.id AS machine,
    record_id,
    strftime('%Y-%m-%dT%H:%M:', human_time_ns / 1000000000, 'unixepoch')
        || printf('%06.3fZ', (human_time_ns / 1000000 % 60000) / 1000.0) AS human_time,
    mutation_type,
    activated_json AS activated,
    deactivated_json AS deactivated,
    tracked_json AS states,
    mtime_tracked_json AS ticks,
    records.mtime_sum
FROM records JOIN machines USING (machine_key);
"""


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """A connection that may be used by several threads, one at a time."""
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    if read_only:
        connection.execute("PRAGMA query_only = 1")
    else:
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make an empty file a history, or check that it is one. Raises :class:`HistoryFileError` and changes nothing."""
    _check(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _check(connection, path):
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    # Reads the pages that everything depends on, so that damage is found now and not by the background writer.
    connection.execute("SELECT count(*), sum(length(tracked_json)) FROM machines").fetchone()


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is empty. Raises :class:`HistoryFileError` when it is not a history."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and version == 0 and tables == 0:
        return True
    if application != APPLICATION_ID:
        raise HistoryFileError(f"{path} is a database of another program, not a history; choose another path")
    if version > VERSION:
        raise HistoryFileError(
            f"{path} was written by a newer version (format {version}, this one knows {VERSION}); update to read it"
        )
    return False


def encoded(number: int) -> int | str:
    """A number as SQLite compares it: those beyond 64 bits become text, which is greater than every integer."""
    if number > _LARGEST:
        return f"{number:0{_DIGITS}d}"
    return max(number, -_LARGEST)


def decoded(value: int | str) -> int:
    """The number again."""
    return int(value)


def to_json(value: Any) -> str:
    """Compact JSON; readable unless it holds half characters, as undecodable file names do."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text
