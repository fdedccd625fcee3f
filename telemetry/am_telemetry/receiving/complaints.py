"""Log lines about strangers, few of them however many strangers come."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("am_telemetry.receiving.collector")

INTERVAL_S = 10.0


class Complaints:
    """Writes the first complaint of a kind at once, and those of the next seconds together. Used by one thread."""

    def __init__(self) -> None:
        self._quiet_until: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}
        self.total = 0
        """Complaints so far."""

    def about(self, who: str, what: str) -> None:
        """Complain.

        Args:
            who: the address of the stranger.
            what: what is wrong; complaints with the same text are of one kind.
        """
        self.total += 1
        now = time.monotonic()
        kind = what[:100]
        if now < self._quiet_until.get(kind, 0.0):
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return
        if len(self._quiet_until) > 100:
            self._quiet_until.clear()
        self._quiet_until[kind] = now + INTERVAL_S
        more = self._suppressed.pop(kind, 0)
        also = f" (and {more:,} more like this before)" if more else ""
        logger.warning("%s was sent away: %s%s", who, what, also)
