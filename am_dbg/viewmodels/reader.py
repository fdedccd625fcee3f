"""The reader: what is pending at the current moment, where the transition came from, and what it led to."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from typing import Final

from am_dbg.session.targets import GoToMachine, GoToTransition
from am_dbg.session.view import Mode, SessionView
from am_dbg.timefmt import duration, thousands
from am_dbg.viewmodels.describe import error_place, error_text
from am_dbg.viewmodels.reader_places import Places
from am_dbg.viewmodels.reader_rows import (
    ReaderRow,
    end_words,
    entry,
    heading,
    lasting,
    pipe_words,
    state_name,
    transition_words,
    wait_words,
)
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.facts import SourceFact
from am_telemetry.store.records import Caused, TransitionRecord, WaitRecord, WaitsAt
from am_telemetry.waits import CONTEXT, PIPE_IN, PIPE_OUT, PIPES

QUEUED: Final = 10
"""Mutations that are listed as what came next."""
SECTIONS: Final = (
    "Running",
    "Error",
    "Source",
    "State trace",
    "Queue",
    "Waits",
    "State contexts",
    "Ended here",
    "Pipes out",
    "Pipes in",
    "Executed",
    "Arguments",
    "Forked",
    "Siblings",
)

Section = tuple[int, list[ReaderRow]]
"""How many things it tells of, and its rows."""


def title(session: SessionView) -> Line:
    """``Reader #96``."""
    number = Span(f" #{thousands(session.number)}", Role.VALUE) if session.machine is not None else Span("")
    return (Span("Reader", Role.TITLE, bold=True), number)


class ReaderModel:
    """The rows for the place where a session stands. Computed when something about it changed.

    Args:
        session: only read.
        clock: the present, wall clock in nanoseconds.
    """

    def __init__(self, session: SessionView, clock: Callable[[], int]) -> None:
        self._session = session
        self._clock = clock
        self._places = Places(session)
        self._key: tuple[object, ...] = ()
        self._rows: tuple[ReaderRow, ...] = ()

    def rows(self, width: int = 120) -> tuple[ReaderRow, ...]:
        """All rows, those of folded sections left out.

        Args:
            width: cells in which what is missing is to be said.
        """
        session = self._session
        second = self._clock() // 1_000_000_000 if self._is_present else 0
        key = (
            session.machine_id,
            session.number,
            session.recording.version,
            session.state,
            frozenset(session.folded),
            session.mode is Mode.TAIL,
            second,
            width,
        )
        if key != self._key:
            self._rows, self._key = tuple(self._build(width)), key
        return self._rows

    @property
    def _is_present(self) -> bool:
        """Whether what is shown goes on at this very moment."""
        session = self._session
        machine = session.machine
        return (
            session.mode is Mode.TAIL and machine is not None and machine.connected and session.number >= session.count
        )

    def _build(self, width: int) -> Iterator[ReaderRow]:
        session = self._session
        if session.machine is None:
            return
        missing = []
        sections = self._sections()
        for name in SECTIONS:
            count, rows = sections.get(name, (0, []))
            if not rows:
                missing.append(name.lower())
                continue
            folded = name in session.folded
            yield heading(name, count, folded)
            if not folded:
                yield from rows
        if missing:
            words = textwrap.wrap("none here: " + ", ".join(missing), max(20, width), subsequent_indent="  ")
            for place, line in enumerate(words):
                yield ReaderRow(f"missing:{place}", (Span(line, Role.DIM),))

    def _sections(self) -> dict[str, Section]:
        session = self._session
        assert session.machine_id is not None
        record = session.current
        waits = session.recording.waits(session.machine_id, session.number)
        sections = {
            "Running": self._running(),
            "Waits": self._waits(waits),
            "State contexts": self._pending(waits, "State contexts", lambda kind: kind == CONTEXT),
            "Ended here": self._ended(waits),
            "Pipes out": self._pipes(waits, "Pipes out", PIPE_OUT),
            "Pipes in": self._pipes(waits, "Pipes in", PIPE_IN),
        }
        if record is not None:
            sections |= {
                "Error": self._error(record),
                "Source": self._source(record),
                "State trace": self._trace(record),
                "Queue": self._queue(record),
                "Executed": self._executed(record),
                "Arguments": self._arguments(record),
                "Forked": self._caused(record, "Forked"),
                "Siblings": self._siblings(record),
            }
        return sections

    # -- what is pending -----------------------------------------------------------------------------------------

    @property
    def _now(self) -> int:
        """The moment up to which ages are counted."""
        session, machine = self._session, self._session.machine
        if self._is_present:
            return max(self._clock(), session.moment)
        if machine is not None and machine.ended_ns and session.number >= session.count:
            return max(machine.ended_ns, session.moment)
        record = session.current
        return max(session.moment, record.at_ns + record.duration_ns) if record is not None else session.moment

    def _running(self) -> Section:
        session = self._session
        if session.machine_id is None or session.number < session.count:
            return 0, []
        running = session.recording.running(session.machine_id)
        if running is None:
            return 0, []
        spans = [Span("▶ ", Role.CURSOR), Span(f"{running.mutation} ", Role.KEY)]
        for state in running.called[:8]:
            spans += [state_name(state, session.state, Role.CALLED), Span(" ")]
        spans.append(
            Span(f"for {lasting(max(self._now, running.noted_ns) - running.started_ns)}", Role.VALUE, bold=True)
        )
        if running.handler:
            late = " beyond its limit" if running.timed_out else ""
            spans.append(Span(f" in {clean(running.handler, 80)}{late}", Role.ERROR if late else Role.PREFIX))
        return 0, [entry("Running", 0, spans)]

    def _waits(self, waits: WaitsAt) -> Section:
        count, rows = self._pending(waits, "Waits", lambda kind: kind != CONTEXT and kind not in PIPES)
        if waits.hidden:
            more = Span(f"… and {thousands(waits.hidden)} more, which began later", Role.DIM)
            rows.append(entry("Waits", "more", (more,)))
        return count, rows

    def _pending(self, waits: WaitsAt, section: str, wanted: Callable[[str], bool]) -> Section:
        session, now = self._session, self._now
        assert session.machine_id is not None
        machine_id = session.machine_id
        rows = [
            entry(
                section,
                wait.ident,
                wait_words(wait, machine_id, now, session.state),
                GoToTransition(machine_id, wait.opened_number),
                _first_state(wait),
            )
            for wait in waits.pending
            if wanted(wait.fact.kind)
        ]
        return len(rows), rows

    def _ended(self, waits: WaitsAt) -> Section:
        session = self._session
        assert session.machine_id is not None
        rows = [
            entry(
                "Ended here",
                wait.ident,
                end_words(wait, session.state),
                GoToTransition(session.machine_id, wait.opened_number),
                _first_state(wait),
            )
            for wait in waits.ended
        ]
        return len(rows), rows

    def _pipes(self, waits: WaitsAt, section: str, kind: str) -> Section:
        session, now = self._session, self._now
        assert session.machine_id is not None
        groups: dict[str, list[WaitRecord]] = {}
        for wait in waits.pending:
            if wait.fact.kind == kind:
                groups.setdefault(wait.fact.peer, []).append(wait)
        rows: list[ReaderRow] = []
        for peer, pipes in groups.items():
            rows.append(self._peer(section, peer, kind))
            rows += [
                entry(
                    section,
                    pipe.ident,
                    pipe_words(pipe, session.machine_id, now, session.state),
                    GoToTransition(session.machine_id, pipe.opened_number),
                    _first_state(pipe),
                )
                for pipe in pipes
            ]
        return sum(map(len, groups.values())), rows

    def _peer(self, section: str, peer: str, kind: str) -> ReaderRow:
        run = self._places.run_at(peer, self._session.moment)
        arrow = "→ " if kind == PIPE_OUT else "← "
        if run is None:
            spans = (Span(arrow, Role.KEY), Span(clean(peer, 80)), Span(" not in this recording", Role.DIM))
            return entry(section, f"machine {peer}", spans)
        target = GoToMachine(peer)
        over = 0 < run.ended_ns <= (self._now if self._is_present else self._session.moment)
        note = (Span(f" ✕ {run.end_reason}", Role.CANCELED),) if over else ()
        name = Span(clean(peer, 80), Role.LINK, underline=True, target=target)
        return entry(section, f"machine {peer}", (Span(arrow, Role.KEY), name, *note), target)

    # -- the transition ------------------------------------------------------------------------------------------

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
        words = transition_words(label, cause.record, cause.target, self._session.state)
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
                    self._session.label(cause.run.id), cause.record, cause.target, self._session.state
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
            words = transition_words("", later, target, session.state)
            rows.append(entry("Queue", number, (Span("then ", Role.DIM), *words), target))
        return record.queue_len, rows

    def _executed(self, record: TransitionRecord) -> Section:
        session = self._session
        handlers = record.pattern.fact.handlers
        runs = session.recording.handler_runs(record.machine_id, record.number)
        timed = len(runs) == len(handlers)
        rows = []
        for place, name in enumerate(handlers):
            marked = bool(session.state) and name.startswith(session.state)
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
                label, session.recording.transition(other.machine_id, other.number), target, session.state
            )
            rows.append(entry(section, f"{other.machine_id}/{other.number}", words, target))
        return len(rows), rows

    def _is_known(self, other: Caused) -> bool:
        """Whether a transition has been caught up with."""
        try:
            return other.number <= self._session.recording.timeline(other.machine_id).count
        except KeyError:
            return False


def _first_state(wait: WaitRecord) -> str:
    return wait.fact.states[0] if wait.fact.states else ""
