"""How waits, contexts and pipes are noted for the sender thread, whatever engine runs the machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from am_telemetry.waits import WaitFact, WaitOrigin


class Began(NamedTuple):
    """Something is pending."""

    ident: int
    sequence: int
    started_ns: int
    """Of the monotonic clock."""
    fact: WaitFact
    origin: WaitOrigin | None


@dataclass(frozen=True, slots=True)
class WaitBegins:
    """A hook told of a beginning."""

    wait: Began


@dataclass(frozen=True, slots=True)
class WaitEnds:
    """A hook told of an end."""

    ident: int
    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A machine is about to be asked for everything that is pending; what the hooks tell meanwhile counts more."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything that was pending in a machine at some moment since :class:`Listing`."""

    sequence: int
    waits: tuple[Began, ...]
    lost: int
    """Happenings that were not noted before, because there was no room."""


WaitHappening = WaitBegins | WaitEnds | Listing | Listed
