"""Transitions of which an engine notes only the outcome, because it has happened before.

An engine that remembers outcomes notes ``WIDTH`` values for them: the tracer, the number of the first transition, the
outcome, the log level, start and end in monotonic nanoseconds, the queue tick, the arguments, the source, the lines
logged before, and the number of the last transition. Patterns, ticks and lines follow from the outcome, once for all of
its repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from am_telemetry.batch import PatternDef
from am_telemetry.sending.interning import TextTable

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
        """The transitions of an outcome, one or two, with their lines at a log level."""
        ...

    def ticks(self, outcome: Any) -> tuple[int, ...]:
        """Indexes of states, once for every tick they make in all of its transitions."""
        ...

    def full_log(self, told: Told, pre_log: Entries, source: Any, level: int) -> tuple[Entries, Entries]:
        """Lines before and in a transition, with those that were logged before it and the one about its source."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Repetition:
    """What all repetitions of one transition have in common, in handles. Valid until the tables are tidied."""

    told: Told
    pattern: int
    queue_len: int
    ticks: tuple[int, ...]
    levels: list[int]
    """Of log lines, those before the transition first."""
    texts: list[int]
    before: list[bool]
    cost: int
    """Of the lines, estimated bytes."""

    @classmethod
    def of(cls, told: Told, definition: PatternDef, texts: TextTable, detail: int) -> Repetition:
        """Look up the handles of a transition's lines."""
        levels: list[int] = []
        handles: list[int] = []
        before: list[bool] = []
        cost = 0
        for entries, is_before in ((told.pre_log, True), (told.log, False)) if detail else ():
            if entries:
                more_levels, more_handles, more_cost = texts.lines(entries)
                levels += more_levels
                handles += more_handles
                before += [is_before] * len(more_levels)
                cost += more_cost
        return cls(told, definition.handle, told.queue_len, told.ticks, levels, handles, before, cost)


Known = dict[Any, Repetition]
"""By outcome."""
KnownPairs = dict[Any, tuple[Repetition, Repetition]]
MAX_KNOWN: Final = 4096
"""Outcomes of one schema that are remembered. Binding handlers makes others of the same transitions."""
