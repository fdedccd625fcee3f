"""Rows of the tables as records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from am_telemetry.store.codec import clock_from_json
from am_telemetry.store.records import LogRecord, MachineRecord, RunningRecord

MACHINE_COLUMNS: Final = (
    "id, name, parent, run, tags_json, schema_id, process_id, started_ns, ended_ns, end_reason, initial_clock_json,"
    " id_prefix"
)


def machine_from_row(row: Sequence[Any]) -> MachineRecord:
    """The record in a row of :data:`MACHINE_COLUMNS`.

    Raises:
        ValueError, TypeError: the row has another form.
    """
    return MachineRecord(
        id=row[0],
        name=row[1],
        parent=row[2],
        run=row[3],
        tags=tuple(json.loads(row[4])),
        schema_id=row[5],
        process_id=row[6],
        started_ns=row[7],
        ended_ns=row[8],
        end_reason=row[9],
        initial_clock=clock_from_json(row[10]),
        id_prefix=row[11],
    )


def running_from_row(row: Sequence[Any]) -> RunningRecord:
    """The record in a row of the table ``running_transitions``.

    Raises:
        ValueError, TypeError: the row has another form.
    """
    machine_id, sequence, started_ns, noted_ns, mutation, called, auto, handler, timed_out = row
    return RunningRecord(
        machine_id,
        sequence,
        started_ns,
        noted_ns,
        mutation,
        tuple(json.loads(called)),
        bool(auto),
        handler,
        bool(timed_out),
    )


def merge_late_lines(lines: list[LogRecord], late: Sequence[Sequence[Any]], *, first: int) -> list[LogRecord]:
    """Put lines that were logged after transitions behind those of the transitions.

    Args:
        lines: of transitions, in order.
        late: (number, level, text), in order; the number 0 stands for lines before the first transition.
        first: the transition to which those lines belong then, 0 when there is none.
    """
    positions: dict[int, int] = {}
    for line in lines:
        positions[line.number] = line.position + 1
    early = 0
    for number, level, text in late:
        if number or not first:
            position = positions.get(number, 0)
            lines.append(LogRecord(number, position, level, text, before=False, after=True))
            positions[number] = position + 1
        else:
            early -= 1
            lines.append(LogRecord(first, early, level, text, before=True))
    # Counted down, so that they come first; the order among themselves is the one in which they were written.
    early_lines = [line for line in lines if line.position < 0]
    rest = [line for line in lines if line.position >= 0]
    return early_lines + sorted(rest, key=lambda line: (line.number, line.position))
