"""The export dialog: from the screen into files, and back."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from am_dbg.commands.files_of_session import SessionFiles
from am_dbg.errors import AmDbgError
from am_dbg.session import Session
from am_dbg.session.exporting import ExportChoice, Machines, Span
from am_dbg.ui.app import DebuggerApp
from am_dbg.ui.file_jobs import ExportRequest, FileJobs, Progress
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.summary import summarize
from tests.support.session_folder import file_names, write_session
from tests.ui.recordings import shop
from tests.ui.terminal_user import User, at_terminal


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session of three machines, and a folder to export into, which is the current one."""
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return write_session(tmp_path / "monday.db", transitions=60)


@asynccontextmanager
async def debugger(path: Path, files: FileJobs | None = None, size: tuple[int, int] = (100, 24)) -> AsyncIterator[User]:
    with SessionFile.open(path) as recording:
        app = DebuggerApp(Session(recording, live=False), files=files or SessionFiles(path))
        async with at_terminal(app, size) as user:
            await user.sees("mach://")
            yield user


async def test_two_keys_export_everything_as_a_session(session: Path, tmp_path: Path) -> None:
    async with debugger(session) as user:
        user.press("X", "enter")
        await user.sees("exported 60 transitions")
    assert file_names(tmp_path / "out") == ["monday.amdbg"]
    assert summarize(tmp_path / "out" / "monday.amdbg").transitions == 60


async def test_one_machine_until_the_cursor_is_written_as_lines_without_log_texts(
    session: Path, tmp_path: Path
) -> None:
    async with debugger(session) as user:
        user.press(*["right"] * 4).press("X")
        await user.sees("Export", "all machines")
        user.press("right")
        await user.sees("this machine")
        user.press("down", "right")
        await user.sees("until the cursor")
        user.press("down", "right")
        await user.sees("-part.jsonl")
        user.press("down", "down", "right")
        await user.sees("[x] texts of the log")
        user.press("enter")
        await user.sees("exported 5 transitions")
    (target,) = (tmp_path / "out").iterdir()
    assert target.name.endswith("-part.jsonl")
    assert "[redacted]" in target.read_text() or '"log' not in target.read_text()


async def test_an_existing_file_is_replaced_by_a_second_enter_only(session: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "monday.amdbg"
    target.write_text("precious")
    async with debugger(session) as user:
        user.press("X", "enter")
        await user.sees("exists already: Enter again replaces it")
        assert target.read_text() == "precious"
        user.press("enter")
        await user.sees("exported 60 transitions")
    assert summarize(target).transitions == 60


async def test_a_name_of_ones_own_keeps_its_place_when_the_format_changes(session: Path, tmp_path: Path) -> None:
    async with debugger(session) as user:
        user.press("X")
        await user.sees("monday.amdbg")
        user.press(*["backspace"] * len("monday.amdbg")).type("mine.amdbg")
        await user.sees("mine.amdbg")
        user.press("down", "down", "right")
        await user.sees("mine.jsonl")
        user.press("enter")
        await user.sees("exported 60")
    assert file_names(tmp_path / "out") == ["mine.jsonl"]


async def test_a_folder_that_is_not_there_is_told_and_the_dialog_stays(session: Path, tmp_path: Path) -> None:
    async with debugger(session) as user:
        user.press("X")
        await user.sees("monday.amdbg")
        user.press(*["backspace"] * len("monday.amdbg")).type("no/such.amdbg").press("enter")
        await user.sees("✕ there is no folder")
        user.press("escape")
        await user.not_sees("Export")
    assert file_names(tmp_path / "out") == []


class Slow:
    """Exports that go on until they are stopped."""

    def __init__(self, path: Path) -> None:
        self.session = path
        self.stopped = threading.Event()

    def import_recording(self, source: Path, progress: Progress) -> Path:
        raise NotImplementedError

    def export(self, request: ExportRequest, progress: Progress) -> int:
        try:
            for done in range(10_000_000):
                progress(min(done, 34), 100)
        except AmDbgError:
            self.stopped.set()
            raise
        return 0


async def test_progress_is_shown_and_escape_stops(session: Path) -> None:
    slow = Slow(session)
    async with debugger(session, slow) as user:
        user.press("X", "enter")
        await user.sees("writing 34 %")
        user.press("escape")
        await user.sees("stopped; nothing was written")
        assert slow.stopped.is_set()


def test_pinned_machines_are_offered_when_there_are_some() -> None:
    session = Session(shop(), live=False)
    assert ExportChoice(Machines.SELECTED).with_next_machines(session).machines is Machines.ALL
    session.toggle_pin()
    choice = ExportChoice(Machines.SELECTED).with_next_machines(session)
    assert choice.machines is Machines.PINNED
    assert choice.names(session) == tuple(session.pinned)
    assert choice.default_name(session, Path("x/s.db")) == "s-pinned.amdbg"


def test_times_are_those_around_the_moment() -> None:
    session = Session(shop(), live=False)
    moment = session.moment
    assert ExportChoice(span=Span.SINCE).times(session) == (moment, None)
    assert ExportChoice(span=Span.UNTIL).times(session) == (None, moment)
    assert ExportChoice(span=Span.AROUND).times(session) == (moment - 60 * 10**9, moment + 60 * 10**9)
