"""What a recording holds besides batches, and the pieces in which recordings are handed on."""

from __future__ import annotations

from dataclasses import dataclass

from am_telemetry.batch import Batch
from am_telemetry.facts import ProcessFact


@dataclass(frozen=True, slots=True)
class ProcessPast:
    """A program, and when it was heard of. Moments are nanoseconds since the epoch."""

    fact: ProcessFact
    first_seen_ns: int
    last_seen_ns: int
    skew_ns: int | None = None
    """The recording computer's clock minus the program's, where it was estimated."""


@dataclass(frozen=True, slots=True)
class BookmarkFact:
    """A moment that somebody marked."""

    machine: int
    """Handle, as in batches."""
    number: int
    """Of the transition, counted from 1 over those that are in the recording; 0 is the moment before the first."""
    title: str
    note: str = ""
    author: str = ""
    created_ns: int = 0


Piece = tuple[int, ProcessPast | Batch | BookmarkFact]
"""(process, what is told of it). A process comes before its batches, and bookmarks come after all transitions."""
