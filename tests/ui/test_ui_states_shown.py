"""Choosing which states the schema shows."""

from __future__ import annotations

from am_telemetry.facts import SchemaFact, StateFact
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen


def loader() -> MemoryRecording:
    """#1 Start, #2 Loading, #3 Loaded instead of it."""
    states = (StateFact("Start"), StateFact("Loading", tags=("io",)), StateFact("Loaded"), StateFact("Never"))
    recording = MemoryRecording()
    machine = recording.machine("loader", SchemaFact(states, (("Load", (1, 2)),)))
    machine.add("Start")
    machine.add("Loading")
    machine.mutate("set", ("Loaded",), also_remove=("Loading",))
    return recording


async def test_a_group_is_chosen_with_keys(screen: Screen) -> None:
    async with screen(loader()) as user:
        await user.sees("group all", "Never", "#1/3")
        user.press("ctrl+s")
        await user.sees("States of the schema", "(●) all", "( ) Load")
        user.press("down", "enter", "escape")
        await user.sees("group Load", "Schema 2/4", "1 transitions out of the group are hidden")
        await user.not_sees("Never", "States of the schema")
        user.press("ctrl+s", "up", "enter", "escape")
        await user.sees("group all", "Never")


async def test_a_group_is_chosen_with_the_mouse(screen: Screen) -> None:
    async with screen(loader()) as user:
        user.click_on("group all")
        await user.sees("( ) Load")
        user.click_on("( ) Load")
        await user.sees("(●) Load")
        user.press("escape")
        await user.sees("group Load")


async def test_inactive_and_idle_states_are_hidden_with_a_key(screen: Screen) -> None:
    async with screen(loader()) as user:
        await user.press("end").sees("#3/3")
        user.press("ctrl+e")
        await user.sees("Schema 3/4", "group all, used")
        await user.not_sees("Never")
        user.press("`")
        await user.sees("group all, activ…", "○ Loading")
        await user.press("home").sees("No state is shown", "Schema 0/4")
        user.click_on("group all")
        await user.sees("[x] i hide inactive states", "[x] n hide states that never took part")
        user.press("i", "n", "escape")
        await user.sees("○ Never")


async def test_a_click_on_a_choice_of_the_dialog_takes_effect_at_once(screen: Screen) -> None:
    async with screen(loader(), size=(60, 16)) as user:
        user.press("ctrl+s")
        await user.sees("[ ] i hide inactive")
        user.click_on("hide inactive")
        await user.sees("[x] i hide inactive")
        user.click_on("n hide states")
        await user.sees("[x] n hide states")


async def test_tags_stand_below_an_opened_state(screen: Screen) -> None:
    async with screen(loader()) as user:
        await user.click_on("○ Loading").sees("selected Loading")
        user.press("enter")
        await user.sees("#io")
