"""Programs that speak protocols of their own: what the reader of one offers, without saying which ones exist.

Whoever builds the hub hands the readers in, so that receiving does not depend on any format.
"""

from __future__ import annotations

from typing import Protocol

from am_telemetry.batch import Batch
from am_telemetry.facts import ProcessFact


class ForeignSession(Protocol):
    """The reader of one connection: bytes in, answers and batches out. Used by one thread at a time."""

    process: ProcessFact | None
    """Who reports; None until the connection has told. Batches may be taken from then on."""
    overloaded: bool
    """Set by the owner: transitions are to be counted and not kept."""
    orphans: int
    """Transitions that belong to no known machine."""

    def __len__(self) -> int:
        """Records that wait to be taken."""
        ...

    @property
    def unfinished(self) -> int:
        """Bytes of a message whose end has not arrived."""
        ...

    @property
    def restless(self) -> bool:
        """Whether :meth:`take` will have something to tell later although nothing more arrives."""
        ...

    def feed(self, data: bytes, at_ns: int) -> bytes:
        """Take in bytes that arrived at a moment (wall clock); returns what to answer.

        Raises:
            TelemetryError: the connection cannot be read any further. Records from before may be taken.
        """
        ...

    def take(self, at_ns: int) -> list[Batch]:
        """The records since the last time, with record numbers that go on from 1."""
        ...

    def finish(self, at_ns: int) -> list[Batch]:
        """The last records: the connection has ended."""
        ...


class ForeignProtocol(Protocol):
    """Recognises a protocol by its first bytes. May be used by several threads."""

    name: str

    def recognises(self, head: bytes) -> bool | None:
        """Whether a connection that begins so speaks it; None when more bytes are needed."""
        ...

    def connect(self) -> ForeignSession:
        """The reader of a new connection."""
        ...
