"""Ready-made handlers."""

from __future__ import annotations

from am_core.handling.handlers import Event, Handler
from am_core.machine import Machine


def remove_multi(machine: Machine, state: str) -> Handler:
    """A final handler that removes a state as soon as it was added, for multi states that are mere events.

    To be bound as ``<state>State``. Raises :class:`~am_core.UnknownStateError`.
    """
    machine._called(state)

    def handler(e: Event) -> None:
        e.machine.remove(state)

    return handler
