"""Where somebody stopped looking at a session, and going on there another time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from am_dbg.session.filters import Filter
from am_dbg.session.log_options import LogScope
from am_dbg.session.session import Session
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands


@dataclass(frozen=True, slots=True)
class Position:
    """A transition of a machine run, told so that it can be found again in a copy of the session."""

    machine: str
    run: int
    number: int


@dataclass(frozen=True, slots=True)
class Stop:
    """What of a session is found again. Times are wall clock nanoseconds."""

    selected: Position
    """The machine that was looked at; the number is that of its cursor."""
    anchor: Position | None
    """Where the moment was chosen, when that was a transition; it may be one of another machine."""
    moment_ns: int
    step: int = 0
    state: str = ""
    kept_states: tuple[str, ...] = ()
    hidden: frozenset[Filter] = frozenset()
    only: frozenset[Filter] = frozenset()
    pinned: frozenset[str] = frozenset()
    log_levels: tuple[tuple[str, int], ...] = ()
    log_scope: LogScope = LogScope.MACHINE
    expanded: frozenset[str] = frozenset()


def stop_of(session: SessionView) -> Stop | None:
    """Where a session stands now; None while it has no machine."""
    machine = session.machine
    if machine is None:
        return None
    anchor = session.anchor
    if anchor is not None:
        record = session.record(anchor[0])
    return Stop(
        selected=Position(machine.name, machine.run, session.number),
        anchor=None if anchor is None else Position(record.name, record.run, anchor[1]),
        moment_ns=session.moment,
        step=session.step,
        state=session.state,
        kept_states=session.kept_states,
        hidden=session.filters.hidden,
        only=session.filters.only,
        pinned=session.pinned,
        log_levels=tuple(sorted(session.log_levels.items())),
        log_scope=session.log.scope,
        expanded=frozenset(session.expanded),
    )


def continue_at(session: Session, stop: Stop) -> bool:
    """Go on where somebody stopped. False when the session has no such machine any more; then nothing is changed."""
    selected = _run(session, stop.selected)
    if selected is None:
        return False
    session.set_filters(replace(session.filters, hidden=stop.hidden, only=stop.only))
    session.pinned = stop.pinned
    session.log_levels = dict(stop.log_levels)
    session.set_log(replace(session.log, scope=stop.log_scope))
    session.expanded = set(stop.expanded)
    anchor = None if stop.anchor is None else _run(session, stop.anchor)
    chosen_at = None if stop.anchor is None or anchor is None else (anchor, stop.anchor.number)
    session.restore_moment(stop.moment_ns, chosen_at)
    session.select_machine(selected)
    session.state, session.kept_states = stop.state, stop.kept_states
    if stop.step and session.number == stop.selected.number and session.next_number is not None:
        session.go_to_step(session.next_number, stop.step)
    hides = "" if stop.hidden == type(session.filters)().hidden and not stop.only else ", with the filters of then"
    session.say(f"continued where you stopped: {session.label(selected)} #{thousands(session.number)}{hides}")
    return True


def _run(session: SessionView, position: Position) -> int | None:
    found = (run.id for run in session.runs(position.machine) if run.run == position.run)
    return next(found, None)
