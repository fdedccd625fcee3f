"""What a watch has to know of its machine."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Protocol

from am_telemetry.adapters.shape import Shape

UNKNOWN: Final = object()
"""Value of a machine that is gone, or whose state cannot be read any more."""


class Version(Protocol):
    """Changes its number when the states of a machine may have changed."""

    version: int


class Subject(Protocol):
    """How a watch looks at its machine. Everything must be quick; only ``value`` may run code of the program."""

    @property
    def states(self) -> Version:
        """The states, whose version is asked for with every event."""
        ...

    def value(self) -> object:
        """What the engine keeps as the machine's state, or ``UNKNOWN``; compared, not understood, by the watch."""
        ...

    def active(self, value: object) -> frozenset[str]:
        """Names of the states that are active at a value."""
        ...

    def key(self, value: object) -> Hashable:
        """Something hashable for a value that is not, equal for equal values."""
        ...

    def shape(self) -> Shape:
        """The states of the moment."""
        ...

    def gone(self) -> bool:
        """Whether the machine is garbage."""
        ...
