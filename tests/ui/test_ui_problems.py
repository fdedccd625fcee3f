"""The list of problems, seen on the screen."""

from __future__ import annotations

import pytest

from am_telemetry.facts import ErrorFact
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen

SECOND = 1_000_000_000


def troubled() -> MemoryRecording:
    """An error on billing, a refusal and a hole on orders, in this order of time."""
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Exception", "Ready", "Start"])
    billing = recording.machine("billing", ["Exception", "Ready"])
    recording.machine("audit", ["Ready"]).add("Ready", at_ns=START_NS)
    orders.add("Start", at_ns=START_NS)
    orders.add("Ready", accepted=False, canceled_by="ReadyEnter", at_ns=START_NS + SECOND)
    orders.lose(12)
    orders.add("Ready", at_ns=START_NS + 2 * SECOND)
    billing.add("Ready", at_ns=START_NS + SECOND)
    billing.add(
        "Exception",
        error=ErrorFact("ValueError", "no card [red]\x1b[31m", '  File "shop.py", line 41'),
        at_ns=START_NS + 3 * SECOND,
    )
    return recording


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_newest_problem_of_all_machines_stands_on_top(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(troubled(), size=size) as user:
        user.press("!")
        await user.sees("Problems", "ValueError: no card")
        await user.matches_snapshot(f"problems-{size[0]}x{size[1]}")


async def test_two_keys_lead_to_the_latest_error_of_the_whole_system(screen: Screen) -> None:
    async with screen(troubled(), machine="audit") as user:
        user.press("!").press("enter")
        await user.not_sees("Problems 3")
        await user.sees("mach://billing/#2")
        user.press("[")
        await user.sees("mach://audit")


async def test_kinds_and_one_machine_are_chosen_by_letters(screen: Screen) -> None:
    async with screen(troubled(), machine="orders") as user:
        user.press("!")
        await user.sees("Problems 3")
        user.press("e")
        await user.sees("Problems 2")
        await user.not_sees("no card")
        user.press("m", "c")
        await user.sees("Problems 1", "12 transitions before this one are missing")
        user.press("l")
        await user.sees("Nothing is asked for")


async def test_a_click_on_a_row_goes_there_and_one_on_a_kind_leaves_it_out(screen: Screen) -> None:
    async with screen(troubled()) as user:
        user.press("!")
        await user.sees("Problems 3")
        user.click_on("canceled  ")
        await user.sees("Problems 2")
        user.click_on("12 transitions before")
        await user.sees("mach://orders/#3")


async def test_new_problems_appear_while_the_list_is_open(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("orders", ["Exception", "Ready"])
    machine.add("Ready")
    async with screen(recording, live=True) as user:
        user.press("!")
        await user.sees("Nothing went wrong on any machine so far.")
        machine.add("Exception", error=ErrorFact("KeyError", "'card'"))
        await user.sees("Problems 1", "KeyError: 'card'")
