"""Pauses and intervals that end with a context: for threads, and as coroutines whose names begin with ``a``."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from time import monotonic, sleep

from am_core.waiting.contexts import Context


def pause(seconds: float, ctx: Context | None = None) -> bool:
    """Block this thread for a while; False when the context expired before that was over."""
    if ctx is None:
        sleep(seconds)
        return True
    return not ctx.wait(seconds)


async def apause(seconds: float, ctx: Context | None = None) -> bool:
    """:func:`pause` for coroutines."""
    import asyncio

    if ctx is None:
        await asyncio.sleep(seconds)
        return True
    try:
        async with asyncio.timeout(seconds):
            await ctx
    except TimeoutError:
        return not ctx.expired
    return False


def interval(every: float, fn: Callable[[], object], *, total: float | None = None, ctx: Context | None = None) -> bool:
    """Call a function every so many seconds, on this thread, until it returns False or ``total`` seconds are over.

    The first call is after the first interval. A call that takes longer than the interval delays the next one, and
    none is made up for. Returns False when the context ended it.
    """
    start = now = monotonic()
    due = start + every
    while total is None or due <= start + total:
        if not pause(max(0.0, due - now), ctx):
            return False
        if fn() is False:
            return True
        now = monotonic()
        due = max(due + every, now)
    return True


async def ainterval(
    every: float, fn: Callable[[], object], *, total: float | None = None, ctx: Context | None = None
) -> bool:
    """:func:`interval` for coroutines. What the function returns is awaited when it can be."""
    start = now = monotonic()
    due = start + every
    while total is None or due <= start + total:
        if not await apause(max(0.0, due - now), ctx):
            return False
        outcome = fn()
        if isawaitable(outcome):
            outcome = await outcome
        if outcome is False:
            return True
        now = monotonic()
        due = max(due + every, now)
    return True
