"""The reader: what is pending at the current moment, where the transition came from, and what it led to."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Final

from am_dbg.session.view import Mode, SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.reader_causes import TransitionSections
from am_dbg.viewmodels.reader_pending import PendingSections
from am_dbg.viewmodels.reader_places import Places
from am_dbg.viewmodels.reader_rows import ReaderRow, heading
from am_dbg.viewmodels.spans import Line, Role, Span

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
        places = Places(session)
        self._pending = PendingSections(session, places, clock)
        self._transition = TransitionSections(session, places)
        self._key: tuple[object, ...] = ()
        self._rows: tuple[ReaderRow, ...] = ()

    def rows(self, width: int = 120) -> tuple[ReaderRow, ...]:
        """All rows, those of folded sections left out.

        Args:
            width: cells in which what is missing is to be said.
        """
        session = self._session
        second = self._clock() // 1_000_000_000 if self._pending.is_present else 0
        key = (
            session.machine_id,
            session.number,
            session.recording.version,
            session.states,
            frozenset(session.folded),
            session.mode is Mode.TAIL,
            second,
            width,
        )
        if key != self._key:
            self._rows, self._key = tuple(self._build(width)), key
        return self._rows

    def _build(self, width: int) -> Iterator[ReaderRow]:
        session = self._session
        if session.machine is None:
            return
        missing = []
        waits = session.recording.waits(session.machine.id, session.number)
        record = session.current
        sections = self._pending.sections(waits) | ({} if record is None else self._transition.sections(record))
        for name in SECTIONS:
            count, rows = sections.get(name, (0, []))
            if not rows:
                missing.append(name.lower())
                continue
            folded = name in session.folded
            yield heading(name, count, folded)
            if not folded:
                yield from rows
        if waits.hidden:
            more = f"… and {thousands(waits.hidden)} more are pending, which began later"
            yield ReaderRow("hidden", (Span(more, Role.DIM),))
        if missing:
            words = textwrap.wrap("none here: " + ", ".join(missing), max(20, width), subsequent_indent="  ")
            for place, line in enumerate(words):
                yield ReaderRow(f"missing:{place}", (Span(line, Role.DIM),))
