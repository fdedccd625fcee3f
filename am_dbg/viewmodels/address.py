"""The address line: which machine at which transition, whether it is connected, its run, tags and process."""

from __future__ import annotations

from typing import Final

from am_dbg.session.addressing import address
from am_dbg.session.session import Session
from am_dbg.session.targets import SetMode, StepMachine, ToggleLock
from am_dbg.session.urls import SCHEME
from am_dbg.session.view import Mode
from am_dbg.timefmt import date_and_time, thousands, time_of_day
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_dbg.viewmodels.transition_line import Part, fit
from am_telemetry.store.records import MachineRecord

COPY: Final = "jump.copy-address"
"""Target of the address: the action that copies it."""
_OWN = ("am_telemetry", "am_core")
"""Names of the libraries that programs report with unless they are special."""
_END = {
    "disposed": "disposed",
    "closed": "closed",
    "disconnected": "disconnected",
    "superseded": "replaced by a later run",
}


def line(session: Session, width: int) -> Line:
    """``◀ ▶ mach://orders/#96 ● connected  #svc:shop …``, at most ``width`` cells."""
    machine = session.machine
    arrows = (
        Span("◀", Role.LINK, target=StepMachine(-1)),
        Span(" "),
        Span("▶", Role.LINK, target=StepMachine(1)),
    )
    if machine is None:
        return fit([Part(arrows, 3), Part((Span(SCHEME, Role.DIM), Span("no machine yet", Role.DIM)), 0)], width)
    role = Role.ACTIVE if machine.connected else Role.DIM
    url = clean(address(session)).removeprefix(SCHEME)
    shown = (
        Span(SCHEME, role, target=COPY),  # type: ignore[arg-type]  # followed by the address bar alone
        Span(url, Role.TEXT, bold=True, underline=True, target=COPY),  # type: ignore[arg-type]  # as above
    )
    parts = [
        Part(arrows, 5),
        Part(shown, 6, short_rank=0, least=40),
        Part(connection(machine), 1),
    ]
    if session.mode is Mode.TAIL:
        parts.append(Part((Span("⇥ tail", Role.TITLE, bold=True, target=SetMode("paused")),), 2))
    elif session.missed:
        text = f"⇥ tail paused: {thousands(session.missed)} new (T)"
        short = Span(f"⇥ {thousands(session.missed)} new", Role.TITLE, bold=True, target=SetMode("tail"))
        parts.append(Part((Span(text, Role.TITLE, bold=True, target=SetMode("tail")),), 2, short=(short,)))
    if moment := _moment(session):
        parts.append(Part((moment,), 2))
    runs = session.runs(machine.name)
    if len(runs) > 1:
        parts.append(Part((Span(f"run {machine.run} of {len(runs)}", Role.VALUE),), 3))
    tags = _tags(session, machine)
    if tags:
        parts.append(Part(tags, 7))
    process = session.recording.process(machine.process_id)
    if process.name or process.pid:
        label = clean(process.name or "process", 30) + (f" ({process.pid})" if process.pid else "")
        parts.append(Part((Span(label, Role.DIM),), 8, right=True))
    if process.library and not process.library.startswith(_OWN):  # our own says nothing new
        parts.append(Part((Span(clean(process.library, 40), Role.DIM),), 9, right=True))
    return fit(parts, width)


def _moment(session: Session) -> Span | None:
    """``◷ 12:03:07.120``: the moment that all panes show, unless it is the time of the transition at the cursor."""
    timeline = session.timeline
    if session.mode is Mode.TAIL or timeline is None:
        return None
    own = session.number and timeline.holds(session.number) and timeline.at(session.number) == session.moment
    if not session.locked and (own or not session.moment):
        return None
    time = time_of_day(session.moment).partition(" ")[0]
    if session.locked:
        return Span(f"◷ {time} locked (G)", Role.TITLE, bold=True, target=ToggleLock())
    return Span(f"◷ {time}", Role.VALUE, target=ToggleLock())


def connection(machine: MachineRecord) -> Line:
    """``● connected``, or ``○`` with how and when it ended."""
    if machine.connected:
        return (Span("● connected", Role.ACTIVE),)
    return (Span(f"○ {_END.get(machine.end_reason, 'gone')} {date_and_time(machine.ended_ns)}", Role.DIM),)


def _tags(session: Session, machine: MachineRecord) -> Line:
    """Its own tags, then what its ancestors add to them, nearest first."""
    own = " ".join(f"#{clean(tag, 60)}" for tag in machine.tags)
    inherited: list[str] = []
    known = set(machine.tags)
    seen = {machine.name}
    parent = machine.parent
    while parent and parent not in seen:
        seen.add(parent)
        runs = session.runs(parent)
        if not runs:
            break
        inherited += [f"#{clean(tag, 60)}" for tag in runs[-1].tags if tag not in known]
        known.update(runs[-1].tags)
        parent = runs[-1].parent
    spans = [Span(own, Role.DIM)] if own else []
    if inherited:
        spans.append(Span((" … " if own else "… ") + " ".join(inherited), Role.DIM))
    return tuple(spans)
