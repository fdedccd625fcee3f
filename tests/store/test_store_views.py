"""A session file makes sense to somebody with nothing but SQL."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from am_telemetry.facts import ErrorFact, Flag, PatternFact, SourceFact
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.recordings import write_sample
from tests.support.sender import NOW, REFUSED, Sender, toggle


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A: on at 2, off at 4; B: active from the start, off at 3."""
    path = tmp_path_factory.mktemp("views") / "s.db"
    sender = Sender()
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "orders", clock=(0, 1, 0))
        sender.add(0, REFUSED, "nothing doing")
        sender.add(0, toggle(0, True), source=SourceFact("root", 12, 3))
        sender.add(0, toggle(1, False))
        sender.add(0, toggle(0, False))
        failing = PatternFact("add", (2,), Flag.ACCEPTED | Flag.BROKEN, ((2, 1),), (2,))
        row = sender.add(0, failing, "oh no")
        sender.batch.errors.append((row, ErrorFact("ValueError", "bad", "trace")))
        sender.batch.transitions.duration_ns[row] = 2_500_000
        sender.add(0, PatternFact("add", (0,), Flag.CHECK | Flag.ACCEPTED))
        writer.put(sender.session, sender.take())
    return path


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def rows(db: sqlite3.Connection, statement: str) -> list[dict]:
    return [dict(row) for row in db.execute(statement)]


def test_transitions_have_names_iso_times_and_a_verdict(db: sqlite3.Connection) -> None:
    first, second, *_ = rows(db, "SELECT * FROM v_transitions LIMIT 5")
    assert first == {
        "machine": "orders",
        "run": 1,
        "number": 1,
        "time": "2023-11-14T22:13:20.001000000Z",
        "duration_ms": 0.05,
        "mutation": "add",
        "called": "B",
        "added": None,
        "removed": None,
        "verdict": "canceled",
        "canceled_by": "BEnter",
        "auto": 0,
        "queue_length": 0,
        "machine_time": 1,
        "source_machine": None,
        "source_transition": None,
        "transition_id": 1,
    }
    assert (second["added"], second["verdict"], second["machine_time"]) == ("A", "accepted", 2)
    assert (second["source_machine"], second["source_transition"]) == ("root", 12)
    verdicts = [row["verdict"] for row in rows(db, "SELECT verdict FROM v_transitions ORDER BY number")]
    assert verdicts == ["canceled", "accepted", "accepted", "accepted", "broken", "possible"]


def test_activity_has_a_beginning_and_an_end(db: sqlite3.Connection) -> None:
    found = rows(db, "SELECT * FROM v_state_activity ORDER BY since_transition, state")
    assert [(row["state"], row["since_transition"], row["duration_ms"]) for row in found] == [
        ("B", 0, 3.0),
        ("A", 2, 2.0),
        ("Exception", 5, None),
    ]
    assert found[1]["active_from"] == "2023-11-14T22:13:20.002000000Z"
    assert found[1]["active_to"] == "2023-11-14T22:13:20.004000000Z"
    assert found[2]["active_to"] is None


def test_activity_is_cut_where_transitions_are_missing(tmp_path: Path) -> None:
    """What was switched in the hole is not told to be otherwise by what comes after it."""
    sender = Sender()
    with SessionFile.create(tmp_path / "gap.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.add(0, toggle(0, True))
        sender.gap(0, 1, (2, 1, 0))
        sender.add(0, toggle(0, True))
        sender.add(0, toggle(0, False))
        sender.add(0, toggle(1, False))
        sender.gap(0, 1, (3, 2, 0))
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        found = session.reader().execute(
            "SELECT state, since_transition, substr(active_from, 18, 6), duration_ms FROM v_state_activity"
            " ORDER BY since_transition, state"
        )
        assert found.fetchall() == [
            ("A", 1, "20.001", 0.0),
            ("B", 1, "20.003", 2.0),
            ("A", 2, "20.003", 1.0),
            ("A", 4, "20.005", None),
        ]


def test_the_other_views_answer_their_question(db: sqlite3.Connection) -> None:
    (error,) = rows(db, "SELECT * FROM v_errors")
    assert (error["machine"], error["number"], error["type"], error["message"]) == ("orders", 5, "ValueError", "bad")
    assert rows(db, "SELECT * FROM v_slowest LIMIT 1")[0]["duration_ms"] == 2.5
    (last,) = rows(db, "SELECT * FROM v_last_state")
    assert (last["machine"], last["status"], last["active"], last["transitions"]) == (
        "orders",
        "connected",
        "Exception",
        6,
    )
    log = rows(db, "SELECT machine, number, level, text FROM v_log")
    assert [tuple(row.values()) for row in log] == [
        ("orders", 1, "ops", "nothing doing"),
        ("orders", 5, "ops", "oh no"),
    ]


def test_the_layout_is_consistent(path: Path, tmp_path: Path) -> None:
    """Foreign keys lead somewhere, tables are strict, names are plural, JSON columns hold JSON."""
    for file in (path, write_sample(tmp_path / "s.db", transitions=1_500)):
        db = sqlite3.connect(file)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        for name, strict in db.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall():
            if name.startswith("sqlite_"):
                continue
            assert strict, name
            assert name.endswith("s") or name == "meta"
            for column in db.execute(f"PRAGMA table_info({name})").fetchall():
                if column[1].endswith("_json"):
                    bad = db.execute(
                        f"SELECT count(*) FROM {name} WHERE {column[1]} IS NOT NULL AND NOT json_valid({column[1]})"
                    )
                    assert bad.fetchone() == (0,), (name, column[1])
        comments = db.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%--%'")
        assert comments.fetchone()[0] == 0
        db.close()


@pytest.mark.parametrize(
    ("statement", "scans"),
    [
        ("SELECT * FROM v_transitions LIMIT 5", {"transitions"}),
        ("SELECT * FROM v_transitions WHERE machine = 'orders' ORDER BY run, number LIMIT 5", set()),
        ("SELECT * FROM v_errors LIMIT 5", {"errors"}),
        ("SELECT * FROM v_log LIMIT 5", {"log_lines", "late_log_lines"}),
        ("SELECT * FROM v_log WHERE machine = 'orders' LIMIT 5", set()),
        (
            "SELECT * FROM v_state_activity LIMIT 5",
            {"transitions", "activations", "machine_schemas", "gaps", "removals"},
        ),
        ("SELECT * FROM v_last_state LIMIT 5", {"machine_clocks"}),
    ],
)
def test_views_read_only_what_is_shown(db: sqlite3.Connection, statement: str, scans: set[str]) -> None:
    """At most the table that the limit cuts short is scanned, nothing is sorted or collected first."""
    plan = [row["detail"] for row in rows(db, f"EXPLAIN QUERY PLAN {statement}")]
    assert not [line for line in plan if re.search("TEMP B-TREE|MATERIALIZE|AUTOMATIC", line)], plan
    scanned = {match[1] for line in plan if (match := re.match(r"SCAN (\w+)$", line))}
    assert scanned <= scans | {"machines"}, plan


def test_sqlite_utils_lists_it(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sqlite_utils", "tables", str(path), "--counts", "--csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    counts = dict(line.split(",") for line in done.stdout.splitlines()[1:])
    assert counts["transitions"] == "6"
    assert counts["machines"] == "1"
    assert {"meta", "processes", "schemas", "patterns", "log_lines", "gaps", "waits", "bookmarks", "cursors"} <= set(
        counts
    )
    done = subprocess.run(
        [sys.executable, "-m", "sqlite_utils", "rows", str(path), "v_last_state", "--csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1].startswith("orders,1,,connected,Exception,")
