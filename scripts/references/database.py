"""The tables and views of a session file, from the statements that create them and the comments inside those."""

from __future__ import annotations

import re
import sqlite3

from am_telemetry.store import schema
from references.markdown import code, page, table

LEAD = """
A session file is an ordinary SQLite database. The views are meant for people: they give names instead of ids, times in
ISO 8601, and milliseconds. The tables below them are what the program reads and writes.
"""


def build() -> str:
    """The page."""
    connection = sqlite3.connect(":memory:")
    schema.create(connection)
    entries = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    blocks = [LEAD, f"Layout version (`PRAGMA user_version`): {schema.USER_VERSION}.", "## Views"]
    blocks += [_view(connection, name, sql) for kind, name, sql in entries if kind == "view"]
    blocks.append("## Tables")
    blocks += [_table(connection, name, sql) for kind, name, sql in entries if kind == "table"]
    connection.close()
    return page("The database", *blocks)


def _summary(name: str, sql: str) -> str:
    comment = re.search(r"^\s*--\s*(.+)$", sql, re.MULTILINE)
    if not comment:
        raise LookupError(f"the statement that creates {name} has no comment that says what it is for")
    return comment[1]


def _view(connection: sqlite3.Connection, name: str, sql: str) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
    return f"### {name}\n\n{_summary(name, sql)}\n\nColumns: {', '.join(code(column) for column in columns)}."


def _table(connection: sqlite3.Connection, name: str, sql: str) -> str:
    targets = {row[3]: f"{row[2]}.{row[4]}" for row in connection.execute(f"PRAGMA foreign_key_list({name})")}
    rows = []
    for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({name})"):
        line = re.search(rf"^\s+{column}\s[^\n]*$", sql, re.MULTILINE)
        declared, _, remark = line[0].partition("--") if line else ("", "", "")
        allowed = re.search(r"CHECK \(\w+ IN \((.+?)\)\)", declared)
        notes = [f"→ {code(targets[column])}"] if column in targets else []
        notes += [remark.strip()] if remark else []
        notes += [f"one of {code(allowed[1])}"] if allowed and allowed[1] != "0, 1" else []
        rows.append([code(column), kind.lower(), "; ".join(notes)])
    return f"### {name}\n\n{_summary(name, sql)}\n\n{table(['Column', 'Type', 'Meaning'], rows)}"
