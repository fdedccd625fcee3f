"""What keys do, seen on the screen."""

from __future__ import annotations

from am_dbg.session import Mode
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.terminal_user import User


def counter(user: User, machine: str) -> str:
    row = next(line for line in user.terminal.lines if machine in line)
    return row.partition(machine)[2].partition("│")[0].partition("┃")[0].split()[-1]


async def test_arrows_and_punctuation_step_through_transitions(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home")
        await user.sees("#0/93", "before the first transition")
        user.press("right", "right", ".")
        await user.sees("#3/93", "Connected")
        user.press("left", ",")
        await user.sees("#1/93")
        user.press("end")
        await user.sees("#93/93")


async def test_other_machines_follow_the_moment(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home")
        await user.until("nothing done", lambda: counter(user, "worker-1 ") == "0+")
        user.press("end")
        await user.until("most done", lambda: counter(user, "worker-1 ") == "91+")


async def test_capital_h_and_l_jump_by_fifty_or_by_the_selected_state(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "L")
        await user.sees("#50/93")
        user.press("L", "H")
        await user.sees("#43/93")
        user.press("home", "tab", "down", "L")
        await user.sees("selected Start", "#1/93")
        user.press("L")
        await user.sees("no later change of Start")
        user.press("escape")
        await user.not_sees("selected Start")


async def test_j_and_k_visit_the_problems(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "J")
        await user.sees("canceled by SyncingEnter")
        user.press("J", "J")
        await user.sees("TimeoutError: no answer within 5 s")
        user.press("K", "K", "K")
        await user.sees("no earlier problem")


async def test_c_goes_to_the_cause_and_brackets_there_and_back(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("home", "right", "right", "right", "right", "right")
        await user.sees("mach://orders/#5", "← gateway #2")
        user.press("C")
        await user.sees("Causes and effects")
        user.press("C")
        await user.sees("mach://gateway/#1", "#2 is hidden by the filter for health checks; showing #1")
        user.press("[")
        await user.sees("mach://orders/#5")
        user.press("]")
        await user.sees("mach://gateway/#1", "1/15")


async def test_a_state_found_in_a_narrow_window_brings_the_schema_to_the_front(screen: Screen) -> None:
    async with screen(size=(80, 24), machine="orders") as user:
        await user.not_sees("Schema 1")
        user.press("/")
        await user.sees("A machine, a state")
        user.type("errnet").press("enter")
        await user.sees("selected ErrNetwork")


async def test_enter_selects_the_machine_under_the_cursor(screen: Screen) -> None:
    async with screen() as user:
        await user.sees("mach://audit/#1")
        user.press("down", "down", "enter")
        await user.sees("mach://orders/#")


async def test_ctrl_down_selects_the_next_machine_at_once(screen: Screen) -> None:
    async with screen() as user:
        user.press("ctrl+down")
        await user.sees("mach://gateway")
        user.press("ctrl+up")
        await user.sees("mach://audit")


async def test_typing_finds_a_machine_and_shows_how_many_match(screen: Screen) -> None:
    async with screen() as user:
        user.type("worker-1")
        await user.sees("find  worker-1  1/2")
        user.type("0")
        await user.sees("find  worker-10  1/1")
        await user.not_sees("find  worker")
        user.type("0")  # without a word to belong to, a digit is the log level
        await user.sees("log level 0: nothing")


async def test_typing_and_backspace_move_the_row_cursor(screen: Screen) -> None:
    async with screen() as user:
        user.type("ord")
        await user.sees("ord  1/1")
        user.press("enter")
        await user.sees("mach://orders")
        user.type("zz")
        await user.sees("zz  no match")
        user.press("backspace", "backspace")
        await user.not_sees("no match")
        user.press("escape")
        assert user.app.main.focused_pane == "machines"


async def test_enter_opens_and_closes_a_state(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("tab").type("conn")
        await user.sees("selected Connecting")
        user.press("enter")
        await user.sees("Require ")
        user.press("enter")
        await user.not_sees("Require ")


async def test_e_opens_and_closes_all_states(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("E")
        await user.sees("Require ", "After ", "multi")
        user.press("E")
        await user.not_sees("Require ")


async def test_a_reference_leads_to_its_state(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("tab", "E").type("ready")
        await user.sees("selected Ready")
        user.press("down", "down", "down")
        await user.sees("selected Connected")
        user.press("enter")
        await user.until("the row of Connected", lambda: user.app.main.focused_view.cursor_row() > 8)


async def test_tab_walks_around_all_panes(screen: Screen) -> None:
    async with screen() as user:
        seen = []
        for _ in range(5):
            seen.append(str(user.app.main.focused_pane))
            user.press("tab")
            await user.settled(0.05)
        assert seen == ["machines", "schema", "log", "strip", "machines"]
        user.press("shift+tab")
        await user.until("the strip", lambda: user.app.main.focused_pane == "machines")


async def test_space_plays_and_any_move_pauses(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press(*"+++")
        user.press("home", "space")
        await user.sees("▶ Playing ×10")
        await user.until("to get on", lambda: user.app.session.number >= 5)
        user.press("left")
        await user.sees("‖ Paused")


async def test_t_follows_the_newest_transition(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("live", ["Exception", "Start", "Ready"])
    machine.add("Start")
    async with screen(recording, live=False) as user:
        user.press("T")
        await user.sees("⇥ Tail")
        machine.add("Ready")
        await user.sees("#2/2")
        user.press("left")
        await user.sees("‖ Paused", "#1/2")
        machine.remove("Ready")
        await user.sees("#1/3")


async def test_digits_choose_the_log_level(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("end")
        await user.not_sees("[add]")
        user.press("3")
        await user.sees("Log ops", "[add] OrderReceived")
        user.press("2")
        await user.not_sees("[add]")


async def test_choosing_ends_the_word_so_that_digits_are_log_levels_again(screen: Screen) -> None:
    async with screen(machine="gateway") as user:
        user.type("orders").press("enter", "3")
        await user.sees("mach://orders", "Log ops")


async def test_the_filter_dialog_hides_and_shows_with_counts(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("F")
        await user.sees("[x]    c canceled transitions", "93 of 93")
        user.press("space")
        await user.sees("[ ]    c canceled transitions", "85 of 93")
        user.press("x")
        await user.sees("93 of 93")
        user.press("escape")
        await user.not_sees("Space next")


async def test_the_cursor_in_the_log_goes_to_a_transition(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("end", "tab", "tab", "up", "up", "enter")
        await user.sees("#91/93")


async def test_go_to_understands_numbers_and_explains_what_it_does_not(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        user.press("@")
        await user.sees("Go to")
        user.type("nowhere").press("enter")
        await user.sees("there is no machine")
        user.press(*["backspace"] * 7)
        await user.settled()
        user.type("#40").press("enter")
        await user.sees("#40/93")
        await user.not_sees("Go to")
        user.press("@")
        await user.sees("Go to")
        user.type("mach://worker-2/#2").press("enter")
        await user.sees("mach://worker-2/#2")


async def test_the_palette_runs_actions_and_finds_machines(screen: Screen) -> None:
    async with screen() as user:
        user.press(":")
        await user.sees("A command, a machine or a state")
        user.type("follow the newest")
        await user.sees("T  Alt+V", "1 of ")
        user.press("enter")
        await user.sees("⇥ Tail")
        user.press("/")
        await user.sees("A machine, a state")
        user.type("worker-2")
        user.press("enter")
        await user.sees("mach://worker-2")


async def test_help_opens_with_the_focused_pane_and_closes(screen: Screen) -> None:
    async with screen() as user:
        user.press("tab", "?")
        await user.sees("Schema – where you are")
        user.press("escape")
        await user.not_sees("where you are")


async def test_the_theme_switches_between_dark_and_light(screen: Screen) -> None:
    async with screen() as user:
        before = user.terminal.screen.buffer[5][5].bg
        user.press("f9")
        await user.until("another background", lambda: user.terminal.screen.buffer[5][5].bg != before)


async def test_ctrl_q_quits(screen: Screen) -> None:
    async with screen() as user:
        user.press("ctrl+q")
        await user.until("the end", lambda: not user.app.is_running)


async def test_a_held_key_never_lags_behind(screen: Screen) -> None:
    """All moves of a burst are done, in far fewer paints than moves."""
    recording = MemoryRecording()
    machine = recording.machine("long", ["Exception", "A", "B"])
    for step in range(7605):
        machine.add("A") if step % 2 == 0 else machine.remove("A")
    async with screen(recording) as user:
        user.press("home")
        await user.sees("#0/7,605")
        writes = user.terminal.writes
        user.press(*["right"] * 400)
        await user.sees("#400/7,605")
        assert user.terminal.writes - writes < 200
        assert user.app.session.mode is Mode.PAUSED
