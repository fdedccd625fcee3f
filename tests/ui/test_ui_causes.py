"""The tree of causes, seen on the screen."""

from __future__ import annotations

import pytest

from tests.ui.conftest import Screen
from tests.viewmodels.test_causes import relay


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_causes_stand_above_and_effects_below(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(relay(), size=size, machine="billing") as user:
        user.press("C")
        await user.sees("Causes and effects of billing #1", "▶ here")
        await user.matches_snapshot(f"causes-{size[0]}x{size[1]}")


async def test_three_keys_lead_to_the_first_cause_three_machines_away_and_one_back(screen: Screen) -> None:
    async with screen(relay(), machine="billing") as user:
        await user.sees("mach://billing/#1")
        user.press("C", "home", "enter")
        await user.sees("mach://gateway/#1")
        user.press("[")
        await user.sees("mach://billing/#1")


async def test_the_direct_cause_has_a_key_of_its_own(screen: Screen) -> None:
    async with screen(relay(), machine="billing") as user:
        await user.sees("mach://billing/#1")
        user.press('"')
        await user.sees("mach://orders/#1")
        user.press("C")
        await user.sees("▶ here")
        user.press("C")
        await user.sees("mach://edge/#1")
