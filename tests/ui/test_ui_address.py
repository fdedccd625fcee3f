"""Addresses of places: copied, pasted, clicked and typed."""

from __future__ import annotations

import base64
import re

from am_dbg.session import Session
from am_dbg.ui.app import DebuggerApp
from am_telemetry.facts import StepFact
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.terminal_user import User, at_terminal


def clipboard(user: User) -> str:
    found = re.findall(rb"\x1b\]52;c;([^\x07\x1b]*)", bytes(user.terminal.received))
    return base64.b64decode(found[-1]).decode() if found else ""


def paste(user: User, text: str) -> None:
    user.remote.feed(b"\x1b[200~" + text.encode() + b"\x1b[201~")


async def test_y_copies_an_address_that_leads_back_when_it_is_pasted(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "right", "right", "right", "Y")
        await user.sees("sent to the terminal's clipboard")
        text = clipboard(user)
        assert re.fullmatch(r"mach://orders/[0-9a-f]{16}", text)
        user.press("ctrl+down", "end")
        await user.not_sees("mach://orders")
        paste(user, text + "\n")
        await user.sees("mach://orders/#3")


async def test_ctrl_v_goes_where_y_was_pressed_or_asks_where_to_go(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("ctrl+v")
        await user.sees("Go to")
        user.press("escape")
        await user.not_sees("Go to")
        user.press("home", "right", "right", "Y", "end")
        await user.sees("mach://orders/#93")
        user.press("ctrl+v")
        await user.sees("mach://orders/#2")


async def test_a_click_on_the_address_copies_it(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "right")
        await user.sees("mach://orders/#1")
        user.click_on("orders/#1")
        await user.until("copied", lambda: clipboard(user).startswith("mach://orders/"))


async def test_the_address_shows_the_step() -> None:
    recording = MemoryRecording()
    machine = recording.machine("lift", ["Up"])
    machine.add("Up", steps=[StepFact("called", target=0), StepFact("activate", target=0)])
    app = DebuggerApp(Session(recording, live=False))
    async with at_terminal(app, (120, 40)) as user:
        user.press("home", ">", ">")
        await user.sees("mach://lift/#1/2")


async def test_pasted_nonsense_is_explained_and_moves_nothing(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "right")
        await user.sees("mach://orders/#1")
        paste(user, "http://elsewhere/")
        await user.sees("machine URLs begin with mach://", "mach://orders/#1")
        paste(user, "mach://ordres/#4")
        await user.sees("did you mean 'orders'", "mach://orders/#1")
        paste(user, "two\nlines")
        await user.sees("a machine address is one line")
