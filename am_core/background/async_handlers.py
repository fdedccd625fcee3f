"""Final handlers that are coroutine functions: each call becomes a task that lasts no longer than its state."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from am_core.background.pool import start
from am_core.handling.handlers import Event
from am_core.schemas.names import HandlerName

if TYPE_CHECKING:
    from am_core.waiting.contexts import Context

FINAL = ("State", "End", "AnyState")
"""Kinds of handlers that may take their time, since they have no say in the transition."""


def refusal(name: str, meanings: Sequence[HandlerName]) -> str:
    """Why a coroutine function cannot be this handler; empty when it can."""
    if all(meaning.kind in FINAL for meaning in meanings):
        return ""
    return (
        f"handler {name} is a coroutine function, but it has to answer before the transition goes on; make it a plain "
        "function, or do the work in the State or End handler, which may be a coroutine function"
    )


def task_handler(fn: Callable[[Event], Coroutine[Any, Any, Any]], name: str, kind: str) -> Callable[[Event], None]:
    """A plain handler that starts a coroutine function as a task, and returns at once.

    The task of a ``State`` handler is canceled when its state's tick changes, those of others when the machine ends.
    What it raises is added to the machine as an error with the handler's transition as its source.
    """
    state = name.removesuffix("State") if kind == "State" else ""

    def handle(e: Event) -> None:
        machine = e.machine
        ctx: Context = machine.state_ctx(state) if state else machine.ctx
        # Other bindings get the same event after this one.
        mine = e.clone()
        mine.binding = e.binding
        start(machine, fn, (mine,), ctx, mine)

    handle.__name__ = handle.__qualname__ = getattr(fn, "__qualname__", name)
    # For whoever inspects handlers; the rest of the function stays its own.
    return update_wrapper(handle, fn, assigned=(), updated=())
