"""Which transitions lie within limits of what only the rows know: how long they took, how long the queue was."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final, Literal

RowMeasure = Literal["duration", "queue", "queue tick"]

_COLUMNS: Final[dict[RowMeasure, str]] = {
    "duration": "duration_ns", "queue": "queue_len", "queue tick": "queue_tick",
}  # fmt: skip
_BIGGEST: Final = (1 << 63) - 1


class MeasuredRows(ABC):
    """The part of a session file that looks through one column of a machine's rows."""

    def numbers_within(
        self, machine_id: int, measure: RowMeasure, low: int | None, high: int | None, first: int, last: int
    ) -> list[int]:
        """Numbers of the transitions from ``first`` to ``last`` whose measure lies between two limits, ascending.

        Args:
            low: the least value; None for no limit. Lengths of time are nanoseconds.
            high: the greatest value; None for no limit.

        Raises:
            StoreError: the file cannot be read.
        """
        least = -_BIGGEST if low is None else min(low, _BIGGEST)
        greatest = _BIGGEST if high is None else min(high, _BIGGEST)
        rows = self._all(
            f"SELECT number FROM transitions WHERE machine_id = ? AND number BETWEEN ? AND ?"  # noqa: S608 - own names
            f" AND {_COLUMNS[measure]} BETWEEN ? AND ? ORDER BY number",
            (machine_id, first, last, least, greatest),
        )
        return [row[0] for row in rows]

    @abstractmethod
    def _all(self, statement: str, values: Sequence[object]) -> list[Any]:
        """All rows of a statement, read on this thread's own connection."""
