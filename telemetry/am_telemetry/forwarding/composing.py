"""Batches of one process from the rows of its machines. Ids in the file serve as handles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from am_telemetry.batch import Batch, MachineClosed, SchemaRevised
from am_telemetry.facts import GapFact, OmissionFact
from am_telemetry.forwarding.tail import Chunk, Details, Machine, Mark, Tail

ROWS: Final = 512
WAITS: Final = 1_024
TEXT_SIZE: Final = 1_000_000
"""Characters of text in a batch, about; a single transition may have more."""


@dataclass(slots=True)
class Composed:
    """A batch, and what has ended in it."""

    batch: Batch
    schemas: dict[str, int]
    """Digest -> handle of schemas that were defined before."""
    ended: list[tuple[int, int]] = field(default_factory=list)
    """(machine, when it ended)."""


class Composer:
    """What one connection has been told so far. Used by one thread at a time.

    Args:
        process_id: whose machines these are.
        mark: what the other hub has of them.
        ended: machines it knows to have ended, and when they did.
        tail: where the rows come from.
    """

    def __init__(self, process_id: int, mark: Mark, ended: dict[int, int], tail: Tail) -> None:
        self.process_id = process_id
        self.mark = mark
        self.ended = ended
        self._begin = mark
        self._tail = tail
        self._announced: set[int] = set()
        self._schemas: dict[str, int] = {}
        self._patterns: set[int] = set()
        self._numbers: dict[int, int] = {}
        """Machine -> number of its last transition that was told."""
        self._revisions: dict[int, int] = {}
        """Machine -> position in its revisions."""
        self._done: list[Composed] = []
        self._current = self._fresh()
        self._texts: set[int] = set()
        self._size = 0

    @property
    def is_idle(self) -> bool:
        """Whether all machines that were announced have ended."""
        return not self._announced

    def is_outdated(self, chunk: Chunk) -> bool:
        """Whether machines that were told to have ended go on, which takes a new connection to tell."""
        machines = chunk.machines_of.get(self.process_id, ())
        return any(self.ended.get(machine.id, machine.ended_ns) != machine.ended_ns for machine in machines)

    def compose(self, chunk: Chunk) -> list[Composed]:
        """Batches for what the chunk has of this process."""
        for row in chunk.transitions.get(self.process_id, ()):
            if row[0] > self.mark.transition:
                self._add(chunk, row)
        self.mark = self.mark._replace(transition=max(self.mark.transition, chunk.end.transition))
        if chunk.complete:
            self._complete(chunk)
            self.mark = Mark(*map(max, self.mark, chunk.end))
        self._cut()
        done, self._done = self._done, []
        return done

    def _add(self, chunk: Chunk, row: tuple[int, ...]) -> None:
        transition_id, machine_id, number, skipped, at_ns, duration, pattern_id, queue_len, queue_tick = row
        machine = chunk.machines[machine_id]
        if self.ended.get(machine_id, -1) == machine.ended_ns:
            return  # it was told to have ended, so this was told before
        self._announce(machine)
        self._revise(machine, number)
        batch = self._current.batch
        for gap in chunk.gaps.get(machine_id, ()):
            if self._numbers.get(machine_id, 0) <= gap[1] < number and gap[0] > self.mark.gap:
                batch.gaps.append(_gap(machine_id, gap))
        self._numbers[machine_id] = number
        definition = chunk.patterns[pattern_id]
        if pattern_id not in self._patterns:
            self._patterns.add(pattern_id)
            self._define(definition.schema)
            batch.patterns.append(definition)
        columns = batch.transitions
        position = len(columns)
        columns.machine.append(machine_id)
        columns.sequence.append(number + skipped)
        columns.at_ns.append(at_ns)
        columns.duration_ns.append(duration)
        columns.pattern.append(pattern_id)
        columns.queue_len.append(queue_len)
        columns.queue_tick.append(queue_tick)
        details = chunk.details.get(transition_id)
        if details is not None:
            self._attach(chunk, position, details)
        if len(columns) >= ROWS or self._size > TEXT_SIZE:
            self._cut()

    def _attach(self, chunk: Chunk, row: int, details: Details) -> None:
        batch = self._current.batch
        for level, text, before in details.logs:
            self._text(chunk, text)
            batch.logs.row.append(row)
            batch.logs.level.append(level)
            batch.logs.text.append(text)
            batch.logs.before.append(before)
        for name, offset, duration in details.runs:
            batch.runs.row.append(row)
            batch.runs.name.append(name)
            batch.runs.offset_ns.append(offset)
            batch.runs.duration_ns.append(duration)
        if details.source is not None:
            batch.sources.append((row, details.source))
        if details.arguments is not None:
            batch.arguments.append((row, details.arguments))
            self._size += len(details.arguments)
        if details.error is not None:
            batch.errors.append((row, details.error))
            self._size += len(details.error.message) + len(details.error.traceback)
        if details.external_id is not None:
            batch.transition_ids.append((row, details.external_id))

    def _complete(self, chunk: Chunk) -> None:
        """All transitions were told; now for what stands beside them, and for machines that begin and end."""
        mine = chunk.machines_of.get(self.process_id, ())
        for machine in mine:
            if machine.id in self._announced or self.ended.get(machine.id, -1) != machine.ended_ns:
                self._announce(machine)
                self._revise(machine, None)
                batch = self._current.batch
                batch.gaps += [
                    _gap(machine.id, gap) for gap in chunk.gaps.get(machine.id, ()) if gap[0] > self.mark.gap
                ]
        for row_id, machine_id, sequence, at_ns, level, text in chunk.late.get(self.process_id, ()):
            if row_id > self.mark.late and machine_id in self._announced:
                self._text(chunk, text)
                late = self._current.batch.late
                late.machine.append(machine_id)
                late.sequence.append(sequence)
                late.at_ns.append(at_ns)
                late.level.append(level)
                late.text.append(text)
        for row_id, machine_id, first, last, what, count, reason in chunk.omissions.get(self.process_id, ()):
            if row_id > self.mark.omission and machine_id in self._announced:
                self._current.batch.omissions.append(OmissionFact(machine_id, first, last, what, count, reason))
        for change, begun, ended in chunk.waits.get(self.process_id, ()):
            if change > self.mark.wait and begun.machine in self._announced:
                waits = self._current.batch.waits
                waits.begun.append(begun)  # the other hub may know it
                if ended is not None:
                    waits.ended.append(ended)
                if len(waits) >= WAITS:
                    self._cut()
        for machine in mine:
            if machine.ended_ns and machine.id in self._announced:
                self._current.batch.closed.append(MachineClosed(machine.id, machine.ended_ns, machine.end_reason))
                self._current.ended.append((machine.id, machine.ended_ns))
                self._announced.discard(machine.id)
                self.ended[machine.id] = machine.ended_ns

    # -- definitions ----------------------------------------------------------------------------------------------

    def _announce(self, machine: Machine) -> None:
        if machine.id in self._announced:
            return
        self._announced.add(machine.id)
        revisions = machine.revisions
        position, sequence = 0, machine.sequence
        if self._begin != Mark():
            # The other hub may have been restarted, and then knows a machine by how far it had come.
            number, sequence = self._tail.told(machine.id, self._begin)
            position = max(i for i, (after, _) in enumerate(revisions) if after <= number)
        self._revisions[machine.id] = position
        schema_id = revisions[position][1]
        self._define(schema_id)
        fact = machine.fact(self._tail.schema(schema_id), sequence)
        self._current.batch.opened.append((machine.id, machine.started_ns, fact))

    def _revise(self, machine: Machine, number: int | None) -> None:
        """Change the schema where that is due before a transition, or before the next one."""
        position = self._revisions[machine.id]
        while position + 1 < len(machine.revisions):
            after, schema_id = machine.revisions[position + 1]
            if number is not None and number <= after:
                break
            position += 1
            self._cut()  # a revision concerns all transitions of its batch
            self._define(schema_id)
            self._current.batch.revised.append(SchemaRevised(machine.id, schema_id))
        self._revisions[machine.id] = position

    def _define(self, schema_id: int) -> None:
        schema = self._tail.schema(schema_id)
        batch = self._current.batch
        if schema.digest not in self._schemas:
            self._schemas[schema.digest] = schema_id
            batch.schemas.append((schema_id, schema))

    def _text(self, chunk: Chunk, text_id: int) -> None:
        # Defined again in every batch, so that nobody has to remember texts.
        if text_id not in self._texts:
            self._texts.add(text_id)
            text = chunk.texts.get(text_id, "")
            self._current.batch.texts.append((text_id, text))
            self._size += len(text)

    def _cut(self) -> None:
        current, batch = self._current, self._current.batch
        definitions = batch.opened or batch.revised or batch.schemas or batch.patterns
        beside = batch.gaps or len(batch.late) or batch.omissions or len(batch.waits) or batch.closed
        if definitions or len(batch) or beside:
            self._done.append(current)
            self._current = self._fresh()
            self._texts, self._size = set(), 0

    def _fresh(self) -> Composed:
        return Composed(Batch(), dict(self._schemas))


def _gap(machine_id: int, gap: tuple[object, ...]) -> GapFact:
    _, _, after_sequence, lost, reason, clock = gap
    assert isinstance(after_sequence, int)
    assert isinstance(lost, int)
    ticks = tuple(json.loads(clock)) if isinstance(clock, str) else ()
    return GapFact(machine_id, after_sequence, lost, str(reason), ticks)
