"""What a query has found, as rows: when, on which machine, and what the transition did."""

from __future__ import annotations

from am_dbg.session.finding import Hits
from am_dbg.session.query_terms import QueryError
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, second_label, thousands, time_of_day
from am_dbg.viewmodels.describe import is_canceled, names
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad
from am_dbg.viewmodels.steps import outcome

_WIDE_FROM = 90

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("canceled & !auto", "refused, though somebody asked for it"),
    ("called:Ready & canceled", "somebody asked for Ready in vain"),
    ("+Ready | -Ready", "Ready came or went; Ready alone: is active"),
    ("dur>50ms & by:*State", "slow, and such a handler ran"),
    ("mach:orders* error @-10m..", "errors of some machines, last ten minutes"),
    ('"timed out" & !health', "words in logs, arguments, errors"),
    ("tick(Ready)>=5  queue>10  gap>1s  #10..20", "numbers"),
)


def row(session: SessionView, place: tuple[int, int, int], cells: int) -> Line:
    """One hit in ``cells`` columns; ``place`` is (nanoseconds, machine run, number)."""
    at_ns, machine_id, number = place
    wide = cells >= _WIDE_FROM
    at = time_of_day(at_ns)[:12] if wide else second_label(at_ns)
    record = session.recording.transition(machine_id, number)
    schema, fact = record.pattern.schema, record.pattern.fact
    what = f"{'auto ' if fact.auto else ''}{fact.mutation} {' '.join(names(schema, fact.called, 4))}"
    return (
        Span(f" {at} ", Role.DIM),
        Span(pad(clean(session.label(machine_id)), 24 if wide else 10) + " ", Role.TEXT, bold=True),
        Span(pad(f"#{thousands(number)}", 8 if wide else 6) + " ", Role.LINK),
        Span(f"{duration(record.duration_ns):>8}  ", Role.VALUE),
        Span(what + "  ", Role.CALLED),
        *_slowest_handler(session, machine_id, number),
        Span(outcome(record.pattern), Role.CANCELED if is_canceled(fact) else Role.DIM),
    )


def _slowest_handler(session: SessionView, machine_id: int, number: int) -> Line:
    """``BusyState 58 ms  `` where handlers were timed."""
    runs = session.recording.handler_runs(machine_id, number)
    if not runs:
        return ()
    slowest = max(runs, key=lambda run: run.duration_ns)
    return (Span(f"{clean(slowest.handler, 60)} {duration(slowest.duration_ns)}  ", Role.VALUE),)


def found(hits: Hits) -> Line:
    """How many there are."""
    if not hits.total:
        return (Span("nothing matches", Role.DIM),)
    where = f" on {thousands(hits.machines)} machines" if hits.machines > 1 else ""
    some = f", the nearest {thousands(len(hits.places))} listed" if len(hits.places) < hits.total else ""
    one = "transition matches" if hits.total == 1 else "transitions match"
    return (Span(thousands(hits.total), Role.VALUE, bold=True), Span(f" {one}{where}{some}", Role.TEXT))


def mistake(error: QueryError, text: str) -> list[Line]:
    """What cannot be understood, and where."""
    start = max(0, error.column - 60)
    shown, caret = clean(text[start:], 200), len(clean(text[start : error.column], 200))
    lines: list[Line] = [
        (Span(" " + shown, Role.TEXT),),
        (Span(" " * (caret + 1) + "^ ", Role.ERROR, bold=True), Span(clean(error.message, 200), Role.ERROR)),
    ]
    if error.hint:
        lines.append((Span(" " + clean(error.hint, 300), Role.DIM),))
    return lines


def help_rows() -> list[Line]:
    """What may be written, by examples."""
    return [(Span(" " + pad(query, 44), Role.VALUE), Span(meaning, Role.DIM)) for query, meaning in EXAMPLES]
