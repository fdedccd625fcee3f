"""The log pane in use: its own keys, its links, several machines in it, copying from it, and news while one reads."""

from __future__ import annotations

import base64
import re

import pytest

from am_dbg.session import Mode
from am_dbg.session.log_options import LogOptions, LogScope, LogTimes
from am_telemetry.facts import LogFact
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import hostile
from tests.ui.terminal_user import KEYS, User

KEYS.update({"shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B"})


def linked() -> MemoryRecording:
    """A machine whose log names states, a handler, and another machine."""
    recording = MemoryRecording()
    shop = recording.machine("shop", ["Exception", "Open", "Closed"])
    till = recording.machine("till", ["Exception", "Open"])
    till.add("Open")
    shop.add("Open", logs=[LogFact(2, "[state] +Open"), LogFact(2, "[pipe-in:add] Open from till")])
    shop.add("Closed", also_remove=("Open",), logs=[LogFact(2, "[state] +Closed -Open by OpenExit")])
    shop.add("Exception", logs=[LogFact(2, "[error] boom\n  first\n  second")])
    recording.catch_up()
    return recording


def long(rows: int = 300) -> MemoryRecording:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    for turn in range(rows):
        machine.mutate("remove" if turn % 2 else "add", ["A"], logs=[LogFact(2, f"[extern] turn {turn + 1:04d}")])
    recording.catch_up()
    return recording


def clipboard(user: User) -> str:
    """What was sent to it last."""
    sent = bytes(user.terminal.received).rpartition(b"\x1b]52;c;")[2]
    return base64.b64decode(sent.partition(b"\x07")[0].partition(b"\x1b")[0]).decode()


def in_log(user: User) -> User:
    return user.press("tab", "tab")


async def test_at_level_0_the_pane_says_that_it_is_off_and_how_to_get_it_back(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        user.press("0")
        await user.sees("The log is off")
        user.click_on("changes")
        await user.sees("Log changes", "[state] +Open")


async def test_a_click_on_a_name_selects_the_state_or_goes_to_the_machine(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        user.press("home")
        user.click_on("OpenExit")
        await user.until("the state", lambda: user.app.session.state == "Open")
        assert user.app.session.number == 2
        user.click_on("till\u2502" if "till\u2502" in user.terminal.text else "from till")
        x, y = user.find("from till")
        user.click(x + 5, y)
        await user.sees("mach://till")


async def test_enter_goes_to_the_transition_of_a_row_and_then_through_its_names(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        in_log(user).press("home")
        await user.sees("#0/3")
        user.press("down", "down", "down")
        await user.settled()
        user.press("enter")
        await user.until("the transition", lambda: user.app.session.number == 2)
        user.press("enter")
        await user.sees("state Closed: 1 of 2 in this line")
        user.press("enter")
        await user.sees("state Open: 2 of 2 in this line")
        assert user.app.session.state == "Open"


async def test_m_shows_all_machines_and_a_click_on_a_row_goes_to_its_machine(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        in_log(user).press("m")
        await user.sees("Log changes · all 2 machines", "till + [state] +Open")
        user.click_on("till + [state]")
        await user.sees("mach://till/#1")
        user.press("m")
        await user.sees("Log changes · t1")


async def test_pinned_machines_have_a_log_together(screen: Screen) -> None:
    async with screen(linked(), machine="till") as user:
        in_log(user).press("*")
        await user.sees("till is pinned; pinned machines: 1")
        user.press("m")
        await user.sees("pinned 1 machines")
        await user.not_sees("+Closed")
        user.press("*")
        await user.sees("Log changes · t")


async def test_the_lower_edge_changes_the_options_with_the_mouse(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        await user.sees("boom  (+2 lines)")
        user.click_on("[ ] traces")
        await user.sees("[x] traces", "second")
        user.click_on("[ ] wrap")
        await user.sees("[x] wrap")
        user.click_on("seconds")
        await user.sees("minutes")
        assert user.app.session.log == LogOptions(LogScope.MACHINE, LogTimes.MINUTE, wrap=True, traces=True)


async def test_the_palette_changes_the_log_from_any_pane(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        user.press("ctrl+p")
        await user.sees("A command, a machine")
        user.type("wrap log")
        await user.sees("Wrap log lines")
        user.press("enter")
        await user.sees("[x] wrap")


async def test_scrolling_back_keeps_the_place_while_transitions_arrive(screen: Screen) -> None:
    recording = long()
    async with screen(recording, live=True) as user:
        await user.sees("turn 0300", "⇥ Tail")
        in_log(user)
        x, y = user.find("turn 0300")
        for _ in range(5):
            user.wheel(x, y, down=False)
        await user.sees("paused to keep this place")
        await user.settled()
        before = re.findall(r"turn \d+", user.terminal.text)
        for turn in range(40):
            recording.builders[1].mutate("remove" if turn % 2 else "add", ["A"], logs=[LogFact(2, "[extern] news")])
        await user.until("the count", lambda: re.search(r"↓ \d+ more", user.terminal.text) is not None)
        await user.settled()
        newest = int(before[-1].removeprefix("turn "))
        await user.sees(f"↓ {340 - newest} more")
        assert re.findall(r"turn \d+", user.terminal.text) == before
        user.click_on("↓ ")
        await user.sees("⇥ Tail", "news")


async def test_in_the_log_of_all_machines_the_tail_follows_the_others_too(screen: Screen) -> None:
    recording = long(4)
    other = recording.machine("other", ["Exception", "A"])
    recording.catch_up()
    async with screen(recording, live=True) as user:
        in_log(user).press("m")
        await user.sees("all 2 machines")
        for turn in range(60):
            other.mutate("remove" if turn % 2 else "add", ["A"], logs=[LogFact(2, f"[extern] other {turn}")])
        await user.sees("other 59")


@pytest.mark.parametrize(("key", "text"), [("home", "turn 0001"), ("end", "turn 0300")])
async def test_home_and_end_come_back_from_where_one_has_scrolled_to(screen: Screen, key: str, text: str) -> None:
    async with screen(long()) as user:
        in_log(user).press(key)
        await user.sees(text)
        x, y = user.find(text)
        for _ in range(20):
            user.wheel(x, y, down=key == "home")
        await user.not_sees(text)
        user.press(key)
        await user.sees(text)


async def test_long_lines_scroll_sideways_and_the_signs_stay(screen: Screen) -> None:
    recording = MemoryRecording()
    recording.machine("m", ["A"]).add("A", logs=[LogFact(1, "[extern] " + " ".join(f"w{n:02d}" for n in range(40)))])
    async with screen(recording) as user:
        in_log(user).press("end")
        await user.sees("+›[extern] w00")
        user.press("shift+right", "shift+right")
        await user.sees("→ 16 columns", "+›")
        await user.not_sees("w00")
        user.press(*["shift+right"] * 30)
        await user.sees("w39│" if "w39│" in user.terminal.text else "w39")
        user.press("w")
        await user.sees("w00", "w39")


async def test_y_copies_the_whole_entry_and_selected_rows(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        in_log(user).press("end")
        await user.sees("#3/3")
        user.press("y")
        await user.sees("sent 29 characters to the terminal's clipboard, if it takes it (OSC 52)")
        assert clipboard(user) == "[error] boom\n  first\n  second"
        user.press("up", "shift+up")
        await user.sees("▐")
        user.press("y")
        text = "[pipe-in:add] Open from till\n+ [state] +Closed -Open by OpenExit"
        await user.until("the rows", lambda: clipboard(user) == "+ " + text)


async def test_hostile_text_is_harmless_in_every_way_to_show_it(screen: Screen) -> None:
    async with screen(hostile(), size=(100, 30)) as user:
        in_log(user).press("1", "end")
        for key in ("s", "w", "t", "t", "t", "m", "pagedown", "pageup", "y", "w", "shift+right", "s", "t"):
            user.press(key)
            await user.settled(0.05)
            assert "This pane failed" not in user.terminal.text, key
        assert b"\x1b]0;pwned" not in bytes(user.terminal.received)
        assert user.app.session.mode is Mode.PAUSED


async def test_what_is_searched_is_marked_in_reverse(screen: Screen) -> None:
    async with screen(linked(), machine="shop") as user:
        user.app.session.set_highlight("BOOM")
        await user.sees("boom")
        await user.settled()
        x, y = user.find("boom")
        assert all(user.terminal.screen.buffer[y][x + place].reverse for place in range(4))
        assert not user.terminal.screen.buffer[y][x - 1].reverse
