"""States of something that connects."""

from __future__ import annotations

from am_core.schema import State
from am_core.typed import States

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
