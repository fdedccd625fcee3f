"""States that stand for those of submachines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from am_core.errors import HandlerBindError, InvalidArgs
from am_core.handling.handlers import Event
from am_core.machine import Machine
from am_core.resolution.mutation import Result
from am_core.waiting.waiters import Waiter

SUFFIX: Final = "State"


class Nested(NamedTuple):
    """What became of a mutation that was handed on."""

    machine: Machine
    """The submachine."""
    result: Result
    """Its answer."""
    waiter: Waiter | None
    """Done when a queued mutation has been executed; None when it was executed or refused at once."""


def nested_state(event: Event, id_field: str, getter: Callable[[Any], Machine | None]) -> Nested:
    """Add the state of a ``<X>State`` handler to the submachine that an argument names, with all arguments.

    Args:
        event: of the handler that is running.
        id_field: name of the argument.
        getter: finds the submachine by the argument's value.

    Raises:
        HandlerBindError: the event is not one of a ``…State`` handler.
        InvalidArgs: the argument is missing, or there is no such submachine.
        UnknownStateError: the submachine has no such state.
    """
    state = event.name.removesuffix(SUFFIX)
    if event.name in (state, "AnyState"):
        raise HandlerBindError(f"nested_state is for handlers of one state, as in ReadyState, not for {event.name}")
    if id_field not in event.args:
        raise InvalidArgs(f"invalid arguments: {event.name} needs {id_field}, the id of a submachine")
    machine = getter(event.args[id_field])
    if machine is None:
        raise InvalidArgs(f"invalid arguments: there is no submachine for {id_field} {event.args[id_field]!r}")
    result = machine.add(state, event.args, event=event)
    return Nested(machine, result, machine.when_queue(result) if result.queued else None)
