"""Finding errors, texts, slow handlers and machines."""

from __future__ import annotations

from tests.ui.usability.conftest import AT_ANY_SIZE, Task
from tests.ui.usability.systems import many_machines


@AT_ANY_SIZE
async def test_t2_which_is_the_most_recent_error_of_the_whole_system(task: Task, size: tuple[int, int]) -> None:
    async with task(2, machine="audit", size=size) as person:
        person.press("!", "enter")
        await person.sees("mach://svc-13/#2")
        await person.not_sees("Problems")
        await person.sees("ValueError")


@AT_ANY_SIZE
async def test_t4_which_log_line_is_the_first_that_mentions_a_timeout(task: Task, size: tuple[int, int]) -> None:
    async with task(10, machine="audit", size=size) as person:
        person.press("home").type("/timeout")
        await person.sees("3 transitions with this text")
        person.press("enter")
        await person.sees("mach://router/#2", "hit 1 of 3 for timeout", "peer timeout after 5 s")


@AT_ANY_SIZE
async def test_t11_which_handler_takes_more_than_50_ms(task: Task, size: tuple[int, int]) -> None:
    async with task(10, machine="audit", size=size) as person:
        person.type("/dur>50ms").press("enter")
        await person.sees("2 transitions match")
        assert "BusyState 58 ms" in person.row_with("svc-5", "#2", "60 ms")
        assert "ReadyEnter 178 ms" in person.row_with("svc-6", "#2", "180 ms")


@AT_ANY_SIZE
async def test_e7_where_is_ps_2_among_5000_machines(task: Task, size: tuple[int, int]) -> None:
    async with task(6, many_machines(), machine="ps-2500", size=size) as person:
        person.type("ps-2").press("enter")
        await person.sees("mach://ps-2/#1")
