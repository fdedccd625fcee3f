"""States and handlers for machines that have something to clean up before they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from am_core.engine.drain import wait_idle
from am_core.errors import InvalidArgs
from am_core.handling.handlers import UNSET, Event
from am_core.machine import Machine
from am_core.resolution.mutation import EXECUTED, Result
from am_core.schemas.schema import State
from am_core.schemas.typed import States
from am_core.waiting.contexts import Context

Disposal = Callable[[Machine, Context], object]
"""Cleans up something for a machine that is about to end, while a context lasts."""
DISPOSAL_HANDLER: Final = "DisposedArgHandler"
"""Argument of ``RegisterDisposal`` that holds a :data:`Disposal`."""


class DisposedStates(States):
    """The way to the end: ``Disposing`` cleans up, ``Disposed`` disposes the machine.

    To be combined with states that define ``Start``, and with :class:`DisposedHandlers`.
    """

    RegisterDisposal = State(multi=True)
    Disposing = State(remove=["Start", "Exception"])
    Disposed = State(remove=["Start", "Exception", Disposing])


class DisposedHandlers:
    """Handlers of :class:`DisposedStates`, as a base for handler classes or bound on their own.

    Functions given with ``RegisterDisposal`` are called one after another, with the machine and the context of
    ``Disposing``, on a thread of their own while ``Disposing`` is active; then ``Disposed`` follows. Removing
    ``Disposing`` stops that after the function that is running; adding it again goes on with the next one. What a
    function raises is kept in ``Machine.internal_errors``, and the others are still called.
    """

    def RegisterDisposalEnter(self, e: Event) -> bool:
        """Needs a function; adds :class:`InvalidArgs` without one."""
        handler = e.args.get(DISPOSAL_HANDLER)
        if callable(handler):
            return True
        if not e.is_check:
            e.machine.add_err(
                InvalidArgs(f"RegisterDisposal needs a function as {DISPOSAL_HANDLER}, got {handler!r}"), event=e
            )
        return False

    def RegisterDisposalState(self, e: Event) -> None:
        """Keep the function for later."""
        self._disposals(e.machine).append(e.args[DISPOSAL_HANDLER])

    def DisposingState(self, e: Event) -> None:
        """Start cleaning up in the background."""
        ctx = e.machine.state_ctx(DisposedStates.Disposing)
        name = f"am-disposing-{e.machine.id}"
        threading.Thread(target=self._clean_up, args=(e, ctx), name=name, daemon=True).start()

    def DisposedState(self, e: Event) -> None:
        """End the machine."""
        e.machine.dispose()

    def _clean_up(self, e: Event, ctx: Context) -> None:
        machine = e.machine
        waiting = self._disposals(machine)
        while not ctx.expired:
            # More may be registered meanwhile, and may still be in the queue when the last function returns.
            if not waiting:
                wait_idle(machine, machine.dispose_timeout)
            if not waiting:
                machine.add(DisposedStates.Disposed, event=e)
                return
            machine._guarded(waiting.pop(0), machine, ctx)

    def _disposals(self, machine: Machine) -> list[Disposal]:
        # Made on first use, so that classes with this base need not call its constructor.
        by_machine: WeakKeyDictionary[Machine, list[Disposal]] = self.__dict__.setdefault(
            "_registered_disposals", WeakKeyDictionary()
        )
        return by_machine.setdefault(machine, [])


def dispose_bind(machine: Machine, disposal: Disposal, *, event: Event | None = UNSET) -> Result:
    """Have a function called before the machine ends: by its disposal states where it has them, else as it ends.

    It gets the machine, and a context that lasts as long as cleaning up is wanted.
    """
    if _handles(machine, DisposedStates.RegisterDisposal):
        args: dict[str, Any] = {DISPOSAL_HANDLER: disposal}
        return machine.add(DisposedStates.RegisterDisposal, args, event=event)
    machine.on_dispose(disposal)
    return EXECUTED


def dispose(machine: Machine, *, event: Event | None = UNSET) -> Result:
    """End a machine in the background, by its disposal states where it has them. Refused only by its own handlers."""
    if _handles(machine, DisposedStates.Disposing):
        return machine.add(DisposedStates.Disposing, event=event)
    machine.dispose()
    return EXECUTED


def _handles(machine: Machine, state: str) -> bool:
    """Whether the state has a final handler; the states alone, without the handlers, would do nothing."""
    return machine.has(state) and any(state + "State" in binding.handlers for binding in machine._table.bindings)
