"""The lines between panes can be moved, with keys and with the mouse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.layout import Shares
from am_dbg.ui.dividing import LEAST
from am_dbg.ui.remembered import Remembered
from am_dbg.ui.themes import DARK
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.terminal_user import User


def width(user: User, pane: str) -> int:
    found: int = user.app.main.query_one(f"#{pane}").region.width
    return found


async def drag(user: User, start: int, end: int, y: int) -> None:
    user.mouse(0, start, y)
    await user.until("the frame to be held", lambda: user.app.mouse_captured is not None)
    user.mouse(32, (start + end) // 2, y).mouse(32, end, y)
    await user.settled()
    user.mouse(0, end, y, release=True)
    await user.until("the frame to be let go", lambda: user.app.mouse_captured is None)


async def test_keys_make_the_focused_pane_wider_and_narrower(screen: Screen) -> None:
    async with screen(size=(120, 30), machine="orders") as user:
        usual = width(user, "machines")
        user.press("ctrl+w")
        await user.until("wider machines", lambda: width(user, "machines") > usual)
        user.press("ctrl+n", "ctrl+n")
        await user.until("narrower machines", lambda: width(user, "machines") < usual)
        before = width(user, "schema")
        user.press("tab", "tab", "ctrl+w")
        await user.until("a wider log, at the cost of the schema", lambda: width(user, "schema") < before)
        user.press("ctrl+u")
        await user.until("the usual widths", lambda: width(user, "machines") == usual)
        assert user.app.session.shares == Shares()


async def test_a_frame_can_be_dragged_and_the_end_of_that_is_no_click(screen: Screen) -> None:
    async with screen(size=(120, 30), machine="orders") as user:
        edge, y = width(user, "machines") - 1, user.find("worker-2")[1]
        await drag(user, edge, edge + 10, y)
        await user.until("wider machines", lambda: abs(width(user, "machines") - edge - 11) <= 1)
        await user.settled()
        assert user.app.session.machine.name == "orders"
        left_of_log = user.app.main.query_one("#log").region.x
        await drag(user, left_of_log, left_of_log - 8, y)
        await user.until("a narrower schema", lambda: user.app.main.query_one("#log").region.x <= left_of_log - 7)
        user.click_on("worker-2")
        await user.sees("mach://worker-2")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (240, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_pane_is_pushed_out_of_the_window(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(size=size, machine="orders") as user:
        for key, pane in (("ctrl+w", "machines"), ("ctrl+n", "machines")):
            user.press(*[key] * 60)
            await user.settled()
            assert width(user, pane) >= LEAST - 1
            assert width(user, "log") >= LEAST - 1
            assert user.app.main.query_one("#content").region.right == size[0]
        await user.sees("no more room")


@pytest.mark.parametrize("shares", [Shares(90, 90, 90), Shares(1, 90, 1), Shares(90, 1, 50), Shares(0, 80, 0)])
async def test_widths_chosen_elsewhere_leave_room_at_every_size(screen: Screen, shares: Shares) -> None:
    async with screen(size=(240, 60), machine="orders") as user:
        user.app.session.shares = shares
        user.app.main.paint_soon()
        for size in ((240, 60), (100, 30), (99, 30), (60, 16), (30, 8), (160, 45)):
            user.resize(*size).press("ctrl+w")
            await user.until("the new size", lambda size=size: user.app.size == size)
            await user.settled()
            content = user.app.main.query_one("#content").region
            if size != (30, 8):
                assert content.right == size[0], user.terminal.text
                assert content.width >= LEAST, user.terminal.text


async def test_while_stepping_the_schema_has_the_room_that_steps_need(screen: Screen) -> None:
    async with screen(size=(120, 30), machine="orders") as user:
        user.press("home", "J", "J", "left", "ctrl+n", "ctrl+n")
        await user.settled()
        narrowed = width(user, "machines")
        user.press(">")
        await user.until("stepping", lambda: user.app.session.inside is not None)
        user.press("ctrl+w")
        await user.sees("while stepping")
        user.press("escape")
        await user.until("the width that was chosen", lambda: width(user, "machines") == narrowed)


percent = st.integers(0, 90)


@given(percent, percent, percent)
def test_widths_are_remembered(machines: int, schema: int, lists: int) -> None:
    recording = MemoryRecording()
    left, begun = Session(recording), Session(recording)
    left.shares = Shares(machines, schema, lists)
    Remembered.of(left, DARK).apply(begun)
    assert begun.shares == left.shares
