"""Activity over time: one lane per state of the selected machine, or one per pinned machine.

A cell stands for a stretch of time. In the lane of a state it tells whether the state was active all along (``█``), at
some time (``▒``) or never (``·``); in the lane of a machine how many transitions there were (``▁`` to ``█``), ``✕`` an
error among them, ``c`` a canceled one. Only lanes in the window are worked out, with a few set look-ups per cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import log2
from typing import Final

from am_dbg.session.pins import pinned_runs
from am_dbg.session.targets import SelectMachine, SelectState
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, local_time, time_of_day
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad, width
from am_telemetry.store.timeline import Timeline

FULL: Final = "█"
PARTLY: Final = "▒"
NEVER: Final = "·"
CURSOR: Final = "┃"
BARS: Final = "▁▂▃▄▅▆▇█"
_LABEL_MOST: Final = 28
_LABEL_LEAST: Final = 8
LEAST_CELL_NS: Final = 1_000
"""Closer than that nothing can be seen: clocks do not tell."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What a row is about: a state of a machine run by index, or with -1 the whole run."""

    machine_id: int
    state: int
    label: str
    target: SelectState | SelectMachine


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of time in cells of equal length."""

    start_ns: int
    cell_ns: int
    cells: int

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.cell_ns * self.cells

    def cell_of(self, at_ns: int) -> int | None:
        """The cell of a moment; None outside."""
        cell = (at_ns - self.start_ns) // self.cell_ns
        return cell if 0 <= cell < self.cells else None

    def last_of(self, cell: int) -> int:
        """The last nanosecond of a cell."""
        return self.start_ns + (cell + 1) * self.cell_ns - 1


def lanes(session: SessionView, *, pinned: bool) -> list[Lane]:
    """The rows: pinned machines, or the states of the selected machine, those that were ever active first."""
    if pinned:
        return [
            Lane(machine_id, -1, clean(session.label(machine_id), 80), SelectMachine(machine_id))
            for machine_id in pinned_runs(session)
        ]
    timeline, machine_id = session.timeline, session.machine_id
    if timeline is None or machine_id is None:
        return []
    names = timeline.schema.names
    found = [Lane(machine_id, state, clean(name, 80), SelectState(name)) for state, name in enumerate(names)]
    return sorted(found, key=lambda lane: not timeline.active(lane.state))


def extent(session: SessionView, rows: Sequence[Lane]) -> tuple[int, int]:
    """First and last moment of what the lanes are about; (0, 0) without transitions."""
    first, last = 0, 0
    for machine_id in {lane.machine_id for lane in rows}:
        timeline = session.recording.timeline(machine_id)
        if timeline.size:
            begins, ends = timeline.at(timeline.first), timeline.at(timeline.count)
            first = min(first or begins, begins)
            last = max(last, begins, ends)
    return first, last


def scale_for(extent_ns: tuple[int, int], moment: int, zoom: int, cells: int, before: Scale | None = None) -> Scale:
    """The stretch of time to show.

    Args:
        extent_ns: all that there is.
        moment: what must be in view.
        zoom: how often the whole is halved.
        cells: how many there are.
        before: what was shown before; it stays when it has the same size and the moment in it.
    """
    first, last = extent_ns
    cells = max(1, cells)
    whole = max(LEAST_CELL_NS, -(-(last - first + 1) // cells))
    cell = max(LEAST_CELL_NS, whole >> zoom)
    if cell >= whole:
        return Scale(first, whole, cells)
    if before is not None and (before.cell_ns, before.cells) == (cell, cells) and before.cell_of(moment) is not None:
        return before
    start = max(first, min(moment - cell * cells // 2, last + 1 - cell * cells))
    return Scale(start, cell, cells)


def label_width(rows: Sequence[Lane], cells: int) -> int:
    """Columns for the names."""
    most = max((width(lane.label) for lane in rows), default=0)
    return max(_LABEL_LEAST, min(most, _LABEL_MOST, cells // 3))


def axis(scale: Scale, label: int) -> Line:
    """Times of day above the cells."""
    marks = []
    step = 16
    for cell in range(0, scale.cells, step):
        at = scale.start_ns + cell * scale.cell_ns
        text = time_of_day(at)[:12] if scale.cell_ns * step < 60_000_000_000 else f"{local_time(at):%H:%M:%S}"
        marks.append(pad(f"╵{text}", min(step, scale.cells - cell)))
    return (Span(" " * (label + 2), Role.DIM), Span("".join(marks), Role.DIM))


def summary(scale: Scale) -> str:
    """What a cell stands for."""
    return f"a cell is {duration(scale.cell_ns)}, all are {duration(scale.cell_ns * scale.cells)}"


class Drawing:
    """Draws lanes on one scale; the numbers of transitions at the edges of cells are looked up once per machine."""

    def __init__(self, session: SessionView, scale: Scale) -> None:
        self._session = session
        self._scale = scale
        self._edges: dict[int, list[int]] = {}

    def row(self, lane: Lane, label: int) -> Line:
        """One lane."""
        session, scale = self._session, self._scale
        timeline = session.recording.timeline(lane.machine_id)
        edges = self._numbers(lane.machine_id, timeline)
        own = self._state_cells(timeline, lane, edges) if lane.state >= 0 else _machine_cells(timeline, edges)
        at = scale.cell_of(session.moment)
        if at is not None:
            char, role = own[at]
            own[at] = (CURSOR if char in (NEVER, " ") else char, Role.CURSOR if char in (NEVER, " ") else role)
        chosen = lane.label == session.state if lane.state >= 0 else lane.machine_id == session.machine_id
        head = Span(
            f" {pad(lane.label, label)} ", Role.HIGHLIGHT if chosen else Role.TEXT, bold=chosen, target=lane.target
        )
        spans: list[Span] = [head]
        for (role, cursor), run in groupby(enumerate(own), key=lambda item: (item[1][1], item[0] == at)):
            text = "".join(char for _, (char, _) in run)
            spans.append(Span(text, role, bold=cursor, reverse=cursor and text != CURSOR))
        return tuple(spans)

    def _numbers(self, machine_id: int, timeline: Timeline) -> list[int]:
        edges = self._edges.get(machine_id)
        if edges is None:
            scale = self._scale
            times = (scale.start_ns + cell * scale.cell_ns - 1 for cell in range(scale.cells + 1))
            edges = self._edges[machine_id] = [timeline.number_at(at) for at in times]
        return edges

    def _state_cells(self, timeline: Timeline, lane: Lane, edges: list[int]) -> list[tuple[str, Role]]:
        if lane.state >= len(timeline.states):
            return [(" ", Role.DIM)] * self._scale.cells
        active = timeline.active(lane.state)
        is_error = lane.state in timeline.schema.error_states
        role = Role.ERROR if is_error else Role.ACTIVE
        started = self._session.record(lane.machine_id).started_ns
        found: list[tuple[str, Role]] = []
        for cell, (before, after) in enumerate(pairwise(edges)):
            if self._scale.last_of(cell) < started and not after:
                found.append((" ", Role.DIM))
                continue
            count = active.range_cardinality(before, after + 1)
            if not count:
                found.append((NEVER, Role.DIM))
            else:
                found.append((FULL if count == after + 1 - before else PARTLY, role))
        return found


def _machine_cells(timeline: Timeline, edges: list[int]) -> list[tuple[str, Role]]:
    counts = [after - before for before, after in pairwise(edges)]
    most = log2(1 + max(counts, default=0)) or 1.0
    errors = timeline.errors | timeline.broken
    canceled = timeline.canceled - timeline.refused_auto
    found: list[tuple[str, Role]] = []
    for (before, after), count in zip(pairwise(edges), counts, strict=True):
        if not count:
            found.append((NEVER, Role.DIM))
        elif errors.range_cardinality(before + 1, after + 1):
            found.append(("✕", Role.ERROR))
        elif canceled.range_cardinality(before + 1, after + 1):
            found.append(("c", Role.CANCELED))
        else:
            found.append((BARS[min(7, round(7 * log2(1 + count) / most))], Role.ACCEPTED))
    return found
