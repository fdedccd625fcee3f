"""Pinned machines side by side, seen on the screen."""

from __future__ import annotations

import pytest

from am_dbg.session import Session
from am_dbg.session.pins import pinned_runs
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import hostile
from tests.ui.terminal_user import User

SECOND = 1_000_000_000


def trio() -> MemoryRecording:
    """Three machines; ``b`` is refused something, ``c`` acts after the others."""
    recording = MemoryRecording()
    a, b, c = (recording.machine(name, ["Exception", "Start", "Ready", "Busy"]) for name in ("a", "b", "c"))
    a.add("Start", at_ns=START_NS)
    b.add("Start", at_ns=START_NS + SECOND)
    a.add("Ready", also_remove=("Start",), at_ns=START_NS + 2 * SECOND)
    b.add("Busy", accepted=False, canceled_by="BusyEnter", at_ns=START_NS + 3 * SECOND)
    c.add("Busy", at_ns=START_NS + 5 * SECOND)
    a.add("Busy", at_ns=START_NS + 6 * SECOND)
    return recording


def line(user: User, name: str) -> str:
    """The row of a machine in the panel, which is as wide as the screen."""
    return next((text for text in user.terminal.lines[:8] if f"● {name} " in text), "")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_five_keys_put_three_machines_side_by_side(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(trio(), size=size) as user:
        user.press("end").press("*", "down", "*", "down", "*")
        await user.sees("Pinned 3")
        assert "✕ 3.0 s ago" in line(user, "b")
        assert "+Busy" in line(user, "c")
        await user.matches_snapshot(f"pinned-{size[0]}x{size[1]}")


async def test_all_of_them_show_the_moment_of_the_cursor(screen: Screen) -> None:
    async with screen(trio()) as user:
        user.press("*", "down", "*", "down", "*").press("end", "left")
        await user.sees("22:13:22")
        await user.until("a to be before Busy", lambda: "+Ready" in line(user, "a") and "−Start" in line(user, "a"))
        assert "nothing yet" in line(user, "c")
        assert "#1 add Start ✓ 1.0 s ago" in line(user, "b")


async def test_a_click_on_a_row_selects_the_machine_at_the_same_moment(screen: Screen) -> None:
    async with screen(trio()) as user:
        user.press("*", "down", "*").press("end")
        await user.sees("Pinned 2")
        x, y = user.find("● b")
        user.click(x + 2, y)
        await user.sees("mach://b/#2")
        user.click_on("#3 add Busy")
        await user.sees("mach://a/#3")


async def test_the_panel_takes_the_focus_and_a_star_releases_its_row(screen: Screen) -> None:
    async with screen(trio()) as user:
        user.press("*", "down", "*")
        await user.sees("Pinned 2")
        user.press("shift+tab")
        await user.sees("* release")
        user.press("down", "enter")
        await user.sees("mach://b")
        user.press("*")
        await user.sees("Pinned 1")
        user.press("up", "*")
        await user.not_sees("Pinned")
        user.press("right")
        await user.sees("#1/2")


async def test_hostile_names_stay_text(screen: Screen) -> None:
    async with screen(hostile()) as user:
        user.press("*", "down", "*", "down", "*", "end")
        await user.sees("Pinned 3", "[red]danger[/red]")


def test_of_several_runs_the_one_of_the_moment_is_shown() -> None:
    recording = MemoryRecording()
    first = recording.machine("a", ["A"])
    first.add("A", at_ns=START_NS)
    first.end()
    recording.machine("other", ["A"]).add("A", at_ns=START_NS + SECOND)
    session = Session(recording, live=False)
    session.toggle_pin(session.runs("a")[0].id)
    session.select_machine(session.runs("other")[0].id)
    assert pinned_runs(session) == [session.runs("a")[0].id]
