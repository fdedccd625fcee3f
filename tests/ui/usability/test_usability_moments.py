"""Moments: one that a link names, two that differ, and one of several machines."""

from __future__ import annotations

from tests.ui.usability.conftest import AT_ANY_SIZE, Task


@AT_ANY_SIZE
async def test_t5_open_a_link_and_tell_the_active_states(task: Task, size: tuple[int, int]) -> None:
    async with task(2, machine="svc-9", size=size) as person:
        person.paste("mach://orders/#5?state=Connected&filter=canceled")
        await person.sees("mach://orders/#5")
        if size[0] < 100:
            person.press("tab")
        await person.sees("● Connected", "● Start", "○ Syncing", "selected Connected", "4/6 visible")


@AT_ANY_SIZE
async def test_t5_a_link_to_a_machine_that_is_not_there_says_so_and_moves_nothing(
    task: Task, size: tuple[int, int]
) -> None:
    async with task(1, machine="orders", size=size) as person:
        person.paste("mach://bilingual/#5")
        await person.sees("there is no machine 'bilingual' here", "mach://orders/#7")


@AT_ANY_SIZE
async def test_t6_what_is_different_on_orders_between_12_03_and_12_05(task: Task, size: tuple[int, int]) -> None:
    async with task(16, machine="orders", size=size) as person:
        person.type("@12:03").press("enter")
        await person.sees("#3/7")
        person.press("M").type("@12:05").press("enter")
        await person.sees("#6/7")
        person.press("D")
        await person.sees("Active in one of them only 2", "Queue 0 → 3 waiting", "Pending in one of them only 2")
        await person.sees("+ Connected", "+ Idle", "+ when Ready", "+ pipe audit")


@AT_ANY_SIZE
async def test_t7_which_of_three_machines_are_ready_at_the_cursor(task: Task, size: tuple[int, int]) -> None:
    async with task(6, machine="audit", size=size) as person:
        person.press("*", "down", "*", "down", "*", "A")
        await person.sees("Pinned 3 · all at 12:07:01", "Lanes 3 pinned machines · audit #2 at 12:07:01")
        panel = {line.strip("│▸● ").split()[0]: line for line in person.user.terminal.lines[2:5]}
        ready = {name for name, line in panel.items() if "Ready" in line.split("#")[0]}
        assert set(panel) == {"audit", "billing", "orders"}
        assert ready == {"audit", "orders"}
        await person.prepare("escape", "ctrl+down", "ctrl+up")
        await person.sees("Pinned 3 · all at 12:07:01", "mach://audit/#2")
