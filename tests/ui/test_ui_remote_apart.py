"""Several debuggers in one process keep apart, and none of them reaches what belongs to the machine it runs on."""

from __future__ import annotations

import asyncio
import gc
import io
import re
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from textual._context import active_app

from am_dbg.remote.driver import RemoteApp
from am_dbg.session import Session
from am_dbg.ui.app import DebuggerApp
from tests.ui.recordings import shop
from tests.ui.terminal_user import Emulator, at_terminal

TRUECOLOR = re.compile(rb"\x1b\[(?:[0-9;]*;)?[34]8;2;")


def debugger() -> DebuggerApp:
    return DebuggerApp(Session(shop(length=60), live=False), plain=False)


async def test_keys_of_one_person_move_nothing_on_the_screen_of_another() -> None:
    async with at_terminal(debugger(), (100, 30)) as one, at_terminal(debugger(), (80, 24)) as other:
        await one.sees("mach://audit")
        await other.sees("mach://audit")
        await other.settled()
        before = other.terminal.text
        one.press("down", "enter", "end", "V", "ctrl+t", "?")
        await one.sees("Move in time")
        await other.settled()
        assert other.terminal.text == before
        other.press("down", "down", "enter")
        await other.sees("mach://orders")
        one.press("escape")
        await one.sees("mach://gateway")
        assert one.app.theme != other.app.theme


async def test_who_starts_an_app_is_not_inside_of_it() -> None:
    """Callbacks of a transport must not take the newest app for their own."""
    async with at_terminal(debugger(), (80, 24)) as user:
        await user.sees("Machines")
        assert active_app.get(None) is None
        assert copy_context().get(active_app) is None


async def test_each_terminal_gets_the_colours_it_can_show_also_after_a_richer_one() -> None:
    async with at_terminal(debugger(), (100, 30), "truecolor") as rich:
        await rich.sees("Machines")
        rich.press("down", "enter", "end", "J")
        await rich.settled()
        async with at_terminal(debugger(), (100, 30), "256") as poorer:
            await poorer.sees("Machines")
            poorer.press("down", "enter", "end", "J")
            await poorer.settled()
            assert TRUECOLOR.search(bytes(rich.terminal.received))
            assert not TRUECOLOR.search(bytes(poorer.terminal.received))
            assert b"38;5;" in poorer.terminal.received


async def test_after_a_slow_far_end_has_caught_up_its_screen_is_the_true_one() -> None:
    async with at_terminal(debugger(), (100, 30)) as user:
        user.press("down", "down", "enter", "home")
        await user.sees("#0/")
        await user.settled()
        driver = user.remote.driver
        assert driver is not None
        driver.pause()
        user.press(*["right"] * 9, "V", "tab")
        await user.until("the moves", lambda: user.app.session.number == 9)
        driver.resume()
        await user.sees("#9/")
        await user.settled(0.15)
        shown = user.terminal.text
        user.terminal.screen.reset()
        user.app.screen.refresh(layout=True)
        await user.sees("#9/")
        await user.settled(0.15)
        assert user.terminal.text == shown


async def test_addresses_are_shown_and_never_opened_on_the_machine_it_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url, *_: opened.append(url))
    async with at_terminal(debugger(), (100, 30)) as user:
        await user.sees("Machines")
        user.app.open_url("https://example.org/[b]x")
        await user.sees("https://example.org/[b]x")
        assert opened == []


async def test_files_are_refused_and_never_written_on_the_machine_it_runs_on(tmp_path: Path) -> None:
    async with at_terminal(debugger(), (100, 30)) as user:
        await user.sees("Machines")
        user.app.deliver_text(io.StringIO("secret"), save_directory=tmp_path, save_filename="x.txt")
        await user.sees("cannot be saved")
        assert list(tmp_path.iterdir()) == []


async def test_long_lived_rows_do_not_make_every_collection_of_garbage_a_full_one() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        async with at_terminal(debugger(), (80, 24)) as user:
            await user.sees("Machines")
            first, second, third = gc.get_threshold()
            assert first >= 50_000
            assert second * third >= 1_000
    finally:
        gc.set_threshold(*before)


async def test_a_crash_in_one_session_leaves_the_others_alone() -> None:
    async with at_terminal(debugger(), (100, 30)) as healthy:
        await healthy.sees("Machines")
        broken: Any = debugger()
        terminal = Emulator((80, 24))
        task = asyncio.ensure_future(RemoteApp(broken, terminal).run())
        await healthy.until("the other screen", lambda: "Machines" in terminal.text)
        broken.call_later(lambda: 1 / 0)
        assert await asyncio.wait_for(task, 10) == 1
        assert b"ZeroDivisionError" in terminal.received.rpartition(b"\x1b[?25h")[2]
        healthy.press("down", "enter")
        await healthy.sees("mach://gateway")


async def test_what_is_due_while_a_screen_is_being_closed_does_not_fail() -> None:
    async with at_terminal(debugger(), (80, 24)) as user:
        await user.sees("Machines")
        main = user.app.main
        await main.remove_children()
        main.sync_status()
        main.paint_soon()
        await user.settled()
        assert user.app.is_running
    assert user.app.return_code == 0
