"""A new session file made of the pieces of a recording."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from am_telemetry.batch import Batch
from am_telemetry.recorded import BookmarkFact, Piece, ProcessPast
from am_telemetry.store import codec
from am_telemetry.store.drafts import draft_of
from am_telemetry.store.errors import from_sqlite
from am_telemetry.store.reading import RecordingTotals
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer


def assemble(
    target: Path,
    pieces: Iterable[Piece],
    *,
    replace: bool = False,
    check: Callable[[RecordingTotals], None] = lambda _totals: None,
) -> RecordingTotals:
    """Write a session file that appears under its name when it is complete.

    Args:
        target: the file to make.
        pieces: taken one at a time, so a generator keeps memory low. Machines keep the order in which they are
            announced.
        replace: an existing file gives way.
        check: called with what the complete file holds; when it raises, the file does not appear.

    Returns:
        What the new file holds.

    Raises:
        StoreError: the file cannot be made. Nothing is left behind then, nor when taking the pieces fails.
    """
    with draft_of(target, replace=replace) as draft, SessionFile.create(draft) as session:
        intake = _Intake(pieces)
        with Writer(session) as writer:
            writer.write_pairs(intake.batches(writer))
            for past in intake.processes.values():
                writer.close_session(past.fact.session, past.last_seen_ns, "disconnected")
        try:
            intake.finish(session.write_connection)
        except sqlite3.Error as error:
            raise from_sqlite(draft, error) from error
        session.catch_up()
        totals = session.totals()
        check(totals)
        return totals


class _Intake:
    """Sorts the pieces: batches go to the writer, the rest is kept until the end."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.processes: dict[int, ProcessPast] = {}
        self._pieces = pieces
        self._bookmarks: list[BookmarkFact] = []
        self._machines: dict[int, int] = {}
        """Handle -> id in the new file, which counts them in the order of their announcement."""

    def batches(self, writer: Writer) -> Iterator[tuple[str, Batch]]:
        for process, piece in self._pieces:
            if isinstance(piece, ProcessPast):
                self.processes[process] = piece
                writer.open_session(piece.fact, piece.first_seen_ns)
            elif isinstance(piece, BookmarkFact):
                self._bookmarks.append(piece)
            else:
                for handle, _, _ in piece.opened:
                    self._machines[handle] = len(self._machines) + 1
                yield self.processes[process].fact.session, piece

    def finish(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        # The writer took the time of writing for a sign of life.
        connection.executemany(
            "UPDATE processes SET last_seen_ns = ?, skew_ns = ? WHERE session = ?",
            [(past.last_seen_ns, past.skew_ns, codec.storable(past.fact.session)) for past in self.processes.values()],
        )
        connection.executemany(
            "INSERT INTO bookmarks (machine_id, number, title, note, author, created_ns) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (self._machines[mark.machine], mark.number, *texts, mark.created_ns)
                for mark in self._bookmarks
                if mark.machine in self._machines
                for texts in [map(codec.storable, (mark.title, mark.note, mark.author))]
            ],
        )
        connection.execute("COMMIT")
