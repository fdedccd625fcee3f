"""When to try to reach the hub, and whether there is hope of it when the program ends. For the sender thread only."""

from __future__ import annotations

import random
import time
from typing import Final

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0
LONGEST_LOCAL_PAUSE: Final = 0.25
RECENT: Final = 10.0
"""Seconds for which a hub that was there is expected to come back, although nobody listens."""


class Attempts:
    """Pauses between attempts double, with jitter, until one succeeds.

    Args:
        local: whether the hub is on this computer, where an attempt costs next to nothing.
    """

    def __init__(self, *, local: bool) -> None:
        self._longest = LONGEST_LOCAL_PAUSE if local else LONGEST_PAUSE
        self._pause = FIRST_PAUSE
        self._next = 0.0
        self._absent = False
        self._gone_at = float("-inf")
        self._hurried = False

    def due(self, hurry: bool) -> bool:
        """Whether it is time for an attempt.

        Args:
            hurry: the program is ending: one attempt is due at once, and further ones after short pauses.
        """
        if hurry and not self._hurried:
            self._hurried = True
            self._longest = self._pause = FIRST_PAUSE
            self._next = 0.0
        return time.monotonic() >= self._next

    def welcomed(self) -> None:
        """The hub has taken the session in."""
        self._pause = FIRST_PAUSE
        self._absent = False

    def failed(self, *, absent: bool) -> None:
        """An attempt did not get as far as a welcome.

        Args:
            absent: nobody listens, or nobody who could be talked to.
        """
        self._absent = absent
        self._postpone()

    def lost(self) -> None:
        """A connection has broken."""
        self._gone_at = time.monotonic()
        self._postpone()

    def hold_off(self, milliseconds: int) -> None:
        """The hub does not want to be asked again sooner."""
        self._next = max(self._next, time.monotonic() + milliseconds / 1000)

    @property
    def hopeless(self) -> bool:
        """Whether waiting until the end of a time limit would be in vain, as far as one can know."""
        return self._absent and time.monotonic() - self._gone_at > RECENT

    def _postpone(self) -> None:
        self._next = time.monotonic() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, no secret
        self._pause = min(self._longest, self._pause * 2)
