"""Filters, seen on the screen."""

from __future__ import annotations

from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen


def refusals() -> MemoryRecording:
    """37 refused transitions that were asked for, 5 automatic ones, 20 accepted ones."""
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Ready", "Busy"])
    for _ in range(37):
        orders.add("Ready", accepted=False)
    for _ in range(5):
        orders.mutate("add", ("Busy",), accepted=False, auto=True)
    for _ in range(10):
        orders.add("Busy")
        orders.remove("Busy")
    return recording


async def test_five_keys_leave_only_refused_transitions_that_were_asked_for(screen: Screen) -> None:
    """And one more brings everything back, one more the filters."""
    async with screen(refusals()) as user:
        user.press("F", "c", "c", "a")
        await user.sees("what matches a query", "(1/37 visible)")
        user.press("escape")
        await user.not_sees("what matches a query")  # else Esc and the next key are Alt with that key
        await user.sees("(1/37 visible)", "[only] canceled")
        user.press("=")
        await user.sees("all transitions are shown")
        user.press("=")
        await user.sees("filters are as before", "(1/37 visible)")


async def test_a_click_on_the_toolbar_ends_only(screen: Screen) -> None:
    async with screen(refusals()) as user:
        user.press("F", "c", "c", "escape")
        await user.sees("[only] canceled")
        await user.not_sees("what matches a query")  # the toolbar cannot be clicked behind the dialog
        user.click_on("[only] canceled")
        await user.sees("[x] canceled")
