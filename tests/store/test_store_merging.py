"""Several sessions in one file: nothing lost, nothing doubled, nothing mixed up."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from am_telemetry.store import files
from am_telemetry.store.checking import check_session
from am_telemetry.store.errors import SessionExistsError, StoreError
from am_telemetry.store.merging import merge
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.rich_session import write_random_session, write_rich_session
from tests.support.sender import NOW, Sender
from tests.support.session_facts import session_facts
from tests.support.session_folder import file_names, write_session


def rows(path: Path, statement: str) -> list[Any]:
    db = sqlite3.connect(path)
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


def test_a_merged_session_holds_every_fact_of_its_sources(tmp_path: Path) -> None:
    sources = [write_session(tmp_path / f"{name}.db", name, seed=seed) for seed, name in enumerate(("a", "b", "c"), 1)]
    steps: list[tuple[int, int]] = []
    done = merge(sources, tmp_path / "all.db", lambda *step: steps.append(step))
    assert (done.sessions, done.processes, done.machines, done.transitions) == (3, 3, 9, 900)
    assert steps == [(0, 900), (300, 900), (600, 900), (900, 900)]
    expected: dict[tuple[str, str, int], object] = {}
    for path in sources:
        expected |= session_facts(path)
    assert session_facts(tmp_path / "all.db") == expected
    with SessionFile.open(tmp_path / "all.db") as session:
        assert [(m.name, m.run) for m in session.machines if m.name == "orders"] == [("orders", n) for n in (1, 2, 3)]
    assert file_names(tmp_path) == ["a.db", "all.db", "b.db", "c.db"]


def test_transitions_are_in_the_order_of_time_and_what_repeats_is_stored_once(tmp_path: Path) -> None:
    sources = [write_session(tmp_path / f"{name}.db", name, seed=7) for name in ("a", "b")]
    merge(sources, tmp_path / "all.db")
    times = [row[0] for row in rows(tmp_path / "all.db", "SELECT at_ns FROM transitions ORDER BY id")]
    assert times == sorted(times)
    for table in ("schemas", "patterns", "texts", "pattern_changes"):
        count = f"SELECT count(*) FROM {table}"
        assert rows(tmp_path / "all.db", count) == rows(sources[0], count)
    assert rows(tmp_path / "all.db", "PRAGMA integrity_check") == [("ok",)]
    assert rows(tmp_path / "all.db", "PRAGMA foreign_key_check") == []
    layout = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert rows(tmp_path / "all.db", layout) == rows(sources[0], layout)


def test_clocks_that_are_set_back_reorder_nothing_within_a_file(tmp_path: Path) -> None:
    paths = []
    for name in ("a", "b"):
        sender = Sender(name.encode().hex() * 16)
        paths.append(tmp_path / f"{name}.db")
        with SessionFile.create(paths[-1]) as session, Writer(session) as writer:
            writer.open_session(sender.process, NOW)
            sender.open(0, name)
            sender.toggle(0, times=3)
            for row, at_ns in enumerate((NOW + 9, NOW + 1, NOW + 5)):
                sender.batch.transitions.at_ns[row] = at_ns
            writer.put(sender.session, sender.take())
    merge(paths, tmp_path / "all.db")
    joined = "transitions JOIN machines ON machines.id = machine_id"
    order = f"SELECT machines.name, number FROM {joined} ORDER BY transitions.id"
    assert [row for row in rows(tmp_path / "all.db", order) if row[0] == "a"] == [("a", 1), ("a", 2), ("a", 3)]
    with SessionFile.open(tmp_path / "all.db") as session:
        assert [session.timeline(m.id).count for m in session.machines] == [3, 3]


def test_everything_that_a_session_can_hold_is_kept(tmp_path: Path) -> None:
    """Holes, revisions, groups, late lines, times of handlers, omissions, bookmarks, what is still running."""
    rich = write_rich_session(tmp_path / "rich.db")
    other = write_session(tmp_path / "other.db")
    merge([other, rich], tmp_path / "all.db")
    assert session_facts(tmp_path / "all.db") == session_facts(rich) | session_facts(other)
    assert check_session(tmp_path / "all.db") == []
    skews = "SELECT skew_ns FROM processes WHERE name = 'second'"
    assert rows(tmp_path / "all.db", skews) == [(-1_500,)]


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sessions_can_be_merged(tmp_path: Path, seed: int) -> None:
    """The other one's programs have ids of their own."""
    one, other, target = (tmp_path / f"{seed}-{name}.db" for name in ("one", "other", "all"))
    if target.exists():
        return
    write_random_session(one, seed)
    write_session(other, f"other{seed}", transitions=20)
    merge([one, other], target)
    assert session_facts(target) == session_facts(one) | session_facts(other)
    assert check_session(target) == []


def test_a_program_that_reported_into_two_files_becomes_one_process(tmp_path: Path) -> None:
    paths = [tmp_path / "first.db", tmp_path / "second.db"]
    sender = Sender("dd" * 16)
    for path in paths:
        with SessionFile.create(path) as session, Writer(session) as writer:
            writer.open_session(sender.process, NOW)
            sender = Sender("dd" * 16)
            sender.open(0, "m", sequence=3 if path is paths[1] else 0, clock=(3, 0, 0) if path is paths[1] else ())
            sender.toggle(0, times=3)
            writer.put(sender.session, sender.take())
    merge(paths, tmp_path / "all.db")
    with SessionFile.open(tmp_path / "all.db") as session:
        assert [(m.name, m.run, m.process_id) for m in session.machines] == [("m", 1, 1), ("m", 2, 1)]
        assert session.timeline(2).clock(3) == (6, 0, 0)


def test_copies_of_each_other_are_not_merged(tmp_path: Path) -> None:
    one = write_session(tmp_path / "one.db")
    files.copy(one, tmp_path / "copy.db")
    with pytest.raises(StoreError, match="hold the same run of the machine 'orders'"):
        merge([one, tmp_path / "copy.db"], tmp_path / "all.db")
    with pytest.raises(StoreError, match="same file"):
        merge([one, tmp_path / "." / "one.db"], tmp_path / "all.db")
    assert file_names(tmp_path) == ["copy.db", "one.db"]


def test_a_target_that_exists_and_a_source_that_is_none_leave_everything_as_it_was(tmp_path: Path) -> None:
    one = write_session(tmp_path / "one.db", "one")
    two = write_session(tmp_path / "two.db", "two")
    before = two.read_bytes()
    with pytest.raises(SessionExistsError):
        merge([one, two], two)
    (tmp_path / "text.db").write_bytes(b"no session" * 100)
    with pytest.raises(StoreError, match=r"text\.db is not an am-dbg session"):
        merge([one, tmp_path / "text.db"], tmp_path / "all.db")
    assert two.read_bytes() == before
    assert file_names(tmp_path) == ["one.db", "text.db", "two.db"]


def test_a_session_that_is_being_recorded_can_be_merged(tmp_path: Path) -> None:
    sender = Sender()
    one = write_session(tmp_path / "one.db")
    with SessionFile.create(tmp_path / "live.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "live")
        sender.toggle(0, times=5)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        merge([one, tmp_path / "live.db"], tmp_path / "all.db")
        sender.toggle(0, times=5)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
    with SessionFile.open(tmp_path / "all.db") as session:
        assert {m.name: session.timeline(m.id).count for m in session.machines}["live"] == 5


def test_what_a_killed_recorder_left_can_be_merged(tmp_path: Path) -> None:
    """The file with its write-ahead log beside it; together with more files than SQLite attaches at once."""
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    sender = Sender("fe" * 16)
    with SessionFile.create(tmp_path / "x.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0, times=600)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(tmp_path / f"x.db{suffix}", crashed)
    others = [write_session(tmp_path / f"{number}.db", f"p{number}", transitions=9) for number in range(12)]
    done = merge([crashed / "x.db", *others], tmp_path / "all.db")
    assert (done.sessions, done.transitions) == (13, 600 + 12 * 9)
    assert check_session(tmp_path / "all.db") == []
    with SessionFile.open(tmp_path / "all.db") as merged:
        assert next(m for m in merged.machines if m.name == "m").end_reason == "disconnected"
