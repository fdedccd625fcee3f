"""``am-dbg import``: a session file or one clear line, and nothing half done."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import brotli
import pexpect
import pytest

from am_dbg.commands.import_ import import_recording
from am_dbg.errors import AmDbgError, ExitCode
from am_telemetry.store.lock import WriterLock
from am_telemetry.store.session_file import SessionFile
from tests.formats.dumps import shop

START = 1_700_000_000_123_456_789


def am_dbg(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, **({"AM_DBG_DIR": str(folder)} if folder is not None else {}))
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "shop.gob.br"
    path.parent.mkdir()
    path.write_bytes(shop(3))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_an_import_can_be_opened_and_holds_everything(recording: Path, out: Path) -> None:
    """Machines, times to the nanosecond, clocks, log lines; a single file is left."""
    done = am_dbg("import", recording, "-o", out / "s.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("imported 2 machines, 12 transitions, 12 log lines into ")
    assert names(out) == ["s.db"]
    with SessionFile.open(out / "s.db") as session:
        assert [(m.name, m.parent, m.tags, m.connected) for m in session.machines] == [
            ("shop", "", ("demo",), False),
            ("till", "shop", ("demo",), False),
        ]
        last = session.transition(session.machines[0].id, 6)
        assert (last.at_ns, last.machine_time, last.transition_id) == (START + 5, 6, "shop00000005")
        lines = session.log_lines(session.machines[1].id, 1, 2)
        assert [(line.level, line.text) for line in lines] == [(2, "[state] +Open"), (2, "[state] -Open")]
        assert session.process(session.machines[0].process_id).library == "asyncmachine-go"


def test_without_a_target_the_session_is_named_after_the_recording(recording: Path, out: Path) -> None:
    """In the folder of sessions, which is made when needed."""
    done = am_dbg("import", recording, folder=out / "new")
    assert done.returncode == 0, done.stderr
    assert names(out / "new") == ["shop.db"]


def test_an_existing_session_is_only_replaced_when_asked(recording: Path, out: Path) -> None:
    """Exit code 2 and an untouched file, or a new file with --force, without the leftovers of the old one."""
    target = out / "s.db"
    target.write_bytes(b"precious")
    refused = am_dbg("import", recording, "-o", target)
    assert refused.returncode == ExitCode.USAGE
    assert "--force" in refused.stderr
    assert target.read_bytes() == b"precious"
    (out / "s.db-wal").write_bytes(b"stale")
    assert am_dbg("import", recording, "-o", target, "--force").returncode == 0
    assert names(out) == ["s.db"]
    with SessionFile.open(target) as session:
        assert len(session.machines) == 2


def test_a_session_that_is_being_recorded_is_not_replaced(recording: Path, out: Path) -> None:
    """The writer's lock protects it even from --force."""
    target = out / "s.db"
    target.write_bytes(b"live")
    lock = WriterLock(target)
    try:
        done = am_dbg("import", recording, "-o", target, "--force")
        assert done.returncode != 0
        assert "writing" in done.stderr
        assert target.read_bytes() == b"live"
    finally:
        lock.release()
    assert names(out) == ["s.db"]


@pytest.mark.parametrize(
    ("what", "content", "words"),
    [
        ("empty", b"", "empty"),
        ("text", b"this is no recording", "brotli"),
        ("cut off", shop(3)[:-9], "ends too early"),
        ("garbage in brotli", brotli.compress(b"\x00garbage" * 400), "gob"),
        ("a session", b"SQLite format 3\0" + bytes(84), "open it"),
        ("a bomb", brotli.compress(bytes(100_000_000), quality=1), "empty messages"),
    ],
)
def test_a_bad_recording_gets_one_line_and_leaves_nothing(
    tmp_path: Path, out: Path, what: str, content: bytes, words: str
) -> None:
    """Exit code 4, the name of the file and the reason; nothing on standard output, no file of any kind."""
    source = tmp_path / "bad.gob.br"
    source.write_bytes(content)
    done = am_dbg("import", source, "-o", out / "s.db")
    assert done.returncode == ExitCode.BAD_DATA, what
    (line,) = done.stderr.splitlines()
    assert "bad.gob.br" in line
    assert words in line
    assert done.stdout == ""
    assert names(out) == []


def test_a_recording_that_breaks_late_leaves_nothing(tmp_path: Path, out: Path) -> None:
    """After thousands of transitions were already stored in the unfinished session."""
    source = tmp_path / "late.gob.br"
    gob = brotli.decompress(shop(2_000))
    source.write_bytes(brotli.compress(gob[:-50], quality=1))
    done = am_dbg("import", source, "-o", out / "s.db")
    assert done.returncode == ExitCode.BAD_DATA
    assert names(out) == []


def test_folders_and_missing_files_are_no_recordings(tmp_path: Path, out: Path) -> None:
    """Exit code 4 for the source; 2 for a target that cannot be."""
    assert am_dbg("import", out, "-o", out / "s.db").returncode == ExitCode.BAD_DATA
    assert am_dbg("import", tmp_path / "no.gob.br", "-o", out / "s.db").returncode == ExitCode.BAD_DATA
    source = tmp_path / "shop.gob.br"
    source.write_bytes(shop(1))
    assert am_dbg("import", source, "-o", out).returncode == ExitCode.USAGE
    assert am_dbg("import", source, "-o", out / "missing" / "s.db").returncode == ExitCode.USAGE
    assert am_dbg("import", source, "-o", source, "--force").returncode == ExitCode.USAGE
    assert source.read_bytes() == shop(1)
    assert names(out) == []


def test_an_interrupted_import_leaves_nothing(recording: Path, out: Path) -> None:
    """An interruption in the middle passes through, and the unfinished session is gone."""

    def interrupt(done: int, total: int) -> None:
        assert done == total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_recording(recording, out / "s.db", interrupt)
    assert names(out) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_control_c_ends_with_its_own_exit_code(tmp_path: Path, out: Path) -> None:
    """130, as shells expect, and no file of any kind."""
    source = tmp_path / "long.gob.br"
    source.write_bytes(shop(8_000))
    process = subprocess.Popen(
        [sys.executable, "-m", "am_dbg", "import", str(source), "-o", str(out / "s.db")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not names(out) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED, stderr
    assert names(out) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("quiet", [False, True])
def test_progress_is_shown_on_a_terminal_unless_quiet(tmp_path: Path, out: Path, quiet: bool) -> None:
    """A bar with the file's name, whose odd characters reach the terminal harmlessly."""
    source = tmp_path / "odd[red]\x1b name.gob.br"
    source.write_bytes(shop(500))
    arguments = ["-m", "am_dbg", "import", str(source), "-o", str(out / "s.db"), *(["-q"] if quiet else [])]
    child = pexpect.spawn(sys.executable, arguments, dimensions=(24, 120), timeout=30, encoding="utf-8")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert ("odd[red]? name.gob.br" in child.before) is not quiet
    assert "imported 2 machines" in child.before


def test_a_target_that_appears_meanwhile_is_not_overwritten(recording: Path, out: Path) -> None:
    """Somebody else may take the name while the import runs."""

    def take_name(_done: int, _total: int) -> None:
        (out / "s.db").write_bytes(b"theirs")

    with pytest.raises(AmDbgError, match="exists already") as caught:
        import_recording(recording, out / "s.db", take_name)
    assert caught.value.exit_code == ExitCode.USAGE
    assert names(out) == ["s.db"]
    assert (out / "s.db").read_bytes() == b"theirs"


def test_plain_sql_sees_the_imported_records(recording: Path, out: Path) -> None:
    """Ids of transitions and the name of the process are in the tables."""
    assert am_dbg("import", recording, "-o", out / "s.db").returncode == 0
    connection = sqlite3.connect(out / "s.db")
    try:
        assert connection.execute("SELECT count(*) FROM transition_ids").fetchone() == (12,)
        assert connection.execute("SELECT name, language FROM processes").fetchall() == [("shop.gob.br", "go")]
    finally:
        connection.close()
