"""Marked moments on the screen: bookmarks with notes, and what differs from the mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from am_telemetry.store.bookmarks import add_bookmark, read_bookmarks
from am_telemetry.store.errors import StorageError
from am_telemetry.store.session_file import SessionFile
from tests.support.memory_recording import MemoryRecording
from tests.support.session_folder import write_session
from tests.ui.conftest import Screen


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[SessionFile]:
    with SessionFile.open(write_session(tmp_path / "shop.db", machines=2, transitions=60)) as opened:
        yield opened


async def test_a_bookmark_with_a_note_is_kept_in_the_session_and_found_in_the_list(
    screen: Screen, recording: SessionFile
) -> None:
    async with screen(recording) as user:
        session = user.app.session
        session.go_to_number(5)
        user.press("B")
        await user.sees("Bookmark", "Enter keeps it")
        user.type("first try").press("tab").type("ask [red]Ann[/red]").press("enter")
        await user.sees("bookmarked", "⚑")
        assert [(mark.number, mark.title, mark.note) for mark in read_bookmarks(recording.reader())] == [
            (5, "first try", "ask [red]Ann[/red]")
        ]
        user.press("end", "'")
        await user.sees("Bookmarks 1", "first try · ask [red]Ann[/red]")
        user.press("enter")
        await user.until("to be there", lambda: session.number == 5)
        user.press("[")
        await user.until("to be back", lambda: session.number != 5)


async def test_a_bookmark_is_changed_removed_and_brought_back_in_the_list(
    screen: Screen, recording: SessionFile
) -> None:
    add_bookmark(recording.path, 1, 7, title="seven", author="ann")
    async with screen(recording) as user:
        user.press("'")
        await user.sees("seven", "ann")
        user.press("e")
        await user.sees("Change the bookmark")
        user.type(" up").press("enter")
        await user.sees("seven up")
        user.press("d")
        await user.sees("No bookmarks yet.")
        user.press("u")
        await user.sees("seven up")
        user.press("escape")
        await user.not_sees("Bookmarks 1")
        assert [mark.title for mark in read_bookmarks(recording.reader())] == ["seven up"]


async def test_a_bookmark_that_another_program_makes_appears_by_itself(screen: Screen, recording: SessionFile) -> None:
    async with screen(recording) as user:
        user.press("'")
        await user.sees("No bookmarks yet.")
        add_bookmark(recording.path, 1, 9, title="from elsewhere")
        await user.sees("from elsewhere")


class _Refusing:
    """A shelf in a file that nobody may write to."""

    def read(self) -> list[object]:
        return []

    def add(self, machine_id: int, number: int, title: str, note: str) -> None:
        raise StorageError("shop.db may not be written to.", "Copy it first.")

    def remove(self, bookmark_id: int) -> None:
        raise AssertionError("nothing can be removed")


async def test_a_file_that_cannot_be_written_to_is_said(screen: Screen) -> None:
    async with screen() as user:
        user.press("B")
        await user.sees("bookmarks are kept in session files")
        user.app.session.shelf = _Refusing()
        user.press("B")
        await user.sees("Enter keeps it")
        user.press("enter")
        await user.sees("not written: shop.db may not be written to.")


def changing() -> MemoryRecording:
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Exception", "Start", "Ready", "[red]Odd\x1b[31m", "Busy"])
    orders.add("Start")
    orders.add("Busy", queue_len=2)
    orders.remove("Busy")
    orders.add("Ready", accepted=False)
    orders.add("[red]Odd\x1b[31m", queue_len=4)
    recording.machine("other", ["Start"]).add("Start")
    return recording


@pytest.mark.parametrize("size", [(60, 16), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_mark_and_the_cursor_are_compared(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(changing(), size=size) as user:
        user.press("D")
        await user.sees("M sets the mark")
        user.press("M")
        await user.sees("◆")
        user.press("end", "D")
        await user.sees("mark #1 → cursor #5", "4 transitions", "1 canceled", "+ [red]Odd", "~ Busy", "0 → 4 waiting")
        await user.matches_snapshot(f"differences-{size[0]}x{size[1]}")


async def test_a_state_that_differs_is_selected_with_enter(screen: Screen) -> None:
    async with screen(changing()) as user:
        user.press("M", "end", "D")
        await user.sees("mark #1")
        user.press("down", "enter")
        await user.not_sees("mark #1")
        assert user.app.session.state == "Busy"


async def test_on_another_machine_the_marked_moment_is_compared(screen: Screen) -> None:
    async with screen(changing()) as user:
        user.press("M", "ctrl+down", "end", "D")
        await user.sees("other mark #0 → cursor #1", "+ Start")


async def test_m_on_the_mark_takes_it_away(screen: Screen) -> None:
    async with screen(changing()) as user:
        user.press("M")
        await user.sees("◆")
        user.press("M")
        await user.sees("the mark is gone")
        await user.not_sees("◆")
