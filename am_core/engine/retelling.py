"""What tracers would have heard of express transitions, from what is known about their outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from am_core.engine.log_texts import mutation_text, postponed_text, queued_text, rejection_text, switch_text
from am_core.logs import CHANGES, DECISIONS, OPS, LogEntry
from am_core.resolution.automaton import AUTO, Edge, Macrostep
from am_core.resolution.mutation import MutationSource
from am_core.resolution.plan import Notes, later
from am_core.resolution.steps import Step

Lines = tuple[tuple[int, str], ...]
"""Log entries, or what has been one."""


class Retold(NamedTuple):
    """One transition of a macrostep: everything but its moment, arguments and source."""

    edge: Edge
    is_auto: bool
    canceled_by: str
    steps: Sequence[Step]
    queue_len: int
    pre_log: tuple[LogEntry, ...]
    """Lines logged before it, after those of the program."""
    log: tuple[LogEntry, ...]
    """Without the line about the source, for which see :func:`with_source`."""


def retell(step: Macrostep, level: int) -> list[Retold]:
    """The one or two transitions of a macrostep, with the lines of a log level up to decisions. Thread-safe."""
    first = _retold(step.edge, level, step.auto)
    return [first] if step.auto is None else [first, _retold(step.auto, level, None)]


def with_source(log: Lines, source: MutationSource, level: int) -> Lines:
    """The lines of a mutation that another transition has asked for."""
    return (log[0], LogEntry(OPS, f"[source] {source}"), *log[1:]) if level >= OPS else log


def preceded(pre_log: Lines, own: Lines) -> Lines:
    """Lines logged since the last transition, and those of :attr:`Retold.pre_log` behind them."""
    # As in the buffer of lines, none repeats the one before it.
    repeated = own and pre_log and pre_log[-1][1] == own[0][1]
    return (*pre_log, *(own[1:] if repeated else own))


def _retold(edge: Edge, level: int, auto: Edge | None) -> Retold:
    model = edge.source.automaton.model
    is_auto = edge.kind == AUTO
    steps, notes = edge.trail or edge.retrace()
    more_notes: Notes = ()
    if is_auto:
        more_steps, more_notes = edge.second_trail or edge.retrace_end()
        steps = (*steps, *more_steps)
    before: list[tuple[int, str]] = []
    lines: list[tuple[int, str]] = []
    if not is_auto:
        before.append((OPS, queued_text("queue", edge.type, model.text(edge.called))))
    lines.append((DECISIONS if is_auto else OPS, mutation_text(edge.type, is_auto, model.text(edge.called))))
    lines += notes
    if not edge.is_accepted:
        rejected = edge.plan.rejected
        lines.append((OPS, rejection_text(model.text(i for i in edge.called if rejected >> i & 1))))
    if is_auto:
        lines += more_notes
    if edge.is_accepted:
        ticks = (0,) * len(model.names)
        switched = switch_text(model.names, edge.end, is_auto, ticks, later(ticks, edge.ticks))
        if switched:
            lines.append((CHANGES, switched))
    if auto is not None:
        names = model.text(auto.called)
        lines += [(OPS, f"[auto] {names}"), (OPS, queued_text("prepend", auto.type, names)), (OPS, postponed_text(1))]
    return Retold(
        edge,
        is_auto,
        "" if edge.is_accepted else "relations",
        steps,
        0 if auto is None else 1,
        _told(before, level),
        _told(lines, level),
    )


def _told(lines: list[tuple[int, str]], level: int) -> tuple[LogEntry, ...]:
    return tuple([LogEntry(*line) for line in lines if line[0] <= level])
