"""The rows of the reader, and how its entries are put into words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from am_dbg.session.targets import GoToSource, GoToTransition, SelectState, Target
from am_dbg.timefmt import SECOND, age, duration, second_label, thousands
from am_dbg.viewmodels.describe import is_canceled, state_spans
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.store.records import TransitionRecord, WaitRecord
from am_telemetry.waits import UNNOTICED

_ENDS = {
    "match": ("✓", "came true", Role.ACCEPTED),
    "expired": ("✓", "expired", Role.ACCEPTED),
    "removed": ("✕", "removed", Role.CANCELED),
    "canceled": ("✕", "canceled", Role.CANCELED),
    "ctx": ("✕", "its context expired", Role.CANCELED),
    "disposed": ("✕", "the machine was disposed", Role.CANCELED),
    "error": ("✕", "failed", Role.ERROR),
    UNNOTICED: ("?", "ended unnoticed", Role.DIM),
}


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """One row. ``key`` stays the same while the row is about the same thing."""

    key: str
    line: Line
    target: Target | None = None
    """What Enter does, and a click beside the links in the row."""
    section: str = ""
    """Of a heading, the section it folds."""
    state: str = ""
    """The first state it is about."""


Section = tuple[int, list[ReaderRow]]
"""How many things it tells of, and its rows."""


def heading(title: str, count: int, folded: bool) -> ReaderRow:
    """``▾ Waits (2)``."""
    number = f" ({thousands(count)})" if count else ""
    line = (Span("▸ " if folded else "▾ ", Role.DIM), Span(title, Role.TITLE, bold=True), Span(number, Role.DIM))
    return ReaderRow(f"section:{title}", line, section=title)


def entry(
    section: str, ident: object, spans: Iterable[Span], target: Target | None = None, state: str = ""
) -> ReaderRow:
    """A row inside a section."""
    return ReaderRow(f"{section}:{ident}", (Span("  "), *spans), target, state=state)


def state_name(name: str, selected: Collection[str], role: Role = Role.TEXT) -> Span:
    """A state as a link, marked when it is a selected one."""
    marked = name in selected
    return Span(clean(name, 80), Role.HIGHLIGHT if marked else role, bold=True, target=SelectState(name))


def transition_words(label: str, record: TransitionRecord, target: Target | None, selected: Collection[str]) -> Line:
    """``gateway #12 add Request Ready``."""
    fact, schema = record.pattern.fact, record.pattern.schema
    called = [
        Span(span.text, Role.HIGHLIGHT, bold=True, target=span.target)
        if isinstance(span.target, SelectState) and span.target.name in selected
        else span
        for span in state_spans(schema, fact.called, Role.CALLED, limit=4)
    ]
    verdict = (Span(" ✕ canceled", Role.CANCELED),) if is_canceled(fact) else ()
    kind = "auto" if fact.auto else fact.mutation
    name = (Span(f"{clean(label, 60)} ", Role.LINK, target=target),) if label else ()
    number = Span(f"#{thousands(record.number)}", Role.LINK, underline=True, target=target)
    return (*name, number, Span(f" {kind} ", Role.KEY), *called, *verdict)


def wait_words(wait: WaitRecord, machine_id: int, now_ns: int, selected: Collection[str]) -> Line:
    """``when Ready Start 42 s since #5 by AState 12:03:07``."""
    origin = wait.origin
    spans = [*_subject(wait, selected), *_since(wait, machine_id, now_ns)]
    time = spans.pop()
    if origin is not None:
        target = GoToSource(origin.machine, origin.sequence)
        spans += (Span(" by ", Role.DIM), Span(clean(origin.handler, 80), Role.LINK, underline=True, target=target))
    return (*spans, time)


def end_words(wait: WaitRecord, selected: Collection[str]) -> Line:
    """``✓ when Ready came true after 42 s``."""
    sign, words, role = _ENDS.get(wait.close_reason, ("•", clean(wait.close_reason, 40), Role.TEXT))
    lasted = max(0, (wait.closed_ns or wait.opened_ns) - wait.opened_ns)
    after = (Span(f" after {duration(lasted)}", Role.DIM),) if wait.close_reason != UNNOTICED else ()
    return (Span(f"{sign} ", role), *_subject(wait, selected, with_peer=True), Span(f" {words}", role), *after)


def pipe_words(wait: WaitRecord, machine_id: int, now_ns: int, selected: Collection[str]) -> Line:
    """``Ready ─add→ Start since #5 12:03:07``."""
    fact = wait.fact
    arrow = f" ─{clean(fact.mutation, 12) or 'add'}→ "
    own = [state_name(state, selected) for state in fact.states[:1]]
    other = Span(clean(fact.peer_state, 80), Role.TEXT, bold=True)
    between = Span(arrow, Role.KEY)
    ends = (*own, between, other) if fact.kind == "pipe-out" else (other, between, *own)
    return (Span("  "), *ends, *_since(wait, machine_id, now_ns, aged=False))


def lasting(ns: int) -> str:
    """How long something has lasted; less than nothing, by clocks that disagree, counts as nothing."""
    return duration(max(0, ns)) if ns < SECOND else age(ns)


def _subject(wait: WaitRecord, selected: Collection[str], *, with_peer: bool = False) -> Line:
    fact = wait.fact
    spans = [Span(f"{clean(fact.kind, 20)} ", Role.KEY)] if fact.kind != "ctx" or with_peer else []
    ticks = fact.ticks if len(fact.ticks) == len(fact.states) else ()
    for place, state in enumerate(fact.states[:8]):
        if place:
            spans.append(Span(" "))
        spans.append(state_name(state, selected))
        if ticks:
            spans.append(Span(f":{ticks[place]}", Role.VALUE))
    if len(fact.states) > 8:
        spans.append(Span(f" … (+{len(fact.states) - 8})", Role.DIM))
    if not fact.states and fact.text:
        spans.append(Span(clean(fact.text, 120), Role.TEXT, bold=True))
    elif fact.kind == "whenArgs" and "(" in fact.text:
        spans.append(Span(" " + clean(fact.text[fact.text.index("(") :], 120), Role.VALUE))
    if with_peer and fact.peer:
        spans.append(Span(f" {clean(fact.peer, 60)}", Role.TEXT))
    return tuple(spans)


def _since(wait: WaitRecord, machine_id: int, now_ns: int, *, aged: bool = True) -> Line:
    number = wait.opened_number
    target = GoToTransition(machine_id, number)
    spans = [Span(f" {lasting(now_ns - wait.opened_ns)}", Role.VALUE, bold=True)] if aged else []
    begin = f"#{thousands(number)}" if number else "the start"
    spans += [Span(" since ", Role.DIM), Span(begin, Role.LINK, underline=True, target=target)]
    return (*spans, Span(f" {second_label(wait.opened_ns)}", Role.DIM))
