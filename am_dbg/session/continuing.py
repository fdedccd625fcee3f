"""Where somebody stopped looking at a session, and going on there another time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from am_dbg.session.filters import Filter
from am_dbg.session.history import Place
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
    group: str = ""
    pinned: frozenset[str] = frozenset()
    log_levels: tuple[tuple[str, int], ...] = ()
    log_scope: LogScope = LogScope.MACHINE
    expanded: frozenset[str] = frozenset()
    visited: tuple[Position, ...] = ()
    """The history of jumps, oldest first."""
    visited_at: int = -1
    """Index of the current one."""


def stop_of(session: Session) -> Stop | None:
    """Where a session stands now; None while it has no machine."""
    machine = session.machine
    if machine is None:
        return None
    anchor = None
    if session.anchor is not None:
        machine_id, number = session.anchor
        anchor = Position(session.record(machine_id).name, session.record(machine_id).run, number)
    return Stop(
        selected=Position(machine.name, machine.run, session.number),
        anchor=anchor,
        moment_ns=session.moment,
        step=session.step,
        state=session.state,
        kept_states=session.kept_states,
        hidden=session.filters.hidden,
        only=session.filters.only,
        group=session.filters.group,
        pinned=session.pinned,
        log_levels=tuple(sorted(session.log_levels.items())),
        log_scope=session.log.scope,
        expanded=frozenset(session.expanded),
        visited=tuple(
            Position(run.name, run.run, place.number)
            for place in session.history.places
            for run in (session.record(place.machine_id),)
        ),
        visited_at=session.history.position,
    )


def continue_at(session: Session, stop: Stop) -> bool:
    """Go on where somebody stopped. False when the session has no such machine any more; then nothing is changed."""
    selected = _run(session, stop.selected)
    if selected is None:
        return False
    session.set_filters(replace(session.filters, hidden=stop.hidden, only=stop.only, group=stop.group))
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
    if stop.visited:
        _restore_history(session, stop)
    hides = "" if stop.hidden == type(session.filters)().hidden and not stop.only else ", with the filters of then"
    session.say(f"continued where you stopped: {session.label(selected)} #{thousands(session.number)}{hides}")
    return True


def _restore_history(session: Session, stop: Stop) -> None:
    """Where one has been by then; without the machines that are not there any more."""
    places: list[Place] = []
    position = -1
    for index, visited in enumerate(stop.visited):
        machine_id = _run(session, visited)
        if machine_id is not None:
            places.append(Place(machine_id, visited.number))
        if index == stop.visited_at:
            position = len(places) - 1
    session.history.restore(places, position)


def _run(session: SessionView, position: Position) -> int | None:
    found = (run.id for run in session.runs(position.machine) if run.run == position.run)
    return next(found, None)
