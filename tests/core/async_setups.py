"""What the tests of coroutines share: a loop that takes no complaints, waiting on it, notes of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a loop; tasks that complain of something fail it."""
    complaints: list[object] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await asyncio.wait_for(main(), 30)

    asyncio.run(watched())
    assert complaints == []


@asynccontextmanager
async def eventually(condition: Callable[[], object]) -> AsyncIterator[None]:
    """Wait for a condition before the block."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
    yield


class Notes:
    """What coroutines have gone through."""

    def __init__(self) -> None:
        self.all: list[str] = []

    async def sleep(self, name: str, seconds: float = 60) -> None:
        """Wait, and note the beginning and the end of that."""
        self.all.append(f"{name} begins")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.all.append(f"{name} canceled")
            raise
        self.all.append(f"{name} ends")
