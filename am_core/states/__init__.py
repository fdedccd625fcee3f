"""Ready-made sets of states to build on, as classes of typed states, and the handlers that belong to some of them."""

from am_core.states.basic import BasicStates
from am_core.states.connected import ConnectedStates, ConnectingError, add_err_connecting
from am_core.states.disposed import DISPOSAL_HANDLER, DisposedHandlers, DisposedStates, dispose, dispose_bind
from am_core.states.pool import ConnPoolStates

__all__ = [
    "DISPOSAL_HANDLER",
    "BasicStates",
    "ConnPoolStates",
    "ConnectedStates",
    "ConnectingError",
    "DisposedHandlers",
    "DisposedStates",
    "add_err_connecting",
    "dispose",
    "dispose_bind",
]
