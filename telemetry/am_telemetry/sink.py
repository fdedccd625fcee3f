"""Where records go: the seam between those who receive batches (collector, importers) and those who keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from am_telemetry.batch import Batch
from am_telemetry.facts import ProcessFact


class Sink(Protocol):
    """Takes the batches of many processes. Every method may be called from any thread."""

    @property
    def backlog(self) -> int:
        """Batches that were put but not yet committed; callers slow down when it grows."""
        ...

    @property
    def failure(self) -> Exception | None:
        """Why nothing can be committed at the moment; None when all is well."""
        ...

    def open_session(self, process: ProcessFact, at_ns: int) -> int:
        """Begin, or begin again, to take records of a process. May wait for a transaction.

        A session that is opened again has its machines connected again, as the same runs: what a dropped connection
        had ended goes on. Handles of the earlier connection are void.

        Returns:
            The last session record number that is durable, 0 for a new session.
        """
        ...

    def put(self, session: str, batch: Batch, committed: Callable[[int], None] | None = None) -> None:
        """Queue a batch of an open session; returns at once.

        Args:
            session: as in ``ProcessFact.session``.
            batch: not changed by the caller afterwards. One whose ``last_seq`` is already durable is ignored.
            committed: called with ``last_seq`` on the sink's own thread once the batch is durable. Must be quick and
                must not raise.
        """
        ...

    def close_session(self, session: str, at_ns: int, reason: str) -> None:
        """End all machines of the session that are still open, after everything put before."""
        ...

    def flush(self, timeout: float) -> bool:
        """Wait until everything put so far is committed; False when ``timeout`` seconds were not enough."""
        ...

    def close(self) -> None:
        """Commit what is queued and let go of all resources."""
        ...
