"""Machines out of the list, and back."""

from __future__ import annotations

from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen


def three() -> MemoryRecording:
    recording = MemoryRecording()
    for name in ("audit", "billing", "orders"):
        recording.machine(name, ["Ready"]).add("Ready", at_ns=START_NS)
    recording.builders[1].end()
    return recording


async def test_a_machine_that_is_put_away_comes_back_with_one_key(screen: Screen) -> None:
    async with screen(three(), machine="billing") as user:
        user.press("backspace")
        await user.sees("Machines 2 of 3", "billing is out of the list", "mach://orders")
        user.press("Z")
        await user.sees("Machines 3", "billing is back", "mach://billing")


async def test_the_row_is_put_away_not_the_selected_machine(screen: Screen) -> None:
    async with screen(three(), machine="audit") as user:
        user.press("down", "backspace")
        await user.sees("billing is out of the list", "mach://audit")
        user.press("backspace")
        await user.sees("orders is out of the list")
        user.press("backspace")
        await user.sees("the last machine stays in the list")


async def test_backspace_takes_back_a_typed_letter_first(screen: Screen) -> None:
    async with screen(three(), machine="audit") as user:
        user.type("b")
        await user.sees("b  1/1")
        user.press("backspace")
        await user.settled()
        assert len(user.app.session.order) == 3


async def test_ended_machines_are_left_out_on_request(screen: Screen) -> None:
    async with screen(three(), machine="orders") as user:
        user.press("#")
        await user.sees("Machines 2 of 3")
        await user.not_sees("audit")
        user.press("#")
        await user.sees("audit")


async def test_the_selected_machine_stays_even_if_it_has_ended(screen: Screen) -> None:
    async with screen(three(), machine="audit") as user:
        user.press("#")
        await user.sees("machines that have ended are left out: 1", "Machines 3")
