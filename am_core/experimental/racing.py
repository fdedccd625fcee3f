"""Contexts against everything else."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from am_core.errors import StateExpired
from am_core.waiting.contexts import Context
from am_core.waiting.signals import call_on_loop

T = TypeVar("T")


async def race_ctx(ctx: Context, work: Awaitable[T]) -> T:
    """What a coroutine, task, future or waiter results in, unless a context expires first.

    The loser is canceled, and waited for. When both happen at once, the work counts.

    Raises:
        StateExpired: the context was first.
        Exception: whatever the work raises.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    stop = ctx.add_done_callback(lambda _: call_on_loop(loop, lambda: task.cancel(str(ctx.err))))
    try:
        return await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        # Somebody else may have canceled the one who waits, or the work; that is not for us to turn into something.
        if task.cancelled() and not (current is not None and current.cancelling()):
            ctx.check()
        raise
    finally:
        stop()


def err_from_ctxs(*contexts: Context) -> StateExpired | None:
    """Why the first of some contexts that has expired did so, or None when all last."""
    return next((ctx.err for ctx in contexts if ctx.expired), None)
