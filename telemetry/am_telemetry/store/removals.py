"""What retention has removed from a session, for people who look at it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemovalRecord:
    """Consecutive transitions of a machine that were removed."""

    first: int
    last: int
    removed_ns: int
    """When the last of them went."""
    kept: str
    """The limit by then, as people wrote it: an age or a size."""

    @property
    def count(self) -> int:
        """How many transitions."""
        return self.last - self.first + 1


def read_removals(connection: sqlite3.Connection, machine_id: int) -> list[RemovalRecord]:
    """All ranges of a machine, ascending."""
    rows = connection.execute(
        "SELECT first_number, last_number, removed_ns, kept FROM removals WHERE machine_id = ? ORDER BY first_number",
        (machine_id,),
    )
    return [RemovalRecord(*row) for row in rows]
