"""Matrix and rain: how they look, how to get to them, and what keys and clicks do in them."""

from __future__ import annotations

import pytest

from am_dbg.ui.actions import BY_ID
from am_telemetry.facts import NO_STATE, SchemaFact, StateFact, StepFact
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import hostile, shop
from tests.ui.terminal_user import User

SIZES = [(60, 16), (80, 24), (120, 40)]
VIEWS = ["tree-log", "tree-matrix", "tree-rain", "matrix", "rain"]


def stepping() -> MemoryRecording:
    """One transition in which many kinds of steps lead from many states to others."""
    names = ("Exception", "Start", "Connecting", "Connected", "Disconnecting", "Ready", "Heartbeat", "Never")
    recording = MemoryRecording("steps.db")
    machine = recording.machine("link", SchemaFact(tuple(StateFact(name) for name in names)))
    machine.add("Start", "Connecting", steps=[StepFact("called", NO_STATE, 1), StepFact("called", NO_STATE, 2)])
    machine.add(
        "Connected", also_add=("Ready",), also_remove=("Connecting",),
        steps=[
            StepFact("called", NO_STATE, 3),
            StepFact("rel", 3, 1, "require"),
            StepFact("rel", 3, 2, "remove"),
            StepFact("rel", 3, 5, "add"),
            StepFact("rel", 5, 3, "after"),
            StepFact("activate", NO_STATE, 3),
            StepFact("activate", NO_STATE, 5),
            StepFact("deactivate", NO_STATE, 2),
            StepFact("handler", NO_STATE, 2),
            StepFact("handler", NO_STATE, 3, is_enter=True),
            StepFact("handler", NO_STATE, 3, is_final=True, is_enter=True),
        ],
    )  # fmt: skip
    machine.add("Disconnecting", accepted=False, canceled_by="DisconnectingEnter")
    recording.catch_up()
    return recording


def by_size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def show(user: User, view: str) -> None:
    while user.app.session.layout != view:
        user.press("V")
        await user.settled(0.05)


def text_of_row(user: User, y: int) -> str:
    return user.terminal.screen.display[y]


# -- looks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=by_size)
@pytest.mark.parametrize("view", VIEWS[1:])
async def test_the_views_at_every_size(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, view: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("am_dbg.ui.widgets.footer.MESSAGE_SECONDS", 0.0)
    recording = shop() if "rain" in view else stepping()
    async with screen(recording, size, machine="orders" if "rain" in view else "link") as user:
        user.press("home", *("." * 30 if "rain" in view else ".."))
        await show(user, view)
        await user.matches_snapshot(f"{view}-{by_size(size)}")


@pytest.mark.parametrize("view", VIEWS[1:3])
async def test_text_is_the_same_in_every_theme_and_without_colors(screen: Screen, view: str) -> None:
    shown = []
    for system in ("truecolor", "none"):
        async with screen(stepping(), (120, 40), color_system=system) as user:
            user.press("home", ".", ".")
            await show(user, view)
            user.app.session.select_state("Ready")
            if system == "truecolor":
                user.press("f9")
                await user.sees("colours: light")
                user.app.session.say("")
            await user.sees("selected Ready ", "? help")
            await user.settled()
            shown.append(user.terminal.text)
            if system == "none":
                cells = [cell for row in user.terminal.screen.buffer.values() for cell in row.values()]
                assert {cell.fg for cell in cells} | {cell.bg for cell in cells} == {"default"}
                assert any(cell.bold and cell.data in "·." for cell in cells)
    assert shown[0] == shown[1]


# -- ways there ----------------------------------------------------------------------------------------------------


async def test_one_key_goes_through_all_views_and_back(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        seen = []
        for key in ("V", "alt+m", "V", "V", "V"):
            seen.append(str(user.app.session.layout))
            user.press(key)
            await user.until("another view", lambda: str(user.app.session.layout) != seen[-1])
        assert seen == VIEWS
        assert user.app.session.layout == "tree-log"
        await user.sees("Log changes", "Schema 14")


async def test_rain_and_matrix_have_keys_that_lead_back_too(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("f8")
        await user.sees("Rain +", "Schema 14", "entered again")
        user.press("alt+r")
        await user.sees("Log changes")
        user.press("f7")
        await user.sees("Matrix +", "Schema 14")
        user.press("f8")
        await user.sees("Rain +")
        user.press("f6")
        await user.sees("Log changes")


async def test_the_palette_leads_there(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press(":")
        await user.sees("A command, a machine or a state")
        user.type("rain on")
        await user.sees(BY_ID["view.rain"].title)
        user.press("enter")
        await user.sees("Rain +", "entered again")


async def test_the_names_of_the_other_views_in_the_title_can_be_clicked(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        await user.sees("Matrix  Rain")
        user.click_on("Rain  Reader")
        await user.sees("Log  Matrix  Rain +")
        user.click_on("Matrix  Rain +")
        await user.sees("Log  Matrix +")
        user.click_on("Log  Matrix")
        await user.sees("Log changes")


async def test_a_view_stays_when_the_machine_the_size_or_a_dialog_changes(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("V", "V", "V", "V")
        await user.sees("Rain +")
        user.press("ctrl+down", "?", "escape")
        await user.settled()
        user.resize(80, 24)
        await user.settled()
        user.resize(120, 40)
        await user.sees("mach://worker-1", "Rain +")
        await user.not_sees("Schema")


async def test_the_focus_is_never_on_a_pane_that_is_not_there(screen: Screen) -> None:
    for size in ((60, 16), (120, 40)):
        async with screen(size=size, machine="orders") as user:
            user.press("tab", "tab")
            for key in ("V", "V", "tab", "V", "V", "V", "shift+tab", "V", "V", "V"):
                user.press(key)
                await user.settled(0.05)
                focused = user.app.main.focused
                assert focused is not None, key
                assert focused.display, key
                assert focused.region.width > 0, key
                assert focused.id == user.app.main.focused_pane


async def test_in_a_narrow_window_the_machines_come_over_a_view_that_has_all_the_room(screen: Screen) -> None:
    async with screen(size=(60, 16), machine="orders") as user:
        user.press("V", "V", "V", "V")
        await user.sees("Rain +")
        await user.not_sees("Machines")
        user.press("escape")
        await user.sees("Machines", "Rain")
        user.press("down", "enter")
        await user.sees("mach://worker-1")
        user.press("tab")
        await user.not_sees("Machines")


async def test_a_state_of_the_palette_brings_back_the_schema(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("V", "V", "V")
        await user.sees("Matrix +")
        user.press("/")
        await user.sees("A machine, a state")
        user.type("Shipping")
        await user.sees("Shipping", "state of this machine")
        user.press("enter")
        await user.sees("selected Shipping", "Schema 14", "Matrix +")


# -- rain ----------------------------------------------------------------------------------------------------------


async def test_a_click_on_a_cell_goes_to_its_transition_and_selects_its_state(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "f8")
        await user.sees("the beginning")
        x, y = user.find("the beginning")
        left = user.app.main.query_one("#rain").region.x
        user.click(left + 2 + 2 * 4, y + 6)  # the fifth column of the sixth row
        await user.until("the state", lambda: user.app.session.state == "Connected")
        assert user.app.session.number == 6
        await user.sees("#6/93", "selected Connected")
        user.click(x, y + 3)
        await user.sees("#3/93")
        assert user.app.session.state == "Connected", "the numbers belong to no state"
        user.click(left + 2 + 2 * 6, y - 2)
        await user.until("another state", lambda: user.app.session.state == "Idle")
        assert user.app.session.number == 3, "the names belong to no transition"


async def test_arrows_in_the_rain_walk_through_transitions_and_states(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "f8")
        await user.sees("the beginning")
        user.press("tab", "tab")
        user.press("down", "down", "up", "down", "pagedown")
        await user.until("a page further", lambda: user.app.session.number > 20)
        user.press("pageup")
        await user.sees("#2/93")
        user.press("shift+right", "shift+right")
        await user.sees("selected Start")
        user.press("shift+left", "shift+left")
        await user.sees("selected Exception")
        user.type("idl")
        await user.sees("selected Idle")


async def test_the_wheel_scrolls_the_rain_and_the_next_move_comes_back(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "f8")
        await user.sees("the beginning")
        x, y = user.find("the beginning")
        for _ in range(12):
            user.wheel(x, y)
        await user.not_sees("the beginning")
        assert user.app.session.number == 0
        user.press("right")
        await user.sees("▸. + .")


async def test_the_rain_sticks_to_its_end_while_it_follows_the_newest(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("live", ["Exception", "A"])
    machine.add("A")
    async with screen(recording, (100, 30), live=True) as user:
        user.press("f8")
        await user.sees("▸+  + 1 22")
        for _ in range(60):
            machine.remove("A")
            machine.add("A")
        await user.sees("▸+  + 121")
        rain = user.app.main.query_one("#rain")
        assert text_of_row(user, rain.region.bottom - 2).find("▸+  + 121") >= 0


async def test_what_hides_everything_is_told_in_the_rain_and_in_the_matrix_too(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("beats", ["Exception", "Heartbeat"])
    machine.add("Heartbeat")
    for key in ("f7", "f8"):
        async with screen(recording) as user:
            user.press(key)
            await user.sees("All 1 transitions are hidden by filters")
            user.click_on("show everything")
            await user.sees("Before the first" if key == "f7" else "the beginning")


async def test_untouched_states_come_and_go(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("f8")
        await user.sees("of 14 states")
        user.press("U")
        await user.not_sees("of 14 states")
        user.press("f7")
        await user.settled()
        assert "untouched hidden" not in user.terminal.text
        user.press("U")
        await user.sees("untouched hidden")


# -- matrix --------------------------------------------------------------------------------------------------------


async def test_the_matrix_says_what_to_do_where_there_is_nothing_to_show(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "f7")
        await user.sees("Before the first transition")
        user.press("right")
        await user.sees("Start", "No steps of this transition were rec")


async def test_rows_of_the_matrix_select_states(screen: Screen) -> None:
    async with screen(stepping()) as user:
        user.press("home", ".", ".", "f7", "tab", "tab", "down", "down")
        await user.sees("selected Connecting")
        user.type("re")
        await user.sees("selected Ready")
        x, y = user.find("○→●")
        user.click(x, y)
        await user.sees("selected Connected")


async def test_hostile_names_stay_text_in_matrix_and_rain(screen: Screen) -> None:
    for size in ((60, 16), (160, 50)):
        async with screen(hostile(), size) as user:
            user.press("U")
            for _ in range(5):
                user.press("V", ".", "ctrl+down", ".", "tab")
                await user.settled(0.05)
                assert " failed: " not in user.terminal.text
                assert "pwned" not in user.terminal.screen.title
            received = bytes(user.terminal.received)
            assert not [char for char in ("\u202e", "\u200b", "\x9b") if char.encode() in received]
            assert user.terminal.text.count("│") + user.terminal.text.count("┃") > size[1]


# -- costs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS[1:])
async def test_a_move_sends_little_in_every_view(screen: Screen, view: str) -> None:
    async with screen(shop(length=400), (120, 40), machine="orders") as user:
        user.press("home")
        await show(user, view)
        costs = []
        for _ in range(24):
            before = len(user.terminal.received)
            user.press("right")
            await user.settled(0.06)
            costs.append(len(user.terminal.received) - before)
        costs.sort()
        assert costs[len(costs) // 2] < 1536, costs
        assert sum(costs) / len(costs) < 2048, costs
