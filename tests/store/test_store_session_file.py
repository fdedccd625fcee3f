"""Opening, following and closing session files."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from am_telemetry.store import files, saved_timelines
from am_telemetry.store.errors import (
    DamagedSessionError,
    NewerSessionError,
    NotASessionError,
    SessionExistsError,
    SessionLockedError,
    SessionMissingError,
    StorageError,
    StoreError,
)
from am_telemetry.store.lock import WriterLock
from am_telemetry.store.reading import Recording
from am_telemetry.store.schema import USER_VERSION
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.recordings import write_sample
from tests.support.sender import NOW, Sender, schema


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "sample.db", machines=4, transitions=3_000)


@pytest.fixture
def copy(sample: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sample, tmp_path / "copy.db"))


def fingerprint(session: SessionFile) -> object:
    return [
        (machine, timeline.count, timeline.clock(timeline.count), [list(timeline.active(s)) for s in range(16)])
        for machine in session.machines
        for timeline in [session.timeline(machine.id)]
    ]


def test_a_finished_recording_is_one_file(sample: Path) -> None:
    assert [path.name for path in sample.parent.iterdir()] == ["sample.db"]
    with SessionFile.open(sample) as session:
        recording: Recording = session
        assert recording.label == str(sample)
        totals = recording.totals()
        assert (totals.machines, totals.transitions, totals.lost) == (4, 3_000, 0)
        assert totals.errors > 0
        assert totals.canceled > 0
        count = session.reader().execute("SELECT count(*) FROM log_lines").fetchone()[0]
        assert totals.log_lines == count
        assert not recording.catch_up()
    assert [path.name for path in sample.parent.iterdir()] == ["sample.db"]


def test_every_transition_agrees_with_the_index(sample: Path) -> None:
    with SessionFile.open(sample) as session:
        for machine in session.machines:
            timeline = session.timeline(machine.id)
            for number in range(1, timeline.count + 1, 7):
                record = session.transition(machine.id, number)
                assert record.at_ns == timeline.at(number)
                assert record.pattern == timeline.pattern(number)
                assert record.machine_time == timeline.machine_time(number)
                assert session.find_sequence(machine.id, record.sequence) == number
                assert bool(session.log_lines(machine.id, number, number)) == (number in timeline.logged)
            lines = session.log_lines(machine.id, 10, 20)
            assert {line.number for line in lines} <= set(range(10, 21))
            assert lines == sorted(lines, key=lambda line: (line.number, line.position))
            with pytest.raises(IndexError):
                session.transition(machine.id, timeline.count + 1)
        with pytest.raises(KeyError):
            session.timeline(99)


def test_a_stored_index_gives_the_same_answers_as_the_rows(copy: Path, sample: Path) -> None:
    db = sqlite3.connect(copy)
    assert db.execute("SELECT count(*) FROM timelines").fetchone()[0] == 4
    with db:
        db.execute("DELETE FROM timelines")
    db.close()
    with SessionFile.open(copy) as rebuilt, SessionFile.open(sample) as stored:
        assert fingerprint(rebuilt) == fingerprint(stored)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE timelines SET content = x'00'",
        "UPDATE timelines SET content = x'' WHERE machine_id = 2",
        "UPDATE timelines SET content = (SELECT content FROM timelines WHERE machine_id = 1)",
        "UPDATE timelines SET number = number - 1 WHERE machine_id = 3",
        "DELETE FROM timelines WHERE machine_id IN (1, 4)",
        "UPDATE timelines SET last_transition_id = 1500 WHERE machine_id = 2",
        "UPDATE timelines SET content = zeroblob(length(content)) WHERE machine_id = 1",
    ],
)
def test_a_useless_stored_index_is_made_anew(copy: Path, sample: Path, damage: str) -> None:
    db = sqlite3.connect(copy)
    with db:
        db.execute(damage)
    db.close()
    with SessionFile.open(copy) as repaired, SessionFile.open(sample) as whole:
        assert fingerprint(repaired) == fingerprint(whole)


def test_a_stored_index_that_lags_behind_is_extended(tmp_path: Path) -> None:
    """Holes and revisions on either side of the moment it was stored are seen once."""
    path = tmp_path / "s.db"
    sender = Sender()
    with SessionFile.create(path) as session:
        writer = Writer(session)
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.open(1, "small")
        sender.toggle(0, times=300)
        sender.toggle(1, times=3)
        sender.gap(0, 2, clock=(301, 0, 0))
        sender.gap(1, 2, clock=(1, 0, 0))
        writer.put(sender.session, sender.take())
        writer.flush(5)
        writer.save_timelines()
        sender.revise(0, schema("B", "A", "Exception", "New"))
        sender.gap(0, 5, clock=(7, 400, 0, 1))
        sender.toggle(0, state=3, times=2)
        sender.toggle(1, times=3)
        writer.put(sender.session, sender.take())
        writer.flush(5)
        session.catch_up()
        # A crash leaves the old index: what is written at the end is undone.
        db = sqlite3.connect(path)
        old = db.execute("SELECT * FROM timelines").fetchall()
        writer.close()
        with db:
            db.execute("DELETE FROM timelines")
            db.executemany("INSERT INTO timelines VALUES (?, ?, ?, ?, ?, ?)", old)
        db.close()
        expected = [
            (session.timeline(i).gaps, [session.timeline(i).clock(n) for n in range(session.timeline(i).count + 1)])
            for i in (1, 2)
        ]
    assert old
    with SessionFile.open(path) as session:
        for i in (1, 2):
            timeline = session.timeline(i)
            assert (timeline.gaps, [timeline.clock(n) for n in range(timeline.count + 1)]) == expected[i - 1]
        assert session.totals().lost == 9


def test_another_program_can_follow_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    sender = Sender()
    with SessionFile.create(path) as writing, Writer(writing) as writer, SessionFile.open(path) as follower:
        assert not follower.catch_up()
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0, times=2)
        sender.add(0, sender_pattern(), "hello")
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        version = follower.version
        assert follower.catch_up()
        assert follower.version > version
        assert not follower.catch_up()
        assert follower.timeline(1).count == 3
        assert follower.totals().log_lines == 1
        sender.gap(0, 1, clock=(5, 5, 5))
        sender.revise(0, schema("A", "B", "Exception", "More"))
        sender.toggle(0, state=1)
        sender.close(0)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        assert follower.catch_up()
        assert follower.machines[0].end_reason == "disposed"
        assert follower.timeline(1).gaps == {4: 1}
        assert follower.timeline(1).clock(4) == (5, 6, 5, 0)
        assert follower.log_lines(1, 1, 9)[0].text == "hello"
        writer.save_timelines()
        assert not follower.catch_up()


def sender_pattern():
    from tests.support.sender import REFUSED

    return REFUSED


def test_details_may_be_asked_for_on_any_thread(sample: Path) -> None:
    with SessionFile.open(sample) as session:
        results: list[object] = []

        def ask() -> None:
            results.append(session.transition(1, 5))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [session.transition(1, 5)] * 4
        session.close()
        session.close()
        with pytest.raises(StoreError):
            session.transition(1, 5)


def test_nothing_is_overwritten(copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(SessionExistsError, match="exists already"):
        SessionFile.create(copy)
    assert copy.read_bytes() == before


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        SessionFile.create(tmp_path / "none" / "s.db")
    assert "folder exists" in caught.value.hint


def test_two_programs_cannot_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with SessionFile.create(path):
        with pytest.raises(SessionLockedError, match=f"Another program .process {os.getpid()}. is writing"):
            SessionFile.open(path, writable=True)
        code = (
            "import sys\nfrom am_telemetry.store.session_file import SessionFile\n"
            "from am_telemetry.store.errors import SessionLockedError\n"
            "try:\n    SessionFile.open(sys.argv[1], writable=True)\nexcept SessionLockedError:\n    sys.exit(7)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True, text=True)
        assert done.returncode == 7, done.stderr
    SessionFile.open(path, writable=True).close()
    assert [p.name for p in tmp_path.iterdir()] == ["s.db"]


def test_the_lock_of_a_dead_program_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    code = (
        "import os, sys\nfrom am_telemetry.store.session_file import SessionFile\n"
        "session = SessionFile.create(sys.argv[1])\nos._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    SessionFile.open(path).close()
    SessionFile.open(path, writable=True).close()
    assert [p.name for p in tmp_path.iterdir()] == ["s.db"]


def test_the_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    """However often it is taken, given back and removed at once."""
    holders: list[int] = []
    crowds: list[int] = []
    taken: list[int] = []

    def compete(number: int) -> None:
        for _ in range(150):
            try:
                lock = WriterLock(tmp_path / "s.db")
            except SessionLockedError:
                continue
            holders.append(number)
            crowds.append(len(holders))
            taken.append(number)
            holders.remove(number)
            lock.release()

    threads = [threading.Thread(target=compete, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(crowds) == {1}
    assert len(taken) >= 6
    assert not list(tmp_path.iterdir())


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SessionMissingError, match="does not exist"):
        SessionFile.open(tmp_path / "no.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", DamagedSessionError),
        (b"SQLite format 3\x00", DamagedSessionError),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), NotASessionError),
        (b"hello", NotASessionError),
        (bytes(4096), NotASessionError),
    ],
)
def test_files_of_another_kind(tmp_path: Path, content: bytes, kind: type[StoreError]) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(kind) as caught:
        SessionFile.open(path)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert path.read_bytes() == content


def test_a_folder_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(NotASessionError):
        SessionFile.open(tmp_path)


def test_a_database_of_another_program_is_no_session(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "x.db")
    db.execute("CREATE TABLE t (a)")
    db.close()
    with pytest.raises(NotASessionError):
        SessionFile.open(tmp_path / "x.db")


def test_a_later_layout_is_refused(copy: Path) -> None:
    db = sqlite3.connect(copy)
    with db:
        db.execute("PRAGMA user_version = 999")
        db.execute("UPDATE meta SET value = '999' WHERE key = 'readable_from'")
    db.close()
    with pytest.raises(NewerSessionError, match="layout 999"):
        SessionFile.open(copy)


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_called_damaged(copy: Path, keep: float) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DamagedSessionError):
        SessionFile.open(copy)


def test_overwritten_pages_give_an_error_of_the_store_or_a_readable_file(copy: Path) -> None:
    content = copy.read_bytes()
    outcomes = set()
    for start in range(4096, len(content) - 4096, len(content) // 40):
        copy.write_bytes(content[:start] + b"\xa5" * 4096 + content[start + 4096 :])
        try:
            with SessionFile.open(copy) as session:
                for machine in session.machines:
                    session.transition(machine.id, 1)
                    session.log_lines(machine.id, 1, 100)
        except StoreError as error:
            outcomes.add(type(error))
        except IndexError:
            # The index of transitions is gone, so a transition is not found.
            outcomes.add(IndexError)
    assert DamagedSessionError in outcomes


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE schemas SET states_json = '{'",
        "UPDATE schemas SET states_json = '[1]'",
        "UPDATE patterns SET indexes_json = '[[1]]'",
        "UPDATE patterns SET steps_json = 'x'",
        "UPDATE patterns SET steps_json = replace(hex(zeroblob(50000)), '0', '[')",
        "UPDATE machines SET tags_json = '3'",
        "DELETE FROM machine_schemas",
        "DELETE FROM patterns",
        "DROP TABLE transitions",
    ],
)
def test_rows_that_make_no_sense_are_called_damaged(copy: Path, damage: str) -> None:
    db = sqlite3.connect(copy)
    with db:
        db.execute("DELETE FROM timelines")
        db.execute(damage)
    db.close()
    with pytest.raises(DamagedSessionError):
        SessionFile.open(copy)


def test_closing_while_another_program_reads_leaves_a_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    sender = Sender()
    session = SessionFile.create(path)
    writer = Writer(session)
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0, times=5)
    writer.put(sender.session, sender.take())
    writer.flush(5)
    with SessionFile.open(path) as reader:
        writer.close()
        session.close()
        reader.catch_up()
        assert reader.timeline(1).count == 5
        assert reader.transition(1, 5).number == 5
    with SessionFile.open(path) as reader:
        assert reader.timeline(1).count == 5


def test_sessions_without_long_machines_store_no_index(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "s.db", machines=3, transitions=60)
    with SessionFile.open(path) as session:
        assert session.reader().execute("SELECT count(*) FROM timelines").fetchone() == (0,)
        assert saved_timelines.MIN_TRANSITIONS > 60
        assert session.totals().transitions == 60


def test_paths_with_unusual_characters(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20é&mode=rwc.db"
    write_sample(path, machines=1, transitions=5)
    with SessionFile.open(path) as session:
        assert session.totals().transitions == 5
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert files.check(path) == USER_VERSION


def test_machines_of_a_recorder_that_died_are_disconnected(tmp_path: Path) -> None:
    """A reader shows them as connected while somebody records, and as ended once nobody does."""
    path = tmp_path / "s.db"
    sender = Sender()
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(1, "lamp")
        sender.toggle(1)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        with SessionFile.open(path) as reader:
            assert [machine.connected for machine in reader.machines] == [True]
        left_behind = tmp_path / "copy.db"
        with sqlite3.connect(path) as source, sqlite3.connect(left_behind) as target:
            source.backup(target)
    with SessionFile.open(left_behind) as reader:
        (machine,) = reader.machines
        assert (machine.connected, machine.end_reason) == (False, "disconnected")
        assert machine.ended_ns == reader.timeline(machine.id).at(1)
