"""Ready-made sets of states to build on, as classes of typed states."""

from am_core.states.basic import BasicStates
from am_core.states.connected import ConnectedStates

__all__ = ["BasicStates", "ConnectedStates"]
