"""Retention while something goes wrong: nothing is half removed, and whoever reads is not disturbed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from am_telemetry.store import files, upkeep
from am_telemetry.store.checking import check_session
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.trimming import Limits
from am_telemetry.store.writer import Writer
from tests.support.hub_process import until
from tests.support.recordings import START_NS, batches, process
from tests.support.sender import NOW, REFUSED, Sender

SMALL = Limits(max_size=500_000, size_text="500kB")

KILLED = """
import sys
from pathlib import Path
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.trimming import Limits
from am_telemetry.store.writer import Writer
from tests.support.recordings import START_NS, batches, process

with SessionFile.create(Path(sys.argv[1])) as session, Writer(session, Limits(max_size=500_000)) as writer:
    writer.open_session(process(), START_NS)
    for batch in batches(3, 1_000_000, size=200):
        writer.put(process().session, batch)
        if not writer.flush(0.05):
            continue
        if writer.upkeep.removed > 500:
            print("removing", flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.013])
def test_killed_while_it_removes(tmp_path: Path, delay: float) -> None:
    """Every transition is there or booked as removed, and recording into the file goes on."""
    path = tmp_path / "s.db"
    program = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=str(Path.cwd())),
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"removing\n"
        deadline = time.monotonic() + delay
        while time.monotonic() < deadline:
            pass
    finally:
        program.send_signal(signal.SIGKILL)
        program.communicate()
    assert check_session(path) == []
    with SessionFile.open(path, writable=True) as session, Writer(session, SMALL):
        totals = session.totals()
        assert totals.removed > 0
        counts = [session.timeline(machine.id).count for machine in session.machines]
        assert totals.transitions + totals.removed == sum(counts)
    assert check_session(path) == []


def test_an_error_while_it_removes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portion is there as before, the failure is told once, recording goes on, and removing is tried again."""
    monkeypatch.setattr(upkeep, "RETRY_S", 0.02)
    path, sender = tmp_path / "s.db", Sender()
    with SessionFile.create(path) as session:
        with Writer(session) as writer:
            writer.open_session(process(), START_NS)
            writer.write_all(process().session, batches(3, 20_000))
        # The last statement of a portion fails, as on a disk that fills up meanwhile.
        session.write_connection.execute(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.removals BEGIN SELECT raise(ABORT, 'no room'); END"
        )
        with Writer(session, SMALL) as writer:
            until(lambda: "no room" in caplog.text)
            sender.open(0, "m")
            sender.toggle(0, times=100)
            writer.open_session(sender.process, NOW)
            writer.write_all(sender.session, [sender.take()])
            session.catch_up()
            assert (session.totals().removed, session.totals().transitions) == (0, 20_100)
            assert caplog.text.count("cannot be removed") == 1
            writer.call(_allow, 5)
            until(lambda: writer.upkeep.removed)
        session.catch_up()
        assert session.totals().transitions + session.totals().removed == 20_100
    assert "removed again" in caplog.text
    assert check_session(path) == []


def _allow(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TRIGGER temp.refuse")


def test_a_reader_in_the_middle_of_something_sees_what_it_saw(tmp_path: Path) -> None:
    """An open read transaction, as an export has one, keeps all of it; removing does not wait for it."""
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session:
        with Writer(session) as writer:
            writer.open_session(process(), START_NS)
            writer.write_all(process().session, batches(3, 30_000))
        reader = files.connect_reader(path)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM transitions").fetchone() == (30_000,)
        with Writer(session, SMALL) as writer:
            until(lambda: writer.upkeep.removed)
            assert reader.execute("SELECT count(*) FROM transitions").fetchone() == (30_000,)
            assert reader.execute("SELECT count(*) FROM removals").fetchone() == (0,)
        reader.execute("ROLLBACK")
        session.catch_up()
        assert reader.execute("SELECT count(*) FROM transitions").fetchone() == (session.totals().transitions,)
        reader.close()
    assert check_session(path) == []


def test_a_session_file_without_the_table_is_read(tmp_path: Path) -> None:
    """Older programs knew no retention inside sessions."""
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(process(), START_NS)
        writer.write_all(process().session, batches(1, 10))
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE removals")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with SessionFile.open(path) as session:
        assert session.totals().transitions == 10


def test_texts_that_occur_once_do_not_fill_the_file(tmp_path: Path) -> None:
    """They go with the lines that used them; those that are used again stay, whoever uses them."""
    path, sender = tmp_path / "s.db", Sender()
    with SessionFile.create(path) as session, Writer(session, Limits(max_size=1_000_000, size_text="1MB")) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        for part in range(60):
            for number in range(200):
                sender.add(0, REFUSED, f"{part}-{number} " + "x" * 200, "always the same")
            writer.put(sender.session, sender.take())
            writer.flush()
            sender.forget_texts()
        until(lambda: _texts(session) < 4_000)
        for number in range(200):
            sender.add(0, REFUSED, f"59-{number} " + "x" * 200, f"0-{number} " + "x" * 200, "always the same")
        writer.put(sender.session, sender.take())
        assert writer.flush(10)
        session.catch_up()
        count = session.timeline(1).count
        texts = [line.text for line in session.log_lines(1, count - 199, count)]
        assert len(texts) == 600
        assert [text.split()[0] for text in texts[1::3]] == [f"0-{number}" for number in range(200)]
        assert session.totals().transitions > 200
    assert check_session(path) == []


def _texts(session: SessionFile) -> int:
    found: int = session.reader().execute("SELECT count(*) FROM texts").fetchone()[0]
    return found
