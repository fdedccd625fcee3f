"""Asking a running program for more, from the debugger."""

from __future__ import annotations

import asyncio
from pathlib import Path

from am_dbg.hub import Hub
from am_dbg.session import Session
from am_dbg.ui.app import DebuggerApp
from tests.support.lamp import Lamp
from tests.ui.conftest import Screen
from tests.ui.terminal_user import at_terminal


async def test_a_program_tells_more_after_it_was_asked(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub.db", "localhost:0")
    try:
        lamp = Lamp(hub.address, most=3)
        await asyncio.to_thread(lamp.use, 40)
        app = DebuggerApp(Session(hub.recording, live=True), listen=hub.address, ask_detail=hub.request_detail)
        async with at_terminal(app, (120, 40)) as user:
            await user.sees("mach://lamp", "#1/1")
            user.press("ctrl+d")
            await user.sees("How much is told of lamp", "3 values of arguments too", "5 minutes")
            user.press("right")
            await user.settled()
            user.press("enter")
            await user.sees("1 program asked to tell detail 3 of lamp for 30 minutes, as far as AM_DETAIL_MAX permits")
            session, told = app.session, False
            for watts in range(41, 141):
                await asyncio.to_thread(lamp.use, watts)
                await user.until("the transition", lambda n=watts - 39: session.count >= n)
                record = session.transition(session.count)
                told = record is not None and record.arguments == {"watts": watts}
                if told:
                    break
            assert told
            user.press("ctrl+d")
            await user.sees("as before")
            user.click_on("as before")
            await user.sees("1 program asked to tell of lamp as much as before")
            await asyncio.to_thread(lamp.end)
            await user.sees("○ closed")
            user.press("ctrl+d")
            await user.sees("lamp has ended: nobody is left to be asked")
    finally:
        hub.close()


async def test_of_a_recording_nobody_can_be_asked(screen: Screen) -> None:
    async with screen() as user:
        user.press("ctrl+d")
        await user.sees("nobody can be asked: this session is a recording")


async def test_a_hub_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    from am_telemetry.receiving.control import request_detail

    hub = Hub(tmp_path / "hub.db", "localhost:0")
    try:
        lamp = Lamp(hub.address, most=3)
        await asyncio.to_thread(lamp.use, 40)
        gone = tmp_path / "gone.sock"
        app = DebuggerApp(
            Session(hub.recording, live=True), ask_detail=lambda *wanted: request_detail(gone, *wanted)[0]
        )
        async with at_terminal(app, (200, 40)) as user:
            await user.sees("mach://lamp")
            user.press("ctrl+d")
            await user.sees("How much is told of lamp")
            user.press("1")
            await user.sees("does not answer")
        await asyncio.to_thread(lamp.end)
    finally:
        hub.close()
