"""Several selected states at once, and the jumps that they steer."""

from __future__ import annotations

from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen


def lights() -> MemoryRecording:
    """#1 Red, #2 Green instead of it, #3 Blue, #4 Red again."""
    recording = MemoryRecording()
    light = recording.machine("light", ["Red", "Green", "Blue"])
    light.add("Red")
    light.mutate("set", ("Green",), also_remove=("Red",))
    light.add("Blue")
    light.add("Red")
    return recording


async def test_a_semicolon_keeps_states_selected_and_jumps_stop_at_each(screen: Screen) -> None:
    async with screen(lights()) as user:
        await user.press("tab", "home").sees("#0/4")
        user.click_on("○ Blue").press(";")
        await user.sees("◆", "Blue stays selected")
        user.click_on("○ Red")
        await user.sees("selected Red Blue")
        user.press("L", "L", "L")
        await user.until("#3", lambda: user.app.session.number == 3)
        user.press("L", "L")
        await user.sees("no later change of Red or Blue (3 earlier)")
        user.press("escape")
        await user.not_sees("selected Red", "◆")


async def test_a_click_with_ctrl_adds_a_state_in_tree_rain_and_log(screen: Screen) -> None:
    async with screen(lights(), size=(160, 40)) as user:
        await user.press("end").sees("#4/4")
        user.click_on("● Red").click_on("● Blue", ctrl=True)
        await user.sees("selected Blue Red")
        user.click_on("● Blue", ctrl=True)
        await user.until("only Red", lambda: user.app.session.states == ("Red",))
        number = user.app.session.number
        user.click_on("+Green", ctrl=True)
        await user.until("Green too", lambda: user.app.session.states == ("Green", "Red"))
        assert user.app.session.number == number, "a click with Ctrl selects and does not move"


async def test_selected_states_stand_out_in_the_log(screen: Screen) -> None:
    async with screen(lights(), size=(160, 40)) as user:
        await user.press("end").sees("#4/4")
        user.click_on("● Red").click_on("● Blue", ctrl=True)
        await user.settled()
        backgrounds = {}
        for row, text in enumerate(user.terminal.lines):
            place = text.rfind("Blue"), text.rfind("Green")
            for name, column in zip(("Blue", "Green"), place, strict=True):
                if column > 60 and "#" not in text:
                    backgrounds.setdefault(name, set()).add(user.terminal.screen.buffer[row][column].bg)
        assert backgrounds["Blue"] - backgrounds["Green"]


async def test_jumps_to_where_a_state_became_active(screen: Screen) -> None:
    async with screen(lights()) as user:
        await user.press("home").sees("#0/4")
        user.click_on("○ Red")
        await user.sees("selected Red")
        user.press("&")
        await user.sees("#1/4")
        user.press("&")
        await user.sees("#4/4")
        user.press("&")
        await user.sees("no later activation of Red (1 earlier)")
        user.press("^")
        await user.sees("#1/4")


async def test_jumps_to_what_a_state_took_part_in(screen: Screen) -> None:
    async with screen(lights()) as user:
        await user.press("home").sees("#0/4")
        user.click_on("○ Green")
        user.press("%")
        await user.sees("#2/4")
        user.press("%")
        await user.sees("no later touch of Green (0 earlier)")
        user.press("$")
        await user.sees("no earlier touch of Green (0 later)")
