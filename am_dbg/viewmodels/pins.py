"""Pinned machines side by side: what each was like at the same moment, and what it had done last."""

from __future__ import annotations

from typing import Final

from am_dbg.session.targets import GoToTransition, SelectMachine
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, thousands
from am_dbg.viewmodels.describe import is_canceled
from am_dbg.viewmodels.machines import error_flag, ready_flag
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut_line, line_width, pad, width
from am_telemetry.store.timeline import Timeline

_NAME_MOST: Final = 24
_MOST_STATES: Final = 200


def row(session: SessionView, machine_id: int, cells: int, name_width: int) -> Line:
    """One machine in ``cells`` columns: name, flags, active states (changed ones bold with a sign), last transition."""
    machine = session.record(machine_id)
    timeline = session.recording.timeline(machine_id)
    number = session.position(machine_id)
    selected = machine_id == session.machine_id
    target = SelectMachine(machine_id)
    error = error_flag(timeline, number)
    error_role = Role.ERROR if error == "E" else Role.ERROR_RECENT
    name_role = error_role if error else Role.ACTIVE if machine.connected else Role.DIM
    name = pad(clean(session.label(machine_id)), name_width)
    head: Line = (
        Span("▸" if selected else " ", Role.CURSOR, bold=True, target=target),
        Span("● " if machine.connected else "○ ", Role.ACTIVE if machine.connected else Role.DIM, target=target),
        Span(name, name_role, bold=selected, underline=selected, target=target),
        Span(error or " ", error_role, bold=error == "E", target=target),
        Span((ready_flag(timeline, number) or " ") + " ", Role.ACTIVE, target=target),
    )
    last = _last(session, machine_id, timeline, number)
    room = max(0, cells - line_width(head))
    states = _states(timeline, number)
    last = cut_line(last, max(room // 2, room - line_width(states) - 2))
    states = cut_line(states, max(0, room - line_width(last) - 2))
    gap = max(1, room - line_width(states) - line_width(last) - 1)
    return (*head, *states, Span(" " * gap), *last, Span(" "))


def name_width(session: SessionView, machine_ids: list[int], cells: int) -> int:
    """How wide the column of names is."""
    most = max((width(clean(session.label(machine_id))) for machine_id in machine_ids), default=0)
    return max(4, min(most, _NAME_MOST, cells // 3))


def _states(timeline: Timeline, number: int) -> Line:
    """Active states; those that the last transition activated first, and those it deactivated after all others."""
    names = timeline.schema.names
    active = timeline.active_states(number)[:_MOST_STATES]
    fact = timeline.pattern(number).fact if timeline.holds(number) else None
    added = frozenset(fact.added) if fact is not None else frozenset[int]()
    spans: list[Span] = []

    def put(state: int, sign: str, role: Role, bold: bool) -> None:
        spans.append(Span((" " if spans else "") + sign + clean(names[state], 60), role, bold=bold))

    errors = frozenset(timeline.schema.error_states)
    for state in sorted(active, key=lambda state: (state not in errors, state not in added, state)):
        role = Role.ERROR if state in errors else Role.ADDED if state in added else Role.TEXT
        put(state, "+" if state in added else "", role, state in added)
    for state in fact.removed if fact is not None else ():
        if state < len(names):
            put(state, "−", Role.REMOVED, False)
    return tuple(spans) or (Span("no active state", Role.DIM),)


def _last(session: SessionView, machine_id: int, timeline: Timeline, number: int) -> Line:
    """``#18 add Busy ✕ 2.3 s ago``."""
    if not timeline.holds(number):
        return (Span("nothing yet" if timeline.count else "no transitions", Role.DIM),)
    fact = timeline.pattern(number).fact
    names = timeline.schema.names
    called = ", ".join(clean(names[state], 40) for state in fact.called[:2] if state < len(names))
    more = f" +{len(fact.called) - 2}" if len(fact.called) > 2 else ""
    kind = "auto" if fact.auto else fact.mutation
    canceled = is_canceled(fact)
    mark = "✕" if canceled else "✓" if fact.accepted else "…"
    before_ns = session.moment - timeline.at(number)
    return (
        Span(f"#{thousands(number)}", Role.LINK, underline=True, target=GoToTransition(machine_id, number)),
        Span(f" {kind} {called}{more} ", Role.TEXT),
        Span(mark, Role.CANCELED if canceled else Role.ACCEPTED, bold=canceled),
        Span(f" {duration(before_ns)} ago" if before_ns > 0 else " now", Role.DIM),
    )
