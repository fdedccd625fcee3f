"""Tasks are begun with the list of machines focused and the cursor at the end, as a script says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from am_dbg.remote.terminal import ColorSystem
from tests.support.memory_index import MemoryIndex
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.usability.participant import Participant
from tests.ui.usability.systems import forty_machines

Task = Callable[..., AbstractAsyncContextManager[Participant]]

AT_ANY_SIZE = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
WITH_OR_WITHOUT_COLOR = pytest.mark.parametrize("colors", ["truecolor", "none"])


@pytest.fixture
def task(screen: Screen, record_property: Callable[[str, object], None]) -> Task:
    """``async with task(12, machine="orders") as person``: a task for which 12 keys have to do."""

    @asynccontextmanager
    async def begun(
        most: int,
        recording: MemoryRecording | None = None,
        *,
        machine: str = "",
        at: str = "end",
        size: tuple[int, int] = (120, 40),
        colors: ColorSystem = "truecolor",
        live: bool = False,
    ) -> AsyncIterator[Participant]:
        recording = recording or forty_machines()
        async with screen(
            recording, size, machine=machine, color_system=colors, live=live, open_index=lambda: MemoryIndex(recording)
        ) as user:
            person = Participant(user, most)
            await person.prepare(at)
            yield person
            record_property("keys", f"{person.used} of {most}")

    return begun
