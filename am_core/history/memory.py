"""A history in memory."""

from __future__ import annotations

from collections import deque
from itertools import islice

from am_core.history.config import HistoryConfig
from am_core.history.query import Query
from am_core.history.recording import RecordingHistory, checked_limit
from am_core.history.records import Record
from am_core.machine import Machine


class MemoryHistory(RecordingHistory):
    """The last records of a machine, kept in memory; see :class:`~am_core.history.History`.

    Recording begins at once. Raises :class:`UnknownStateError` when the machine lacks a state of the configuration.
    """

    def __init__(self, machine: Machine, config: HistoryConfig) -> None:
        super().__init__(machine, config)
        self._records: deque[Record] = deque(maxlen=config.max_records)
        machine.bind_tracer(self)

    def _append(self, record: Record) -> None:
        self._records.append(record)

    def find_latest(self, limit: int = 0, query: Query | None = None) -> list[Record]:
        """Records that match, newest first; at most ``limit``, or all for 0."""
        most = checked_limit(limit)
        if query is not None:
            query.check(self.tracked, self.machine_id)
        with self._guard:
            records = list(self._records)
        found = (record for record in reversed(records) if query is None or query.matches(record))
        return list(islice(found, most))
