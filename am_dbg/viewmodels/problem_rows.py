"""What went wrong as rows: when, on which machine, and in a few words what."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from am_dbg.session.problems import PROBLEM_TITLES, Problem, ProblemPlace
from am_dbg.session.view import SessionView
from am_dbg.timefmt import local_time, second_label, thousands, time_of_day
from am_dbg.viewmodels.describe import cancel_reason, error_place, error_text, names
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, pad, width
from am_telemetry.store.records import TransitionRecord

PROBLEM_KEYS: Final[dict[Problem, str]] = {Problem.ERROR: "e", Problem.CANCELED: "c", Problem.LOST: "l"}
_SIGNS: Final[dict[Problem, tuple[str, Role]]] = {
    Problem.ERROR: ("✕ error", Role.ERROR),
    Problem.CANCELED: ("− canceled", Role.CANCELED),
    Problem.LOST: ("? lost", Role.ERROR_RECENT),
}
_KIND_WIDTH: Final = 11
_WIDE_FROM: Final = 90
"""Cells from which on the time has milliseconds and the kind is a word."""


def row(session: SessionView, place: ProblemPlace, record: TransitionRecord | None, cells: int, *, dated: bool) -> Line:
    """One problem in ``cells`` columns.

    Args:
        session: where names come from.
        place: the problem.
        record: its transition, None for one that is yet to come.
        cells: how wide the row may be.
        dated: whether the day stands before the time.
    """
    wide = cells >= _WIDE_FROM
    at = time_of_day(place.at_ns)[:12] if wide else second_label(place.at_ns)
    if dated:
        at = f"{local_time(place.at_ns):%m-%d} {at}"
    sign, role = _SIGNS[place.kind]
    sign = pad(sign, _KIND_WIDTH) if wide else sign[0]
    machine = pad(clean(session.label(place.machine_id)), 24 if wide else 10)
    number = f"#{thousands(place.number)}"
    head = (
        Span(f" {at} ", Role.DIM),
        Span(sign + " ", role, bold=True),
        Span(machine + " ", Role.TEXT, bold=True),
        Span(pad(number, 8 if wide else 6) + " ", Role.LINK),
    )
    room = cells - sum(width(span.text) for span in head)
    return (*head, Span(cut(_story(session, place, record), room) if room > 0 else "", role))


def kinds(shown: Collection[Problem]) -> Line:
    """``[x] e errors  [x] c canceled  [ ] l lost``."""
    spans: list[Span] = []
    for kind, title in PROBLEM_TITLES.items():
        on = kind in shown
        spans.append(Span("[x] " if on else "[ ] ", Role.ACTIVE if on else Role.DIM, bold=on))
        spans.append(Span(PROBLEM_KEYS[kind], Role.KEY, bold=True))
        spans.append(Span(f" {title}  ", Role.TEXT if on else Role.DIM))
    return tuple(spans)


def empty_text(shown: Collection[Problem], machine: str) -> tuple[Line, ...]:
    """Why there is no row."""
    where = f" on {clean(machine)}" if machine else " on any machine"
    if not shown:
        return ((Span("Nothing is asked for: e, c and l choose what is listed.", Role.TEXT),),)
    if len(shown) == len(PROBLEM_TITLES):
        return ((Span(f"Nothing went wrong{where} so far.", Role.ACCEPTED, bold=True),),)
    wanted = " or ".join(PROBLEM_TITLES[kind] for kind in PROBLEM_TITLES if kind in shown)
    return ((Span(f"Nothing{where} for: {wanted}.", Role.TEXT),),)


def _story(session: SessionView, place: ProblemPlace, record: TransitionRecord | None) -> str:
    if place.kind is Problem.LOST:
        lost = session.recording.timeline(place.machine_id).gaps.get(place.number, 0)
        return f"{thousands(lost)} transitions before this one are missing"
    if record is None:
        return ""
    fact, schema = record.pattern.fact, record.pattern.schema
    asked = f"{fact.mutation} {' '.join(names(schema, fact.called, 4))}"
    if place.kind is Problem.CANCELED:
        reason = cancel_reason(record.pattern)
        return f"{asked} · {reason}" if reason else asked
    if record.error is not None:
        place_in_code = error_place(record.error)
        return error_text(record.error) + (f" · {place_in_code}" if place_in_code else "")
    if fact.broken:
        return f"{asked} · {cancel_reason(record.pattern) or 'a handler failed'}"
    states = names(schema, tuple(s for s in fact.added if s in schema.error_states) or fact.called)
    return f"{' '.join(states)} became active"
