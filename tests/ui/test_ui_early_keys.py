"""Keys typed faster than dialogs open."""

from __future__ import annotations

from tests.ui.conftest import Screen


async def test_what_is_typed_while_a_dialog_opens_belongs_to_it(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.type("@#12\r")
        await user.sees("mach://orders/#12")


async def test_typing_goes_through_several_dialogs(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.type("/audit\r")
        await user.sees("mach://audit")
        user.type("/gateway\r")
        await user.sees("mach://gateway")
