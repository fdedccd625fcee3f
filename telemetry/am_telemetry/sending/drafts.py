"""Batches that are on their way, what is needed to send them again or to give them up honestly, and their clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from am_telemetry.batch import Batch, PatternDef
from am_telemetry.facts import MachineFact

MAX_DRIFT_NS: Final = 20_000_000


@dataclass(slots=True)
class Span:
    """What one batch tells about one machine, apart from the rows themselves."""

    first: int
    """Sequence before the first transition of the batch, or of the hole it reports."""
    last: int
    lost: int = 0
    clock: tuple[int, ...] = ()
    """Ticks after the last one."""


@dataclass(eq=False)
class Draft:
    """A batch, and what is needed to send it again later or to give it up honestly."""

    batch: Batch
    texts: dict[int, str]
    patterns: dict[int, PatternDef]
    spans: dict[int, Span]
    """By machine handle."""


@dataclass
class Dropped:
    """Transitions that will never reach the hub, by reason."""

    reasons: dict[str, int] = field(default_factory=dict)
    omitted: dict[str, int] = field(default_factory=dict)
    """What transitions that reach it will lack: ``steps`` (of so many transitions), ``log lines`` and others."""

    def count(self, reason: str, number: int) -> None:
        self.reasons[reason] = self.reasons.get(reason, 0) + number

    def omit(self, what: str, number: int) -> None:
        self.omitted[what] = self.omitted.get(what, 0) + number


def size_of_opened(fact: MachineFact) -> int:
    """Estimated bytes of the announcement of a machine."""
    return 64 + len(fact.id) + len(fact.parent) + sum(len(tag) + 2 for tag in fact.tags) + 4 * len(fact.clock)


class WallClock:
    """Wall-clock time for monotonic readings. Follows the wall clock when it is set, or when the computer slept."""

    def __init__(self) -> None:
        self.offset = time.time_ns() - time.monotonic_ns()

    def check(self) -> int:
        """Measure again, and return the nanoseconds to add to a monotonic reading."""
        offset = time.time_ns() - time.monotonic_ns()
        if abs(offset - self.offset) > MAX_DRIFT_NS:
            self.offset = offset
        return self.offset
