"""Waits, contexts and pipes of a recording, or of a part of it, as they might have been sent."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from am_telemetry.batch import Batch
from am_telemetry.store.scope import Part
from am_telemetry.store.wait_reading import COLUMNS, wait_from_row
from am_telemetry.waits import WaitBegun, WaitEnded

CHUNK: Final = 4_096


class SequenceReader:
    """The machines' own counts of their transitions.

    Args:
        connection: in one read transaction.
        beginnings: what a machine counted before its first transition that is meant.
    """

    def __init__(self, connection: sqlite3.Connection, beginnings: Mapping[int, int]) -> None:
        self._db = connection
        self._beginnings = beginnings

    def at(self, machine_id: int, number: int) -> int:
        """At a transition; at 0 before the first one, and at one that is not there at the one under way."""
        if not number:
            return self._beginnings[machine_id]
        row = self._db.execute(
            "SELECT number + skipped + (number < ?) FROM transitions WHERE machine_id = ? AND number <= ?"
            " ORDER BY number DESC LIMIT 1",
            (number, machine_id, number),
        ).fetchone()
        return int(row[0]) if row else self._beginnings[machine_id] + 1


def reread_waits(
    connection: sqlite3.Connection, parts: Mapping[int, Part], sequences: SequenceReader
) -> Iterator[tuple[int, Batch]]:
    """What was pending at some time in the parts, process by process, in batches of bounded size.

    Args:
        connection: in one read transaction.
        parts: by machine id.
        sequences: with the beginnings of the parts.
    """
    rest: defaultdict[int, Batch] = defaultdict(Batch)
    for machine_id, *row in connection.execute(f"SELECT machine_id, {COLUMNS} FROM waits ORDER BY id"):  # noqa: S608 - constant
        part = parts.get(machine_id)
        if part is None:
            continue
        wait = wait_from_row(row)
        began, ended = wait.opened_number, wait.closed_number
        if not part.is_end and began > part.last:
            continue
        if ended is not None and not part.is_start and ended < part.first:
            continue
        process_id = part.machine.process_id
        batch = rest[process_id]
        sequence = sequences.at(machine_id, 0 if began < part.first else began)
        batch.waits.begun.append(WaitBegun(machine_id, wait.ident, sequence, wait.opened_ns, wait.fact, wait.origin))
        if ended is not None and (part.is_end or ended <= part.last):
            at = sequences.at(machine_id, ended)
            batch.waits.ended.append(
                WaitEnded(machine_id, wait.ident, at, wait.closed_ns or wait.opened_ns, wait.close_reason)
            )
        if len(batch.waits) >= CHUNK:
            yield process_id, rest.pop(process_id)
    yield from rest.items()
