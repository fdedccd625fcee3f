"""Finding names and texts, seen on the screen."""

from __future__ import annotations

import pytest

from am_telemetry.facts import ErrorFact, LogFact
from tests.support.memory_index import MemoryIndex
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen

SECOND = 1_000_000_000


def logged() -> MemoryRecording:
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Exception", "Ready", "Start", "TimedOut"])
    billing = recording.machine("billing", ["Exception", "Ready"])
    orders.add("Start", at_ns=START_NS)
    billing.add("Ready", at_ns=START_NS + SECOND, logs=[LogFact(2, "[extern] card timeout [b]\x1b[2J")])
    billing.add("Exception", at_ns=START_NS + 2 * SECOND, error=ErrorFact("OSError", "timeout of the bank"))
    orders.add("Ready", at_ns=START_NS + 3 * SECOND, logs=[LogFact(2, "after many words of no use: no more timeouts")])
    return recording


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_texts_are_listed_with_the_line_they_are_in(screen: Screen, size: tuple[int, int]) -> None:
    recording = logged()
    async with screen(recording, size=size, open_index=lambda: MemoryIndex(recording)) as user:
        user.type("/timeout")
        await user.sees("3 transitions with this text")
        await user.matches_snapshot(f"find-{size[0]}x{size[1]}")


async def test_slash_a_word_and_enter_lead_to_the_first_place_and_brackets_to_the_others(screen: Screen) -> None:
    recording = logged()
    async with screen(recording, machine="orders", open_index=lambda: MemoryIndex(recording)) as user:
        user.type("/timeout\r")
        await user.sees("mach://billing/#1")
        user.press(")")
        await user.sees("mach://billing/#2", "hit 2 of 3 for timeout")
        user.press(")")
        await user.sees("mach://orders/#2")
        user.press("(")
        await user.sees("mach://billing/#2")


async def test_names_come_before_texts(screen: Screen) -> None:
    recording = logged()
    async with screen(recording, machine="orders", open_index=lambda: MemoryIndex(recording)) as user:
        user.type("/timedout\r")
        await user.until("the state is selected", lambda: user.app.session.state == "TimedOut")


async def test_what_is_nowhere_is_said_to_be_nowhere(screen: Screen) -> None:
    recording = logged()
    async with screen(recording, open_index=lambda: MemoryIndex(recording)) as user:
        user.type("/zebra\r")
        await user.sees("in no text", "nothing matches")
        user.press("escape")
        await user.not_sees("in no text")


async def test_the_index_of_a_session_file_is_closed_with_the_app(screen: Screen) -> None:
    recording = logged()
    index = MemoryIndex(recording)
    async with screen(recording, open_index=lambda: index) as user:
        user.type("/timeout")
        await user.sees("3 transitions")
    assert index.closed
