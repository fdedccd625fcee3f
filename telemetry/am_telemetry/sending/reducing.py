"""Making encoded batches smaller: without steps, without log lines, without one machine's transitions.

Pure functions over serialised frames. What is taken out is reported inside the frame, as omissions or as a gap. Slow
compared with encoding, and only used when there is no room any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import PatternDef
from am_telemetry.facts import GapFact
from am_telemetry.sending.retention import LATE_LINES
from am_telemetry.wire.columns import deltas

FULL: Final = "buffer full"
STEPS: Final = "steps"
LINES: Final = "log lines"


def without_steps(frame: bytes, patterns: dict[int, PatternDef]) -> tuple[bytes, dict[int, PatternDef], int]:
    """A frame that says how many of its transitions lack steps, patterns that have none, and that number."""
    lean = {
        handle: entry._replace(pattern=replace(entry.pattern, steps=())) if entry.pattern.steps else entry
        for handle, entry in patterns.items()
    }
    rich = {handle for handle, entry in patterns.items() if entry.pattern.steps}
    message = pb.ClientFrame.FromString(frame)
    batch = message.batch
    affected = [row for row, pattern in enumerate(batch.pattern) if pattern in rich]
    _omit(batch, STEPS, Counter(batch.machine[row] for row in affected), affected)
    return message.SerializeToString(), lean, len(affected)


def without_lines(frame: bytes) -> tuple[bytes, int]:
    """A frame without log lines, which says how many there were, and that number."""
    message = pb.ClientFrame.FromString(frame)
    batch = message.batch
    rows = list(accumulate(batch.log_row))
    _omit(batch, LINES, Counter(batch.machine[row] for row in rows), rows)
    late = Counter(batch.late_machine)
    for machine, sequence in zip(batch.late_machine, accumulate(batch.late_sequence), strict=True):
        if machine in late:
            count = late.pop(machine)
            batch.omissions.add(
                machine=machine,
                first_sequence=sequence,
                last_sequence=sequence,
                what=LATE_LINES,
                count=count,
                reason=FULL,
            )
    count = len(rows) + len(batch.late_machine)
    for name in ("log_row", "log_level", "log_text", "log_before"):
        batch.ClearField(name)
    for name in ("late_machine", "late_sequence", "late_at_ns", "late_level", "late_text"):
        batch.ClearField(name)
    return message.SerializeToString(), count


def without_machine(frame: bytes, machine: int, gap: GapFact) -> bytes:
    """A frame in which a gap stands for everything that happened to one machine."""
    message = pb.ClientFrame.FromString(frame)
    batch = message.batch
    kept = [row for row, owner in enumerate(batch.machine) if owner != machine]
    numbers = {row: number for number, row in enumerate(kept)}
    for column in (batch.machine, batch.duration_ns, batch.pattern, batch.queue_len):
        _pick(column, kept)
    for column in (batch.sequence, batch.at_ns, batch.queue_tick):
        _pick_deltas(column, kept)
    _pick_attached(batch.log_row, (batch.log_level, batch.log_text, batch.log_before), numbers, coded=True)
    _pick_attached(batch.run_row, (batch.run_name, batch.run_offset_ns, batch.run_duration_ns), numbers, coded=True)
    sources = (batch.source_machine, batch.source_sequence, batch.source_time, batch.source_id)
    _pick_attached(batch.source_row, sources, numbers)
    _pick_attached(batch.argument_row, (batch.argument_json,), numbers)
    _pick_attached(batch.id_row, (batch.id_text,), numbers)
    problems = [entry for entry in batch.problems if entry.row in numbers]
    for entry in problems:
        entry.row = numbers[entry.row]
    _replace_messages(batch.problems, problems)
    late = [row for row, owner in enumerate(batch.late_machine) if owner != machine]
    lost_late = len(batch.late_machine) - len(late)
    for column in (batch.late_machine, batch.late_level, batch.late_text):
        _pick(column, late)
    for column in (batch.late_sequence, batch.late_at_ns):
        _pick_deltas(column, late)
    _replace_messages(batch.running, [entry for entry in batch.running if entry.machine != machine])
    _replace_messages(batch.omissions, [entry for entry in batch.omissions if entry.machine != machine])
    _replace_messages(batch.gaps, [entry for entry in batch.gaps if entry.machine != machine])
    end = gap.after_sequence + gap.lost
    batch.gaps.add(
        machine=machine, after_sequence=gap.after_sequence, lost=gap.lost, reason=gap.reason, clock=gap.clock
    )
    if lost_late:
        batch.omissions.add(
            machine=machine, first_sequence=end, last_sequence=end, what=LATE_LINES, count=lost_late, reason=FULL
        )
    return message.SerializeToString()


def _omit(batch: pb.Batch, what: str, counts: Counter[int], rows: Iterable[int]) -> None:
    sequences = list(accumulate(batch.sequence))
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for row in rows:
        machine = batch.machine[row]
        first.setdefault(machine, sequences[row])
        last[machine] = sequences[row]
    for machine, count in counts.items():
        batch.omissions.add(
            machine=machine,
            first_sequence=first[machine],
            last_sequence=last[machine],
            what=what,
            count=count,
            reason=FULL,
        )


def _pick(column: MutableSequence[Any], rows: Sequence[int]) -> None:
    """Keep some entries; an omitted column stays so."""
    if column:
        values = list(column)
        column[:] = [values[row] for row in rows]


def _pick_deltas(column: MutableSequence[int], rows: Sequence[int]) -> None:
    if column:
        values = list(accumulate(column))
        column[:] = list(deltas([values[row] for row in rows]))


def _pick_attached(
    rows: MutableSequence[int], columns: Iterable[MutableSequence[Any]], numbers: dict[int, int], *, coded: bool = False
) -> None:
    """Keep what is attached to rows that are kept, under their new numbers."""
    old: list[int] = list(accumulate(rows)) if coded else list(rows)
    kept = [position for position, row in enumerate(old) if row in numbers]
    for column in columns:
        _pick(column, kept)
    encode: Callable[[Sequence[int]], Iterable[int]] = deltas if coded else list
    rows[:] = list(encode([numbers[old[position]] for position in kept]))


def _replace_messages(field: Any, entries: Sequence[Any]) -> None:
    copies = [type(entry).FromString(entry.SerializeToString()) for entry in entries]
    del field[:]
    field.extend(copies)
