"""Detail on demand: what hubs ask for, as far as the settings permit it. For the sender thread only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from am_telemetry.sending.ring import Traced
from am_telemetry.settings import Settings

LONGEST: Final = 3600
"""Seconds that one request can last."""


class DetailRequests:
    """Raises and lowers how much is told of machines, and puts it back when the time is over.

    Args:
        settings: the level that holds without requests, and the highest one.
        tracers: all of the moment.
    """

    def __init__(self, settings: Settings, tracers: Callable[[], Iterable[Traced]]) -> None:
        self._settings = settings
        self._tracers = tracers
        self._until: dict[int, float] = {}
        """Handle of a machine, 0 for all, to the end of its request, monotonic seconds."""
        self._levels: dict[int, int] = {}
        self._next = float("inf")

    def ask(self, machine: int, level: int, seconds: int) -> int:
        """A hub asks for a level; returns the one that is told now.

        Args:
            machine: its handle; 0 for all machines.
            level: 0 to 3.
            seconds: 0 ends an earlier request.
        """
        level = max(0, min(level, self._settings.max_detail))
        if seconds > 0:
            self._levels[machine] = level
            self._until[machine] = time.monotonic() + min(seconds, LONGEST)
        else:
            self._levels.pop(machine, None)
            self._until.pop(machine, None)
        self._apply(machine)
        return self._level(machine)

    def check(self) -> None:
        """End the requests whose time is over. Cheap when there are none."""
        if not self._until or time.monotonic() < self._next:
            return
        now = time.monotonic()
        for machine in [machine for machine, until in self._until.items() if until <= now]:
            del self._until[machine], self._levels[machine]
            self._apply(machine)

    def clear(self) -> None:
        """The hub is gone, and with it whoever was looking."""
        for machine in list(self._until):
            self._until.pop(machine)
            self._levels.pop(machine)
            self._apply(machine)

    def _level(self, machine: int) -> int:
        found = self._levels.get(machine)
        return found if found is not None else self._levels.get(0, self._settings.detail)

    def _apply(self, machine: int) -> None:
        self._next = min(self._until.values(), default=float("inf"))
        for tracer in list(self._tracers()):
            if machine in (0, tracer.track.handle):
                tracer.set_detail(self._level(tracer.track.handle))
