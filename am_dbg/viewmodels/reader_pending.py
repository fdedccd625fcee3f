"""The part of the reader about what is pending: waits, contexts, pipes, and the transition under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from am_dbg.session.targets import GoToMachine, GoToTransition
from am_dbg.session.view import Mode, SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.reader_places import Places
from am_dbg.viewmodels.reader_rows import (
    ReaderRow,
    Section,
    end_words,
    entry,
    lasting,
    pipe_words,
    state_name,
    wait_words,
)
from am_dbg.viewmodels.spans import Role, Span, clean
from am_telemetry.store.records import WaitRecord, WaitsAt
from am_telemetry.waits import CONTEXT, PIPE_IN, PIPE_OUT, PIPES

SHOWN: Final = 200
"""Rows of what is pending in one section; a screen has room for some dozens."""


class PendingSections:
    """Sections for the place where a session stands.

    Args:
        session: only read.
        places: where machines are.
        clock: the present, wall clock in nanoseconds.
    """

    def __init__(self, session: SessionView, places: Places, clock: Callable[[], int]) -> None:
        self._session = session
        self._places = places
        self._clock = clock

    @property
    def is_present(self) -> bool:
        """Whether what is shown goes on at this very moment."""
        session = self._session
        machine = session.machine
        at_end = session.number >= session.count
        return session.mode is Mode.TAIL and machine is not None and machine.connected and at_end

    def sections(self, waits: WaitsAt) -> dict[str, Section]:
        """Their rows by name."""
        return {
            "Running": self._running(),
            "Waits": self._pending(waits, "Waits", lambda kind: kind != CONTEXT and kind not in PIPES),
            "State contexts": self._pending(waits, "State contexts", lambda kind: kind == CONTEXT),
            "Ended here": self._ended(waits),
            "Pipes out": self._pipes(waits, "Pipes out", PIPE_OUT),
            "Pipes in": self._pipes(waits, "Pipes in", PIPE_IN),
        }

    @property
    def _now(self) -> int:
        """The moment up to which ages are counted."""
        session, machine = self._session, self._session.machine
        if self.is_present:
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
            spans += [state_name(state, session.states, Role.CALLED), Span(" ")]
        spans.append(
            Span(f"for {lasting(max(self._now, running.noted_ns) - running.started_ns)}", Role.VALUE, bold=True)
        )
        if running.handler:
            late = " beyond its limit" if running.timed_out else ""
            spans.append(Span(f" in {clean(running.handler, 80)}{late}", Role.ERROR if late else Role.PREFIX))
        return 0, [entry("Running", 0, spans)]

    def _pending(self, waits: WaitsAt, section: str, wanted: Callable[[str], bool]) -> Section:
        session, now = self._session, self._now
        assert session.machine_id is not None
        machine_id = session.machine_id
        found = [wait for wait in waits.pending if wanted(wait.fact.kind)]
        rows = [
            entry(
                section,
                wait.ident,
                wait_words(wait, machine_id, now, session.states),
                GoToTransition(machine_id, wait.opened_number),
                _first_state(wait),
            )
            for wait in found[:SHOWN]
        ]
        if len(found) > SHOWN:
            rows.append(entry(section, "more", (Span(f"… and {thousands(len(found) - SHOWN)} more", Role.DIM),)))
        return len(found), rows

    def _ended(self, waits: WaitsAt) -> Section:
        session = self._session
        assert session.machine_id is not None
        rows = [
            entry(
                "Ended here",
                wait.ident,
                end_words(wait, session.states),
                GoToTransition(session.machine_id, wait.opened_number),
                _first_state(wait),
            )
            for wait in waits.ended[:SHOWN]
        ]
        return len(waits.ended), rows

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
                    pipe_words(pipe, session.machine_id, now, session.states),
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
        over = 0 < run.ended_ns <= (self._now if self.is_present else self._session.moment)
        note = (Span(f" ✕ {run.end_reason}", Role.CANCELED),) if over else ()
        name = Span(clean(peer, 80), Role.LINK, underline=True, target=target)
        return entry(section, f"machine {peer}", (Span(arrow, Role.KEY), name, *note), target)


def _first_state(wait: WaitRecord) -> str:
    return wait.fact.states[0] if wait.fact.states else ""
