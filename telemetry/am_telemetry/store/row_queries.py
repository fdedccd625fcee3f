"""Questions that a session file answers from its rows each time, apart from transitions and their log lines."""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from am_telemetry.facts import SourceFact
from am_telemetry.store.effects import effects_of
from am_telemetry.store.errors import damaged, from_sqlite
from am_telemetry.store.measuring import MeasuredRows
from am_telemetry.store.model import Model
from am_telemetry.store.records import Caused, HandlerRunRecord, OmissionRecord, RunningRecord, WaitsAt
from am_telemetry.store.removals import RemovalRecord, read_removals
from am_telemetry.store.rows import running_from_row
from am_telemetry.store.wait_reading import waits_at


class RowQueries(MeasuredRows):
    """The part of a session file that looks up what stands beside transitions."""

    _path: Path
    _model: Model

    @abstractmethod
    def reader(self) -> sqlite3.Connection:
        """This thread's own reading connection."""

    def running(self, machine_id: int) -> RunningRecord | None:
        """The transition that had begun and was not over when it was last looked at; None when there is none.

        It outlives the process: then it is what the machine was doing when the process ended.
        """
        row = self._one(
            "SELECT machine_id, sequence, started_ns, noted_ns, mutation, called_json, auto, handler, timed_out"
            " FROM running_transitions WHERE machine_id = ?",
            (machine_id,),
        )
        return running_from_row(row) if row else None

    def skews(self) -> dict[int, int]:
        """About how many nanoseconds the recording computer's clock is ahead of each process's, by process id."""
        return dict(self._all("SELECT id, skew_ns FROM processes WHERE skew_ns IS NOT NULL", ()))

    def waits(self, machine_id: int, number: int) -> WaitsAt:
        """What was pending in a machine after a transition; see :func:`waits_at`.

        Raises:
            KeyError: there is no such machine.
            StoreError: the file cannot be read.
        """
        count = self._model.timelines[machine_id].count
        try:
            return waits_at(self.reader(), machine_id, number, count)
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error
        except (UnicodeDecodeError, TypeError, ValueError) as error:
            raise damaged(self._path, "a row of waits cannot be understood") from error

    def effects(self, cause: SourceFact, machine_id: int, number: int) -> list[Caused]:
        """The transitions that name a cause, among those recorded at about the time of another one; see `effects_of`.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            return effects_of(self.reader(), cause, machine_id, number)
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error

    def removals(self, machine_id: int) -> list[RemovalRecord]:
        """What retention has removed of a machine, ascending."""
        try:
            return read_removals(self.reader(), machine_id)
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error

    def handler_runs(self, machine_id: int, number: int) -> list[HandlerRunRecord]:
        """How long the handlers of a transition took, in order; empty where the program did not tell."""
        rows = self._all(
            "SELECT r.handler, r.offset_ns, r.duration_ns FROM transitions AS t"
            " JOIN handler_runs AS r ON r.transition_id = t.id WHERE t.machine_id = ? AND t.number = ?"
            " ORDER BY r.position",
            (machine_id, number),
        )
        return [HandlerRunRecord(*row) for row in rows]

    def omissions(self, machine_id: int) -> list[OmissionRecord]:
        """What stored transitions of a machine lack."""
        rows = self._all(
            "SELECT first_number, last_number, what, count, reason FROM omissions WHERE machine_id = ? ORDER BY id",
            (machine_id,),
        )
        return [OmissionRecord(*row) for row in rows]

    def find_sequence(self, machine_id: int, sequence: int) -> int:
        """The number of the transition that its machine counts as ``sequence``; 0 when it is not in the file."""
        pieces, size = self._model.timelines[machine_id].pieces, self._model.timelines[machine_id].size
        low, high = 0, size - 1
        while low <= high:
            place = (low + high) // 2
            middle = pieces.number(place)
            row = self._one(
                "SELECT number + skipped FROM transitions WHERE machine_id = ? AND number = ?", (machine_id, middle)
            )
            if row is None:
                return 0
            if row[0] == sequence:
                return middle
            if row[0] < sequence:
                low = place + 1
            else:
                high = place - 1
        return 0

    def find_transition_id(self, external_id: str, machine_id: int | None = None) -> tuple[int, int] | None:
        """(machine id, number) of the transition whose id was recorded with it, None when there is none of that id.

        Args:
            external_id: the id as the machine spells it.
            machine_id: only of this run.
        """
        row = self._one(
            "SELECT t.machine_id, t.number FROM transition_ids AS i JOIN transitions AS t ON t.id = i.transition_id"
            " WHERE i.external_id = ?1 AND (?2 IS NULL OR t.machine_id = ?2) ORDER BY t.id LIMIT 1",
            (external_id, machine_id),
        )
        return (row[0], row[1]) if row else None

    def _one(self, statement: str, values: Sequence[object]) -> Any:
        rows = self._all(statement, values)
        return rows[0] if rows else None
