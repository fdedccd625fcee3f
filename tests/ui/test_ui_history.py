"""Where somebody has been, on the screen."""

from __future__ import annotations

from tests.ui.conftest import Screen


async def test_the_history_is_listed_and_leads_back_anywhere(screen: Screen) -> None:
    async with screen(machine="orders", size=(80, 24)) as user:
        user.press("L", "L")
        await user.sees("#93/93")
        user.press("ctrl+y")
        await user.sees("Where you have been", "▸ 22:13:23.940 orders", "audit")
        user.press("pagedown", "enter")
        await user.not_sees("Where you have been")
        await user.sees("mach://audit")
        user.press("]", "]")
        await user.sees("mach://orders")


async def test_braces_go_to_other_machines(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("H", "L", "J")
        await user.settled()
        user.press("{")
        await user.sees("mach://audit")
        user.press("}")
        await user.sees("mach://orders")
