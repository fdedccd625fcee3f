"""Several session files made into one, by SQL alone: no transition passes through Python."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from am_telemetry.store import files, schema
from am_telemetry.store.drafts import draft_of
from am_telemetry.store.errors import StoreError, from_sqlite
from am_telemetry.store.lock import has_writer
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer

Progress = Callable[[int, int], None]
"""Called with (transitions done, transitions in total)."""


@dataclass(frozen=True, slots=True)
class MergeSummary:
    """What a merge brought together."""

    path: Path
    sessions: int
    processes: int
    machines: int
    transitions: int
    seconds: float


# Source rows are found by (source, old id) in tables that live only while merging. Transitions keep the order of
# arrival of their own file; between files, the later of all times so far decides, so a clock that is set back in one
# of them reorders nothing.
_MAPS: Final = """
CREATE TEMP TABLE order_of (source INTEGER, id INTEGER, reached_ns INTEGER);
CREATE TEMP TABLE process_map (source INTEGER, id INTEGER, new_id INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE TEMP TABLE machine_map (
  source INTEGER, id INTEGER, new_id INTEGER, run INTEGER, PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE TEMP TABLE schema_map (source INTEGER, id INTEGER, new_id INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE TEMP TABLE pattern_map (source INTEGER, id INTEGER, new_id INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE TEMP TABLE text_map (source INTEGER, id INTEGER, new_id INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE TEMP TABLE transition_map (
  source INTEGER, id INTEGER, new_id INTEGER, PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE TEMP TABLE found_machines (
  source INTEGER, id INTEGER, name TEXT, session TEXT, started_ns INTEGER, first INTEGER, last INTEGER,
  PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE INDEX main.texts_while_merging ON texts (text);
"""

_SURVEY: Final = """
INSERT INTO main.processes ({processes})
  SELECT {processes} FROM source.processes WHERE true ORDER BY id
  ON CONFLICT (session) DO UPDATE SET
    first_seen_ns = min(first_seen_ns, excluded.first_seen_ns),
    last_seen_ns = max(last_seen_ns, excluded.last_seen_ns),
    have_seq = max(have_seq, excluded.have_seq),
    skipped_records = skipped_records + excluded.skipped_records;
INSERT INTO process_map SELECT :source, old.id, new.id
  FROM source.processes AS old JOIN main.processes AS new ON new.session = old.session;
INSERT INTO main.schemas ({schemas}) SELECT {schemas} FROM source.schemas WHERE true ORDER BY id
  ON CONFLICT (digest) DO NOTHING;
INSERT INTO schema_map SELECT :source, old.id, new.id
  FROM source.schemas AS old JOIN main.schemas AS new ON new.digest = old.digest;
INSERT INTO main.patterns (schema_id, {patterns})
  SELECT schema_map.new_id, {patterns} FROM source.patterns AS old
  JOIN schema_map ON schema_map.source = :source AND schema_map.id = old.schema_id WHERE true ORDER BY old.id
  ON CONFLICT (schema_id, digest) DO NOTHING;
INSERT INTO pattern_map SELECT :source, old.id, new.id
  FROM source.patterns AS old
  JOIN schema_map ON schema_map.source = :source AND schema_map.id = old.schema_id
  JOIN main.patterns AS new ON new.schema_id = schema_map.new_id AND new.digest = old.digest;
INSERT OR IGNORE INTO main.pattern_changes
  SELECT old.state, old.change, pattern_map.new_id FROM source.pattern_changes AS old
  JOIN pattern_map ON pattern_map.source = :source AND pattern_map.id = old.pattern_id;
INSERT INTO main.texts (text) SELECT text FROM source.texts AS old
  WHERE NOT EXISTS (SELECT 1 FROM main.texts AS new WHERE new.text = old.text) GROUP BY text ORDER BY min(id);
INSERT INTO text_map SELECT :source, old.id, (SELECT min(id) FROM main.texts AS new WHERE new.text = old.text)
  FROM source.texts AS old;
INSERT INTO found_machines
  SELECT :source, machines.id, machines.name, processes.session, machines.started_ns, initial_sequence, last_sequence
  FROM source.machines JOIN source.processes ON processes.id = machines.process_id
  JOIN source.machine_clocks ON machine_clocks.machine_id = machines.id;
INSERT INTO order_of
  SELECT :source, id, max(at_ns) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) FROM source.transitions;
"""

_NUMBER: Final = """
INSERT INTO machine_map
  SELECT source, id, row_number() OVER (ORDER BY started_ns, source, id),
    row_number() OVER (PARTITION BY name ORDER BY started_ns, source, id)
  FROM found_machines;
INSERT INTO transition_map
  SELECT source, id, row_number() OVER (ORDER BY reached_ns, source, id) FROM order_of ORDER BY source, id;
DROP TABLE order_of;
"""

_COUNTERS: Final = """
INSERT INTO main.meta SELECT key, value FROM source.meta
  WHERE key LIKE 'orphaned%' OR key LIKE 'repeated%' OR key = 'refused_batches'
  ON CONFLICT (key) DO UPDATE SET value = value + excluded.value;
"""

_SURVEYED: Final = frozenset({"processes", "schemas", "patterns", "pattern_changes", "texts"})
_LEFT_OUT: Final = frozenset({"meta", "cursors", "timelines"})
_MAP_OF: Final = {
    "processes": "process_map",
    "schemas": "schema_map",
    "machines": "machine_map",
    "patterns": "pattern_map",
    "transitions": "transition_map",
    "texts": "text_map",
}

_COMMITS: Final = """
DROP INDEX main.texts_while_merging;
INSERT OR REPLACE INTO main.meta VALUES ('commits', '1'), ('machines_changed_at_commit', '1');
INSERT OR REPLACE INTO main.meta
  SELECT key, value FROM (
    SELECT 'removed_at_commit' AS key, '1' AS value UNION ALL SELECT 'readable_from', '3'
  ) WHERE EXISTS (SELECT 1 FROM main.removals);
"""


def merge(
    sources: Sequence[Path], target: Path, progress: Progress = lambda _done, _total: None, *, replace: bool = False
) -> MergeSummary:
    """Bring all recordings of several session files together in a new one.

    Machine runs are numbered anew by their start, a program that reported into several files becomes one process, and
    equal schemas, patterns and texts are stored once. Holes, bookmarks and waits are kept. Of files that are still
    being recorded, and of files of an older layout, a copy is merged.

    Args:
        sources: two or more session files.
        target: the file to make.
        progress: told how far the copying has come.
        replace: an existing target gives way.

    Raises:
        StoreError: a source cannot be read or holds the same runs as another one, or the target cannot be made.
    """
    began = time.monotonic()
    _check_distinct(sources)
    with draft_of(target, replace=replace) as draft:
        stable = [_stable(path, draft.with_name(f"source-{number}.db")) for number, path in enumerate(sources)]
        lock, connection = files.create(draft)
        try:
            _merge(connection, stable, sources, progress)
            files.close_writable(connection)
        except sqlite3.Error as error:
            raise from_sqlite(draft, error) from error
        finally:
            connection.close()
            lock.release()
        with SessionFile.open(draft, writable=True) as session:
            processes = len({machine.process_id for machine in session.machines})
            totals = session.totals()
            # Closing it saves the index of the new file.
            Writer(session).close()
    return MergeSummary(target, len(sources), processes, totals.machines, totals.transitions, time.monotonic() - began)


def _stable(path: Path, copy: Path) -> Path:
    """A file of the present layout that nobody writes to: the source itself, or a copy of it."""
    if files.check(path) == schema.USER_VERSION and not has_writer(path):
        return path
    files.copy(path, copy)
    lock, connection = files.open_writable(copy)
    files.close_writable(connection)
    lock.release()
    return copy


def _check_distinct(sources: Sequence[Path]) -> None:
    seen: dict[tuple[int, int], Path] = {}
    for path in sources:
        try:
            stat = path.stat()
        except OSError:
            continue  # said by the check that opens it
        twin = seen.setdefault((stat.st_dev, stat.st_ino), path)
        if twin is not path:
            raise StoreError(f"{path} and {twin} are the same file.", "Name every session once.")


def _merge(connection: sqlite3.Connection, stable: Sequence[Path], sources: Sequence[Path], progress: Progress) -> None:
    # The draft has no readers and is thrown away when anything fails.
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -131072")
    connection.execute("PRAGMA temp_store = FILE")
    _run(connection, _MAPS, -1)
    survey = _SURVEY.format(
        processes=", ".join(_columns(connection, "processes", "id")),
        schemas=", ".join(_columns(connection, "schemas", "id")),
        patterns=", ".join(_columns(connection, "patterns", "id", "schema_id")),
    )
    totals = [_with_source(connection, path, number, survey) for number, path in enumerate(stable)]
    _check_no_copies(connection, sources)
    _run(connection, _NUMBER, -1)
    copy = _copying(connection) + _COUNTERS
    done, total = 0, sum(totals)
    progress(0, total)
    for number, path in enumerate(stable):
        _with_source(connection, path, number, copy)
        done += totals[number]
        progress(done, total)
    _run(connection, _COMMITS, -1)


def _columns(connection: sqlite3.Connection, table: str, *without: str) -> list[str]:
    names = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
    return [name for name in names if name not in without]


def _copying(connection: sqlite3.Connection) -> str:
    """Statements that copy all other tables; which columns refer to rows and have to be translated, the layout says."""
    tables = [row[0] for row in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")]
    return "".join(
        _copying_table(connection, table)
        for table in tables
        if table not in _SURVEYED | _LEFT_OUT and not table.startswith("sqlite_")
    )


def _copying_table(connection: sqlite3.Connection, table: str) -> str:
    maps = {row[3]: _MAP_OF[row[2]] for row in connection.execute(f"PRAGMA main.foreign_key_list({table})")}
    if table in _MAP_OF:
        maps["id"] = _MAP_OF[table]
    # Other tables' ids mean nothing outside and are given anew.
    columns = _columns(connection, table, *(() if "id" in maps else ("id",)))
    values = [f"{column}_map.new_id" if column in maps else f"old.{column}" for column in columns]
    if table == "machines":
        values[columns.index("run")] = "id_map.run"
    joins = [
        f"JOIN {name} AS {column}_map ON {column}_map.source = :source AND {column}_map.id = old.{column}"
        for column, name in maps.items()
    ]
    order = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})") if row[5]]
    return (
        f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM source.{table} AS old"  # noqa: S608 - names from the layout
        f" {' '.join(joins)} ORDER BY {', '.join(f'old.{column}' for column in order)};\n"
    )


def _check_no_copies(connection: sqlite3.Connection, sources: Sequence[Path]) -> None:
    # A program that went on reporting into another file has the same machines there, with later transitions.
    row = connection.execute(
        "SELECT one.name, one.source, other.source FROM found_machines AS one JOIN found_machines AS other"
        " ON other.name = one.name AND other.session = one.session AND other.source > one.source"
        " AND one.first < other.last AND other.first < one.last LIMIT 1"
    ).fetchone()
    if row is not None:
        raise StoreError(
            f"{sources[row[1]]} and {sources[row[2]]} hold the same run of the machine {row[0]!r}.",
            "One of them is a copy or an export of the other; leave it out.",
        )


def _with_source(connection: sqlite3.Connection, path: Path, number: int, script: str) -> int:
    """Run a script with a file attached as ``source``; the number of transitions in it."""
    with closing(files.connect_reader(path)) as guard:
        # Held open, so that a file in write-ahead mode keeps its index while it is attached.
        guard.execute("SELECT count(*) FROM meta").fetchone()
        connection.execute("ATTACH ? AS source", (files.read_only_uri(path),))
        try:
            _run(connection, script, number)
            return int(connection.execute("SELECT count(*) FROM source.transitions").fetchone()[0])
        except sqlite3.Error as error:
            raise from_sqlite(path, error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute("DETACH source")


def _run(connection: sqlite3.Connection, script: str, source: int) -> None:
    """Statements in one transaction."""
    connection.execute("BEGIN")
    for statement in filter(None, map(str.strip, script.split(";"))):
        connection.execute(statement, {"source": source} if ":source" in statement else {})
    connection.execute("COMMIT")
