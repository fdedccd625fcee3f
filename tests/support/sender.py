"""A program that reports a few machines, for tests of the store: batches are put together line by line."""

from __future__ import annotations

from collections.abc import Sequence

from am_telemetry.batch import Batch, MachineClosed, PatternDef, SchemaRevised
from am_telemetry.facts import Flag, GapFact, MachineFact, PatternFact, ProcessFact, SchemaFact, SourceFact, StateFact

NOW = 1_700_000_000_000_000_000


def schema(*names: str) -> SchemaFact:
    return SchemaFact(tuple(StateFact(name) for name in names))


AB = schema("A", "B", "Exception")


def toggle(state: int, on: bool) -> PatternFact:
    """The transition that switches one state."""
    return PatternFact(
        "add" if on else "remove",
        (state,),
        Flag.ACCEPTED,
        ((state, 1),),
        (state,) if on else (),
        () if on else (state,),
    )


REFUSED = PatternFact("add", (1,), canceled_by="BEnter")


class Sender:
    """One connection of one process.

    Machines are handles; ``sequences`` holds each machine's own count. Definitions go into the next batch taken.
    """

    def __init__(self, session: str = "aa" * 16, have: int = 0) -> None:
        self.process = ProcessFact(session, "app", "host", 77, "python", "am-dbg 0", {"k": "v"})
        self.session = session
        self.sequences: dict[int, int] = {}
        self.active: dict[tuple[int, int], bool] = {}
        self._seq = have
        self._patterns: dict[tuple[int, PatternFact], int] = {}
        self._schemas: dict[SchemaFact, int] = {}
        self._texts: dict[str, int] = {}
        self._machine_schemas: dict[int, int] = {}
        self.batch = Batch()

    def schema(self, fact: SchemaFact) -> int:
        if fact not in self._schemas:
            self._schemas[fact] = len(self._schemas)
            self.batch.schemas.append((self._schemas[fact], fact))
        return self._schemas[fact]

    def open(
        self,
        handle: int,
        name: str,
        fact: SchemaFact = AB,
        clock: Sequence[int] = (),
        sequence: int = 0,
        parent: str = "",
    ) -> None:
        self._machine_schemas[handle] = self.schema(fact)
        self.batch.opened.append((handle, NOW, MachineFact(name, fact, parent, ("t",), tuple(clock), sequence)))
        self.sequences.setdefault(handle, sequence)

    def revise(self, handle: int, fact: SchemaFact) -> None:
        self._machine_schemas[handle] = self.schema(fact)
        self.batch.revised.append(SchemaRevised(handle, self._machine_schemas[handle]))

    def forget_texts(self) -> None:
        """Give out the handles of texts anew, as programs do after many different ones."""
        self._texts.clear()

    def text(self, value: str) -> int:
        if value not in self._texts:
            self._texts[value] = len(self._texts)
            self.batch.texts.append((self._texts[value], value))
        return self._texts[value]

    def add(
        self,
        handle: int,
        pattern: PatternFact,
        *logs: str,
        at_ns: int | None = None,
        sequence: int | None = None,
        source: SourceFact | None = None,
    ) -> int:
        """One transition; returns its row in the batch."""
        key = (self._machine_schemas.get(handle, 0), pattern)
        if key not in self._patterns:
            self._patterns[key] = len(self._patterns)
            self.batch.patterns.append(PatternDef(self._patterns[key], key[0], pattern))
        self.sequences[handle] = sequence or self.sequences.get(handle, 0) + 1
        columns = self.batch.transitions
        row = len(columns)
        columns.machine.append(handle)
        columns.sequence.append(self.sequences[handle])
        columns.at_ns.append(NOW + self.sequences[handle] * 1_000_000 if at_ns is None else at_ns)
        columns.duration_ns.append(50_000)
        columns.pattern.append(self._patterns[key])
        columns.queue_len.append(0)
        columns.queue_tick.append(self.sequences[handle])
        for line in logs:
            self.batch.logs.row.append(row)
            self.batch.logs.level.append(3)
            self.batch.logs.text.append(self.text(line))
            self.batch.logs.before.append(False)
        if source is not None:
            self.batch.sources.append((row, source))
        return row

    def toggle(self, handle: int, state: int = 0, times: int = 1) -> None:
        for _ in range(times):
            on = not self.active.get((handle, state), False)
            self.active[(handle, state)] = on
            self.add(handle, toggle(state, on))

    def gap(self, handle: int, lost: int, clock: Sequence[int] = (), reason: str = "full") -> None:
        self.batch.gaps.append(GapFact(handle, self.sequences[handle], lost, reason, tuple(clock)))
        self.sequences[handle] += lost

    def close(self, handle: int, reason: str = "disposed") -> None:
        self.batch.closed.append(MachineClosed(handle, NOW + 10**12, reason))

    def take(self) -> Batch:
        """The batch so far, numbered; a new one is begun."""
        batch, self.batch = self.batch, Batch()
        batch.first_seq = self._seq + 1
        self._seq += max(1, len(batch))
        batch.last_seq = self._seq
        return batch
