"""Keeping an event loop free."""

from __future__ import annotations

from collections.abc import Callable

from am_core.engine.runners import ThreadRunner
from am_core.machine import Machine
from am_core.resolution.mutation import Result


async def off_loop(machine: Machine, mutate: Callable[[], Result]) -> Result:
    """Mutate without blocking the loop: where handlers have a thread of their own, the caller would wait for them."""
    if not isinstance(machine._runner, ThreadRunner):
        return mutate()
    from asyncio import to_thread

    return await to_thread(mutate)
