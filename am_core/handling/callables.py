"""Looking at functions that others hand over."""

from __future__ import annotations

import inspect


def is_async(work: object) -> bool:
    """Whether something is a coroutine, or gives one when it is called."""
    if inspect.iscoroutine(work) or inspect.iscoroutinefunction(work):
        return True
    # The method of an object that can be called.
    return inspect.iscoroutinefunction(vars(type(work)).get("__call__"))


def is_generator(work: object) -> bool:
    """Whether calling something gives a generator, and runs nothing yet."""
    return inspect.isgeneratorfunction(work) or inspect.isasyncgenfunction(work)


def name_of(work: object) -> str:
    """What to call a function or coroutine in messages."""
    return getattr(work, "__qualname__", None) or repr(work)
