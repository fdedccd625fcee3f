"""Makes anew what follows from the transitions of a session file, and drops details without their transition."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from am_telemetry.store import codec, files, saved_timelines, search_file
from am_telemetry.store.derived import expected_clocks, model_from_rows
from am_telemetry.store.errors import StoreError, from_sqlite
from am_telemetry.store.layouts import FACTS
from am_telemetry.store.lock import has_writer
from am_telemetry.store.model import Model


def repair_session(path: Path) -> Path:
    """Make anew what can be made anew, after a copy of the file was made beside it.

    Returns:
        The copy.

    Raises:
        StoreError: the file is being recorded, cannot be read, or is damaged in a way that cannot be repaired here.
    """
    files.check(path)
    if has_writer(path):
        raise StoreError(f"{path} is being recorded.", "End the program that records it first.")
    copy = files.backup(path, "before-repair")
    lock, connection = files.open_writable(path)
    try:
        connection.execute("REINDEX")
        connection.execute("BEGIN IMMEDIATE")
        _drop_orphans(connection)
        model, position = model_from_rows(connection)
        _rewrite_clocks(connection, model)
        connection.execute("COMMIT")
        saved_timelines.save(connection, saved_timelines.rows_to_save(model, position))
        files.close_writable(connection)
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{path} cannot be repaired: a row cannot be understood ({error!r}).", f"It is as before in {copy}."
        ) from error
    finally:
        connection.close()
        lock.release()
    search_file.forget(path)
    return copy


def _rewrite_clocks(connection: sqlite3.Connection, model: Model) -> None:
    connection.execute("DELETE FROM machine_clocks")
    connection.executemany(
        "INSERT INTO machine_clocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (machine_id, *values[:-1], codec.to_json(values[-1]))
            for machine_id, values in expected_clocks(connection, model).items()
        ],
    )


def _drop_orphans(connection: sqlite3.Connection) -> None:
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        if table in FACTS or table.startswith("sqlite_"):
            continue
        for row in connection.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            parent, column, key = row[2], row[3], row[4]
            connection.execute(
                f"DELETE FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608 - names from the layout
                f" AND NOT EXISTS (SELECT 1 FROM {parent} WHERE {parent}.{key} = {table}.{column})"
            )
