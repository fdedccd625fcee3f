"""Transitions of which an engine notes only the outcome, because it has happened before.

An engine that remembers outcomes notes one tuple for them: the tracer, the numbers of the last and the first
transition, the ticks before and after all of them, the outcome, the log level, start and end in monotonic nanoseconds,
the queue tick, the arguments, the source, and the lines logged before. Patterns and lines follow from the outcome, once
for all of its repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from am_telemetry.batch import PatternDef
from am_telemetry.sending.interning import Lines, TextTable

Entries = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One transition of an outcome, without what differs each time."""

    key: tuple[Any, ...]
    """The positional arguments of :func:`pattern_fact`."""
    ticks: tuple[int, ...]
    """Indexes of states, once for every tick they make."""
    queue_len: int
    pre_log: Entries
    log: Entries


class ExpressTraced(Protocol):
    """A tracer whose engine notes outcomes. Called on the sender's thread."""

    def retell(self, outcome: Any, level: int) -> list[Told]:
        """The transitions of an outcome, in order, with their lines at a log level."""
        ...

    def full_log(self, told: Told, pre_log: Entries, source: Any, level: int) -> tuple[Entries, Entries]:
        """Lines before and in a transition, with those that were logged before it and the one about its source."""
        ...


@dataclass(frozen=True, slots=True)
class Repetition:
    """What all repetitions of one transition have in common, in handles. Valid until the tables are tidied."""

    told: Told
    definition: PatternDef
    pre_log: Lines | None
    log: Lines | None

    @classmethod
    def of(cls, told: Told, definition: PatternDef, texts: TextTable) -> Repetition:
        """Look up the handles of a transition's lines."""
        pre_log = texts.lines(told.pre_log) if told.pre_log else None
        return cls(told, definition, pre_log, texts.lines(told.log) if told.log else None)

    def after(self, before: tuple[int, ...]) -> tuple[int, ...]:
        """Ticks after the transition."""
        ticks = list(before)
        for state in self.told.ticks:
            ticks[state] += 1
        return tuple(ticks)


Known = dict[tuple[object, int], list[Repetition]]
"""By outcome and log level."""
MAX_KNOWN: Final = 4096
"""Outcomes of one schema that are remembered. Binding handlers makes others of the same transitions."""
