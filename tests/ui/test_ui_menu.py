"""The context menu, seen on the screen."""

from __future__ import annotations

from am_dbg.ui.actions import BY_ID, Pane
from am_dbg.ui.menus import MENUS
from tests.ui.conftest import Screen
from tests.ui.terminal_user import User


def right_click(user: User, text: str, dx: int = 1) -> None:
    x, y = user.find(text)
    user.mouse(2, x + dx, y).mouse(2, x + dx, y, release=True)


def test_every_pane_has_a_menu_of_known_actions() -> None:
    assert set(MENUS) == set(Pane)
    for pane, names in MENUS.items():
        assert [name for name in names if name not in BY_ID] == []
        assert [name for name in names if pane not in BY_ID[name].where] == [], pane
        assert len(set(names)) == len(names)


async def test_a_right_click_on_a_machine_offers_what_can_be_done_with_it(screen: Screen) -> None:
    async with screen(size=(120, 30)) as user:
        right_click(user, "● orders")
        await user.sees("Pin or release the machine", "*")
        await user.sees("╮")
        user.click_on("Pin or release")
        await user.sees("orders is pinned")


async def test_the_key_of_a_row_works_in_the_menu(screen: Screen) -> None:
    async with screen(size=(120, 30)) as user:
        right_click(user, "● orders")
        await user.sees("Pin or release the machine")
        user.press("*")
        await user.sees("orders is pinned")
        await user.not_sees("Pin or release the machine")


async def test_a_state_is_selected_and_jumped_to(screen: Screen) -> None:
    async with screen(size=(120, 30), machine="orders") as user:
        right_click(user, "Syncing")
        await user.sees("Jump forward")
        user.click_on("Jump forward")
        await user.not_sees("Jump forward")
        await user.sees("add Syncing")


async def test_a_line_of_the_log_is_gone_to_and_escape_leaves_the_menu(screen: Screen) -> None:
    async with screen(size=(120, 30), machine="orders") as user:
        right_click(user, "+Connecting")
        await user.sees("Copy log lines", "orders #2")
        user.press("escape")
        await user.not_sees("Copy log lines")
        await user.sees("mach://orders/#2")


async def test_the_menu_opens_by_a_key_and_stays_on_the_screen(screen: Screen) -> None:
    async with screen(size=(60, 16), machine="orders") as user:
        user.press("|")
        await user.sees("Pin or release", "Export")
        user.press("down", "enter")
        await user.sees("orders is pinned")


async def test_the_strip_has_a_menu_too(screen: Screen) -> None:
    async with screen(size=(120, 30), machine="orders") as user:
        user.press("end")
        await user.sees("┃")
        _, y = user.find("next ")
        y -= 1
        user.mouse(2, 40, y).mouse(2, 40, y, release=True)
        await user.sees("Play or pause", "Follow the newest")
