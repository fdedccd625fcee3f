"""Showing only what matters."""

from __future__ import annotations

from tests.ui.usability.conftest import AT_ANY_SIZE, Task
from tests.ui.usability.systems import refusals


@AT_ANY_SIZE
async def test_t8_show_only_canceled_transitions_that_were_not_automatic(task: Task, size: tuple[int, int]) -> None:
    async with task(6, refusals(), size=size) as person:
        person.press("F", "c", "c", "a", "escape")
        assert person.used <= 5
        await person.sees(*(("(37/37 visible)", "[only] canceled") if size[0] > 100 else ("#42/82 (37 shown)",)))
        await person.not_sees("log level")
        person.press("=")
        await person.sees("all transitions are shown")
