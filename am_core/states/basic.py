"""States that nearly every machine has."""

from __future__ import annotations

from am_core.schemas.schema import State
from am_core.schemas.typed import States


class BasicStates(States):
    """Starting, being ready, errors, and signs of life."""

    ErrNetwork = State(multi=True, add=["Exception"], require=["Exception"])
    ErrHandlerTimeout = State(multi=True, add=["Exception"], require=["Exception"])
    Start = State()
    Ready = State(require=["Start"])
    Healthcheck = State(multi=True)
    Heartbeat = State()
