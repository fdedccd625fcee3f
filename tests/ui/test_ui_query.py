"""Queries typed on the screen: listed, gone to, and as a filter."""

from __future__ import annotations

import pytest

from am_telemetry.facts import LogFact
from tests.support.memory_index import MemoryIndex
from tests.support.memory_recording import MILLISECOND, START_NS, MemoryRecording
from tests.ui.conftest import Screen

SECOND = 1_000_000_000


def shop() -> MemoryRecording:
    """Ready of orders is refused twice (#2, #4); billing is slow once (#2), and mentions a timeout (#1)."""
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Exception", "Ready", "Start"])
    billing = recording.machine("billing", ["Exception", "Ready"])
    orders.add("Start", at_ns=START_NS)
    orders.add("Ready", accepted=False, canceled_by="ReadyEnter", at_ns=START_NS + SECOND)
    billing.add("Ready", at_ns=START_NS + 2 * SECOND, logs=[LogFact(2, "[extern] card timeout")])
    billing.remove("Ready", at_ns=START_NS + 3 * SECOND, duration_ns=70 * MILLISECOND, handlers=["ReadyExit"])
    orders.add("Exception", at_ns=START_NS + 4 * SECOND)
    orders.add("Ready", accepted=False, canceled_by="ReadyEnter", at_ns=START_NS + 5 * SECOND)
    return recording


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_matches_is_listed_while_it_is_typed(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(shop(), size=size) as user:
        user.type("Qcanceled & called:Ready")
        await user.sees("2 transitions match")
        await user.matches_snapshot(f"query-{size[0]}x{size[1]}")


async def test_ten_keys_lead_to_the_slow_handler(screen: Screen) -> None:
    keys = "Qdur>50ms\r"
    assert len(keys) <= 10
    async with screen(shop(), machine="orders") as user:
        user.type(keys)
        await user.sees("mach://billing/#2", "hit 1 of 1")


async def test_hits_of_a_query_are_gone_through_with_brackets(screen: Screen) -> None:
    async with screen(shop(), machine="orders") as user:
        user.press("home")
        await user.sees("#0/4")
        user.type("Qcanceled\r")
        await user.sees("mach://orders/#2")
        user.press(")")
        await user.sees("mach://orders/#4")


async def test_a_query_filters_every_machine_until_everything_is_shown(screen: Screen) -> None:
    async with screen(shop(), machine="orders") as user:
        user.type("Qcanceled\t")
        await user.sees("[only] canceled", "/2 visible)")
        user.press("=")
        await user.sees("all transitions are shown")
        await user.not_sees("[only] canceled")
        user.press("=")
        await user.sees("[only] canceled")
        user.click_on("[only] canceled")
        await user.not_sees("[only] canceled")


async def test_the_filter_dialog_leads_to_a_query_and_shows_it(screen: Screen) -> None:
    async with screen(shop(), machine="orders") as user:
        user.press("F")
        await user.sees("what matches a query")
        user.press("/")
        await user.sees("refused, though somebody asked for it")
        user.type("+Start\r")
        await user.sees("[only] +Start", "/1 visible)")
        user.press("F")
        await user.sees("[only] / +Start")


async def test_a_mistake_is_told_with_its_place_while_typing(screen: Screen) -> None:
    async with screen(shop()) as user:
        user.type("Qcanceled & Raedy\r")
        await user.sees("no machine has a state 'Raedy'", "did you mean Ready")
        user.press("escape")
        await user.not_sees("did you mean")


async def test_texts_in_queries_are_looked_up(screen: Screen) -> None:
    recording = shop()
    async with screen(recording, machine="orders", open_index=lambda: MemoryIndex(recording)) as user:
        user.type('Q"timeout" & +Ready\r')
        await user.sees("mach://billing/#1")


async def test_slash_takes_queries_as_well(screen: Screen) -> None:
    async with screen(shop(), machine="orders") as user:
        user.press("home")
        await user.sees("#0/4")
        user.type("/?canceled")
        await user.sees("query: canceled")
        user.press("enter")
        await user.sees("2 transitions match")
        user.press("enter")
        await user.sees("mach://orders/#2")
