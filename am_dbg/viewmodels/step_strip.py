"""The step timeline: the steps of the next transition in one row of cells, done ones bright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from am_dbg.session.steps import steps_of
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.spans import Line, Role, Span, cut_line, line_width
from am_telemetry.facts import StepFact

LEGEND: Final = (
    ("✕", Role.CANCELED, "canceled"),
    ("+", Role.ADDED, "a state is activated"),
    ("−", Role.REMOVED, "a state is deactivated"),
    ("*", Role.PREFIX, "a handler"),
    ("c", Role.CALLED, "called"),
    ("·", Role.TEXT, "a relation"),
)
"""Signs, what they look like, and what they mean; of several steps in a cell the first of these is drawn."""
_SIGN_OF: Final = {
    "cancel": "✕",
    "activate": "+",
    "deactivate": "−",
    "deactivate-passive": "−",
    "handler": "*",
    "called": "c",
    "rel": "·",
}
_ROLES: Final = {sign: role for sign, role, _ in LEGEND}
_RANK: Final = {sign: rank for rank, (sign, *_) in enumerate(LEGEND)}


@dataclass(frozen=True, slots=True)
class StepStrip:
    """The cells, and the exact mapping between them and steps. Cells are counted from 0, steps from 1."""

    number: int | None
    """The transition; None when there is no later one."""
    steps: int
    done: int
    """How many steps are done at this moment."""
    signs: str
    """A sign per cell; at most as many as there are steps."""
    head: Line
    """What stands before the cells."""

    def step_of(self, column: int) -> int:
        """Where a click leads: to after the last step of the cell, beside the cells to before or after all steps."""
        cell = column - line_width(self.head)
        if cell < 0 or not self.signs:
            return 0
        return -(-(min(cell, len(self.signs) - 1) + 1) * self.steps // len(self.signs))

    def cell_of(self, step: int) -> int | None:
        """The cell of a step; None for 0, which is the moment before the first one."""
        return (step - 1) * len(self.signs) // self.steps if step and self.signs else None

    def line(self, width: int) -> Line:
        """The row, at most ``width`` cells wide."""
        at = self.cell_of(self.done)
        spans: list[Span] = []
        for cell, sign in enumerate(self.signs):
            done = at is not None and cell <= at
            look = (_ROLES[sign] if done else Role.DIM, done, cell == at)
            if spans and (spans[-1].role, spans[-1].bold, spans[-1].reverse) == look:
                spans[-1] = Span(spans[-1].text + sign, *look[:2], reverse=look[2])
            else:
                spans.append(Span(sign, *look[:2], reverse=look[2]))
        return cut_line((*self.head, *spans), width)


def build(session: SessionView, width: int) -> StepStrip:
    """The steps of the next visible transition in ``width`` cells."""
    number, timeline = session.next_number, session.timeline
    if number is None or timeline is None:
        return StepStrip(None, 0, 0, "", (Span("steps: no later transition", Role.DIM),))
    steps = steps_of(timeline, number)
    done = min(session.step, len(steps))
    place = f"{thousands(done)}/{thousands(len(steps))}" if steps else "none recorded"
    head: Line = (Span(f"steps of #{thousands(number)} ", Role.DIM), Span(f"{place} ", Role.VALUE, bold=done > 0))
    cells = min(len(steps), max(0, width - line_width(head)))
    bounds = [-(-cell * len(steps) // cells) for cell in range(cells + 1)] if cells else [0]
    signs = "".join(_sign(steps[first:last]) for first, last in pairwise(bounds))
    return StepStrip(number, len(steps), done, signs, head)


def _sign(steps: Sequence[StepFact]) -> str:
    return min((_SIGN_OF[step.kind] for step in steps), key=_RANK.__getitem__)
