"""Whatever is pressed, resized or shown, at whatever size: the screen stays whole and the cursor in sight."""

from __future__ import annotations

import asyncio
import random

import pytest

from am_dbg.ui.actions import ACTIONS, Pane
from am_dbg.ui.widgets.line_view import LineView
from tests.ui.conftest import Screen
from tests.ui.recordings import HOSTILE_NAMES, hostile, shop
from tests.ui.terminal_user import KEYS, User
from tests.ui.test_ui_hostile import foreign_sequences

SIZES = [(60, 16), (80, 24), (100, 30), (160, 45), (240, 60)]
_SIGNS = {
    "comma": ",", "full_stop": ".", "less_than_sign": "<", "greater_than_sign": ">", "exclamation_mark": "!",
    "left_square_bracket": "[", "right_square_bracket": "]", "at": "@", "slash": "/", "right_parenthesis": ")",
    "left_parenthesis": "(", "asterisk": "*", "number_sign": "#", "equals_sign": "=", "question_mark": "?",
    "colon": ":", "apostrophe": "'",
}  # fmt: skip
_LEAVES = frozenset({"app.quit", "app.sessions"})
_TYPED = sorted(
    {
        _SIGNS.get(key, key)
        for action in ACTIONS
        if action.id not in _LEAVES
        for key in action.keys
        if key in KEYS or key in _SIGNS or len(key) == 1
    }
)
"""Every key of the registry that the terminal of these tests can send."""

by_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


async def _to_the_main_screen(user: User) -> None:
    await user.settled(0.05)
    while user.app.screen is not user.app.main:
        user.press("escape")
        await user.settled(0.12)
    assert user.app.is_running
    assert " failed: " not in user.terminal.text


def _shows_its_cursor(view: LineView) -> bool:
    """Whether the row of the cursor is among those on the screen; without one there is nothing to show."""
    if view.id in (Pane.MACHINES, Pane.SCHEMA):
        row = view.cursor_row()
        return row is None or view.top <= row < view.top + max(1, view.inner_height)
    rows = [drawn for drawn in view._drawn if drawn.kind not in ("top", "bottom") and drawn.line]
    return not rows or any(drawn.kind in ("cursor", "current") for drawn in rows)


@by_size
async def test_random_keys_never_hide_the_cursor(screen: Screen, size: tuple[int, int]) -> None:
    rng = random.Random(size[0])
    async with screen(shop(length=60), size, machine="orders") as user:
        for _ in range(2):
            for step in range(30):
                user.press(rng.choice(_TYPED))
                if step % 10 == 0:
                    await asyncio.sleep(0.005)
            await _to_the_main_screen(user)
            # Who scrolls in log or reader may look elsewhere; the next move in time brings the cursor back.
            user.press("=", "0", "2", "end", "left")
            await _to_the_main_screen(user)
            for view in user.app.main.query(LineView):
                if view.display and view.inner_height and view.id in (Pane.MACHINES, Pane.SCHEMA, Pane.LOG, Pane.RAIN):
                    assert _shows_its_cursor(view), f"{view.id} at {size}\n{user.terminal.text}"


@by_size
async def test_a_storm_of_sizes_leaves_nothing_behind(screen: Screen, size: tuple[int, int]) -> None:
    rng = random.Random(size[1])
    async with screen(size=(120, 40), machine="orders") as user:
        user.press("end", *rng.sample(["V", "V", "R", "E", ">", "tab"], 4))
        for step in range(24):
            user.resize(rng.randint(1, 260), rng.randint(1, 70))
            if step % 4 == 0:
                await asyncio.sleep(0.004)
                user.press(rng.choice(["left", "right", "V", "tab", "J", "H"]))
        user.resize(*size)
        await user.until("the last size", lambda: user.app.size == size)
        await user.settled(0.15)
        shown = user.terminal.text
        assert " failed: " not in shown
        user.terminal.screen.reset()
        user.app.screen.refresh(layout=True)
        await user.sees("mach://orders")
        await user.settled(0.1)
        assert user.terminal.text == shown


@by_size
async def test_hostile_text_spoils_no_pane_and_no_dialog(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(hostile(), size) as user:
        user.press("5", "E", "end")
        for _ in HOSTILE_NAMES:
            user.press("ctrl+down", "J")
        for keys in ("V", "V", "U V", "V", "V", "R", "tab tab down enter", "> > I", "!", "P", ":"):
            user.press(*keys.split())
            await user.settled(0.04)
            _rows_end_where_they_should(user, size)
            if user.app.screen is not user.app.main:
                await _to_the_main_screen(user)
        received = bytes(user.terminal.received)
        assert foreign_sequences(received) == b""
        for invisible in ("\u202e", "\u200b", "\x9b"):
            assert invisible.encode() not in received


def _rows_end_where_they_should(user: User, size: tuple[int, int]) -> None:
    assert " failed: " not in user.terminal.text
    body = user.app.main.query_one("#body").region
    if user.app.screen is user.app.main:
        ends = [user.terminal.screen.buffer[y][size[0] - 1].data for y in range(body.y, body.bottom)]
        assert set(ends) <= set("│╮╯┃┓┛█"), user.terminal.text
