"""Why a state did not become active, asked on the screen."""

from __future__ import annotations

import pytest

from am_telemetry.facts import SchemaFact, StateFact, StepFact
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen

SECOND = 1_000_000_000


def syncing() -> MemoryRecording:
    """Connected goes in #2, so that Syncing is refused in #3; a minute later nothing of it is to be seen any more."""
    recording = MemoryRecording()
    schema = SchemaFact((StateFact("Connected"), StateFact("Syncing", require=("Connected",)), StateFact("Idle")))
    orders = recording.machine("orders", schema, at_ns=START_NS)
    orders.add("Connected", at_ns=START_NS)
    orders.remove("Connected", at_ns=START_NS + 10 * SECOND)
    orders.add(
        "Syncing",
        accepted=False,
        canceled_by="relations",
        at_ns=START_NS + 14 * SECOND,
        steps=[
            StepFact("called", target=1),
            StepFact("activate", target=1),
            StepFact("rel", 1, 0, "require"),
            StepFact("deactivate-passive", source=1),
            StepFact("cancel", target=0),
        ],
    )
    for place in range(20):
        orders.mutate("add" if place % 2 == 0 else "remove", ("Idle",), at_ns=START_NS + (120 + place) * SECOND)
    return recording


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_answer_stands_first(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(syncing(), size=size, machine="orders") as user:
        user.press("tab", "s", "y", "n", "W")
        await user.sees("Why is Syncing not active?")
        await user.matches_snapshot(f"why-{size[0]}x{size[1]}")


async def test_twelve_keys_tell_why_a_state_did_not_become_active_at_a_time(screen: Screen) -> None:
    moment, question = ["@", *"22:13", "enter"], ["tab", *"syn", "W"]
    assert len(moment) + len(question) <= 12
    async with screen(syncing(), machine="orders") as user:
        user.press(*moment)
        await user.sees("#0/23")
        user.press(*question)
        await user.sees("requires Connected", "not active since #2 (4.0 s)")


async def test_enter_goes_to_the_attempt_and_w_explains_what_was_missing(screen: Screen) -> None:
    async with screen(syncing(), machine="orders") as user:
        user.press("tab", "s", "y", "n", "W")
        await user.sees("Why is Syncing not active?", "W why Connected?")
        user.press("W")
        await user.sees("Why is Connected not active?", "its removal was asked for")
        user.press("left")
        await user.sees("Why is Syncing not active?")
        user.press("enter")
        await user.not_sees("Why is Syncing")
        await user.sees("mach://orders/#3")
        user.press("[")
        await user.not_sees("mach://orders/#3")


async def test_the_steps_of_an_attempt_are_one_key_away(screen: Screen) -> None:
    async with screen(syncing(), machine="orders") as user:
        user.press("tab", "s", "y", "n", "W")
        await user.sees("Why is Syncing not active?")
        user.press("I")
        await user.sees("Steps of", "missing")


async def test_without_a_selected_state_it_says_what_to_do(screen: Screen) -> None:
    async with screen(syncing(), machine="orders") as user:
        user.press("home", "W")
        await user.sees("Select a state first")


async def test_at_a_refused_transition_the_state_it_was_for_is_explained(screen: Screen) -> None:
    """Two keys, and no state has to be selected before."""
    async with screen(syncing(), machine="orders") as user:
        user.press("J")
        await user.sees("mach://orders/#3")
        user.press("W")
        await user.sees("Why is Syncing not active?", "requires Connected")
