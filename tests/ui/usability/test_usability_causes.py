"""Why something happened or not, and who began it."""

from __future__ import annotations

from am_dbg.remote.terminal import ColorSystem
from tests.ui.usability.conftest import AT_ANY_SIZE, WITH_OR_WITHOUT_COLOR, Task
from tests.ui.usability.systems import related


@AT_ANY_SIZE
@WITH_OR_WITHOUT_COLOR
async def test_t1_at_12_03_syncing_was_asked_for_in_vain_on_orders_why(
    task: Task, size: tuple[int, int], colors: ColorSystem
) -> None:
    async with task(12, machine="orders", size=size, colors=colors) as person:
        person.type("@12:03").press("enter")
        await person.sees("#3/7")
        person.press("tab").type("syn").press("W")
        await person.sees("Why is Syncing not active?", "requires Connected", "not active since #3 (24 s)")


@AT_ANY_SIZE
async def test_t3_who_is_the_first_cause_three_machines_away(task: Task, size: tuple[int, int]) -> None:
    async with task(4, machine="billing", size=size) as person:
        await person.sees("mach://billing/#2")
        person.press("C")
        await person.sees("Causes and effects of billing #2")
        assert "add Ready" in person.row_with("router #3", "12:07:00")
        person.press("home", "enter")
        await person.sees("mach://router/#3")
        person.press("[")
        await person.sees("mach://billing/#2")


@AT_ANY_SIZE
@WITH_OR_WITHOUT_COLOR
async def test_t12_how_did_relations_decide_transition_97_of_12_steps(
    task: Task, size: tuple[int, int], colors: ColorSystem
) -> None:
    async with task(1, related(), size=size, colors=colors) as person:
        await person.prepare("left")
        await person.sees("#97/98")
        person.press("I")
        await person.sees("Steps of #97", "12/12", "Account is missing: call refused")
        assert "Remove" in person.row_with("Online", "Offline", "has to give way")
        assert "Remove" in person.row_with("Online", "Cached", "has to give way")
        assert "Require" in person.row_with("Billed", "Account", "missing", "relation")
