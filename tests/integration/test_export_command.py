"""``am-dbg export`` and ``am-dbg import`` of exports, as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest

from am_dbg.moments import parse_moment
from am_telemetry.store.session_file import SessionFile
from tests.support.rich_session import write_rich_session
from tests.support.session_facts import session_facts
from tests.support.session_folder import am_dbg, file_names


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_session(tmp_path_factory.mktemp("rich") / "rich.db")


@pytest.mark.parametrize("name", ["copy.jsonl", "copy.amdbg"])
def test_an_export_can_be_imported_again(rich: Path, tmp_path: Path, name: str) -> None:
    done = am_dbg("export", rich, "-o", tmp_path / name)
    assert (done.returncode, done.stderr) == (0, "")
    with SessionFile.open(rich) as session:
        transitions = session.totals().transitions
    assert done.stdout == f"exported {transitions:,} transitions into {tmp_path / name}\n"
    done = am_dbg("import", tmp_path / name, folder=tmp_path / "sessions")
    assert done.returncode == 0, done.stderr
    assert f"{transitions:,} transitions" in done.stdout
    assert file_names(tmp_path / "sessions") == ["copy.db"]
    assert session_facts(tmp_path / "sessions" / "copy.db") == session_facts(rich)


def test_lines_go_to_standard_output_and_a_reader_may_leave_early(rich: Path) -> None:
    done = am_dbg("export", rich, "--machines", "idle", "--machines", "gap*")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["name"] for row in rows if row["record"] == "machine"} == {"idle", "gapped"}
    command = f"{sys.executable} -m am_dbg export {rich} | head -n 1"
    piped = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(piped.stdout)["record"] == "header"
    assert piped.stderr == ""


def test_a_part_of_a_session_becomes_a_session_of_its_own(rich: Path, tmp_path: Path) -> None:
    done = am_dbg("export", rich, "-o", tmp_path / "part.db", "--machines", "orders*", "--redact", "args")
    assert done.returncode == 0, done.stderr
    assert file_names(tmp_path) == ["part.db"]
    with SessionFile.open(tmp_path / "part.db") as session:
        assert {machine.name for machine in session.machines} == {"orders", "orders-1", "orders-2"}
        values = session.reader().execute("SELECT DISTINCT arguments_json FROM arguments").fetchall()
        assert values == [('{"order":"[redacted]","user":"[redacted]"}',)]


def test_a_range_of_time_is_given_in_words(rich: Path, tmp_path: Path) -> None:
    done = am_dbg("export", rich, "--machines", "orders*", "--from", "2023-11-14T22:13:20.3Z", "--to", "-0s")
    times = [json.loads(line)["at_ns"] for line in done.stdout.splitlines() if '"record":"transition"' in line]
    assert times
    assert min(times) >= 1_700_000_000_300_000_000


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--from", "yesterday"], 2, "--from is not a moment like one of"),
        (["--from", "2024-01-01", "--to", "2023-01-01"], 2, "--from is later than --to"),
        (["--machines", "nobody"], 4, "no machine of that name"),
        (["--format", "amdbg"], 2, "name a file: -o"),
        (["-o", "taken.jsonl"], 2, "exists already"),
        (["-o", "nowhere/x.jsonl"], 2, "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_said(
    rich: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.jsonl").write_text("mine")
    done = am_dbg("export", rich, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert (tmp_path / "taken.jsonl").read_text() == "mine"
    assert file_names(tmp_path) == ["taken.jsonl"]


def test_wrong_imports_end_with_the_documented_code(rich: Path, tmp_path: Path) -> None:
    lines = am_dbg("export", rich).stdout.splitlines()
    (tmp_path / "bad.jsonl").write_text("\n".join([*lines[:20], "{broken", *lines[20:]]))
    done = am_dbg("import", tmp_path / "bad.jsonl", "-o", tmp_path / "s.db")
    assert (done.returncode, "bad.jsonl cannot be imported: line 21: not JSON" in done.stderr) == (4, True)
    (tmp_path / "bad.amdbg").write_bytes(rich.read_bytes()[:50_000])
    done = am_dbg("import", tmp_path / "bad.amdbg", "-o", tmp_path / "s.db")
    assert (done.returncode, "damaged" in done.stderr) == (4, True)
    (tmp_path / "gap.jsonl").write_text("\n".join(line for line in lines if '"sequence":3,' not in line).replace(
        '"sequence":5,', '"sequence":4,'))  # fmt: skip
    done = am_dbg("import", tmp_path / "gap.jsonl", "-o", tmp_path / "s.db")
    assert (done.returncode, "contradict each other" in done.stderr) == (1, True)
    assert file_names(tmp_path) == ["bad.amdbg", "bad.jsonl", "gap.jsonl"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000_000),
        ("2023-11-14 22:13:20", 1_700_000_000_000_000_000),
        ("2023-11-14", 1_699_920_000_000_000_000),
        ("22:13", 1_699_999_980_000_000_000),
        ("-10m", 1_700_000_000_000_000_000 - 600 * 10**9),
    ],
)
def test_moments_are_read(text: str, expected: int) -> None:
    assert parse_moment(text, 1_700_000_000_000_000_000, UTC) == expected
