"""The machine list: what every machine was like at the session's moment. Only the rows in the window are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from am_dbg.session.machine_order import ListedMachine
from am_dbg.session.targets import SelectMachine
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad
from am_telemetry.store.timeline import Timeline

RECENT: Final = 100
"""How many transitions back an error counts as recent."""
TOTAL_TIME_LIMIT: Final = 1_000
"""With more machines than this the title does not sum up their times."""
_COUNTER: Final = 8


@dataclass(frozen=True, slots=True)
class MachineRow:
    """One row; ``line`` is exactly as wide as was asked for."""

    machine_id: int
    line: Line
    selected: bool


def title(session: SessionView, *, with_times: bool = True) -> Line:
    """``Machines 107 · T 18,220``: how many, and the sum of their machine times at the moment."""
    count = len(session.recording.machines)
    if not count:
        return (Span("Machines", Role.TITLE, bold=True),)
    listed = len(session.order)
    head: Line = (Span("Machines ", Role.TITLE, bold=True), Span(thousands(listed), Role.VALUE))
    if listed < count:
        head = (*head, Span(f" of {thousands(count)}", Role.DIM))
    if count > TOTAL_TIME_LIMIT or not with_times:
        return head
    return (*head, Span(" · T ", Role.DIM), Span(thousands(session.total_machine_time()), Role.VALUE))


def rows(session: SessionView, first: int, count: int, width: int) -> list[MachineRow]:
    """The rows from index ``first`` on, at most ``count``, each ``width`` cells wide.

    A row has a mark for the selected machine (``▸``), the nesting, whether it is connected (``●``) or gone (``○``), the
    name, ``*`` when it is pinned, flags, and the number of its transitions up to the moment, with ``+`` when there are
    later ones. Flags: ``E`` an error state is active, else ``e`` there was an error within the last 100 transitions;
    ``R`` the state Ready is active, else ``S`` Start is.
    """
    return [_row(session, listed, width) for listed in session.order[max(0, first) : max(0, first) + max(0, count)]]


def _row(session: SessionView, listed: ListedMachine, width: int) -> MachineRow:
    machine = session.recording.machines[listed.index]
    timeline = session.recording.timeline(machine.id)
    position = session.position(machine.id)
    selected = machine.id == session.machine_id
    error = error_flag(timeline, position)
    error_role = Role.ERROR if error == "E" else Role.ERROR_RECENT
    name_role = error_role if error else Role.ACTIVE if machine.connected else Role.DIM
    counter = thousands(position) + ("+" if timeline.count > position else " ")
    indent = "  " * min(listed.depth, 6)
    counter_width = max(_COUNTER, len(counter) + 1) if width >= 24 else len(counter) + 1
    name_width = max(1, width - len(indent) - 4 - 2 - counter_width)
    target = SelectMachine(machine.id)
    line = (
        Span("▸" if selected else " ", Role.CURSOR, bold=True, target=target),
        Span(indent, target=target),
        Span("● " if machine.connected else "○ ", Role.ACTIVE if machine.connected else Role.DIM, target=target),
        Span(pad(clean(listed.label), name_width), name_role, bold=selected, underline=selected, target=target),
        Span("*" if machine.name in session.pinned else " ", Role.CURSOR, bold=True, target=target),
        Span(error or " ", error_role, bold=error == "E", target=target),
        Span(ready_flag(timeline, position) or " ", Role.ACTIVE, target=target),
        Span(counter.rjust(counter_width), Role.TEXT if machine.connected else Role.DIM, target=target),
    )
    return MachineRow(machine.id, line, selected)


def ready_flag(timeline: Timeline, number: int) -> str:
    """``R`` while Ready is active, else ``S`` while Start is, else nothing."""
    for name, letter in (("Ready", "R"), ("Start", "S")):
        state = timeline.schema.index.get(name)
        if state is not None and timeline.is_active(state, number):
            return letter
    return ""


def error_flag(timeline: Timeline, number: int) -> str:
    """``E`` while an error state is active, ``e`` after an error within the last 100 transitions, else nothing."""
    if any(timeline.is_active(state, number) for state in timeline.schema.error_states):
        return "E"
    errors = timeline.errors
    if not number or not errors:
        return ""
    before = errors.rank(number - RECENT) if number > RECENT else 0
    return "e" if errors.rank(number) > before else ""
