"""The rain as text: state names written downwards over their columns, and a line for each transition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands, time_of_day
from am_dbg.viewmodels.log_text import gutter, summary
from am_dbg.viewmodels.rain import MEANINGS, Cell, Drop, RainModel, Row
from am_dbg.viewmodels.spans import Line, Role, Span, char_width, clean, cut_line, line_width, width
from am_dbg.viewmodels.strip import LOST_MARK
from am_telemetry.store.timeline import Timeline

LOST_SIGN: Final = LOST_MARK
RESTORED_SIGN: Final = "⟲"
CURSOR_SIGN: Final = "▸"
SELECTED_SIGN: Final = "▾"

ROLES: Final[dict[Drop, Role]] = {
    Drop.ERROR: Role.ERROR,
    Drop.ADDED: Role.ADDED,
    Drop.AGAIN: Role.CALLED,
    Drop.TAKING_PART: Role.ACTIVE,
    Drop.ACTIVE: Role.ACTIVE,
    Drop.REMOVED: Role.REMOVED,
    Drop.IN_VAIN: Role.CANCELED,
    Drop.TOUCHED: Role.TEXT,
    Drop.INACTIVE: Role.EMPTY,
}
_QUIET: Final = frozenset({Drop.ACTIVE, Drop.INACTIVE})
_TIME: Final = len("12:03:07.120")
_LONG_TIME: Final = len("12:03:07.120 004 511")
_WORDS: Final = 12
"""Cells in which what a transition did is worth telling."""
_CHOICES: Final = (
    (2, _LONG_TIME + 1, _WORDS + 1),
    (2, _TIME + 1, _WORDS + 1),
    (2, _TIME + 1, 0),
    (1, _TIME + 1, 0),
    (1, 0, 0),
)
"""Cells per column, for the time and for words: what is tried in turn."""
_LAST: Final = (1, _TIME + 1, 0)
"""Not all columns fit anyway, so the time may stay."""
_NAME_ROWS: Final = 12
_LEGEND_LEAST: Final = 20
_LEGEND_ENTRIES: Final = 6
"""Fewer explain too little to be worth their place."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How the rain is laid out in a width and height. Columns are counted among those that could be shown."""

    columns: tuple[int, ...]
    """State indexes of the columns that fit, from left to right."""
    first: int
    """How many columns are hidden on the left."""
    total: int
    pitch: int
    """Cells per column."""
    digits: int
    time: int
    """Cells for the time of day, 0 to leave it out."""
    words: int
    """Cells for what the transition did, 0 to leave it out."""
    head: int
    """Lines above the transitions."""

    def column_at(self, x: int) -> int | None:
        """The state index of a cell, None beside the columns."""
        place = (x - 1) // self.pitch
        return self.columns[place] if x >= 1 and place < len(self.columns) else None


def frame(session: SessionView, columns: Sequence[int], first: int, cells: int, height: int) -> Frame:
    """Divide the room between states, numbers, times and words.

    Args:
        session: whose selected machine is shown.
        columns: states that could be shown.
        first: how many of them to leave out on the left, if they do not all fit.
        cells: width of the pane.
        height: lines of the pane.
    """
    timeline = session.timeline
    names = timeline.schema.names if timeline is not None else ()
    count = len(columns)
    digits = len(thousands(session.count))
    # The mark, the column of holes and the sign of the transition are always there.
    room = max(1, cells - 1 - (2 + 2 + digits))
    pitch, time = next((choice for choice in _CHOICES if count * choice[0] + choice[1] + choice[2] <= room), _LAST)[:2]
    shown = max(1, min(count, (room - time) // pitch))
    start = max(0, min(first, count - shown))
    longest = max((len(clean(names[state])) for state in columns), default=1)
    words = room - shown * pitch - time - 1
    return Frame(
        columns=tuple(columns[start : start + shown]),
        first=start,
        total=count,
        pitch=pitch,
        digits=digits,
        time=max(0, time - 1),
        words=words if words >= _WORDS else 0,
        head=min(longest, _NAME_ROWS, max(1, height // 3)) + 1,
    )


def title(session: SessionView) -> Line:
    """``Rain +2t · t412``: ticks gained in the transition at the cursor, and the machine time."""
    return titled("Rain", session)


def titled(name: str, session: SessionView) -> Line:
    """A pane's name, the ticks gained in the transition at the cursor, and the machine time."""
    head = (Span(f"{name} ", Role.TITLE, bold=True),)
    timeline, number = session.timeline, session.number
    if timeline is None:
        return head
    gained = sum(ticks for _, ticks in timeline.pattern(number).fact.deltas) if number else 0
    return (
        *head,
        Span(f"{gained:+d}t", Role.VALUE if gained else Role.DIM),
        Span(" · t", Role.DIM),
        Span(thousands(timeline.machine_time(number)), Role.VALUE),
    )


def header(session: SessionView, shape: Frame, cells: int) -> list[Line]:
    """The names of the columns, written downwards, and beside them what the signs mean."""
    timeline = session.timeline
    if timeline is None:
        return []
    schema, rows = timeline.schema, shape.head - 1
    names = [_downward(clean(schema.names[state]), rows, shape.pitch) for state in shape.columns]
    selected = session.states
    chosen = [schema.names[state] in selected for state in shape.columns]
    left = 1 + len(shape.columns) * shape.pitch
    legend = _legend(cells - left - 3, rows)
    lines: list[Line] = []
    for row in range(rows):
        spans = [Span(" ")]
        for letters, is_chosen in zip(names, chosen, strict=True):
            text = letters[row] + " " * (shape.pitch - width(letters[row]))
            spans.append(Span(text, Role.HIGHLIGHT if is_chosen else Role.DIM, bold=is_chosen, band=is_chosen))
        lines.append((*_merged(spans), Span("   "), *(legend[row] if row < len(legend) else ())))
    lines.append(_ruler(shape, chosen))
    return [cut_line(line, cells) for line in lines]


def _ruler(shape: Frame, chosen: list[bool]) -> Line:
    """Marks the selected column, tells what hides on either side, and heads the numbers and times."""
    marks = "".join((SELECTED_SIGN if is_chosen else "─").ljust(shape.pitch, "─") for is_chosen in chosen)
    before = "‹" if shape.first else "─"
    after = "›" if shape.first + len(shape.columns) < shape.total else "─"
    tail = f"{after}{'#'.rjust(shape.digits + 2)}" + (" " + "time".ljust(shape.time) if shape.time else "")
    return (Span(before, Role.KEY), Span(marks, Role.DIM), Span(tail, Role.DIM))


def _downward(name: str, rows: int, pitch: int) -> list[str]:
    """One cell of text for each row; names end at the lowest one and lose their end where there is no room."""
    letters = [char if char_width(char) <= pitch else "□" for char in name if char_width(char)][:rows]
    return [""] * (rows - len(letters)) + letters


def _legend(cells: int, rows: int) -> list[Line]:
    if cells < _LEGEND_LEAST:
        return []
    entries: list[Line] = [
        (Span(drop.value, ROLES[drop], bold=True), Span(f" {words}", Role.DIM)) for drop, words in MEANINGS.items()
    ]
    entries.append((Span("1", Role.ACTIVE, bold=True, underline=True), Span(" underlined: called", Role.DIM)))
    per_line = max(1, min(cells // (_LEGEND_LEAST + 2), 3))
    lines: list[Line] = []
    # Downwards first, as names are; what finds no room is told in the help.
    height = min(-(-len(entries) // per_line), rows)
    if height * per_line < _LEGEND_ENTRIES:
        return []
    for row in range(height):
        line: list[Span] = []
        for entry in entries[row : height * per_line : height]:
            line += [*entry, Span(" " * (_LEGEND_LEAST + 2 - line_width(entry)))]
        lines.append(tuple(line[:-1]))
    return [()] * (rows - height) + lines


def body(session: SessionView, model: RainModel, shape: Frame, rank: int, count: int, cells: int) -> list[Line]:
    """The lines of at most ``count`` transitions from a place on, without the mark of the cursor."""
    timeline = session.timeline
    if timeline is None:
        return []
    schema = timeline.schema
    selected = session.states
    chosen = tuple(schema.names[state] in selected for state in shape.columns)
    multi = tuple(schema.states[state].multi for state in shape.columns)
    rows = model.rows(rank, count, shape.columns)
    before = model.number(rank - 1)
    lines: list[Line] = []
    for row in rows:
        lines.append(cut_line(_line(timeline, row, before, shape, chosen, multi), cells - 1))
        before = row.number
    return lines


def _line(
    timeline: Timeline, row: Row, before: int, shape: Frame, chosen: tuple[bool, ...], multi: tuple[bool, ...]
) -> Line:
    spans = [
        _cell(cell, shape.pitch, is_chosen, is_multi, row.canceled)
        for cell, is_chosen, is_multi in zip(row.cells, chosen, multi, strict=True)
    ]
    if row.lost:
        hole = Span(LOST_SIGN, Role.ERROR_RECENT, bold=True)
    else:
        hole = Span(RESTORED_SIGN, Role.DIM) if row.restored else Span(" ")
    number = thousands(row.number).rjust(shape.digits)
    if row.pattern is None:
        return (*_merged(spans), hole, Span(f"  {number} ", Role.VALUE), Span("the beginning", Role.DIM))
    tail = [hole, gutter(row.pattern.fact, row.error), Span(f"{number} ", Role.DIM if row.canceled else Role.VALUE)]
    if shape.time:
        tail += _time(timeline.at(row.number), timeline.at(before) if before else None, shape.time)
    if shape.words:
        tail.append(Span(" "))
        if row.lost:
            tail.append(Span(f"{thousands(row.lost)} lost before  ", Role.ERROR, bold=True))
        tail += summary(row.pattern)
    return (*_merged(spans), *tail)


def _cell(cell: Cell, pitch: int, chosen: bool, multi: bool, canceled: bool) -> Span:
    drop = cell.drop
    role = ROLES[drop]
    if drop is Drop.ACTIVE and multi:
        role = Role.MULTI
    if canceled and drop not in (Drop.IN_VAIN, Drop.ERROR):
        role = Role.DIM
    bold = drop not in _QUIET and not canceled
    return Span(drop.value.ljust(pitch), role, bold=bold, underline=cell.called, band=chosen)


def _time(at_ns: int, before_ns: int | None, cells: int) -> list[Span]:
    """The time of day; what is the same as in the line above is dim."""
    text = time_of_day(at_ns)[:cells]
    same = 0
    if before_ns is not None:
        above = time_of_day(before_ns)[:cells]
        same = next((i for i, (a, b) in enumerate(zip(text, above, strict=True)) if a != b), len(text))
    return [Span(text[:same], Role.DIM), Span(text[same:], Role.TEXT)]


def _merged(spans: Sequence[Span]) -> Line:
    """Neighbours that look the same as one span; underlined ones stay apart, as the gap between them is not."""
    out: list[Span] = []
    for (role, bold, underline, band), run in groupby(spans, key=lambda s: (s.role, s.bold, s.underline, s.band)):
        if underline:
            out += run
        else:
            out.append(Span("".join(span.text for span in run), role, bold=bold, band=band))
    return tuple(out)
