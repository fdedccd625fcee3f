"""The reader on the screen: where it stands at which size, and how its entries are followed."""

from __future__ import annotations

import pytest

from am_telemetry.facts import SourceFact
from am_telemetry.store.records import HandlerRunRecord, WaitRecord
from am_telemetry.waits import WaitFact, WaitOrigin
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen

SIZES = [(80, 24), (120, 40), (200, 60)]


def pending() -> MemoryRecording:
    """A machine that waits for several things, and one that made it wait."""
    recording = MemoryRecording("waits.db")
    gateway = recording.machine("gateway", ["Start", "Request"])
    orders = recording.machine("orders", ["Exception", "Start", "Ready", "Paid", "Shipped"], parent="gateway")
    gateway.add("Start")
    gateway.add("Request")
    orders.add("Start", handlers=("StartState",))
    orders.add("Paid", source=SourceFact("gateway", 2), handlers=("PaidEnter", "PaidState"), arguments={"order": 7})
    orders.add("Ready", source=SourceFact("orders", 2), handlers=("ReadyState",), queue_len=2)
    orders.add("Shipped", accepted=False, canceled_by="ShippedEnter")
    orders.add("Paid")
    recording.timed_handlers[orders.id, 2] = [
        HandlerRunRecord("PaidEnter", 0, 40_000),
        HandlerRunRecord("PaidState", 50_000, 12_000_000),
    ]
    at = START_NS + 1_000_000
    recording.wait_records[orders.id] = [
        WaitRecord(2, WaitFact("when", ("Shipped", "Ready"), text="Shipped Ready"), 0, at, 3, at + 9_000_000, "match"),
        WaitRecord(4, WaitFact("whenTime", ("Paid",), (9,), "Paid 9"), 1, at, origin=WaitOrigin("gateway", 2, "Go")),
        WaitRecord(6, WaitFact("ctx", ("Start",), (1,), "Start"), 1, at),
        WaitRecord(8, WaitFact("pipe-out", ("Ready",), peer="gateway", peer_state="Start", mutation="add"), 0, at),
    ]
    return recording


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_reader_at_every_size(screen: Screen, size: tuple[int, int]) -> None:
    """Beside the log where there is room, below it, or in its place."""
    async with screen(pending(), size, machine="orders") as user:
        if size[0] < 160:
            await user.not_sees("▾ Waits")
            user.press("R")
        user.press("home", ".", ".", ".")
        await user.sees("▾ Waits (1)", "whenTime Paid:9", "▾ Ended here (1)")
        await user.matches_snapshot(f"reader-{size[0]}x{size[1]}")
        user.press("R")
        await user.not_sees("▾ Waits")
        await user.sees("Log changes")


async def test_entries_are_followed_with_the_keyboard_and_the_way_back_is_open(screen: Screen) -> None:
    async with screen(pending(), (80, 24), machine="orders") as user:
        user.press("R", "home", ".", ".", "down")
        await user.sees("gateway #2 add Request")
        user.press("enter")
        await user.sees("mach://gateway/#2", "▾ Forked (1)")
        user.press("[")
        await user.sees("mach://orders/#2", "PaidState 12 ms")


async def test_moving_onto_an_entry_selects_its_state(screen: Screen) -> None:
    async with screen(pending(), (120, 40), machine="orders") as user:
        user.press("home", ".", "R", "tab", "tab", "tab")
        await user.sees("┏━ Reader #1")
        user.press("down", "down", "down")
        await user.sees("selected Shipped")


async def test_sections_fold_with_enter_a_click_and_all_at_once(screen: Screen) -> None:
    async with screen(pending(), (80, 24), machine="orders") as user:
        user.press("R", "home", ".", ".")
        await user.sees("▾ Source")
        user.press("enter")
        await user.sees("▸ Source")
        user.click_on("▾ Waits")
        await user.sees("▸ Waits (2)")
        await user.not_sees("whenTime")
        user.press(".")
        await user.sees("▸ Waits (1)")
        user.press("E")
        await user.sees("▸ State contexts", "▸ Pipes out")
        user.press("E")
        await user.sees("whenTime Paid:9", "▾ Pipes out")


async def test_links_in_an_entry_can_be_clicked(screen: Screen) -> None:
    async with screen(pending(), (200, 60), machine="orders") as user:
        user.press("home", ".", ".")
        await user.sees("whenTime Paid:9")
        x, y = user.find("by Go")
        user.click(x + 4, y)
        await user.sees("mach://gateway/#2")
        user.press("[")
        await user.sees("mach://orders/#2", "Paid:9")
        x, y = user.find("Paid:9")
        user.click(x + 1, y)
        await user.sees("selected Paid", "mach://orders/#2")


async def test_the_mouse_shows_the_reader_from_titles_and_toolbar(screen: Screen) -> None:
    async with screen(pending(), (120, 40), machine="orders") as user:
        user.click_on("[ ] reader")
        await user.sees("Reader #", "[x] reader")
        user.click_on("[x] reader")
        await user.not_sees("Reader #")
        user.click_on("Reader ─")
        await user.sees("┏━ Reader #")


async def test_in_a_narrow_window_the_reader_shares_its_place(screen: Screen) -> None:
    async with screen(pending(), (80, 24), machine="orders") as user:
        user.click_on("Reader ─")
        await user.sees("┏━ Log  Matrix  Rain  Reader #")
        user.click_on("Log  Matrix")
        await user.sees("┏━ Log changes")
        user.press("R")
        await user.sees("┏━ Log  Matrix  Rain  Reader #")
        user.resize(120, 40)
        await user.sees("Log changes", "┏━ Reader #")
