"""States of something that holds several connections at once."""

from __future__ import annotations

from am_core.schemas.schema import State
from am_core.schemas.typed import States


class ConnPoolStates(States):
    """A pool is connected with its first connection and fully connected with its last.

    To be combined with states that define ``Start``.
    """

    ErrConnecting = State(require=["Exception"])
    Disconnected = State(remove=["Connecting", "ConnectedFully", "Disconnecting"])
    Connecting = State(require=["Start"], remove=["Disconnecting"])
    Connected = State(require=["Start"], remove=[Disconnected])
    ConnectedFully = State(require=[Connected], remove=[Disconnected])
    Disconnecting = State(remove=[ConnectedFully, Connected, Connecting])

    class Groups:
        """Named sets of states."""

        Connected = ("Connected", "Disconnected")
