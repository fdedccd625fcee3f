"""The small parts around a hub: health checks, systemd, the status line, and notes about running hubs."""

from __future__ import annotations

import io
import logging
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

import pytest

from am_dbg.checks import STUCK_AFTER_S, DiskCheck, WriterCheck
from am_dbg.commands import collect
from am_dbg.hub import Hub, HubOptions
from am_dbg.runtime import Note, RunningHub, hub_on, private_runtime_dir, running_hubs, socket_path
from am_dbg.status_line import REPEAT_S, StatusLine
from am_dbg.systemd import Notifier
from am_telemetry.store.writer import Writer


@pytest.fixture(autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_DBG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))


# -- health checks ------------------------------------------------------------------------------------------------


class FakeWriter:
    failure: Exception | None = None
    settled = 0
    backlog = 0


def test_a_writer_is_stuck_when_nothing_is_stored_although_something_waits() -> None:
    writer, now = FakeWriter(), [0.0]
    check = WriterCheck(cast(Writer, writer), lambda: now[0])
    writer.backlog = 3
    for _ in range(10):  # busy, not stuck
        now[0] += STUCK_AFTER_S
        writer.settled += 1
        assert check() == ""
    now[0] += STUCK_AFTER_S - 0.1
    assert check() == ""
    now[0] += 0.2
    assert "writer stuck" in check()
    writer.backlog = 0
    assert check() == ""
    writer.failure = OSError("no space left")
    assert check() == "no space left"


def test_a_disk_has_too_little_room_or_cannot_be_looked_at(tmp_path: Path) -> None:
    assert DiskCheck(tmp_path, 1)() == ""
    assert "disk nearly full" in DiskCheck(tmp_path, 10**20)()
    assert "cannot be looked at" in DiskCheck(tmp_path / "gone", 1)()


def test_the_footer_hears_of_trouble_and_of_what_was_refused_lately(tmp_path: Path) -> None:
    with Hub(tmp_path / "a.db", "localhost:0") as hub:
        assert hub.news() == ""
        hub._collector.refusals.count("calls without the token", 2)
        assert hub.news() == "refused: 2 calls without the token"
        hub._collector.refusals.last_at -= 60
        assert hub.news() == ""
        assert hub.refusals == "2 calls without the token"


# -- systemd ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract sockets")
@pytest.mark.parametrize("abstract", [True, False])
def test_systemd_is_told_in_its_own_words(abstract: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        address = f"@am-dbg-test-{os.getpid()}" if abstract else f"{folder}/s"
        inbox.bind("\0" + address[1:] if abstract else address)
        notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"})
        assert notifier.watchdog_s == 1.5
        notifier.ready("two\nlines")
        notifier.status("fine")
        notifier.alive()
        notifier.stopping()
        heard = [inbox.recv(1000).decode() for _ in range(4)]
    assert heard == [f"READY=1\nMAINPID={os.getpid()}\nSTATUS=two lines", "STATUS=fine", "WATCHDOG=1", "STOPPING=1"]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
        {"NOTIFY_SOCKET": "vsock:2:1"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    assert notifier.watchdog_s == 0.0
    notifier.ready("x")
    notifier.stopping()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_documented_unit_is_one_that_systemd_takes(project: Path, tmp_path: Path) -> None:
    """Its sections and keys are known, and the command has the options it uses."""
    found = re.search(r"```ini\n(.*?)```", (project / "docs/guide/hub.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    (command,) = re.findall(r"^ExecStart=(.*)$", found[1], re.MULTILINE)
    program, name, *arguments = shlex.split(command)
    assert name == "collect"
    collect.command.make_context(name, arguments)
    unit = tmp_path / "am-dbg.service"
    unit.write_text(found[1].replace(program, sys.executable), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- the status line ----------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_status_stays_below_what_is_said() -> None:
    stream = Terminal()
    line = StatusLine(stream=stream)
    line.show("1 program")
    line.say("hello")
    line.show("x" * 500)
    line.clear()
    assert stream.getvalue().startswith("\r\x1b[K1 program\r\x1b[Khello\n1 program\r\x1b[K" + "x" * 10)
    assert "x" * 500 not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_in_a_log_file_the_status_is_told_now_and_then_when_it_has_changed() -> None:
    stream = io.StringIO()
    line = StatusLine(stream=stream)
    line.show("early")
    line._told_at -= REPEAT_S
    line.show("one")
    line.show("two")
    line._told_at -= REPEAT_S
    line.show("one")
    line.show("three")
    assert stream.getvalue() == "one\nthree\n"


def test_quiet_leaves_warnings_and_logging_is_as_before_afterwards() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("am_telemetry")
    before = (logger.level, logger.propagate, list(logger.handlers))
    line = StatusLine(quiet=True, stream=stream)
    with line.logging(verbose=False):
        line.say("nothing")
        logging.getLogger("am_telemetry.receiving.collector").info("nobody")
        logging.getLogger("am_telemetry.receiving.collector").warning("something")
    assert stream.getvalue() == "WARNING something\n"
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_nobody_at_the_other_end_of_the_status_is_no_reason_to_stop() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    StatusLine(stream=Closed()).say("hello")


# -- running hubs -------------------------------------------------------------------------------------------------


def test_a_hub_is_found_while_it_records(tmp_path: Path) -> None:
    with Hub(tmp_path / "a.db", "localhost:0", HubOptions(socket=True)) as hub:
        port = int(hub.address.rpartition(":")[2])
        found = hub_on(port)
        assert found == RunningHub(os.getpid(), port, hub.addresses, str(tmp_path / "a.db"))
        if sys.platform != "win32":
            assert hub.addresses[1] == f"unix:{socket_path(port)}"
    assert running_hubs() == []


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"pid": 1, "port": "x", "addresses": [], "session": "/a"}', '{"pid": 1, "port": 2}', "\x00"],
)
def test_notes_that_make_no_sense_are_ignored_and_swept_away(tmp_path: Path, text: str) -> None:
    folder = private_runtime_dir()
    assert folder is not None
    (folder / "6831.json").write_text(text)
    (folder / "6831.sock").touch()
    assert running_hubs() == []
    note = Note(RunningHub(os.getpid(), 1, [], str(tmp_path / "none.db")))
    assert [path.name for path in folder.iterdir()] == ["1.json"]
    note.remove()
    note.remove()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_a_folder_that_others_may_change_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub works without: no note, no socket."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("AM_DBG_RUNTIME_DIR", str(shared))
    assert private_runtime_dir() is None
    assert socket_path(1) is None
    with Hub(tmp_path / "a.db", "localhost:0", HubOptions(socket=True)) as hub:
        assert len(hub.addresses) == 1
        assert list(shared.iterdir()) == []


def test_a_socket_path_that_is_too_long_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_DBG_RUNTIME_DIR", str(tmp_path / ("x" * 100)))
    assert socket_path(1) is None
