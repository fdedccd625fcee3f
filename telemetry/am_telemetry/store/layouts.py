"""Reading session files of other layouts as if they were of this one, without changing them.

What an older file lacks is laid over it for one connection: a missing column by a temporary view that adds its default,
a missing table by an empty temporary one. Temporary names hide the file's own. A newer file is read the same way when
it says that programs of this layout may.
"""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from am_telemetry.store import schema

READABLE_FROM: Final = 1
"""The oldest layout whose programs can make sense of files of this one; raised by changes that are no additions."""

FACTS: Final = frozenset({"transitions", "machines", "machine_schemas", "patterns", "processes", "schemas"})
"""Tables whose rows nothing else can replace, and without which other rows mean nothing."""

_KEY: Final = "readable_from"


@dataclass(frozen=True, slots=True)
class _Table:
    columns: dict[str, str | None]
    """Column -> SQL of the value where it is missing; None where nothing can stand in for it."""
    statement: str


class LayoutError(Exception):
    """A part without which the file cannot be read is missing. The message names it."""


def declare(connection: sqlite3.Connection) -> None:
    """Write into the file which programs may read it. The caller may hold a transaction."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, str(READABLE_FROM)))


def layout_of(connection: sqlite3.Connection) -> int:
    """The version of a file's layout."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def may_read(connection: sqlite3.Connection) -> bool:
    """Whether a file, possibly of a newer layout, can be read by this program."""
    if layout_of(connection) <= schema.USER_VERSION:
        return True
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return row is not None and row[0].isascii() and row[0].isdigit() and int(row[0]) <= schema.USER_VERSION


def bridge(connection: sqlite3.Connection) -> None:
    """Make up for the differences between a file and the present layout, for this connection only.

    Raises:
        LayoutError: something is missing that cannot be made up for.
    """
    for name, table in _present_tables().items():
        found = {row[1] for row in connection.execute(f"PRAGMA main.table_info({name})")}
        if not found:
            connection.execute(table.statement)
            continue
        missing = {column: default for column, default in table.columns.items() if column not in found}
        if not missing:
            continue
        for column, default in missing.items():
            if default is None:
                raise LayoutError(f"the column {column} of the table {name} is missing")
        values = [f"{missing[column]} AS {column}" if column in missing else column for column in table.columns]
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT {', '.join(values)} FROM main.{name}")  # noqa: S608 - names from the layout


@functools.cache
def _present_tables() -> dict[str, _Table]:
    with closing(sqlite3.connect(":memory:")) as connection:
        schema.create(connection)
        tables: dict[str, _Table] = {}
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall():
            if name.startswith("sqlite_"):
                continue
            columns = {
                row[1]: row[4] if row[4] is not None else None if row[3] or row[5] else "NULL"
                for row in connection.execute(f"PRAGMA table_info({name})")
            }
            tables[name] = _Table(columns, sql.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
    return tables
