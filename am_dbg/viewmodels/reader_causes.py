"""The part of the reader about a transition: its cause and effects, the queue, handlers, arguments, the error."""

from __future__ import annotations

import json
from typing import Final

from am_dbg.session.targets import GoToMachine, GoToTransition
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, thousands
from am_dbg.viewmodels.describe import error_place, error_text
from am_dbg.viewmodels.reader_places import Places
from am_dbg.viewmodels.reader_rows import Section, entry, transition_words
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.facts import SourceFact
from am_telemetry.store.records import Caused, TransitionRecord

QUEUED: Final = 10
"""Mutations that are listed as what came next."""


class TransitionSections:
    """Sections for one transition of a session's machine.

    Args:
        session: only read.
        places: where other transitions are.
    """

    def __init__(self, session: SessionView, places: Places) -> None:
        self._session = session
        self._places = places

    def sections(self, record: TransitionRecord) -> dict[str, Section]:
        """Their rows by name."""
        return {
            "Error": self._error(record),
            "Source": self._source(record),
            "State trace": self._trace(record),
            "Queue": self._queue(record),
            "Executed": self._executed(record),
            "Arguments": self._arguments(record),
            "Forked": self._caused(record, "Forked"),
            "Siblings": self._siblings(record),
        }

    def _error(self, record: TransitionRecord) -> Section:
        if record.error is None:
            return 0, []
        place = error_place(record.error)
        spans = [Span("✕ ", Role.ERROR), Span(error_text(record.error), Role.ERROR)]
        if place:
            spans.append(Span(f" {place}", Role.DIM))
        return 0, [entry("Error", 0, spans)]

    def _source(self, record: TransitionRecord) -> Section:
        source = record.source
        if source is None or not source.machine:
            if record.pattern.fact.auto:
                return 0, [entry("Source", 0, (Span("automatic: the transition before made it possible", Role.DIM),))]
            return 0, [entry("Source", 0, (Span("outside of handlers: the program itself", Role.DIM),))]
        cause = self._places.cause(record)
        if cause is None or cause.run is None:
            why = Span(" is not part of this recording", Role.DIM)
            return 0, [entry("Source", 0, (Span(clean(source.machine, 80), bold=True), why))]
        if cause.record is None:
            name = Span(f"{clean(source.machine, 80)} ", Role.LINK, target=GoToMachine(source.machine))
            what = f"its transition {source.transition_id or source.sequence} was not recorded"
            return 0, [entry("Source", 0, (name, Span(clean(what, 120), Role.DIM)), GoToMachine(source.machine))]
        own = cause.run.id == record.machine_id
        label = "" if own else self._session.label(cause.run.id)
        words = transition_words(label, cause.record, cause.target, self._session.states)
        gap = record.at_ns - cause.record.at_ns
        later = (Span(f" {duration(gap)} before", Role.DIM),) if gap >= 0 else ()
        return 0, [entry("Source", 0, (*words, *later), cause.target)]

    def _trace(self, record: TransitionRecord) -> Section:
        chain = self._places.chain(record)
        if len(chain) < 2:
            return 0, []  # the source alone says it
        rows = []
        for place, cause in enumerate(chain, 1):
            head = Span(f"{place:>2} ", Role.DIM)
            if cause.record is None or cause.run is None:
                words: Line = (Span(clean(cause.source.machine, 80)), Span(" unknown from here on", Role.DIM))
            else:
                words = transition_words(
                    self._session.label(cause.run.id), cause.record, cause.target, self._session.states
                )
            rows.append(entry("State trace", place, (head, *words), cause.target))
        return len(rows), rows

    def _queue(self, record: TransitionRecord) -> Section:
        session = self._session
        if not record.queue_len:
            return 0, []
        spans = [Span(f"{thousands(record.queue_len)} waiting at its start")]
        if record.queue_tick:
            spans.append(Span(f" · queue tick {thousands(record.queue_tick)}", Role.DIM))
        rows = [entry("Queue", 0, spans)]
        number = record.number
        left = min(record.queue_len, QUEUED)
        while left > 0 and number < min(session.count, record.number + 4 * QUEUED):
            number += 1
            later = session.transition(number)
            if later is None:
                break
            fact = later.pattern.fact
            if fact.auto or fact.queued or not later.queue_tick:
                continue
            left -= 1
            target = GoToTransition(later.machine_id, number)
            words = transition_words("", later, target, session.states)
            rows.append(entry("Queue", number, (Span("then ", Role.DIM), *words), target))
        return record.queue_len, rows

    def _executed(self, record: TransitionRecord) -> Section:
        session = self._session
        handlers = record.pattern.fact.handlers
        runs = session.recording.handler_runs(record.machine_id, record.number)
        timed = len(runs) == len(handlers)
        rows = []
        for place, name in enumerate(handlers):
            marked = bool(session.states) and name.startswith(session.states)
            spans = [Span(clean(name, 100), Role.HIGHLIGHT if marked else Role.PREFIX, bold=marked)]
            if timed:
                spans.append(Span(f" {duration(runs[place].duration_ns)}", Role.VALUE))
            rows.append(entry("Executed", place, spans))
        if rows and not timed:
            rows.append(entry("Executed", "note", (Span("durations are told with AM_DETAIL=3", Role.DIM),)))
        return len(handlers), rows

    def _arguments(self, record: TransitionRecord) -> Section:
        arguments = record.arguments or {}
        rows = []
        for key, value in arguments.items():
            shown = "value not told" if value is None else clean(json.dumps(value, ensure_ascii=False), 400)
            spans = (
                Span(clean(key, 80), Role.KEY),
                Span(" = ", Role.DIM),
                Span(shown, Role.VALUE if value is not None else Role.DIM),
            )
            rows.append(entry("Arguments", key, spans))
        return len(rows), rows

    def _siblings(self, record: TransitionRecord) -> Section:
        source = record.source
        if source is None or not source.machine:
            return 0, []
        return self._others("Siblings", source, record, without=(record.machine_id, record.number))

    def _caused(self, record: TransitionRecord, section: str) -> Section:
        machine = self._session.machine
        if machine is None:
            return 0, []
        cause = SourceFact(machine.name, record.sequence, 0, record.transition_id)
        return self._others(section, cause, record, without=(0, 0))

    def _others(
        self, section: str, cause: SourceFact, record: TransitionRecord, *, without: tuple[int, int]
    ) -> Section:
        session = self._session
        found = session.recording.effects(cause, record.machine_id, record.number)
        kept = [other for other in found if other != Caused(*without) and self._is_known(other)]
        rows = []
        for other in kept:
            target = GoToTransition(other.machine_id, other.number)
            label = "" if other.machine_id == record.machine_id else session.label(other.machine_id)
            words = transition_words(
                label, session.recording.transition(other.machine_id, other.number), target, session.states
            )
            rows.append(entry(section, f"{other.machine_id}/{other.number}", words, target))
        return len(rows), rows

    def _is_known(self, other: Caused) -> bool:
        """Whether a transition has been caught up with."""
        try:
            return other.number <= self._session.recording.timeline(other.machine_id).count
        except KeyError:
            return False
