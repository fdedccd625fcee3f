"""Looking at machines now and then, for what no hook tells. For the sender thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from am_telemetry.sending.ring import Traced

PERIOD: Final = 0.1
"""Shortest time between two looks at one machine, seconds."""
PORTION: Final = 500
"""Machines looked at in one round, so that many of them cost no more than their share."""

logger = logging.getLogger("am_telemetry")


class Lookout:
    """Visits every traced machine in turn.

    Args:
        tracers: all of the moment.
    """

    def __init__(self, tracers: Callable[[], Iterable[Traced]]) -> None:
        self._tracers = tracers
        self._left: list[Traced] = []
        self._next = 0.0

    def look(self) -> None:
        """Visit the next machines, when it is time."""
        left = self._left
        if not left:
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + PERIOD
            self._left = left = list(self._tracers())
        now_ns = time.monotonic_ns()
        for _ in range(min(PORTION, len(left))):
            tracer = left.pop()
            try:
                tracer.glance(now_ns)
            except Exception:
                logger.debug("machine %r could not be looked at", tracer.track.id, exc_info=True)
