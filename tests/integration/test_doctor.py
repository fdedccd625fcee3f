"""``am-dbg doctor``: what it finds, also where things are broken, and what it never prints."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from am_dbg.cli import run
from am_dbg.commands.doctor import hubs, installation
from am_dbg.commands.doctor.asking import SAMPLE, understood
from am_dbg.commands.doctor.listeners import listener_on
from am_dbg.commands.doctor.terminal import LEAST
from am_dbg.config.resolving import load
from am_dbg.hub import Hub, HubOptions
from am_dbg.ui.screens.main import MIN_SIZE
from am_telemetry.receiving.admission import Credentials
from am_telemetry.sending.visiting import visit
from am_telemetry.settings import Security
from tests.support.pseudo_terminal import on_pty

TOKEN = "s3cret-token-of-the-hub"


def am_dbg(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", *arguments], capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color", **environment},
    )  # fmt: skip


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = run(["doctor", "--json", *arguments])
    return code, {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}


@pytest.fixture(autouse=True)
def _calm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path / "sessions"))
    monkeypatch.setenv("AM_DBG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_sound_computer_is_found_sound(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = report(capsys, "-l", "localhost:0")
    assert code == 0, found
    assert found["SQLite"]["status"] == "ok"
    assert found["packages"]["status"] == "ok"
    assert all(finding["hint"] for finding in found.values() if finding["status"] == "fail")


def test_a_port_taken_by_another_program_is_told_with_its_name(
    capsys: pytest.CaptureFixture[str], taken_port: int
) -> None:
    code, found = report(capsys, "-l", f"127.0.0.1:{taken_port}")
    assert code == 1
    finding = found[f"127.0.0.1:{taken_port}"]
    assert finding["status"] == "fail"
    if sys.platform == "linux":
        assert f"(process {os.getpid()}) listens there" in finding["text"]
        assert str(os.getpid()) in listener_on(taken_port)


def test_what_is_wrong_with_the_world_is_found_and_nothing_breaks(tmp_path: Path) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("", "utf-8")
    (tmp_path / "config.toml").write_text("[ui\n", "utf-8")
    done = am_dbg(
        "doctor", "--json", "-l", "no host:1",
        TERM="", HOME=str(obstacle), AM_DBG_DIR=str(obstacle / "sessions"), AM_DBG_CONFIG=str(tmp_path / "config.toml"),
        XDG_STATE_HOME=str(obstacle), AM_DBG_RUNTIME_DIR=str(obstacle), AM_DBG_ADDR="localhost:1",
        LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    findings = json.loads(done.stdout)["findings"]
    wrong = {finding["name"]: finding for finding in findings if finding["status"] != "ok"}
    assert {"TERM", "sessions", "settings", "state", "sockets", "characters", "AM_DBG_ADDR"} <= set(wrong)
    assert "this is no TOML" in " ".join(f["text"] for f in findings if f["name"] == "settings")
    assert not [name for name in wrong if name == "check"], wrong
    plain = am_dbg("doctor", "-q", PYTHONIOENCODING="ascii", PYTHONUTF8="0", AM_DBG_ADDR="localhost:1")
    assert "FAIL" in plain.stdout
    assert "Traceback" not in plain.stderr


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN, "utf-8")
    token.chmod(0o644)
    done = am_dbg("doctor", AM_DBG_TOKEN=TOKEN, AM_DBG_TOKEN_FILE=str(token))
    assert TOKEN not in done.stdout + done.stderr
    assert f"set ({len(TOKEN)} characters)" in done.stdout
    assert f"chmod 600 {token}" in done.stdout


def test_certificates_are_tried_out(tmp_path: Path) -> None:
    wrong = tmp_path / "cert.pem"
    wrong.write_text("nonsense", "utf-8")
    config = load({"AM_DBG_TLS_CERT": str(wrong), "AM_DBG_TLS_CLIENT_CA": str(tmp_path / "none.pem")})
    found = {f.name: f for f in hubs.security(config, {"AM_DBG_CERT": str(wrong), "AM_DBG_CA": str(wrong)})}
    assert {name: f.status for name, f in found.items()} == {
        "hub's certificate": "fail", "hub.tls_client_ca": "fail", "AM_DBG_CA": "fail", "AM_DBG_CERT": "fail",
    }  # fmt: skip


def test_a_damaged_session_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    (folder / "torn.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    _, found = report(capsys, "-l", "localhost:0")
    (finding,) = [f for name, f in found.items() if "torn" in name]
    assert finding["status"] == "warn"
    assert "am-dbg sessions check" in finding["hint"]


def test_the_hub_that_programs_report_to_is_visited_without_leaving_a_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(tmp_path / "hub.db", "127.0.0.1:0", HubOptions(credentials=Credentials(token=TOKEN))) as hub:
        address = hub.address
        monkeypatch.setenv("AM_DBG_ADDR", address)
        code, found = report(capsys, "-l", "localhost:0")
        assert code == 1
        assert "UNAUTHENTICATED" in found["AM_DBG_ADDR"]["text"]
        monkeypatch.setenv("AM_DBG_TOKEN", TOKEN)
        code, found = report(capsys, "-l", "localhost:0")
        assert code == 0, found
        assert re.search(r"am-dbg \d+\.\d+.*ms away", found["AM_DBG_ADDR"]["text"])
        assert found["clocks"]["status"] == "ok"
        answer = visit(address, Security(token=TOKEN))
        assert abs(answer.skew_ns) < 5 * 10**9
        hub.recording.catch_up()
        assert hub.refusals == "1 calls without the token"
        assert hub.recording.reader().execute("SELECT count(*) FROM processes").fetchone() == (0,)


@pytest.mark.parametrize("ahead_s", [-7200, 7200])
def test_clocks_that_are_apart_are_told_of(ahead_s: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns
    with Hub(tmp_path / "hub.db", "127.0.0.1:0", HubOptions()) as hub:
        monkeypatch.setattr("am_telemetry.receiving.answers.time.time_ns", lambda: now() + ahead_s * 10**9)
        monkeypatch.setattr("am_telemetry.sending.visiting.time", _Clock(now))
        found = list(hubs.reporting(hub.address, {}))
    (finding,) = [f for f in found if f.status == "warn"]
    assert f"7,200.0 s {'ahead of' if ahead_s > 0 else 'behind'} ours" in finding.text


class _Clock:
    """The module ``time`` with the clock of another computer than the hub's."""

    def __init__(self, wall: Any) -> None:
        self.time_ns = wall
        self.monotonic_ns = time.monotonic_ns


def test_what_listens_but_is_no_hub_is_told_of(taken_port: int) -> None:
    (finding,) = hubs.reporting(environ={"AM_DBG_ADDR": f"127.0.0.1:{taken_port}"})
    assert finding.status == "fail"
    assert finding.hint


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("8.2.8", ">=8.2.8,<9", True), ("9.0", ">=8.2.8,<9", False), ("8.2", ">=8.2.8", False),
        ("1.66.0", ">=1.66", True), ("5.28.0rc1", ">=5.28,<8", True), ("2.0", "==2.0.0", True),
        ("2.1", "==2.0", False), ("3", "", True), ("x", ">=1", False),
    ],
)  # fmt: skip
def test_versions_are_compared(version: str, wanted: str, fits: bool) -> None:
    assert installation.satisfies(version, wanted) is fits


def test_answers_of_terminals_are_understood() -> None:
    width = len(SAMPLE)
    answers = understood(f"\x1b[12;{width + 1}R\x1b[?1006;2$y\x1b[?2026;0$y\x1b[?62;c".encode())
    assert (answers.columns, answers.mouse, answers.synchronized) == (width, True, False)
    wide = understood(f"\x1b[12;{2 * width + 1}R\x1b[?62;c".encode())
    assert (wide.columns, wide.mouse) == (2 * width, None)
    assert not understood(b"").answered
    assert not understood(b"hello").answered


def test_on_a_terminal_size_and_colours_are_told_and_the_terminal_is_left_as_it_was() -> None:
    with on_pty("doctor", "-l", "localhost:0", size=(50, 12)) as user:
        assert user.ends() == 1  # it is too small
        text = bytes(user.terminal.received).decode()
    assert "50 columns, 12 rows" in text
    assert "at least 60 × 16 are needed" in text
    assert LEAST == MIN_SIZE
