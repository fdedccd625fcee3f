"""What every history can do, wherever it keeps its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from am_core.history.config import HistoryConfig
from am_core.history.query import Query
from am_core.history.records import MachineRecord, Record


class History(Protocol):
    """The recorded past of one machine. Thread-safe; never blocks the machine.

    A query that names a state which is not tracked raises :class:`~am_core.history.ConditionError`; the questions about
    periods answer False then.
    """

    @property
    def machine_id(self) -> str:
        """Id of the machine."""
        ...

    @property
    def config(self) -> HistoryConfig:
        """What is recorded."""
        ...

    @property
    def tracked(self) -> tuple[str, ...]:
        """The states whose ticks are recorded."""
        ...

    @property
    def dropped(self) -> int:
        """How many records could not be kept."""
        ...

    def is_tracked(self, states: str | Iterable[str]) -> bool:
        """Whether the ticks of all the states are recorded."""
        ...

    def index(self, state: str) -> int:
        """Position of a state among the tracked ones, -1 when it is not tracked."""
        ...

    def machine_record(self) -> MachineRecord:
        """What is known of the machine."""
        ...

    def find_latest(self, limit: int = 0, query: Query | None = None) -> list[Record]:
        """Records that match, newest first; at most ``limit``, or all for 0."""
        ...

    def match(self, wanted: Callable[[Record], object]) -> list[Record]:
        """Records for which a function returns something true, newest first."""
        ...

    def activated_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether a record of that period shows the state's activation."""
        ...

    def deactivated_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether a record of that period shows the state's deactivation."""
        ...

    def active_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether the state was active at some moment of that period, as far as records tell."""
        ...

    def inactive_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether the state was inactive at some moment of that period, as far as records tell."""
        ...

    def export(self) -> dict[str, Any]:
        """The machine and all records, oldest first, ready for JSON."""
        ...

    def sync(self, timeout: float = 5.0) -> None:
        """Wait until everything recorded so far is where it is kept."""
        ...

    def dispose(self) -> None:
        """Stop recording. What was recorded can still be asked for."""
        ...
