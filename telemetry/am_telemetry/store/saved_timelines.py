"""The table ``timelines``: saving the index of large machines, and taking it back when a file is opened."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from typing import Final

from am_telemetry.store.loading import Position
from am_telemetry.store.model import Model
from am_telemetry.store.timeline import Timeline
from am_telemetry.store.timeline_blob import BlobError, dump, load

MIN_TRANSITIONS: Final = 256
"""Timelines of shorter machines are as quickly made from their rows."""

_log = logging.getLogger("am_telemetry.store")

Row = tuple[int, int, int, int, int, bytes]
"""Values of the table ``timelines``."""


def rows_to_save(model: Model, position: Position) -> list[Row]:
    """What to store for a model that stands at a position."""
    return [
        (
            machine_id,
            timeline.count,
            position.revisions.get(machine_id, 1),
            position.transition_id,
            position.gap_id,
            dump(timeline),
        )
        for machine_id, timeline in model.timelines.items()
        if timeline.size >= MIN_TRANSITIONS
    ]


def save(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Replace the stored timelines, in a transaction of its own.

    Raises:
        sqlite3.Error: nothing was changed.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM timelines")
        connection.executemany("INSERT INTO timelines VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def take_back(connection: sqlite3.Connection, model: Model, position: Position) -> list[int]:
    """Put stored timelines into a model that has definitions but no transitions yet, and move the position on.

    Returns:
        Machines that have to be read from their rows up to the new position, because theirs is missing or of no use.
        Empty when nothing could be taken back; the position is unchanged then.
    """
    saved = Position()
    timelines: dict[int, Timeline] = {}
    rows = connection.execute("SELECT machine_id, number, revision, last_transition_id, last_gap_id FROM timelines")
    for machine_id, number, revision, transition_id, gap_id in rows.fetchall():
        if timelines and (saved.transition_id, saved.gap_id) != (transition_id, gap_id):
            continue
        try:
            timeline = load(_content(connection, machine_id), model.patterns, model.effects)
            if timeline.count != number or not _fits(connection, machine_id, number, transition_id):
                raise BlobError("it does not match the rows")
        except BlobError as error:
            _log.info("the stored index of machine %s is made anew: %s", machine_id, error)
            continue
        saved.transition_id, saved.gap_id = transition_id, gap_id
        saved.revisions[machine_id] = revision
        timelines[machine_id] = timeline
    if not timelines:
        return []
    model.timelines.update(timelines)
    position.transition_id, position.gap_id = saved.transition_id, saved.gap_id
    position.revisions = saved.revisions
    return [machine_id for machine_id in model.timelines if machine_id not in timelines]


def _content(connection: sqlite3.Connection, machine_id: int) -> bytes:
    try:
        # As a column of a row it would be copied once more, which for long recordings takes as long as reading it.
        with connection.blobopen("timelines", "content", machine_id, readonly=True) as blob:
            return blob.read()
    except sqlite3.OperationalError:  # the table of another layout is looked at through a view
        row = connection.execute("SELECT content FROM timelines WHERE machine_id = ?", (machine_id,)).fetchone()
        return row[0] if row else b""


def _fits(connection: sqlite3.Connection, machine_id: int, number: int, transition_id: int) -> bool:
    """Whether the machine's last transition up to an id has that number, or was removed since."""
    row = connection.execute(
        "SELECT number FROM transitions WHERE machine_id = ? AND id <= ? ORDER BY number DESC LIMIT 1",
        (machine_id, transition_id),
    ).fetchone()
    if row is not None and row[0] == number:
        return True
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM removals WHERE machine_id = ? AND ? BETWEEN first_number AND last_number)",
            (machine_id, number),
        ).fetchone()[0]
    )
