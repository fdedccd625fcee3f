"""The list of recorded sessions, seen on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from am_dbg.commands.files_of_session import SessionFiles
from am_dbg.session import Session
from am_dbg.ui.app import DebuggerApp
from am_dbg.ui.picker import PickerApp
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.session_folder import file_names, write_session
from tests.ui.recordings import shop
from tests.ui.terminal_user import User, at_terminal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sessions and a file that is none."""
    path = tmp_path / "sessions"
    monkeypatch.setenv("AM_DBG_DIR", str(path))
    write_session(path / "monday.db", "shop", transitions=30)
    write_session(path / "tuesday.db", "robot [red]\x1b[31m", transitions=20)
    (path / "broken.db").write_text("not a session")
    return path


@asynccontextmanager
async def picker(size: tuple[int, int] = (100, 24)) -> AsyncIterator[User]:
    async with at_terminal(PickerApp(SessionFiles()), size) as user:
        yield user


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_all_sessions_are_listed_with_what_they_hold(folder: Path, size: tuple[int, int]) -> None:
    async with picker(size) as user:
        await user.sees("Sessions 3", "monday", "tuesday", "broken", "30")


async def test_typing_finds_and_enter_opens(folder: Path) -> None:
    async with picker() as user:
        user.type("shop").press("enter")
        await user.until("the app to end", lambda: user.app.return_value is not None)
        assert user.app.return_value == folder / "monday.db"


async def test_enter_typed_before_the_list_is_there_is_not_lost(folder: Path) -> None:
    async with picker() as user:
        user.press("enter")
        await user.until("the app to end", lambda: user.app.return_value is not None or "✕" in user.terminal.text)


async def test_what_cannot_be_read_says_why_and_stays(folder: Path) -> None:
    async with picker() as user:
        await user.sees("Sessions 3")
        user.type("broken").press("enter")
        await user.sees("✕", "is not an am-dbg session")
        assert user.app.return_value is None


async def test_a_session_is_renamed(folder: Path) -> None:
    async with picker() as user:
        await user.sees("Sessions 3")
        user.type("monday").press("\x12")
        await user.sees("Rename monday")
        user.type("-good").press("enter")
        await user.sees("monday-good")
    assert file_names(folder) == ["broken.db", "monday-good.db", "tuesday.db"]


async def test_a_name_that_is_taken_is_refused(folder: Path) -> None:
    async with picker() as user:
        await user.sees("Sessions 3")
        user.type("monday").press("\x12").press(*["backspace"] * 6).type("tuesday").press("enter")
        await user.sees("tuesday.db exists already")
    assert "monday.db" in file_names(folder)


async def test_deleting_asks_first(folder: Path) -> None:
    async with picker() as user:
        await user.sees("Sessions 3")
        user.type("monday").press("\x04")
        await user.sees("Delete monday?", "30 transitions")
        user.press("n")
        await user.sees("^D delete")
        assert "monday.db" in file_names(folder)
        user.press("\x04")
        await user.sees("Delete monday?")
        user.click_on("y delete  any")
        await user.sees("deleted monday")
    assert file_names(folder) == ["broken.db", "tuesday.db"]


async def test_what_is_being_recorded_is_marked_and_cannot_be_deleted(folder: Path) -> None:
    with SessionFile.open(folder / "monday.db", writable=True) as recording, Writer(recording):
        async with picker() as user:
            await user.sees("live")
            user.type("monday").press("\x04")
            await user.sees("is being recorded, so it cannot be deleted")
    assert "monday.db" in file_names(folder)


async def test_a_recording_is_imported_and_can_be_opened(folder: Path, tmp_path: Path) -> None:
    (folder / "tuesday.db").rename(tmp_path / "tuesday.amdbg")
    async with picker() as user:
        await user.sees("Sessions 2")
        user.press("\x0f")
        await user.sees("Import a recording")
        user.type(f"{tmp_path}/tu").press("enter")
        await user.sees("imported 20 transitions")
        user.press("enter")
        await user.until("the app to end", lambda: user.app.return_value is not None)
        assert user.app.return_value == folder / "tuesday.db"


async def test_what_cannot_be_imported_says_why(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{nonsense")
    async with picker() as user:
        await user.sees("Sessions 3")
        user.press("\x0f")
        await user.sees("Import a recording")
        user.type(f"{tmp_path}/x").press("enter")
        await user.sees("✕", "cannot be imported")


async def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path / "nothing"))
    async with picker() as user:
        await user.sees("There are no sessions yet", "am-dbg demo")
        user.press("escape")
        await user.until("the app to end", lambda: not user.app.is_running)


async def test_from_the_debugger_another_session_is_chosen(folder: Path) -> None:
    app = DebuggerApp(Session(shop(), live=False), files=SessionFiles(folder / "monday.db"))
    async with at_terminal(app, (100, 30)) as user:
        await user.sees("mach://")
        user.press("\x0f")
        await user.sees("▸ monday")
        user.type("tuesday").press("enter")
        await user.until("the app to end", lambda: user.app.return_value is not None)
        assert user.app.return_value == folder / "tuesday.db"


async def test_where_sessions_cannot_be_exchanged_it_says_so() -> None:
    async with at_terminal(DebuggerApp(Session(shop(), live=False)), (120, 30)) as user:
        await user.sees("mach://")
        user.press("\x0f")
        await user.sees("sessions are not exchanged here")
