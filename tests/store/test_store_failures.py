"""Full disks, killed programs: what was acknowledged is there, once; what was not comes again."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from am_telemetry.store.errors import StorageError
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender


def wait_until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        threading.Event().wait(0.005)


def limit(session: SessionFile, extra_pages: int) -> None:
    """Let the database grow by so many pages only, as a full disk would."""
    connection = session.write_connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + extra_pages}")


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """The acknowledgement is withheld, writing goes on by itself once there is room."""
    acknowledged: list[int] = []
    sender = Sender()
    with SessionFile.create(tmp_path / "s.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0, times=5)
        writer.put(sender.session, sender.take(), acknowledged.append)
        assert writer.flush(5)
        limit(session, 2)
        for part in range(5):
            sender.toggle(0, times=1_000)
            sender.add(0, sender_refusal(), f"a new text {part}")
            writer.put(sender.session, sender.take(), acknowledged.append)
        wait_until(lambda: writer.failure is not None)
        assert isinstance(writer.failure, StorageError)
        assert "full" in writer.failure.message
        assert writer.failure.hint
        assert writer.backlog > 0
        assert not writer.flush(0.05)
        assert len(acknowledged) < 6
        session.catch_up()
        stored = session.totals().transitions
        assert stored == session.reader().execute("SELECT count(*) FROM transitions").fetchone()[0]
        limit(session, 100_000)
        wait_until(lambda: writer.failure is None and writer.backlog == 0)
        assert acknowledged == [5, 1006, 2007, 3008, 4009, 5010]
        session.catch_up()
        timeline = session.timeline(1)
        assert timeline.count == 5_010
        assert timeline.gaps == {}
        assert timeline.clock(5_010) == (5_005, 0, 0)
        assert len(session.log_lines(1, 1, 6_000)) == 5
        assert session.transition(1, 5_010).machine_time == 5_005


def sender_refusal():
    from tests.support.sender import REFUSED

    return REFUSED


def test_closing_on_a_full_disk_says_what_is_lost(tmp_path: Path) -> None:
    sender = Sender()
    session = SessionFile.create(tmp_path / "s.db")
    writer = Writer(session)
    writer.open_session(sender.process, NOW)
    limit(session, 1)
    sender.open(0, "m")
    sender.toggle(0, times=5_000)
    writer.put(sender.session, sender.take())
    with pytest.raises(StorageError, match="1 batches could not be stored") as caught:
        writer.close(timeout=0.2)
    assert "space" in caught.value.hint
    session.close()
    with SessionFile.open(tmp_path / "s.db") as stored:
        assert stored.totals().transitions == 0


def test_an_import_onto_a_full_disk_stops(tmp_path: Path) -> None:
    sender = Sender()
    session = SessionFile.create(tmp_path / "s.db")
    writer = Writer(session)
    writer.open_session(sender.process, NOW)
    limit(session, 1)
    sender.open(0, "m")

    def batches():
        for _ in range(100):
            sender.toggle(0, times=2_000)
            yield sender.take()

    with pytest.raises(StorageError, match="full"):
        writer.write_all(sender.session, batches())
    with pytest.raises(StorageError):
        writer.close(timeout=0)
    session.close()


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    """A person's own SQL may hold the write lock for a while."""
    sender = Sender()
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session, Writer(session) as writer:
        session.write_connection.execute("PRAGMA busy_timeout = 20")
        writer.open_session(sender.process, NOW)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        sender.open(0, "m")
        sender.toggle(0)
        writer.put(sender.session, sender.take())
        wait_until(lambda: writer.failure is not None)
        other.execute("ROLLBACK")
        other.close()
        wait_until(lambda: writer.failure is None and writer.backlog == 0)
        session.catch_up()
        assert session.totals().transitions == 1


CRASHER = """
import os, sys
from pathlib import Path
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender

path = Path(sys.argv[1])
session = SessionFile.open(path, writable=True) if path.exists() else SessionFile.create(path)
writer = Writer(session)
probe = Sender("cc" * 16)
have = writer.open_session(probe.process, NOW)
sender = Sender("cc" * 16, have=have)
sender.open(0, "m", sequence=have)
sender.active[(0, 0)] = have % 2 == 1
# Re-sent records of which the store has some already, as after a lost acknowledgement.
while True:
    sender.toggle(0, times=37)
    writer.put(sender.session, sender.take(), lambda seq: os.write(1, b"%d\\n" % seq))
    writer.flush(5)
"""


def test_a_killed_writer_keeps_what_it_acknowledged(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "s.db"
    acknowledged = 0
    for round_number in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", CRASHER, str(path)], stdout=subprocess.PIPE, cwd=project, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(2 + round_number):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            acknowledged = max(acknowledged, int(line))
        process.kill()
        rest, _ = process.communicate()
        acknowledged = max([acknowledged, *map(int, rest.split()[:-1])])
        with SessionFile.open(path) as session:
            timeline = session.timeline(1)
            assert timeline.count >= acknowledged
            assert timeline.gaps == {}
            assert timeline.clock(timeline.count) == (timeline.count, 0, 0)
            rows = session.reader().execute(
                "SELECT count(*), count(DISTINCT number), max(number), max(number + skipped) FROM transitions"
            )
            assert rows.fetchone() == (timeline.count,) * 4
            assert len(session.machines) == 1
            assert session.reader().execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert acknowledged >= 10 * 37


def test_the_error_that_ends_an_import_is_the_one_that_is_seen(tmp_path: Path) -> None:
    def record() -> None:
        sender = Sender()
        with SessionFile.create(tmp_path / "s.db") as session, Writer(session) as writer:
            writer.open_session(sender.process, NOW)
            limit(session, 1)
            sender.open(0, "m")
            sender.toggle(0, times=5_000)
            writer.write_all(sender.session, [sender.take()])

    began = time.monotonic()
    with pytest.raises(StorageError, match="disk is full"):
        record()
    assert time.monotonic() - began < 5, "it waited for room"
