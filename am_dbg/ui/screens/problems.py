"""The list behind ``!``: what went wrong on all machines, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from am_dbg.session import Session
from am_dbg.session.filters import Filter
from am_dbg.session.problems import Problem, ProblemList, ProblemPlace
from am_dbg.session.targets import GoToTransition
from am_dbg.timefmt import local_time, thousands
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import problem_rows
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.store.records import TransitionRecord

_REFRESH_SECONDS: Final = 0.5
_FOLLOWED: Final = 2_000
"""How far down the row under the cursor is looked for when newer problems came in above it."""
_RECORDS_KEPT: Final = 512


class ProblemsScreen(Dialog):
    """Enter or a click goes to the problem. New ones appear on top while the list is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go", show=False),
        Binding("m", "one_machine", "This machine only", show=False),
        Binding("exclamation_mark,q", "close", "Close", show=False),
        *(Binding(key, f"list_kind('{kind.name}')", show=False) for kind, key in problem_rows.PROBLEM_KEYS.items()),
    ]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._list = _ProblemView(session)
        super().__init__(self._list)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(_REFRESH_SECONDS, self._list.refresh_list)

    def wanted_size(self) -> tuple[int, int]:
        return 132, max(12, self._list.row_count() + 2)

    def action_choose(self) -> None:
        if self._list.go():
            self.dismiss(None)

    def action_one_machine(self) -> None:
        self._list.toggle_machine()

    def action_list_kind(self, kind: str) -> None:
        self._list.toggle(Problem[kind])


class _ProblemView(LineView):
    """The first row tells which kinds are listed."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="problem-list")
        self._session = session
        self._kinds = set(Problem)
        if not session.filters.shows(Filter.CANCELED):
            self._kinds.discard(Problem.CANCELED)
        self._machine_id: int | None = None
        self._row = 0
        self._version = -1
        self._records: dict[tuple[int, int], TransitionRecord] = {}
        self._problems = self._looked_up()

    # -- what is listed ------------------------------------------------------------------------------------------

    def _looked_up(self) -> ProblemList:
        self._version = self._session.recording.version
        return ProblemList(self._session.recording, self._kinds, self._machine_id)

    def _at_cursor(self) -> ProblemPlace | None:
        found = self._problems.places(self._row, 1)
        return found[0] if found else None

    def refresh_list(self) -> None:
        """Take in what was recorded since; the cursor stays on its problem, or on top when it was there."""
        if self._version == self._session.recording.version:
            return
        chosen = self._at_cursor() if self._row else None
        self._problems = self._looked_up()
        if chosen is not None:
            found = self._problems.find(chosen, self._row + _FOLLOWED)
            self._row = self._row if found is None else found
        self.sync()

    def toggle(self, kind: Problem) -> None:
        """List a kind of problem, or do not."""
        self._kinds ^= {kind}
        self._again()

    def toggle_machine(self) -> None:
        """Only the selected machine, or all."""
        self._machine_id = self._session.machine_id if self._machine_id is None else None
        self._again()

    def _again(self) -> None:
        self._problems = self._looked_up()
        self._row = self.top = 0
        self.sync()

    def go(self) -> bool:
        """To the problem under the cursor; False when there is none."""
        place = self._at_cursor()
        if place is None:
            return False
        last = self._session.recording.timeline(place.machine_id).count
        self._session.follow(GoToTransition(place.machine_id, min(place.number, last)))
        return True

    # -- drawing -------------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        where = "all machines" if self._machine_id is None else clean(self._session.label(self._machine_id), 60)
        return (
            Span("Problems", Role.TITLE, bold=True),
            Span(f" {thousands(self._problems.total)}", Role.VALUE, bold=True),
            Span(f" · {where}, newest first", Role.DIM),
        )

    def subtitle(self, width: int) -> Line:
        total = self._problems.total
        place = (Span(f"{thousands(self._row + 1)}/{thousands(total)}  ", Role.VALUE, bold=True),) if total else ()
        scope = "m this machine" if self._machine_id is None else "m all machines"
        return (*place, Span(f"Enter go  {scope}  Esc", Role.DIM))

    def row_count(self) -> int:
        return 1 + (self._problems.total or len(self._empty()))

    def _empty(self) -> tuple[Line, ...]:
        machine = "" if self._machine_id is None else self._session.label(self._machine_id)
        return problem_rows.empty_text(self._kinds, machine)

    def cursor_row(self) -> int | None:
        return self._row + 1 if self._problems.total else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        head: list[Line] = [(Span(" "), *problem_rows.kinds(self._kinds))] if first == 0 else []
        if not self._problems.total:
            return [*head, *((Span(" "), *line) for line in self._empty())][:count]
        newest = local_time(self._problems.places(0, 1)[0].at_ns).date()
        places = self._problems.places(max(0, first - 1), count - len(head))
        dated = any(local_time(place.at_ns).date() != newest for place in places)
        return head + [
            problem_rows.row(self._session, place, self._record(place), width, dated=dated) for place in places
        ]

    def _record(self, place: ProblemPlace) -> TransitionRecord | None:
        key = (place.machine_id, place.number)
        if key not in self._records:
            if not self._session.recording.timeline(place.machine_id).holds(place.number):
                return None
            if len(self._records) >= _RECORDS_KEPT:
                self._records.clear()
            self._records[key] = self._session.recording.transition(*key)
        return self._records[key]

    def move_cursor(self, step: int) -> None:
        self._row = max(0, min(self._row + step, self._problems.total - 1))
        if not self._row:
            self.top = 0
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        row = self.top + offset - 1
        if row < 0:
            self._toggle_at(event.x - 2)
        elif row < self._problems.total:
            self._row = row
            if self.go():
                self.screen.dismiss(None)

    def _toggle_at(self, x: int) -> None:
        """A click on the row of kinds."""
        for kind in Problem:
            text = "".join(span.text for span in problem_rows.kinds({kind}))
            start = text.index("[x]")
            end = text.find("[ ]", start)
            if start <= x < (len(text) if end < 0 else end):
                self.toggle(kind)
                return
