"""Pointing instead of typing."""

from __future__ import annotations

from am_dbg.viewmodels import strip
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen

STRIP_ROW = 36


async def test_a_click_on_the_strip_goes_to_the_transition_of_the_cell(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        model = strip.build(user.app.session, 118)
        for column in (0, 1, 40, len(model.cells) - 1):
            user.click(column + 1, STRIP_ROW)
            await user.until(f"cell {column}", lambda c=column: user.app.session.number == model.number_of(c))
        await user.sees("#93/93")


async def test_dragging_on_the_strip_scrubs(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.mouse(0, 5, STRIP_ROW)
        await user.sees("#5/93")
        user.mouse(32, 30, STRIP_ROW)
        await user.sees("#30/93")
        user.mouse(32, 50, STRIP_ROW - 4)  # the pointer may leave the strip
        await user.sees("#50/93")
        user.mouse(0, 50, STRIP_ROW - 4, release=True)
        await user.settled()
        user.mouse(35, 20, STRIP_ROW)
        await user.settled()
        assert user.app.session.number == 50


async def test_the_wheel_on_the_strip_steps_by_one_and_with_ctrl_by_ten(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home").wheel(30, STRIP_ROW)
        await user.sees("#1/93")
        user.wheel(30, STRIP_ROW, ctrl=True)
        await user.sees("#11/93")
        user.wheel(30, STRIP_ROW, down=False)
        await user.sees("#10/93")
        user.wheel(30, STRIP_ROW, down=False, ctrl=True).wheel(30, STRIP_ROW, down=False)
        await user.sees("#0/93")


async def test_a_note_tells_what_the_cell_under_the_pointer_stands_for(screen: Screen) -> None:
    async with screen(machine="orders", size=(60, 24)) as user:
        row = user.find("‖ Paused")[1] + 1
        user.mouse(35, 30, row)
        await user.sees("transitions in", " to #")
        user.mouse(35, 30, 4)
        await user.not_sees("transitions in")


async def test_the_badge_of_the_paused_tail_leads_back_to_it(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("live", ["Start", "Ready"])
    machine.add("Start")
    async with screen(recording, live=True) as user:
        await user.sees("⇥ tail")
        user.press("left")
        await user.not_sees("⇥ tail")
        machine.add("Ready")
        machine.remove("Ready")
        await user.sees("⇥ tail paused: 2 new (T)")
        user.click_on("2 new")
        await user.sees("#3/3")
        await user.not_sees("paused: 2 new")


async def test_a_click_on_a_machine_selects_it(screen: Screen) -> None:
    async with screen() as user:
        user.click_on("worker-2")
        await user.sees("mach://worker-2")


async def test_a_click_on_a_state_selects_it_and_a_click_on_its_arrow_opens_it(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.click_on("○ Connecting")
        await user.sees("selected Connecting")
        await user.not_sees("Require ")
        x, y = user.find("○ Connecting")
        user.click(x - 2, y)
        await user.sees("Require ")


async def test_a_click_on_a_log_line_goes_to_its_transition(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("end", "1")
        await user.settled()
        user.click_on("[error]" if "[error]" in user.terminal.text else "+Exception")
        await user.sees("add Exception ErrNetwork")
        assert user.app.session.number < 93


async def test_the_wheel_scrolls_lists_without_moving_the_cursor(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("end")
        await user.sees("#93/93")
        first = user.terminal.lines[2]
        x = user.terminal.lines[2].rfind("[")
        user.wheel(x, 10, down=False)
        await user.until("another first line", lambda: user.terminal.lines[2] != first)
        assert user.app.session.number == 93


async def test_the_arrows_in_the_address_line_change_the_machine(screen: Screen) -> None:
    async with screen() as user:
        user.click_on("▶ ")
        await user.sees("mach://gateway")
        user.click_on("◀ ")
        await user.sees("mach://audit")


async def test_the_toolbar_toggles_filters_and_modes(screen: Screen) -> None:
    async with screen(machine="gateway") as user:
        await user.sees("[ ] health")
        user.click_on("[ ] health")
        await user.sees("[x] health", "health checks are shown")
        user.click_on("[ ] tail")
        await user.sees("⇥ Tail")
        x, y = user.find("1[2]3 4")
        user.click(x + 4, y)
        await user.sees("[3]", "log level 3: ops of gateway")


async def test_the_wheel_at_the_ends_changes_nothing(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("end").wheel(30, STRIP_ROW)
        await user.sees("this is the last transition", "#93/93")


async def test_a_click_beside_a_dialog_closes_it(screen: Screen) -> None:
    async with screen() as user:
        user.press("F")
        await user.sees("Space next")
        user.click(1, 1)
        await user.not_sees("Space next")


async def test_filters_can_be_toggled_with_the_mouse(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("F")
        await user.sees("canceled transitions")
        user.click_on("automatic transitions")
        await user.sees("[ ]    a automatic transitions")


async def test_a_click_on_a_key_in_the_footer_does_what_the_key_does(screen: Screen) -> None:
    async with screen(size=(80, 24), machine="orders") as user:
        user.press("home")
        await user.sees("#0/93")
        x, y = user.find("←→ move")
        user.click(x + 1, y).click(x + 1, y).click(x, y)
        await user.sees("#1/93")
        user.click_on(": palette")
        await user.sees("A command, a machine or a state")


async def test_a_click_on_the_other_title_brings_that_pane_to_the_front(screen: Screen) -> None:
    async with screen(size=(60, 16), machine="orders") as user:
        user.click_on("Schema")
        await user.sees("Machines", "Connecting")
        user.click_on("Machines")
        await user.sees("worker-1")


async def test_no_box_of_the_toolbar_stays_without_its_label(screen: Screen) -> None:
    async with screen(size=(100, 30), machine="orders") as user:
        for width in range(160, 99, -1):
            user.resize(width, 32)
            await user.settled(0.02)
            row = next(line for line in user.terminal.lines if "] play" in line).rstrip()
            labels = ("show:", "canceled", "auto", "in vain", "empty", "health", "dry runs")
            assert row.endswith(labels), row
