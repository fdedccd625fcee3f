"""How much may be sent now: the hub's credit and its requests to pause. For the sender thread only."""

from __future__ import annotations

import time
from typing import Final

POLL: Final = 0.02
"""Seconds from one look into the ring to the next."""
LONGEST_PAUSE: Final = 60.0
"""Seconds of silence that a hub may ask for at once."""


class Pacing:
    """Of one connection."""

    def __init__(self, credit: int) -> None:
        self._credit: int | None = credit or None
        """Bytes; None for any number."""
        self._quiet_until = 0.0

    def add(self, count: int) -> None:
        """The hub has granted further bytes."""
        if self._credit is not None:
            self._credit += count

    def pause(self, milliseconds: int) -> None:
        """The hub wants to hear nothing for a while."""
        self._quiet_until = time.monotonic() + min(milliseconds / 1000, LONGEST_PAUSE)

    @property
    def paused(self) -> bool:
        """Whether nothing should be sent now, unless the program is about to end."""
        return time.monotonic() < self._quiet_until

    def permits(self, size: int, *, alone: bool) -> bool:
        """Whether a frame may be sent.

        Args:
            size: of the frame, bytes.
            alone: nothing else is under way. Then it may be larger than all credit there is, or it could never be sent.
        """
        return self._credit is None or size <= self._credit or alone

    def spend(self, size: int) -> None:
        """A frame was sent."""
        if self._credit is not None:
            self._credit -= size


def interval(in_flight: int) -> float:
    """Seconds to the next look into the ring.

    A hub that is busy answers late. It is sent fewer and larger batches then, because it is the number of messages that
    keeps a hub with many programs busy.

    Args:
        in_flight: batches that were not acknowledged.
    """
    return POLL * min(max(1, in_flight), 5)
