"""What a peer may send at most. Both sides know the limits: clients stay below them, hubs refuse what exceeds them."""

from __future__ import annotations

from typing import Final

PROTO_VERSION: Final = 1

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Of one gRPC message."""
MAX_ROWS: Final = 65_536
"""Transitions of one batch."""
MAX_ATTACHED: Final = 262_144
"""Log lines of one batch, and every other kind of entry."""
MAX_STATES: Final = 16_384
"""Of one schema."""
MAX_STEPS: Final = 65_536
"""Of one pattern."""
MAX_HANDLES: Final = 262_144
"""Definitions of one kind alive on one connection."""
MAX_CELLS: Final = 4_000_000
"""States of all machines alive on one connection together; a hub keeps an index for each."""
MAX_NAME: Final = 16_384
"""Characters of a machine id, state name, handler name, reason."""
MAX_INT: Final = 2**63 - 1
"""Of every number, so that a database can hold it."""


class WireError(ValueError):
    """A message breaks the protocol. The text says how, in words for the log of either side."""
