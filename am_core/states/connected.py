"""States of something that connects."""

from __future__ import annotations

from am_core.engine.submit import Args
from am_core.errors import AmError, is_cancellation
from am_core.handling.handlers import UNSET, Event
from am_core.machine import Machine
from am_core.resolution.mutation import Result
from am_core.schemas.schema import State
from am_core.schemas.typed import States

_GROUP = ("Connecting", "Connected", "Disconnecting", "Disconnected")


class ConnectedStates(States):
    """Exactly one of four states of a connection at a time. To be combined with states that define ``Start``."""

    ErrConnecting = State(require=["Exception"])
    Connecting = State(require=["Start"], remove=_GROUP)
    Connected = State(require=["Start"], remove=_GROUP)
    Disconnecting = State(remove=_GROUP)
    Disconnected = State(auto=True, remove=_GROUP)

    class Groups:
        """Named sets of states."""

        Connected = _GROUP


class ConnectingError(AmError):
    """A connection could not be made or was lost; the original error is the cause."""


def add_err_connecting(
    machine: Machine, error: BaseException | None, args: Args = None, *, event: Event | None = UNSET
) -> Result:
    """Activate ``ErrConnecting`` and ``Exception`` with a :class:`ConnectingError` caused by an error.

    None and cancellations are no errors: Canceled.
    """
    wrapped = error
    if error is not None and not is_cancellation(error):
        wrapped = ConnectingError(f"error connecting: {error}")
        wrapped.__cause__ = error
    return machine.add_err_state(ConnectedStates.ErrConnecting, wrapped, args, event=event)
