"""The demo without a user interface: real processes, real gRPC, a real session file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest


def demo(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", "demo", "--headless", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    return demo("--seconds", "5", "--speed", "3", "-o", str(path)), path


def test_it_ends_well_and_prints_a_summary(recorded: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Exit code 0, and a summary that names machines, transitions, errors and the file."""
    done, path = recorded
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if not line.startswith("log lines"))
    assert int(rows["machines"]) >= 6
    assert int(rows["transitions"].replace(",", "")) > 100
    assert int(rows["lost"]) == 0
    assert rows["session"] == str(path)


def test_the_recording_is_a_believable_system(recorded: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Several processes, parents and children, automatic and canceled transitions, multi states, slow handlers."""
    with sqlite3.connect(recorded[1]) as db:

        def one(sql: str) -> int:
            return int(db.execute(sql).fetchone()[0])

        assert one("SELECT count(DISTINCT process_id) FROM machines") >= 2
        assert one("SELECT count(*) FROM machines WHERE parent <> ''") >= 5
        rows = "FROM transitions t JOIN patterns p ON p.id = t.pattern_id WHERE "
        assert one(f"SELECT count(*) {rows} p.auto = 1 AND p.accepted = 1") > 0
        assert one(f"SELECT count(*) {rows} p.accepted = 0") > 0
        assert one("SELECT max(duration_ns) FROM transitions") > 3_000_000
        assert one("SELECT count(*) FROM log_lines") > 100
        assert one("SELECT count(*) FROM v_errors") > 0


def test_both_processes_end_with_the_debugger(recorded: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """No machine is left open, and all of them were closed by their own process."""
    with sqlite3.connect(recorded[1]) as db:
        assert db.execute("SELECT count(*) FROM machines WHERE ended_ns = 0 OR ended_ns IS NULL").fetchone() == (0,)


def test_an_existing_file_is_not_overwritten(recorded: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Exit code 2 with a message, and the file is as it was."""
    before = recorded[1].read_bytes()
    done = demo("-o", str(recorded[1]))
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert recorded[1].read_bytes() == before
