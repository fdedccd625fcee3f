"""What the screens look like: stored as text at four sizes, and the states in which there is nothing to show."""

from __future__ import annotations

import pytest

from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen

SIZES = [(60, 16), (80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_main_screen_at_every_size(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(size=size, machine="orders") as user:
        user.press("home", "J", "J")
        await user.sees("#19/93")
        await user.matches_snapshot(f"main-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES[1::2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_open_schema(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(size=size, machine="orders") as user:
        user.press("end", "tab", "E").type("ready")
        await user.settled()
        user.press("escape")
        await user.matches_snapshot(f"schema-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES[::2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_welcome_screen(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(MemoryRecording(), size, live=True, listen="localhost:6831") as user:
        await user.sees("AM_DBG_ADDR=1 python app.py", "am_telemetry.init()")
        await user.matches_snapshot(f"welcome-{size[0]}x{size[1]}")


@pytest.mark.parametrize(("key", "name"), [("?", "help"), ("F", "filters"), ("@", "goto"), (":", "palette")])
async def test_dialogs(screen: Screen, key: str, name: str) -> None:
    async with screen(size=(80, 24), machine="orders") as user:
        user.press("end")
        await user.sees("#93/93")
        user.press(key)
        await user.matches_snapshot(f"{name}-80x24")


async def test_an_opened_file_without_machines_says_so(screen: Screen) -> None:
    async with screen(MemoryRecording("empty.db")) as user:
        await user.sees("This recording is empty", "empty.db holds no machines")


async def test_the_first_machine_replaces_the_welcome_screen(screen: Screen) -> None:
    recording = MemoryRecording()
    async with screen(recording, live=True, listen="localhost:6831") as user:
        await user.sees("Waiting for machines")
        machine = recording.machine("first", ["Exception", "Start"])
        await user.sees("mach://first", "first has not done anything yet")
        machine.add("Start")
        await user.sees("#1/1", "⇥ Tail")
        user.press("down", "enter", "home")
        await user.sees("before the first transition")


async def test_keys_work_while_nothing_is_recorded(screen: Screen) -> None:
    async with screen(MemoryRecording(), live=True, listen="localhost:6831") as user:
        user.press("right", "L", "J", "enter", "E", "up", "down", "tab", "x", "backspace", "space", "0")
        await user.settled()
        user.press("?")
        await user.sees("Move in time")
        user.press("escape")
        await user.not_sees("Move in time")
        user.press("F")
        await user.sees("Space next")


async def test_when_all_is_filtered_out_the_log_says_what_hides_it(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("beats", ["Exception", "Heartbeat"])
    for _ in range(3):
        machine.add("Heartbeat")
        machine.remove("Heartbeat")
    async with screen(recording) as user:
        await user.sees("All 6 transitions are hidden by filters", "health checks")
        user.click_on("show everything")
        await user.sees("all transitions are shown")


async def test_a_window_that_is_too_small_asks_for_a_larger_one_and_recovers(screen: Screen) -> None:
    async with screen(size=(59, 15), machine="orders") as user:
        await user.sees("60×16")
        assert "Machines" not in user.terminal.text
        user.resize(100, 30)
        await user.sees("Machines", "Schema", "Log")
        user.resize(10, 3)
        await user.not_sees("Machines")
        user.resize(60, 16)
        await user.sees("Machines", "Log")


async def test_at_least_fifteen_rows_of_data_fit_on_the_smallest_usual_window(screen: Screen) -> None:
    async with screen(size=(80, 24), machine="orders") as user:
        assert user.app.main.query_one("#log").inner_height >= 15
        assert user.app.main.query_one("#machines").inner_height >= 15


async def test_in_a_narrow_window_machines_and_schema_share_a_place(screen: Screen) -> None:
    async with screen(size=(80, 24), machine="orders") as user:
        await user.sees("worker-10", "Machines 6", "Schema")
        user.press("tab")
        await user.sees("Connecting", "Machines", "Schema 14")
        await user.not_sees("worker-10")
        user.press("tab")
        await user.settled()
        assert "Connecting" in user.terminal.text
        user.press("escape")
        await user.sees("worker-10")


async def test_messages_fade_and_the_keys_come_back(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("am_dbg.ui.widgets.footer.MESSAGE_SECONDS", 0.3)
    async with screen(machine="orders") as user:
        user.press("end", "right")
        await user.sees("this is the last transition")
        await user.sees("? help")


async def test_a_failing_writer_and_lost_records_are_always_in_sight(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    machine.add("A")
    recording.later(lambda: recording.timeline(machine.id).correct([0, 1], 1234))
    machine.remove("A")
    async with screen(recording, listen="localhost:6831", failure=lambda: "disk full") as user:
        await user.sees("✕ disk full", "1,234 lost")


async def test_without_colors_everything_is_still_there(screen: Screen) -> None:
    async with screen(size=(120, 40), machine="orders", color_system="none") as user:
        user.press("home", "J", "J")
        await user.sees("Machines", "[cancel]")
        cells = [cell for row in user.terminal.screen.buffer.values() for cell in row.values()]
        assert {cell.fg for cell in cells} | {cell.bg for cell in cells} == {"default"}
        assert any(cell.reverse for cell in cells), "the cursor row is drawn in reverse"


async def test_a_pane_that_fails_says_so_and_the_others_live_on(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screen(machine="orders") as user:

        def fail(*_: object) -> None:
            raise RuntimeError("the tree \x1b[2J broke")

        monkeypatch.setattr("am_dbg.viewmodels.tree.rows", fail)
        user.press("home", "right")
        await user.sees("This pane failed: RuntimeError", "#1/93")
        monkeypatch.undo()
        user.press("right")
        await user.not_sees("This pane failed")
