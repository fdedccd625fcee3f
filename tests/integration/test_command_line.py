"""The command line as a user meets it: messages and exit codes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.session_folder import write_session


def am_dbg(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


def test_version_and_help() -> None:
    """Both print to standard output and succeed; help lists every command."""
    assert am_dbg("--version").stdout.startswith("am-dbg, version ")
    help_text = am_dbg("--help")
    assert help_text.returncode == 0
    for name in ("demo", "import", "open"):
        assert name in help_text.stdout


def test_a_misspelt_command_gets_the_nearest_name() -> None:
    """``am-dbg impot`` is a usage error that suggests ``import``."""
    done = am_dbg("impot")
    assert done.returncode == 2
    assert "'import'" in done.stderr


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.db"), (b"not a database at all" * 50, "text.db"), (b"SQLite format 3\0" + b"\xff" * 4000, "torn.db")],
)
def test_a_file_that_is_no_session_is_refused_in_one_message(tmp_path: Path, content: bytes, name: str) -> None:
    """Exit code 4, a clear line, no traceback, and the file untouched."""
    path = tmp_path / name
    path.write_bytes(content)
    done = am_dbg(str(path))
    assert done.returncode == 4, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == content
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


def test_a_missing_file_is_named() -> None:
    """Exit code 4 and the path in the message."""
    done = am_dbg("no/such/session.db")
    assert done.returncode == 4
    assert "no/such/session.db" in done.stderr


def test_a_misspelt_file_gets_the_nearest_name(tmp_path: Path) -> None:
    """The files beside the missing one are the first place to look."""
    (tmp_path / "orders-monday.db").write_bytes(b"")
    done = am_dbg(str(tmp_path / "orders-munday.db"))
    assert done.returncode == 4
    assert "Did you mean orders-monday.db?" in done.stderr


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path))
    for name in ("monday", "tuesday", "tuesday-evening"):
        write_session(tmp_path / f"{name}.db")
    return tmp_path


@pytest.mark.parametrize("words", [("monday",), ("open", "mon"), ("last",), ("tuesday",)])
@pytest.mark.usefixtures("sessions")
def test_a_session_is_opened_by_its_name(words: tuple[str, ...]) -> None:
    """What there is to complain about then is the missing terminal."""
    done = am_dbg(*words)
    assert (done.returncode, "needs a terminal" in done.stderr) == (2, True), done.stderr


@pytest.mark.usefixtures("sessions")
def test_a_name_that_means_several_sessions_or_none_is_answered_with_names() -> None:
    several, none = am_dbg("tues"), am_dbg("sunday")
    assert (several.returncode, none.returncode) == (2, 2)
    assert "2 sessions begin with 'tues'. Name one of them: tuesday-evening, tuesday." in several.stderr
    assert "Did you mean monday or tuesday?" in none.stderr


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """A SQLite file of another program is not a session, and is not changed."""
    import sqlite3

    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (title)")
    before = path.read_bytes()
    done = am_dbg(str(path))
    assert done.returncode == 4
    assert path.read_bytes() == before


def test_a_recording_of_another_tool_points_to_import(tmp_path: Path) -> None:
    """Opening a dump directly says which command reads it."""
    path = tmp_path / "dump.gob.br"
    path.write_bytes(b"x")
    done = am_dbg(str(path))
    assert done.returncode == 4
    assert "am-dbg import" in done.stderr


def test_a_port_in_use_is_reported_and_leaves_no_file(tmp_path: Path) -> None:
    """Exit code 3; the message names the address and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = am_dbg("demo", "--headless", "-l", f"localhost:{port}", "-o", str(tmp_path / "new.db"))
    assert done.returncode == 3, done.stderr
    assert str(port) in done.stderr
    assert "→" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_user_interface_is_not_drawn_into_a_pipe() -> None:
    """Without a terminal the command says what to use instead."""
    done = am_dbg("demo")
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """``--debug`` is the way to a traceback."""
    path = tmp_path / "x.db"
    path.write_bytes(b"zzz")
    assert "Traceback" in am_dbg("--debug", str(path)).stderr
