"""What few rows of a batch have: log lines, runs of handlers, sources, arguments. Every function returns the estimated
bytes that it has added."""

from __future__ import annotations

from typing import Any

from am_telemetry.batch import Batch, LogColumns
from am_telemetry.facts import ErrorFact, SourceFact
from am_telemetry.sending.arguments import MAX_ID, cut
from am_telemetry.sending.happenings import HandlersRan
from am_telemetry.sending.interning import Lines


def add_lines(logs: LogColumns, row: int, lines: Lines, before: bool) -> int:
    """Log lines of a transition, or those ``before`` it."""
    levels, handles, cost = lines
    count = len(levels)
    if count == 1:
        logs.row.append(row)
        logs.level.append(levels[0])
        logs.text.append(handles[0])
        logs.before.append(before)
    else:
        logs.row.extend([row] * count)
        logs.level.extend(levels)
        logs.text.extend(handles)
        logs.before.extend([before] * count)
    return cost


def add_runs(batch: Batch, row: int, ran: HandlersRan) -> int:
    """How long handlers took."""
    columns = batch.runs
    for name, offset, duration in ran.runs:
        columns.row.append(row)
        columns.name.append(cut(name, MAX_ID))
        columns.offset_ns.append(max(0, offset))
        columns.duration_ns.append(max(0, duration))
    return 16 * len(ran.runs)


def add_source(batch: Batch, row: int, source: Any) -> int:
    """The transition whose handler asked for this one."""
    sequence = source.transition_number
    transition_id = "" if sequence else cut(str(source.transition_id), MAX_ID)
    fact = SourceFact(cut(str(source.machine_id), MAX_ID), sequence, max(0, source.machine_time), transition_id)
    batch.sources.append((row, fact))
    return 8


def add_arguments(batch: Batch, row: int, text: str, error: ErrorFact | None) -> int:
    """Arguments as JSON text, and the exception among them."""
    batch.arguments.append((row, text))
    if error is None:
        return len(text)
    batch.errors.append((row, error))
    return len(text) + len(error.message) + len(error.traceback)
