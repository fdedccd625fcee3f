"""The options of ``am-dbg`` itself: where to begin, what to look at, and those of the Go debugger."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import click
import pytest

from am_dbg.cli import root, run
from am_dbg.commands.awaiting import Awaited
from am_dbg.commands.compatibility import WITHOUT_EFFECT
from am_dbg.commands.view_settings import ClientList, SelectConnected
from am_dbg.session import Session
from am_dbg.session.urls import parse_url
from tests.support.hub_process import PROGRAM
from tests.support.memory_recording import MemoryRecording
from tests.support.pseudo_terminal import on_pty
from tests.support.recordings import machine_names, write_sample

GO_OPTIONS = {
    "--listen-on", "-l", "--import-data", "-i", "--select-machine", "-m", "--select-transition", "-t", "--view", "-v",
    "--reader", "-r", "--select-connected", "-c", "--clean-on-connect", "--client-list", "--enable-mouse", "--fwd-data",
    "-f", "--max-mem", "--log-2-ttl", "--am-dbg-addr", "--log-file", "--log-level", "--prof-srv",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("open") / "sample.db", machines=3, transitions=60)


def test_all_options_of_the_go_debugger_are_taken() -> None:
    command = root.get_command(click.Context(root), "open")
    assert command is not None
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert {name for option in options for name in option.opts} >= GO_OPTIONS


def test_options_without_effect_say_what_there_is_instead(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--max-mem", "100", "--log-2-ttl", "24h", "--clean-on-connect", "--am-dbg-addr", "x", "--prof-srv", "y"]
    assert run([*given, "--listen-on", "-1"]) == 2
    error = capsys.readouterr().err
    for name, instead in WITHOUT_EFFECT.items():
        assert f"--{name.replace('_', '-')} has no effect: {instead}" in error
    assert "without a server and without a file there is nothing to show" in error


def test_a_part_of_an_id_selects_the_only_machine_that_has_it(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = machine_names(3)[1]
    with on_pty(str(sample), "-m", name[-4:], "-t", "5", "--log-level", "5", size=(120, 30)) as user:
        user.sees(f"mach://{name}/#")
        user.press("ctrl+q")
        assert user.ends() == 0
    names = machine_names(3)
    common = next(letter for letter in names[0] if sum(letter in each for each in names) > 1)
    assert run([str(sample), "-m", common]) == 2
    assert "machines have" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mach://nobody-of-that-name", "there is no machine"),
        ("mach://", "the machine id is missing"),
        (f"mach://{machine_names(3)[0]}?run=9", "run"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_of(
    sample: Path, url: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([str(sample), url]) == 2
    assert words in capsys.readouterr().err


def test_an_address_may_name_its_session(
    sample: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(sample.parent))
    # Without a terminal the command ends after the session was opened and the place was found.
    for name in (str(sample), "sample", "sample.db"):
        assert run([f"mach://{machine_names(3)[0]}/#3?session={name.replace('/', '%2F')}"]) == 2
        assert "needs a terminal" in capsys.readouterr().err
    assert run(["mach://x?session=none"]) == 4


def test_the_machine_of_an_address_is_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clients = tmp_path / "clients.txt"
    arguments = [
        "-l",
        f"127.0.0.1:{port}",
        "--no-socket",
        "-o",
        str(tmp_path / "live.db"),
        "--client-list",
        str(clients),
    ]
    with on_pty(*arguments, "mach://late/#3", "--log-file", str(tmp_path / "log.txt"), size=(120, 30)) as user:
        user.sees("waiting for late")
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "late", "7"], stdout=subprocess.DEVNULL,
            env={**os.environ, "AM_DBG_ADDR": f"127.0.0.1:{port}"},
        )  # fmt: skip
        try:
            user.sees("mach://late/#3")
        finally:
            program.wait(20)
        user.press("ctrl+q")
        assert user.ends() == 0
    assert clients.read_text("utf-8").split()[1] == "late"
    assert "late" not in (tmp_path / "log.txt").read_text("utf-8") or "connected" in (tmp_path / "log.txt").read_text()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(tmp_path))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Tests are quiet."""


def test_recordings_of_the_web_are_imported_and_shown(
    web: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path / "sessions"))
    assert run(["export", str(sample), "-o", str(tmp_path / "shop.jsonl")]) == 0
    capsys.readouterr()
    # Without a terminal the command ends after the import.
    assert run(["-i", f"{web}/shop.jsonl"]) == 2
    error = capsys.readouterr().err
    assert "imported into" in error
    assert "needs a terminal" in error
    assert (tmp_path / "sessions" / "shop.db").exists()
    assert run(["-i", f"{web}/none.jsonl"]) == 3
    assert "cannot be fetched" in capsys.readouterr().err
    assert run(["-i", str(tmp_path / "shop.jsonl")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_new_machine_is_selected_when_it_is_the_only_connected_one() -> None:
    recording = MemoryRecording()
    first = recording.machine("first", ["A"])
    session = Session(recording, live=True)
    look = SelectConnected(session)
    first.end()
    second = recording.machine("second", ["A"])
    session.refresh()
    look()
    assert session.machine_id == second.id
    third = recording.machine("third", ["A"])
    session.refresh()
    look()
    assert session.machine_id == second.id, "two are connected"
    assert third.id != second.id


def test_the_list_of_clients_follows_and_a_failure_is_told_once(tmp_path: Path) -> None:
    recording = MemoryRecording()
    session = Session(recording, live=True)
    path = tmp_path / "clients.txt"
    write = ClientList(session, path)
    one = recording.machine("one\x1b[31m", ["A"])
    session.refresh()
    write()
    assert "\x1b" not in path.read_text("utf-8")
    assert path.read_text("utf-8").startswith("+ one")
    one.end()
    session.refresh()
    write()
    assert path.read_text("utf-8").startswith("- one")
    broken = ClientList(session, tmp_path)
    broken()
    assert "cannot be written" in session.message
    session.say("")
    broken()
    assert session.message == ""


def test_an_awaited_transition_is_gone_to_once() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A"])
    session = Session(recording, live=True)
    awaited = Awaited(session, parse_url("mach://m/#2"))
    awaited()
    assert "waiting for m" in session.message
    for _ in range(2):
        machine.add("A")
        machine.remove("A")
    session.refresh()
    awaited()
    assert session.number == 2
    session.last()
    machine.add("A")
    session.refresh()
    awaited()
    assert session.number == 4
