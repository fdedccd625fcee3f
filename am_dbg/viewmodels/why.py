"""Why a state is active or not at the current moment: first the sentence, then the evidence, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from am_dbg.session.targets import GoToTransition, Target
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, second_label, thousands
from am_dbg.viewmodels import why_reasons
from am_dbg.viewmodels.reader_places import Places
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_dbg.viewmodels.why_reasons import Reason
from am_telemetry.store.timeline import Timeline
from am_telemetry.waits import PIPE_IN

ATTEMPTS: Final = 8
"""Attempts that are listed, the newest ones."""


@dataclass(frozen=True, slots=True)
class WhyRow:
    """One row; what Enter does, and the state that ``W`` explains next."""

    line: Line
    target: Target | None = None
    state: str = ""
    at: int | None = None
    """The transition after which that state is to be explained; None for the moment of this explanation."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer. ``rows`` begin with the sentence."""

    title: Line
    rows: tuple[WhyRow, ...]
    active: bool


def asked_about(session: SessionView) -> str:
    """The state that is meant: the selected one, else the first one that the transition at the cursor was asked for.

    Empty when there is none.
    """
    record = session.current
    if session.state or record is None or not record.pattern.fact.called:
        return session.state
    return record.pattern.schema.state_name(record.pattern.fact.called[0])


def explain(session: SessionView, state_name: str, number: int | None = None) -> Explanation | None:
    """Why a state of the selected machine is as it is; None when the machine has no such state, or there is none.

    Args:
        number: after which transition; by default at the cursor.
    """
    timeline, machine_id = session.timeline, session.machine_id
    if timeline is None or machine_id is None or state_name not in timeline.schema.index:
        return None
    at = session.number if number is None else number
    return _Explainer(session, timeline, machine_id, timeline.schema.index[state_name], at).explanation()


class _Explainer:
    def __init__(self, session: SessionView, timeline: Timeline, machine_id: int, state: int, number: int) -> None:
        self._session = session
        self._timeline = timeline
        self._machine_id = machine_id
        self._state = state
        self._name = clean(timeline.schema.state_name(state), 80)
        self._number = number
        at_cursor = number == session.number or not timeline.holds(number)
        self._moment = session.moment if at_cursor else timeline.at(number)
        self._active = timeline.is_active(state, number)
        self._turn = why_reasons.last_turn(timeline, state, number)
        first = self._turn + 1 if self._turn is not None else timeline.first
        self._tries = why_reasons.attempts(timeline, state, first, number)
        """In vain, since the state turned."""
        now_active = frozenset(timeline.active_states(number))
        self._blocks = [] if self._active else why_reasons.blocking(timeline, state, now_active)

    def explanation(self) -> Explanation:
        session = self._session
        verb = "active" if self._active else "not active"
        title = (
            Span(f"Why is {self._name} {verb}?", Role.TITLE, bold=True),
            Span(f" {clean(session.label(self._machine_id), 60)} #{thousands(self._number)}", Role.DIM),
        )
        answer = () if self._active else (self._answer(),)
        rows = [*answer, self._fact(), *self._cause_of_turn(), *self._list_attempts(), *self._later(), *self._running()]
        if not self._active:
            rows += [*self._blocked(), *self._others()]
        return Explanation(title, tuple(rows), self._active)

    # -- the answer ----------------------------------------------------------------------------------------------

    def _answer(self) -> WhyRow:
        """Why the state is not active, in one sentence."""
        later = self._next_attempt()
        if self._tries or later:
            number = int(self._tries[-1]) if self._tries else later
            reason = why_reasons.refusal(self._timeline, number, self._state)
            asked = "tried by itself" if number in self._timeline.auto else "asked for"
            if number not in self._timeline.called(self._state):
                asked = "to be brought in"
            when = "" if self._tries else ", after this moment,"
            why = self._refused(number, reason)
            why = f"it {why}" if why.startswith("requires") else why
            words = f"It was {asked} in #{thousands(number)}{when} in vain: {why}."
            target = GoToTransition(self._machine_id, number)
            return WhyRow((Span(words, bold=True),), target, self._named(reason), self._before(number))
        fact = self._timeline.schema.states[self._state]
        if fact.auto and self._blocks:
            words = f"It is automatic, but {self._block(self._blocks[0])}."
            return WhyRow((Span(words, bold=True),), state=self._named(self._blocks[0]))
        since = "since it went" if self._turn is not None else "so far"
        words = f"Nobody asked for it {since}, and it was not tried by itself."
        return WhyRow((Span(words, bold=True),))

    def _block(self, reason: Reason) -> str:
        if reason.kind == "require":
            return f"it requires {self._other(reason)}, {self._missing_now(reason.state)}"
        return f"{self._other(reason)}, which is active, removes it"

    # -- the fact ------------------------------------------------------------------------------------------------

    def _fact(self) -> WhyRow:
        sign = Span("● " if self._active else "○ ", Role.ACTIVE if self._active else Role.INACTIVE)
        subject = (sign, Span(self._name, Role.TEXT, bold=True))
        turn = self._turn
        if turn is None:
            if self._active:
                words = " has been active since before the first recorded transition"
            elif self._timeline.first > 1:
                words = " has not been active since the oldest transition that is kept"
            else:
                words = " has never been active"
            return WhyRow((*subject, Span(words)))
        if self._active:
            reason = why_reasons.coming(self._timeline, turn, self._state)
            words = f" is active since {self._place(turn)}: {self._came(reason)}"
        else:
            reason = why_reasons.going(self._timeline, turn, self._state)
            words = f" is not active since {self._place(turn)}: {self._went(reason)}"
        return WhyRow((*subject, Span(words)), GoToTransition(self._machine_id, turn), self._named(reason))

    def _came(self, reason: Reason) -> str:
        match reason.kind:
            case "called":
                return "it was called"
            case "auto":
                return "it is automatic, and nothing kept it out any more"
            case "added":
                return f"{self._other(reason)} brought it in (Add)"
            case "lost":
                return "during transitions that are missing here"
            case _:
                return "no steps were recorded that tell why (AM_DETAIL=2 does)"

    def _went(self, reason: Reason) -> str:
        match reason.kind:
            case "asked":
                return "its removal was asked for"
            case "remove":
                return f"removed by {self._other(reason)} (Remove)"
            case "require":
                return f"it requires {self._other(reason)}, which went"
            case "set":
                return "other states were set in its place"
            case "failed" | "timeout":
                return "a handler broke the transition"
            case "nothing":
                return "the relations left it out"
            case "lost":
                return "during transitions that are missing here"
            case _:
                return "no steps were recorded that tell why"

    def _cause_of_turn(self) -> list[WhyRow]:
        if self._turn is None or self._turn in self._timeline.auto:
            return []
        record = self._session.recording.transition(self._machine_id, self._turn)
        cause = Places(self._session).cause(record)
        if cause is None:
            return []
        if cause.record is None or cause.run is None:
            words = f"asked for by {clean(cause.source.machine, 80)}, in a transition that was not recorded"
            return [WhyRow((Span("  ← ", Role.DIM), Span(words, Role.DIM)), cause.target)]
        own = cause.run.id == self._machine_id
        whose = "this machine" if own else clean(self._session.label(cause.run.id), 60)
        line = (Span("  ← ", Role.DIM), Span(f"asked for in a handler of {whose} #{thousands(cause.record.number)}"))
        return [WhyRow(line, cause.target)]

    # -- attempts ------------------------------------------------------------------------------------------------

    def _list_attempts(self) -> list[WhyRow]:
        total, numbers = len(self._tries), [int(number) for number in self._tries[-ATTEMPTS:]]
        if not total:
            return []
        what = "to end it" if self._active else "to activate it"
        rows = [WhyRow((Span(f"Attempts {what}: {thousands(total)}", Role.TEXT, bold=True),))]
        rows += [self._attempt(number) for number in reversed(numbers)]
        if total > len(numbers):
            rows.append(
                WhyRow((Span(f"  and {thousands(total - len(numbers))} earlier ones: H goes there", Role.DIM),))
            )
        return rows

    def _next_attempt(self) -> int:
        """The first attempt behind the cursor, before the state turns; 0 for none. Moments may be typed as times."""
        timeline, number = self._timeline, self._number
        if self._active or number >= timeline.count:
            return 0
        end = min(self._next_turn() or timeline.count, number + why_reasons.WINDOW)
        later = why_reasons.attempts(timeline, self._state, number + 1, end)
        return int(later[0]) if later else 0

    def _next_turn(self) -> int:
        """The transition behind the cursor after which an inactive state is active; 0 when there is none."""
        active = self._timeline.active(self._state)
        rank = active.rank(self._number)
        return int(active[rank]) if rank < len(active) else 0

    def _later(self) -> list[WhyRow]:
        if self._active:
            return []
        rows, later, end = [], self._next_attempt(), self._next_turn()
        if later:
            head = WhyRow((Span("Next attempt, after this moment:", Role.TEXT, bold=True),))
            rows += [head, self._attempt(later)]
        if end:
            line = (Span("Becomes active in ", Role.DIM), Span(self._place(end), Role.LINK, underline=True))
            rows.append(WhyRow(line, GoToTransition(self._machine_id, end)))
        return rows

    def _attempt(self, number: int) -> WhyRow:
        timeline = self._timeline
        fact = timeline.pattern(number).fact
        reason = why_reasons.refusal(timeline, number, self._state)
        called = number in timeline.called(self._state)
        kind = "auto" if fact.auto else fact.mutation if called else "brought in"
        line = (
            Span(f"  #{thousands(number)} ", Role.LINK, underline=True),
            Span(f"{second_label(timeline.at(number))} ", Role.DIM),
            Span(f"{kind} ", Role.KEY),
            Span("✕ ", Role.CANCELED, bold=True),
            Span(self._refused(number, reason)),
        )
        return WhyRow(line, GoToTransition(self._machine_id, number), self._named(reason), self._before(number))

    def _before(self, number: int) -> int:
        """The moment at which a transition began."""
        return max(number - 1, 0)

    def _refused(self, number: int, reason: Reason) -> str:
        handler = clean(reason.handler, 80) or "a handler"
        sure = " (by the schema; no steps were recorded)" if reason.guessed else ""
        match reason.kind:
            case "require":
                return f"requires {self._other(reason)}, {self._missing(reason.state, number)}{sure}"
            case "remove":
                return f"{self._other(reason)} removes it{sure}"
            case "handler":
                return f"refused by {handler}{self._took(number, reason.handler)}"
            case "timeout":
                return f"{handler} took too long{self._took(number, reason.handler)}"
            case "failed":
                return f"{handler} failed"
            case "with" if reason.of is not None:
                return f"{self._other(reason)}, called with it, was refused: {self._refused(number, reason.of)}"
            case "queued":
                return "put into the queue; this is no execution"
            case "nothing":
                return "the relations left it out"
            case _:
                return "refused; no steps were recorded that tell why (AM_DETAIL=2 does)"

    def _missing(self, state: int, number: int) -> str:
        """Since when a required state was not active."""
        if state < 0:
            return "which this machine does not have"
        timeline = self._timeline
        before = timeline.pieces.floor(number - 1) if number > 1 else 0
        turn = why_reasons.last_turn(timeline, state, before) if before else None
        if state in self._session_called(number):
            return "which was refused as well"
        if turn is None:
            return "which had never been active"
        ago = duration(max(0, timeline.at(number) - timeline.at(turn)))
        return f"which was not active since #{thousands(turn)} ({ago})"

    def _session_called(self, number: int) -> set[int]:
        record = self._timeline.pattern(number)
        index = self._timeline.schema.index
        return {index.get(record.schema.state_name(state), -1) for state in record.fact.called}

    def _took(self, number: int, handler: str) -> str:
        runs = self._session.recording.handler_runs(self._machine_id, number)
        took = [run.duration_ns for run in runs if run.handler == handler]
        return f" ({duration(took[-1])})" if took else ""

    # -- what else -----------------------------------------------------------------------------------------------

    def _running(self) -> list[WhyRow]:
        running = self._session.recording.running(self._machine_id)
        if running is None or self._timeline.schema.state_name(self._state) not in running.called:
            return []
        handler = clean(running.handler, 80) or "no handler yet"
        lasted = duration(max(0, running.noted_ns - running.started_ns))
        words = f"It is being asked for by the transition under way: {handler}, for {lasted} when last looked at"
        return [WhyRow((Span(words, Role.CALLED),))]

    def _blocked(self) -> list[WhyRow]:
        timeline = self._timeline
        fact = timeline.schema.states[self._state]
        if not self._blocks:
            return [WhyRow((Span("Nothing in the schema keeps it out at this moment.", Role.DIM),))]
        head = "It is automatic, but at this moment:" if fact.auto else "At this moment it could not be had:"
        rows = [WhyRow((Span(head, Role.TEXT, bold=True),))]
        for reason in self._blocks:
            turn = why_reasons.last_turn(timeline, reason.state, self._number) if reason.state >= 0 else None
            target = None if turn is None else GoToTransition(self._machine_id, turn)
            rows.append(WhyRow((Span("  " + self._block(reason)),), target, self._named(reason)))
        return rows

    def _missing_now(self, state: int) -> str:
        if state < 0:
            return "which this machine does not have"
        turn = why_reasons.last_turn(self._timeline, state, self._number)
        return "which has never been active" if turn is None else f"which is not active since {self._place(turn)}"

    def _others(self) -> list[WhyRow]:
        """Who else could have: states that add it, and pipes that lead to it; and who asked for it earlier."""
        timeline, session = self._timeline, self._session
        rows = []
        for other in why_reasons.adders(timeline, self._state)[:4]:
            name = timeline.schema.state_name(other)
            rows.append(WhyRow((Span(f"  {clean(name, 80)} would bring it in (Add)"),), state=name))
        for pipe in session.recording.waits(self._machine_id, self._number).pending:
            if pipe.fact.kind == PIPE_IN and timeline.schema.state_name(self._state) in pipe.fact.states:
                peer = f"{clean(pipe.fact.peer, 80)}/{clean(pipe.fact.peer_state, 80)}"
                rows.append(WhyRow((Span(f"  the pipe from {peer} would {pipe.fact.mutation or 'add'} it"),)))
        called = timeline.called(self._state)
        earlier = int(called.rank(self._number))
        if earlier and not self._tries:
            last = int(called[earlier - 1])
            times = "once" if earlier == 1 else f"{thousands(earlier)} times"
            words = f"  it was called {times} up to here, last in {self._place(last)}"
            rows.append(WhyRow((Span(words),), GoToTransition(self._machine_id, last)))
        if not rows:
            return []
        return [WhyRow((Span("Who could:", Role.TEXT, bold=True),)), *rows]

    def _place(self, number: int) -> str:
        at = self._timeline.at(number)
        ago = self._moment - at
        when = f", {duration(ago)} before" if number <= self._number and ago > 0 else ""
        return f"#{thousands(number)} ({second_label(at)}{when})"

    def _other(self, reason: Reason) -> str:
        return clean(self._timeline.schema.state_name(reason.state), 80) or "a state it does not have"

    def _named(self, reason: Reason) -> str:
        inner = reason.of or reason
        return self._timeline.schema.state_name(inner.state) if inner.state >= 0 else ""
