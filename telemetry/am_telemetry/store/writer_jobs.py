"""What a writer is asked to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from am_telemetry.batch import Batch
from am_telemetry.facts import ProcessFact


@dataclass(slots=True)
class Put:
    """Store a batch."""

    session: str
    batch: Batch
    committed: Callable[[int], None] | None


@dataclass(slots=True)
class Open:
    """A process has connected."""

    process: ProcessFact
    at_ns: int
    result: Future[int]
    have: int = 0


@dataclass(slots=True)
class Close:
    """A process is gone."""

    session: str
    at_ns: int
    reason: str


@dataclass(slots=True)
class Call:
    """Something that needs the connection between two transactions."""

    action: Callable[[sqlite3.Connection], None]
    result: Future[None]


Job = Put | Open | Close
