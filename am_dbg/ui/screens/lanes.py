"""The activity lanes: when states of a machine were active, or when pinned machines did something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.timefmt import second_label, thousands
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import lanes
from am_dbg.viewmodels.spans import Line, Role, Span, clean

MOST_ZOOM: Final = 40
_REFRESH_SECONDS: Final = 0.5


class LanesScreen(Dialog):
    """A click goes to the moment; Enter selects the state or machine of the lane. Transitions move as outside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Select", show=False),
        Binding("left,comma", "transition(-1)", "Transition before", show=False),
        Binding("right,full_stop", "transition(1)", "Transition after", show=False),
        Binding("H", "jump(-1)", "Jump back", show=False),
        Binding("L", "jump(1)", "Jump forward", show=False),
        Binding("plus,equals_sign", "zoom(1)", "Closer", show=False),
        Binding("minus", "zoom(-1)", "Farther", show=False),
        Binding("0", "zoom(-100)", "All", show=False),
        Binding("asterisk,m", "other", "States or pinned machines", show=False),
        Binding("A,q", "close", "Close", show=False),
    ]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lanes = _Lanes(session)
        super().__init__(self._lanes)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(_REFRESH_SECONDS, self._lanes.refresh_if_grown)

    def wanted_size(self) -> tuple[int, int]:
        return 10_000, max(8, min(10_000, self._lanes.row_count() + 2))

    def action_choose(self) -> None:
        self._lanes.select()
        self.dismiss(None)

    def action_transition(self, step: int) -> None:
        if step > 0:
            self._session.next()
        else:
            self._session.previous()
        self._lanes.sync()

    def action_jump(self, step: int) -> None:
        if step > 0:
            self._session.jump_forward()
        else:
            self._session.jump_back()
        self._lanes.sync()

    def action_zoom(self, step: int) -> None:
        self._lanes.change_zoom(step)

    def action_other(self) -> None:
        self._lanes.exchange()
        self._fit(*self.app.size)


class _Lanes(LineView):
    def __init__(self, session: Session) -> None:
        super().__init__(id="lanes")
        self._session = session
        self.pinned = len(session.pinned) > 1
        self.cursor = 0
        self._zoom = 0
        self._version = -1
        self._rows: list[lanes.Lane] = []
        self._rows_for: tuple[object, ...] = ()
        self._scale: lanes.Scale | None = None

    # -- what is shown -------------------------------------------------------------------------------------------

    def lanes_now(self) -> list[lanes.Lane]:
        """The lanes; made anew when they are about something else."""
        session = self._session
        schema = session.timeline.schema if session.timeline is not None else None
        key = (self.pinned, session.pinned, session.machine_id, schema, session.recording.version)
        if key != self._rows_for:
            self._rows, self._rows_for = lanes.lanes(session, pinned=self.pinned), key
            self.cursor = max(0, min(self.cursor, len(self._rows) - 1))
        return self._rows

    def refresh_if_grown(self) -> None:
        """While something is recorded."""
        if self._version != self._session.recording.version:
            self._version = self._session.recording.version
            self.sync()

    def exchange(self) -> None:
        """States of the selected machine, or pinned machines."""
        if not self.pinned and not self._session.pinned:
            self._session.say("no machine is pinned: * pins one")
            return
        self.pinned = not self.pinned
        self.cursor = self.top = 0
        self.sync()

    def change_zoom(self, step: int) -> None:
        """Closer or farther, around the moment."""
        closest = self._scale is not None and self._scale.cell_ns <= lanes.LEAST_CELL_NS
        if step < 0 or not closest:
            self._zoom = max(0, min(self._zoom + step, MOST_ZOOM))
        self.sync()

    def _label(self, width: int) -> int:
        return lanes.label_width(self.lanes_now(), width)

    def _scale_for(self, width: int) -> lanes.Scale | None:
        rows = self.lanes_now()
        extent = lanes.extent(self._session, rows)
        if not extent[1]:
            return None
        cells = max(1, width - self._label(width) - 2)
        return lanes.scale_for(extent, self._session.moment, self._zoom, cells, self._scale)

    # -- drawing -------------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        session = self._session
        machine = "" if session.machine_id is None else clean(session.label(session.machine_id), 60)
        what = f"{thousands(len(session.pinned))} pinned machines" if self.pinned else f"states of {machine}"
        at = f" · {machine} #{thousands(session.number)} at {second_label(session.moment)}" if machine else ""
        return (Span("Lanes ", Role.TITLE, bold=True), Span(what, Role.TEXT), Span(at, Role.VALUE))

    def subtitle(self, width: int) -> Line:
        keys = "←→ move  + − zoom  0 all  m states/pinned  Enter select  Esc"
        scale = self._scale
        told = f"{lanes.summary(scale)}  " if scale is not None and width > len(keys) + 50 else ""
        return (Span(told, Role.VALUE), Span(keys, Role.DIM))

    def row_count(self) -> int:
        return 1 + max(1, len(self.lanes_now()))

    def cursor_row(self) -> int | None:
        return self.cursor + 1 if self.lanes_now() else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        rows = self.lanes_now()
        self._scale = scale = self._scale_for(width)
        if scale is None or not rows:
            return [(), (Span("  Nothing has happened yet.", Role.DIM),)][first : first + count]
        label = self._label(width)
        drawing = lanes.Drawing(self._session, scale)
        head: list[Line] = [lanes.axis(scale, label)] if first == 0 else []
        some = rows[max(0, first - 1) :][: count - len(head)]
        return head + [drawing.row(lane, label) for lane in some]

    # -- pointing ------------------------------------------------------------------------------------------------

    def move_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(self.lanes_now()) - 1))
        if not self.cursor:
            self.top = 0
        self.sync()

    def select(self) -> None:
        """The state or machine of the lane under the cursor."""
        rows = self.lanes_now()
        if rows:
            self._session.follow(rows[self.cursor].target)

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        rows, row = self.lanes_now(), self.top + offset - 1
        if not 0 <= row < len(rows):
            return
        self.cursor = row
        cell = event.x - 1 - self._label(self.inner_width) - 2
        if cell < 0 or self._scale is None:
            self.select()
        else:
            lane = rows[row]
            if lane.machine_id != self._session.machine_id:
                self._session.select_machine(lane.machine_id)
            self._session.go_to_time(self._scale.last_of(min(cell, self._scale.cells - 1)))
        self.sync()
