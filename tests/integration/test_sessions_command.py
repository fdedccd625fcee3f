"""``am-dbg sessions`` as a user meets it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pexpect
import pytest

from am_telemetry.store.lock import WriterLock
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender
from tests.support.session_folder import am_dbg, file_names, write_session


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    write_session(folder / "2025-01-06-shop.db", "shop", seed=1)
    write_session(folder / "2025-01-07-bank.db", "bank", seed=2)
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    target = tmp_path / "sessions"
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_sessions_are_listed_as_a_table_and_as_json(folder: Path) -> None:
    done = am_dbg("sessions", folder=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["SESSION", "BEGAN", "LENGTH", "PROGRAMS", "MACHINES", "TRANSITIONS", "PROBLEMS", "SIZE"]
    assert {line.split()[0] for line in lines[1:]} == {"2025-01-06-shop", "2025-01-07-bank"}
    assert "2 sessions" in done.stderr
    done = am_dbg("sessions", "ls", "--json", folder=folder)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["2025-01-07-bank"]["services"] == ["bank"]
    assert rows["2025-01-06-shop"]["transitions"] == 300
    assert rows["2025-01-06-shop"]["live"] is False


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    done = am_dbg("sessions", folder=tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "")
    assert "am-dbg demo" in done.stderr
    assert am_dbg("sessions", "--json", folder=tmp_path / "none").stdout == "[]\n"


def test_names_from_outside_cannot_draw_on_the_terminal(tmp_path: Path) -> None:
    write_session(tmp_path / "evil.db", "\x1b[31mred\x1b]0;title\x07", transitions=5)
    for arguments in (("sessions",), ("sessions", "show", "evil")):
        done = am_dbg(*arguments, folder=tmp_path)
        assert "red" in done.stdout
        assert "\x1b" not in done.stdout


def test_a_session_is_shown_with_its_programs_and_machines(folder: Path) -> None:
    done = am_dbg("sessions", "show", "2025-01-06", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "300, in " in done.stdout
    assert "orders-2" in done.stdout
    shown = json.loads(am_dbg("sessions", "show", "2025-01-06", "--json", folder=folder).stdout)
    assert [run["name"] for run in shown["runs"]] == ["orders", "orders-1", "orders-2"]
    assert sum(run["transitions"] for run in shown["runs"]) == 300


def test_deleting_asks_and_refuses_live_sessions(folder: Path) -> None:
    done = am_dbg("sessions", "rm", "2025-01-06", folder=folder)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    lock = WriterLock(folder / "2025-01-07-bank.db")
    try:
        done = am_dbg("sessions", "rm", "--yes", "2025-01-06", "2025-01-07", folder=folder)
        assert done.returncode == 4
        assert "being recorded" in done.stderr
        assert "2025-01-06-shop.db" in file_names(folder)
        listed = am_dbg("sessions", folder=folder).stdout
        assert [line.split()[0] for line in listed.splitlines() if line.endswith("live")] == ["2025-01-07-bank"]
    finally:
        lock.release()
    done = am_dbg("sessions", "rm", "--yes", "2025-01-06", folder=folder)
    assert (done.returncode, file_names(folder)) == (0, ["2025-01-07-bank.db"])


@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("y", 1)])
def test_the_answer_on_a_terminal_decides(folder: Path, answer: str, left: int) -> None:
    environment = dict(os.environ, AM_DBG_DIR=str(folder), COLUMNS="200")
    child = pexpect.spawn(
        sys.executable, ["-m", "am_dbg", "sessions", "rm", "2025-01-07"], env=environment, encoding="utf-8", timeout=30
    )
    child.expect("Delete this session")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert len(file_names(folder)) == left
    assert child.exitstatus == (0 if answer == "y" else 1)


def test_old_sessions_are_collected(folder: Path) -> None:
    os.utime(folder / "2025-01-06-shop.db", (10**9, 10**9))
    done = am_dbg("sessions", "gc", "--older-than", "14d", "--dry-run", folder=folder)
    assert "would remove 2025-01-06-shop" in done.stdout
    assert len(file_names(folder)) == 2
    done = am_dbg("sessions", "gc", "--json", folder=folder, AM_DBG_KEEP="14d")
    assert [row["name"] for row in json.loads(done.stdout)] == ["2025-01-06-shop"]
    assert file_names(folder) == ["2025-01-07-bank.db"]
    done = am_dbg("sessions", "gc", "--max-size", "a lot", folder=folder)
    assert (done.returncode, "not a size" in done.stderr) == (2, True)


def test_sessions_are_merged(folder: Path) -> None:
    done = am_dbg("sessions", "merge", "2025-01-06", "2025-01-07", "-o", folder / "all.db", folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("merged 2 sessions: 6 machines of 2 programs, 600 transitions, into ")
    assert file_names(folder) == ["2025-01-06-shop.db", "2025-01-07-bank.db", "all.db"]
    done = am_dbg("sessions", "merge", "2025-01-06", "-o", folder / "one.db", folder=folder)
    assert done.returncode == 2
    done = am_dbg("sessions", "merge", "2025-01-06", "all", "-o", folder / "all.db", "--force", folder=folder)
    assert (done.returncode, "into itself" in done.stderr) == (2, True)


def test_a_misspelt_subcommand_gets_the_nearest_name(folder: Path) -> None:
    done = am_dbg("sessions", "mrege", folder=folder)
    assert (done.returncode, "'merge'" in done.stderr) == (2, True)


def test_an_unknown_session_is_named(folder: Path) -> None:
    done = am_dbg("sessions", "show", "nothing", folder=folder)
    assert (done.returncode, "no session 'nothing'" in done.stderr) == (4, True)


def test_recording_into_the_folder_removes_old_sessions(folder: Path) -> None:
    """Those older than the limit; the new one and the other stay."""
    os.utime(folder / "2025-01-06-shop.db", (10**9, 10**9))
    done = am_dbg("demo", "--headless", "--seconds", "1", folder=folder, AM_DBG_KEEP="30d")
    assert done.returncode == 0, done.stderr
    names = file_names(folder)
    assert len(names) == 2
    assert "2025-01-07-bank.db" in names


def test_a_session_is_live_while_it_is_recorded(tmp_path: Path) -> None:

    sender = Sender()
    with SessionFile.create(tmp_path / "now.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0, times=3)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        listed = am_dbg("sessions", folder=tmp_path).stdout.splitlines()[1].split()
        assert (listed[0], listed[-1]) == ("now", "live")
        shown = am_dbg("sessions", "show", "now", folder=tmp_path).stdout
        assert "being recorded" in shown
        assert "connected" in shown
        assert am_dbg("export", "now", folder=tmp_path).stdout.count('"record":"transition"') == 3
