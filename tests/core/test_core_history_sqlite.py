"""What machines went through, kept in a file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Machine, Snapshot, Time
from am_core.history import (
    ConditionError,
    History,
    HistoryConfig,
    HistoryError,
    HistoryFileError,
    MemoryHistory,
    Query,
    Record,
)
from am_core.history.sqlite import SqliteHistory, SqliteStore
from am_core.states import BasicStates

STATES = ("A", "B", "C", "M")
SCHEMA: dict[str, Any] = {"A": {}, "B": {"remove": ["C"]}, "C": {"auto": True, "require": ["A"]}, "M": {"multi": True}}
TRACKED = HistoryConfig(tracked_states=STATES[1:], called=["A"], changed=["B", "C"], store_transitions=True)


def machine_of(id_: str = "m") -> Machine:
    machine = Machine(SCHEMA, id=id_)
    machine.verify_states([*STATES, "Exception"])
    return machine


def timeless(records: list[Record]) -> list[Record]:
    """Records of two histories differ in the moments at which they were made."""
    return [record._replace(human_time_ns=0) for record in records]


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_fifty_toggles_are_fifty_records(tmp_path: Path) -> None:
    """As in memory."""
    machine = Machine(BasicStates)
    history: History = SqliteHistory(machine, HistoryConfig(tracked_states=["Start"]), tmp_path / "h.db")
    for _ in range(50):
        machine.toggle("Start")
    assert history.machine_record().next_id == 51
    latest = history.find_latest(25)
    assert (len(latest), latest[23].mtime_sum, latest[24].mtime_sum) == (25, 27, 26)
    now = datetime.now(UTC)
    assert history.activated_between("Start", now - timedelta(hours=1), now)
    assert not history.activated_between("Ready", now - timedelta(hours=1), now)
    history.dispose()


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set"]), st.lists(st.sampled_from(STATES), min_size=1, max_size=2)),
    max_size=15,
)
NAMES = st.lists(st.sampled_from(STATES), max_size=1)
ENDS = st.none() | st.integers(-1, 12)
RANGES = st.none() | st.tuples(ENDS, ENDS)
QUERIES = st.builds(
    Query,
    active=NAMES,
    activated=NAMES,
    inactive=NAMES,
    deactivated=NAMES,
    mtime=st.dictionaries(st.sampled_from(STATES), st.tuples(ENDS, ENDS), max_size=2),
    mtime_sum=RANGES,
    mtime_tracked_sum=RANGES,
    mtime_diff_sum=RANGES,
    mtime_tracked_diff_sum=RANGES,
    mtime_record_diff_sum=RANGES,
    machine_tick=RANGES,
)
CONFIGS = st.builds(
    HistoryConfig,
    tracked_states=st.just(STATES),
    called=NAMES,
    called_exclude=NAMES,
    changed=NAMES,
    changed_exclude=NAMES,
    track_rejected=st.booleans(),
    store_transitions=st.booleans(),
    max_records=st.none() | st.integers(1, 8),
)


@settings(max_examples=60, deadline=None)
@given(
    STEPS, CONFIGS, st.lists(st.tuples(QUERIES, st.integers(0, 3)), min_size=5, max_size=5), st.integers(0, 2**64 - 1)
)
def test_both_kinds_of_history_answer_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, list[str]]],
    config: HistoryConfig,
    queries: list[tuple[Query, int]],
    big: int,
) -> None:
    """Whatever happened, whatever is recorded, whatever is asked, however large the ticks."""
    machine = machine_of()
    memory = MemoryHistory(machine, config)
    with SqliteHistory(machine, config, tmp_path_factory.mktemp("history") / "h.db") as file:
        for kind, states in steps:
            getattr(machine, kind)(states)
        machine.restore(Snapshot("m", Time([big, 0, 1, 2, 0]), machine.states))
        for state in STATES:
            machine.toggle(state)
        assert timeless(file.find_latest()) == timeless(memory.find_latest())
        for query, limit in queries:
            assert timeless(file.find_latest(limit, query)) == timeless(memory.find_latest(limit, query))
        record = memory.find_latest(1)
        for moments in [(r.human_time, r.human_time) for r in file.find_latest(1)]:
            assert [r.id for r in file.find_latest(1, Query(human_time=moments))] == [r.id for r in record]
        for name in ("next_id", "time", "mtime_sum", "machine_tick", "id"):
            assert getattr(file.machine_record(), name) == getattr(memory.machine_record(), name)


def test_recording_goes_on_where_it_ended(tmp_path: Path) -> None:
    """With the next number, and compared with the last record of the program before."""
    path = tmp_path / "h.db"
    config = HistoryConfig(tracked_states=["A", "B"])
    machine = machine_of()
    with SqliteHistory(machine, config, path) as history:
        machine.add(["A", "B"])
        began = history.machine_record().first_tracking_ns
    successor = machine_of()
    with SqliteHistory(successor, HistoryConfig(tracked_states=["M", "A"], store_transitions=True), path) as history:
        assert history.machine_record().next_id == 2
        assert history.machine_record().first_tracking_ns == began
        successor.add("M")
        first, second = reversed(history.find_latest())
        assert (first.id, first.tracked, first.mtime_tracked) == (1, ("A", "B"), Time([1, 1]))
        assert (second.id, second.tracked, second.mtime_tracked) == (2, ("A", "M"), Time([0, 1]))
        assert (second.activated, second.deactivated, second.mtime_record_diff_sum) == (("M",), ("A",), -1)
        assert [r.id for r in history.find_latest(query=Query(inactive=["M"]))] == []
        assert [r.id for r in history.find_latest(query=Query(mtime={"M": (None, None)}))] == [2]
        with pytest.raises(ConditionError, match="B not tracked"):
            history.find_latest(query=Query(active=["B"]))


def test_one_file_holds_many_machines(tmp_path: Path) -> None:
    """Each with its own numbers and limits; an id can only be recorded once at a time."""
    path = tmp_path / "h.db"
    with SqliteStore(path) as store:
        machines = [machine_of(f"m{i}") for i in range(3)]
        histories = [store.track(m, HistoryConfig(called=["A"], max_records=i + 1)) for i, m in enumerate(machines)]
        for _ in range(4):
            for machine in machines:
                machine.toggle("A")
        assert [[r.id for r in h.find_latest()] for h in histories] == [[4], [4, 3], [4, 3, 2]]
        with pytest.raises(HistoryError, match=r"m0 is recorded to .* already"):
            store.track(machine_of("m0"), HistoryConfig(tracked_states=["A"]))
        machines[0].toggle("A")
        histories[0].dispose()
        again = store.track(machines[0], HistoryConfig(called=["A"]))
        machines[0].toggle("A")
        assert [r.id for r in again.find_latest()] == [6, 5]
    assert rows(path, "SELECT id, next_id FROM machines ORDER BY id") == [("m0", 7), ("m1", 5), ("m2", 5)]
    with pytest.raises(HistoryError, match="is closed; open it again"):
        store.track(machine_of("m9"), HistoryConfig(tracked_states=["A"]))


def test_a_file_can_be_read_by_people(tmp_path: Path) -> None:
    """Names and JSON in tables, times of day in a view; foreign keys hold."""
    path = tmp_path / "h.db"
    machine = Machine({"Löwe": {}, "B": {}}, id="m", log_args=lambda args: {"path": str(args["path"])})
    config = HistoryConfig(tracked_states=["Löwe"], store_schema=True, store_transitions=True)
    with SqliteHistory(machine, config, path) as history:
        machine.add("Löwe", path="half \udcff")
        machine.remove("Löwe", path="π")
        assert [r.transition and r.transition.args for r in history.find_latest()] == [
            {"path": "π"},
            {"path": "half \udcff"},
        ]
    (first, second) = rows(path, "SELECT * FROM v_records ORDER BY record_id")
    assert first[0:2] == ("m", 1)
    assert datetime.fromisoformat(first[2]) <= datetime.now(UTC)
    assert first[3:] == ("add", '["Löwe"]', "[]", '["Löwe"]', "[1]", 1)
    assert second[3:] == ("remove", "[]", '["Löwe"]', '["Löwe"]', "[2]", 2)
    (schema,) = rows(path, "SELECT state_names_json, schema_json FROM machines")
    assert schema == ('["B","Exception","Löwe"]', '{"Löwe":{},"B":{},"Exception":{"multi":true}}')
    assert rows(path, "PRAGMA foreign_key_check") == []
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_growing_schema_is_kept_with_the_next_record(tmp_path: Path) -> None:
    """The machine does not wait for it."""
    machine = machine_of()
    with SqliteHistory(machine, HistoryConfig(tracked_states=["M"], store_schema=True), tmp_path / "h.db") as history:
        machine.set_schema({**SCHEMA, "New": {}}, [*machine.states, "New"])
        machine.add("M")
    (written,) = rows(tmp_path / "h.db", "SELECT state_names_json, schema_json FROM machines")
    assert "New" in written[0]
    assert "New" in written[1]
    assert history.machine_record().state_names == (*STATES, "Exception", "New")


def test_queries_use_indexes(tmp_path: Path) -> None:
    """No question scans the records of other machines."""
    from am_core.history.sqlite_rows import select

    path = tmp_path / "h.db"
    SqliteHistory(machine_of(), TRACKED, path).dispose()
    moment = datetime.now(UTC)
    for query in (Query(), Query(activated=["A"]), Query(mtime_sum=(1, 2)), Query(human_time=(moment, None))):
        sql, params = select(1, 5, query, {name: i for i, name in enumerate(STATES)})
        with closing(sqlite3.connect(path)) as connection:
            plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, params)]
        assert not any(step.startswith("SCAN") for step in plan), plan


def test_others_read_while_records_are_written(tmp_path: Path) -> None:
    """Another connection always sees whole batches: numbers without gaps up to the machine's next one."""
    path = tmp_path / "h.db"
    machine = machine_of()
    wrong: list[object] = []
    stop = threading.Event()
    with SqliteHistory(machine, HistoryConfig(tracked_states=["M"], max_records=None), path) as history:

        def read() -> None:
            with closing(sqlite3.connect(path)) as connection:
                while not stop.is_set():
                    seen = connection.execute(
                        "SELECT count(*), coalesce(max(record_id), 0), (SELECT next_id FROM machines) FROM records"
                    ).fetchone()
                    if not seen[0] == seen[1] == seen[2] - 1:
                        wrong.append(seen)

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(20):
            for _ in range(20):
                machine.add("M")
            history.sync()
        stop.set()
        reader.join(10)
        assert wrong == []
        assert len(history.find_latest()) == 400


def test_a_locked_file_does_not_block_the_machine_and_losses_are_counted(tmp_path: Path) -> None:
    """What waits is bounded; what fits is written once the file is free again."""
    path = tmp_path / "h.db"
    machine = machine_of()
    with SqliteStore(path, max_pending=5) as store:
        history = store.track(machine, HistoryConfig(tracked_states=["M"]))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            started = time.monotonic()
            for _ in range(20):
                machine.add("M")
            assert time.monotonic() - started < 4
            assert history.dropped == 15
            assert "drops records: the file is written too slowly" in str(machine.internal_errors[0])
            with pytest.raises(HistoryError, match=r"could not be written within 0\.05 s"):
                history.sync(0.05)
            other.execute("ROLLBACK")
        history.sync(20)
        machine.add("M")
        assert [record.id for record in history.find_latest()] == [21, 5, 4, 3, 2, 1]
        assert history.machine_record().dropped == 15
        assert len(machine.internal_errors) == 1
    assert rows(path, "SELECT dropped, next_id FROM machines") == [(15, 22)]


def test_a_file_that_stays_locked_does_not_keep_a_store_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing is tried again for a while, then what is pending is counted as dropped."""
    monkeypatch.setattr("am_core.history.sqlite_store.TIMEOUT", 1.0)
    path = tmp_path / "h.db"
    machine = machine_of()
    store = SqliteStore(path)
    store._connection.execute("PRAGMA busy_timeout = 5")
    history = store.track(machine, HistoryConfig(tracked_states=["M"]))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        machine.add("M")
        machine.add("M")
        store.close()
        other.execute("ROLLBACK")
    assert history.dropped == 2
    assert "database is locked" in str(store.error)
    assert "drops records: OperationalError: database is locked" in str(machine.internal_errors[0])
    assert machine.add("M").executed
    assert history.dropped == 3
    assert history.find_latest() == []


def test_rows_edited_by_hand_are_refused_with_a_reason(tmp_path: Path) -> None:
    """Whether they are of the machine or of a record; the machine is not recorded then."""
    path = tmp_path / "h.db"
    machine = machine_of()
    config = HistoryConfig(tracked_states=["M"])
    with SqliteHistory(machine, config, path):
        machine.add("M")
    for change, undo in (
        ("UPDATE machines SET tracked_json = '['", "UPDATE machines SET tracked_json = '[\"M\"]'"),
        ("UPDATE records SET mtime_tracked_json = '[1,2]'", "UPDATE records SET mtime_tracked_json = '[1]'"),
        ("UPDATE records SET mutation_type = 'ad'", "UPDATE records SET mutation_type = 'add'"),
    ):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(change)
            with pytest.raises(HistoryFileError, match=r"holds rows of m that cannot be read .*; repair them"):
                SqliteHistory(machine, config, path)
            connection.execute(undo)
    assert machine.tracers() == ()
    with SqliteHistory(machine, config, path) as history:
        assert len(history.find_latest()) == 1


def test_numbers_that_another_process_took_are_given_up(tmp_path: Path) -> None:
    """The others of the batch are kept."""
    path = tmp_path / "h.db"
    machine, other = machine_of(), machine_of("other")
    with SqliteStore(path) as store, SqliteStore(path) as second_store:
        history = store.track(machine, HistoryConfig(tracked_states=["M"]))
        twin = machine_of()
        rival = second_store.track(twin, HistoryConfig(tracked_states=["M"]))
        third = store.track(other, HistoryConfig(tracked_states=["M"]))
        twin.add("M")
        rival.sync()
        machine.add("M")
        other.add("M")
        machine.add("M")
        assert [record.id for record in history.find_latest()] == [2, 1]
        assert [record.id for record in third.find_latest()] == [1]
        assert history.dropped == 1
        assert "IntegrityError" in str(machine.internal_errors[0])


def test_foreign_newer_and_damaged_files_are_refused(tmp_path: Path) -> None:
    """And left as they are."""
    config = HistoryConfig(tracked_states=["A"])
    machine = machine_of()
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    newer = tmp_path / "newer.db"
    SqliteHistory(machine, config, newer).dispose()
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    torn = tmp_path / "torn.db"
    SqliteHistory(machine, config, torn).dispose()
    torn.write_bytes(torn.read_bytes()[:5000])
    for path, message in (
        (foreign, "is a database of another program, not a history; choose another path"),
        (newer, "was written by a newer version .format 99, this one knows 1.; update to read it"),
        (text, "is no history, or is damaged"),
        (torn, "is no history, or is damaged"),
    ):
        before = path.read_bytes()
        with pytest.raises(HistoryFileError, match=message):
            SqliteHistory(machine, config, path)
        assert path.read_bytes() == before
    with pytest.raises(HistoryError, match="unable to open database file; check that it can be written"):
        SqliteHistory(machine, config, tmp_path / "missing" / "h.db")
    with pytest.raises(HistoryError, match="a history file needs a path"):
        SqliteStore(":memory:")
    assert machine.tracers() == ()


def test_a_file_damaged_while_it_is_used_is_told_and_the_machine_goes_on(tmp_path: Path) -> None:
    """Records are counted as dropped."""
    path = tmp_path / "h.db"
    machine = machine_of()
    with SqliteHistory(machine, HistoryConfig(tracked_states=["M"]), path) as history:
        machine.add("M")
        history.sync()
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP VIEW v_records")
            other.execute("DROP TABLE flips")
            other.execute("CREATE TABLE flips (only_one)")
            other.commit()
        machine.add("M")
        deadline = time.monotonic() + 10
        while history.store.error is None and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert history.store.error is not None
        assert machine.add("M").executed
        history.dispose()
        assert history.dropped >= 1


def test_questions_can_be_asked_after_the_end(tmp_path: Path) -> None:
    """The file is opened for them."""
    machine = machine_of()
    history = SqliteHistory(machine, HistoryConfig(called=["A"]), tmp_path / "h.db")
    machine.add("A")
    history.dispose()
    history.dispose()
    machine.remove("A")
    assert [record.activated for record in history.find_latest()] == [("A",)]
    assert len(history.export()["records"]) == 1
    machine.dispose_force()
    assert len(history.find_latest()) == 1


def test_what_is_pending_is_written_when_the_program_ends(tmp_path: Path, project: Path) -> None:
    """Without closing anything, and not twice by a forked child."""
    script = (
        "import os, sys\n"
        "from am_core import Machine\n"
        "from am_core.history import HistoryConfig, HistoryError\n"
        "from am_core.history.sqlite import SqliteHistory\n"
        "machine = Machine({'A': {}}, id='m')\n"
        "history = SqliteHistory(machine, HistoryConfig(tracked_states=['A']), sys.argv[1])\n"
        "if os.fork() == 0:\n"
        "    machine.toggle('A')\n"
        "    try:\n"
        "        history.find_latest()\n"
        "    except HistoryError as error:\n"
        "        sys.exit(3 if history.dropped == 1 and 'open it again here' in str(error) else 4)\n"
        "assert os.waitstatus_to_exitcode(os.wait()[1]) == 3\n"
        "for _ in range(200):\n"
        "    machine.toggle('A')\n"
    )
    path = tmp_path / "h.db"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, os.fspath(path)],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert rows(path, "SELECT count(*), max(record_id) FROM records") == [(200, 200)]
