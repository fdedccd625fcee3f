"""The dialog for places that are typed."""

from __future__ import annotations

from tests.ui.conftest import Screen


async def test_where_the_text_leads_is_shown_before_anybody_goes_there(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "@")
        await user.sees("Go to", "+5s −2m", "mach://…")
        user.type("#40")
        await user.sees("→ orders #40", "22:13:2")
        assert user.app.session.number == 0
        user.press(*["backspace"] * 3)
        await user.not_sees("→ orders #4")
        user.type("mach://worker-2/#2")
        await user.sees("→ worker-2 #2")
        assert user.app.session.machine.name == "orders"
        user.press("enter")
        await user.sees("mach://worker-2/#2")


async def test_what_leads_nowhere_is_said_while_it_is_typed_and_the_dialog_stays(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("@")
        await user.sees("Go to")
        user.type("worker-22")
        await user.sees("? there is no machine 'worker-22' here; did you mean 'worker-2'")
        user.press("enter")
        await user.sees("Go to", "there is no machine 'worker-22'")
        user.press("backspace")
        await user.sees("→ worker-2 #")
