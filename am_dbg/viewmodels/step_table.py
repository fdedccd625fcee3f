"""The steps of one transition as a table: what the step inspector shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, thousands
from am_dbg.viewmodels import steps
from am_dbg.viewmodels.describe import is_canceled, state_spans
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, pad, width
from am_dbg.viewmodels.steps import KIND_WIDTH, StepRow
from am_telemetry.store.reading import Recording
from am_telemetry.store.records import HandlerRunRecord

_SENTENCES_BELOW: Final = 66
"""In fewer cells a step is one sentence instead of columns."""
_PHASES_FROM: Final = 92
_PHASE_WIDTH: Final = max(len(phase.value) for phase in steps.Phase) + 1
_RELATION_WIDTH: Final = len("Require") + 1
_EFFECT_LEAST: Final = 20
_timed: Final[deque[tuple[tuple[Recording, int, int, int], tuple[StepRow, ...]]]] = deque(maxlen=1)
"""The table that was made last, which is asked for several times in one drawing."""


def shown_number(session: SessionView) -> int | None:
    """The transition whose steps are of interest: the one being stepped through, else the one at the cursor."""
    if session.inside is not None:
        return session.inside.number
    return session.number or session.next_number


def rows(session: SessionView) -> tuple[StepRow, ...]:
    """The steps of that transition; empty when there is none, or its steps were not recorded.

    Handlers say how long they took, where the program has told.
    """
    number, timeline = shown_number(session), session.timeline
    if number is None or timeline is None or session.machine_id is None:
        return ()
    table = steps.table(timeline, number)
    if not any(row.handler for row in table):
        return table
    key = (session.recording, session.recording.version, session.machine_id, number)
    if _timed and _timed[-1][0] == key:
        return _timed[-1][1]
    made = timed(table, session.recording.handler_runs(session.machine_id, number))
    _timed.append((key, made))
    return made


def timed(table: tuple[StepRow, ...], runs: Sequence[HandlerRunRecord]) -> tuple[StepRow, ...]:
    """The steps with the durations of their handlers. A handler that is called for several states ran as often."""
    left: dict[str, deque[int]] = {}
    for run in runs:
        left.setdefault(clean(run.handler), deque()).append(run.duration_ns)
    made = []
    for row in table:
        took = left.get(row.handler)
        made.append(replace(row, effect=f"{row.effect} · {duration(took.popleft())}") if took else row)
    return tuple(made)


def done_count(session: SessionView) -> int:
    """How many of these steps are done at this moment."""
    if session.inside is not None:
        return session.inside.step
    return len(rows(session)) if session.number else 0


def title(session: SessionView) -> Line:
    """``Steps of #97 add Syncing · canceled: Require Connected is not active``."""
    number, timeline = shown_number(session), session.timeline
    if number is None or timeline is None:
        return (Span("Steps", Role.TITLE, bold=True),)
    record = timeline.pattern(number)
    bad = is_canceled(record.fact) or record.fact.broken
    return (
        Span("Steps of ", Role.TITLE, bold=True),
        Span(f"#{thousands(number)}", Role.VALUE, bold=True),
        Span(f" {record.fact.mutation} ", Role.KEY),
        *state_spans(record.schema, record.fact.called, Role.CALLED, limit=4),
        Span(f" · {steps.outcome(record)}", Role.CANCELED if bad else Role.ACCEPTED),
    )


def empty_text(session: SessionView) -> tuple[Line, ...]:
    """Why there is no table."""
    if shown_number(session) is None:
        return ((Span("There is no transition here.", Role.TEXT),),)
    return (
        (Span("No steps of this transition were recorded.", Role.TEXT),),
        (Span("Programs record them with AM_DETAIL=2 or more, which is the default, unless they", Role.DIM),),
        (Span("are so busy that steps are left out.", Role.DIM),),
    )


def header(table: Sequence[StepRow], cells: int) -> Line:
    """The names of the columns."""
    if cells < _SENTENCES_BELOW:
        return (Span(pad("    # step", cells), Role.DIM),)
    name = _name_width(table, cells)
    phase = pad("phase", _PHASE_WIDTH) if cells >= _PHASES_FROM else ""
    text = f"    # {phase}{pad('kind', KIND_WIDTH + 1)}{pad('from', name)} {pad('relation', _RELATION_WIDTH)} "
    return (Span(pad(f"{text}{pad('to', name)} what comes of it", cells), Role.DIM),)


def lines(table: Sequence[StepRow], done: int, cells: int, first: int, count: int) -> list[Line]:
    """Some rows of the table; the last step that was done has a mark, later ones are dim."""
    name = _name_width(table, cells)
    return [_line(row, row.number == done, row.number > done, name, cells) for row in table[first : first + count]]


def _line(row: StepRow, current: bool, later: bool, name: int, cells: int) -> Line:
    def role(own: Role) -> Role:
        return Role.DIM if later else own

    head = Span(f"{'▶' if current else ' '}{row.number:>4} ", Role.CURSOR if current else Role.DIM, bold=current)
    if cells < _SENTENCES_BELOW:
        return (head, Span(cut(row.sentence, cells - 6), role(row.role), bold=current))
    spans = [head]
    used = 6 + KIND_WIDTH + 1
    if cells >= _PHASES_FROM:
        spans.append(Span(pad(row.phase.value, _PHASE_WIDTH), Role.DIM))
        used += _PHASE_WIDTH
    spans.append(Span(pad(row.kind, KIND_WIDTH + 1), role(Role.KEY)))
    middle = 2 * name + _RELATION_WIDTH + 2
    if row.handler:
        spans.append(Span(pad(row.handler, middle), role(Role.PREFIX), bold=not later))
    elif row.relation:
        spans.append(Span(pad(row.source, name) + " ", role(Role.TEXT), bold=not later))
        spans.append(Span(pad(row.relation, _RELATION_WIDTH) + " ", role(Role.KEY)))
        spans.append(Span(pad(row.target or "unknown", name), role(Role.TEXT), bold=not later))
    else:
        spans.append(Span(pad("", name + _RELATION_WIDTH + 2)))
        spans.append(Span(pad(row.target or row.source, name), role(Role.TEXT), bold=not later))
    used += middle
    spans.append(Span(" " + cut(row.effect, max(0, cells - used - 1)), role(row.role), bold=current))
    return tuple(spans)


def _name_width(table: Sequence[StepRow], cells: int) -> int:
    """Cells for one name of a state: what the longest one needs, where there is room."""
    longest = _longest_name(table)
    phase = _PHASE_WIDTH if cells >= _PHASES_FROM else 0
    room = cells - 6 - phase - (KIND_WIDTH + 1) - (_RELATION_WIDTH + 2) - 1 - _EFFECT_LEAST
    return max(6, min(longest, room // 2))


_measured: Final[deque[tuple[Sequence[StepRow], int]]] = deque(maxlen=2)


def _longest_name(table: Sequence[StepRow]) -> int:
    """Cells of the longest name; remembered, because one drawing asks several times, and the next one again."""
    for known, longest in _measured:
        if known is table:
            return longest
    names = {name for row in table for name in (row.source, row.target)}
    longest = max(map(width, names), default=0)
    _measured.append((table, longest))
    return longest
