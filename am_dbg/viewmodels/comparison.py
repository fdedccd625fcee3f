"""The differences between the mark and the cursor, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from am_dbg.session.comparing import Comparison, Moment, StateChange, compare
from am_dbg.session.marking import MarkingSession
from am_dbg.timefmt import date_and_time, duration, local_time, thousands, time_of_day
from am_dbg.viewmodels.reader_rows import pipe_words, wait_words
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad, width
from am_telemetry.store.records import WaitRecord
from am_telemetry.waits import PIPES

_NAME_MOST: Final = 40
_ACTIVE: Final = {True: ("●", Role.ACTIVE), False: ("○", Role.INACTIVE)}


@dataclass(frozen=True, slots=True)
class Row:
    """A line; ``state`` is what it is about, empty for none."""

    line: Line
    state: str = ""


def title(session: MarkingSession) -> Line:
    """``orders: mark #12 → cursor #96``, the earlier one first."""
    marked = session.marked_number()
    if marked is None or session.machine_id is None:
        return (Span("Differences", Role.TITLE, bold=True),)
    ends = [("mark", marked), ("cursor", session.number)]
    if session.number < marked:
        ends.reverse()
    words = " → ".join(f"{name} #{thousands(number)}" for name, number in ends)
    return (Span(clean(session.label(session.machine_id), 60), Role.TITLE, bold=True), Span(f" {words}", Role.VALUE))


def rows(session: MarkingSession) -> tuple[Row, ...]:
    """What differs between mark and cursor on the selected machine. Empty without a mark or a machine."""
    marked = session.marked_number()
    if marked is None or session.machine_id is None:
        return ()
    found = compare(session.recording, session.machine_id, marked, session.number)
    out = [Row(line) for line in _head(found)]
    flipped = [change for change in found.states if change.flipped]
    moved = [change for change in found.states if not change.flipped]
    room = min(_NAME_MOST, max((width(clean(change.name)) for change in found.states), default=0))
    out += _section("Active in one of them only", [_state(change, room) for change in flipped])
    out += _section("Changed in between, now as before", [_state(change, room) for change in moved])
    out += _queue(found.earlier, found.later)
    now = found.later.at_ns or session.moment
    ended = [_wait("−", Role.REMOVED, wait, session, now) for wait in found.ended]
    begun = [_wait("+", Role.ADDED, wait, session, now) for wait in found.begun]
    out += _section("Pending in one of them only", ended + begun)
    if found.is_empty:
        out += [Row(()), Row((Span("Nothing differs.", Role.ACCEPTED, bold=True),))]
    return tuple(out)


def _head(found: Comparison) -> list[Line]:
    earlier, later = found.earlier, found.later
    dated = earlier.at_ns is not None and later.at_ns is not None and _day(earlier.at_ns) != _day(later.at_ns)
    apart = "" if earlier.at_ns is None or later.at_ns is None else f"{duration(later.at_ns - earlier.at_ns)} · "
    between = f"{apart}{_counted(found.transitions, 'transition')}"
    bad: list[Span] = []
    if found.errors:
        bad.append(Span(f" · {_counted(found.errors, 'error')}", Role.ERROR, bold=True))
    if found.canceled:
        bad.append(Span(f" · {thousands(found.canceled)} canceled", Role.CANCELED))
    ticks = later.machine_time - earlier.machine_time
    return [
        _end("from", earlier, dated),
        _end("to", later, dated),
        (Span(f"{'':5}{between}", Role.TEXT), *bad, Span(f" · {ticks:+,} ticks", Role.VALUE)),
    ]


def _end(word: str, moment: Moment, dated: bool) -> Line:
    if moment.at_ns is None:
        when = "before the first transition" if not moment.number else "removed meanwhile"
    else:
        day = f"{date_and_time(moment.at_ns)[:10]} " if dated else ""
        when = f"{day}{time_of_day(moment.at_ns)}"
    return (
        Span(f"{word:<5}", Role.DIM),
        Span(f"#{thousands(moment.number)}", Role.VALUE, bold=True),
        Span(f"  {when}", Role.DIM),
        Span(f"  t{moment.machine_time}", Role.DIM),
    )


def _state(change: StateChange, room: int) -> Row:
    if change.flipped:
        sign, role = ("+", Role.ADDED) if change.is_active else ("−", Role.REMOVED)
    else:
        sign, role = "~", Role.CALLED
    before, after = _ACTIVE[change.was_active], _ACTIVE[change.is_active]
    line = (
        Span(f"{sign} ", role, bold=True),
        Span(pad(clean(change.name), room) + "  ", role, bold=change.flipped),
        Span(before[0], before[1]),
        Span("→", Role.DIM),
        Span(after[0], after[1]),
        Span(f"  {thousands(change.tick_before)} → {thousands(change.tick_after)}", Role.VALUE),
        Span(f"  {change.tick_after - change.tick_before:+,}", Role.DIM),
    )
    return Row(line, change.name)


def _queue(earlier: Moment, later: Moment) -> list[Row]:
    if earlier.queue_len == later.queue_len:
        return []
    ends = ["not known" if end.queue_len is None else thousands(end.queue_len) for end in (earlier, later)]
    line = (Span("Queue ", Role.TITLE, bold=True), Span(f"{ends[0]} → {ends[1]} waiting", Role.VALUE))
    return [Row(()), Row(line)]


def _wait(sign: str, role: Role, wait: WaitRecord, session: MarkingSession, now_ns: int) -> Row:
    machine_id = session.machine_id or 0
    if wait.fact.kind in PIPES:
        peer = Span(f"{clean(wait.fact.peer, 60)} ", Role.LINK)
        words = (Span("pipe ", Role.KEY), peer, *pipe_words(wait, machine_id, now_ns, session.states))
    else:
        words = wait_words(wait, machine_id, now_ns, session.states)
    return Row((Span(f"{sign} ", role, bold=True), *words), wait.fact.states[0] if wait.fact.states else "")


def _section(name: str, found: list[Row]) -> list[Row]:
    if not found:
        return []
    head = (Span(name, Role.TITLE, bold=True), Span(f" {thousands(len(found))}", Role.DIM))
    return [Row(()), Row(head), *found]


def _counted(count: int, what: str) -> str:
    return f"{thousands(count)} {what}{'' if count == 1 else 's'}"


def _day(at_ns: int) -> object:
    return local_time(at_ns).date()
