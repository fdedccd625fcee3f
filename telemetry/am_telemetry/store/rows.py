"""Rows of the tables as records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from am_telemetry.store.codec import clock_from_json
from am_telemetry.store.records import MachineRecord

MACHINE_COLUMNS: Final = (
    "id, name, parent, run, tags_json, schema_id, process_id, started_ns, ended_ns, end_reason, initial_clock_json"
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
    )
