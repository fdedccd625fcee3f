"""The current and the next transition on one line each, cut by importance when there is little room.

Inside a transition the first line tells about the step that was done last, the second about the whole transition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from am_dbg.session.filters import DEFAULT_FILTERS
from am_dbg.session.kept import removed_before
from am_dbg.session.steps import PartlyApplied, active_before
from am_dbg.session.targets import GoToSource, GoToTransition
from am_dbg.session.touching import touched
from am_dbg.session.view import Mode, SessionView
from am_dbg.timefmt import duration, thousands, time_of_day
from am_dbg.viewmodels.describe import cancel_reason, error_place, error_text, is_canceled, state_spans
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, cut_line, line_width
from am_dbg.viewmodels.steps import inside_row, outcome
from am_telemetry.store.records import TransitionRecord
from am_telemetry.store.timeline import Timeline

_MODES = {Mode.PAUSED: "‖ Paused", Mode.TAIL: "⇥ Tail", Mode.PLAYING: "▶ Playing"}
_GAP = 2
_LEAST = 24
"""Cells in which the beginning of a text still says something."""
_ERROR_LEAST = 32
"""Cells for an error; less is left to it only when nothing else can go."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the line.

    Until all fits, the piece with the highest ``rank`` is cut if it may be, else replaced by its short form, else left
    out.
    """

    line: Line
    rank: int
    right: bool = False
    """Belongs to the right edge."""
    short: Line = ()
    short_rank: int = 1
    """The rank once it was cut or is short."""
    least: int = 0
    """Cells to which it may be cut; 0 when it must not be."""


def current(session: SessionView, width: int) -> Line:
    """The transition at the cursor, or the step inside the next one, at most ``width`` cells; the mode comes first."""
    words = _MODES[session.mode]
    if session.mode is Mode.PLAYING and session.pace.words:
        words += f" {session.pace.words}"
    mode = Part(_mode(words), 5, short=_mode(words.split()[0]))
    if session.inside is not None and session.timeline is not None:
        return fit([mode, *_step(session.timeline, session.inside)], width)
    record = session.current
    if record is None:
        text = "no transitions yet" if not session.count else "before the first transition: the initial structure"
        if removed := removed_before(session):
            text = f"start of what is kept: {removed}"
        return fit([mode, *_position(session, 2), Part((Span(text, Role.DIM),), 0)], width)
    return fit([mode, *_position(session, 0), *_parts(record)], width)


def next_(session: SessionView, width: int) -> Line:
    """The next visible transition, at most ``width`` cells; says so when there is none."""
    number = session.next_number
    record = None if number is None else session.transition(number)
    if record is None:
        waiting = session.mode is Mode.TAIL and session.machine is not None and session.machine.connected
        text = "waiting for the next transition" if waiting else "no later transition"
        return fit([Part((Span("next ", Role.DIM), Span(text, Role.DIM)), 0)], width) if session.count else ()
    target = GoToTransition(record.machine_id, record.number)
    head = (
        Span("next " if session.inside is None else "into ", Role.DIM),
        Span(f"#{thousands(record.number)}", Role.LINK, underline=True, target=target),
    )
    return fit([Part(head, 0), *_parts(record)], width)


def fit(parts: list[Part], width: int) -> Line:
    """Join parts with gaps, giving up the least important ones until the rest fits; the most important one is cut."""
    kept = [part for part in parts if part.line]
    while len(kept) > 1 and (excess := sum(line_width(p.line) for p in kept) + _GAP * (len(kept) - 1) - width) > 0:
        least = max(range(len(kept)), key=lambda place: (kept[place].rank, place))
        smaller = _smaller(kept[least], excess)
        kept[least : least + 1] = [] if smaller is None else [smaller]
    left: list[Span] = []
    right: list[Span] = []
    for part in kept:
        side = right if part.right else left
        if side:
            side.append(Span(" " * _GAP))
        side.extend(part.line)
    if right:
        space = width - line_width(left) - line_width(right)
        left.append(Span(" " * max(_GAP if left else 0, space)))
    return cut_line((*left, *right), width)


def _smaller(part: Part, excess: int) -> Part | None:
    """The part in its next smaller form, None when there is none."""
    size = line_width(part.line)
    if part.least:
        line = part.line if size <= part.least else cut_line(part.line, max(part.least, size - excess))
        return replace(part, line=line, rank=part.short_rank, least=0)
    return replace(part, line=part.short, rank=part.short_rank, least=0, short=()) if part.short else None


def _mode(words: str) -> Line:
    return (Span(words, Role.TITLE, bold=True, underline=True),)


def _position(session: SessionView, rank: int) -> list[Part]:
    total, visible = session.count, len(session.visible)
    line = (Span(f"#{thousands(session.number)}", Role.VALUE, bold=True), Span(f"/{thousands(total)}", Role.DIM))
    if visible == session.size:
        return [Part(line, rank)]
    shown = Span(f" ({thousands(session.visible_rank)}/{thousands(visible)} visible)", Role.DIM)
    chosen = session.filters.selection != DEFAULT_FILTERS.selection
    # Filters that somebody chose are never forgotten, however narrow the screen is.
    short = (*line, Span(f" ({thousands(visible)} shown)", Role.CURSOR)) if chosen else line
    return [Part((*line, shown), 7, short=short, short_rank=rank)]


def _step(timeline: Timeline, inside: PartlyApplied) -> list[Part]:
    """``#96 → #97  step 4/7  relations  Syncing requires Connected: missing``, and the signs counted so far."""
    row = inside_row(timeline, inside)
    place = (
        Span(f"step {inside.step}/{len(inside.steps)}", Role.VALUE, bold=True),
        Span(" of ", Role.DIM),
        Span(f"#{thousands(inside.number)}", Role.VALUE, bold=True),
    )
    words = [Part((Span(row.sentence, row.role, bold=True),), 2, least=_LEAST)]
    if inside.step == len(inside.steps):
        record = timeline.pattern(inside.number)
        role = Role.CANCELED if is_canceled(record.fact) else Role.ACCEPTED
        words.append(Part((Span(outcome(record), role, bold=True),), 1, least=_LEAST))
    before = active_before(timeline, inside.number)
    coming, going = len(row.intended - before), len(before - row.intended)
    counts = (
        Span(f"+{coming}", Role.ADDED if coming else Role.DIM),
        Span(f" −{going}", Role.REMOVED if going else Role.DIM),
        Span(" so far", Role.DIM),
    )
    phase = Part((Span(row.phase.value, Role.DIM),), 5)
    return [Part(place, 0), phase, *words, Part(counts if inside.step < len(inside.steps) else (), 6)]


def _parts(record: TransitionRecord) -> list[Part]:
    schema, fact = record.pattern.schema, record.pattern.fact
    canceled = is_canceled(fact)
    ticks = sum(gained for _, gained in fact.deltas)
    what = (
        Span(f"{fact.mutation} ", Role.DIM if canceled else Role.KEY),
        *state_spans(schema, fact.called, Role.CANCELED if canceled else Role.CALLED),
    )
    changes = len(fact.added), len(fact.removed), len(touched(fact))
    counts = (
        Span(f"+{changes[0]}", Role.ADDED if changes[0] else Role.DIM),
        Span(f" −{changes[1]}", Role.REMOVED if changes[1] else Role.DIM),
        Span(f" ~{changes[2]}", Role.DIM),
    )
    parts = [
        Part((Span(f"{ticks:+d}t", Role.VALUE if ticks else Role.DIM),), 7),
        Part(what, 2, least=_LEAST),
    ]
    labels = [word for on, word in ((fact.auto, "auto"), (fact.check, "dry run"), (fact.queued, "queued")) if on]
    if labels:
        parts.append(Part((Span(" ".join(labels), Role.QUEUED if fact.queued else Role.DIM),), 4))
    reason = cancel_reason(record.pattern)
    if canceled:
        text = "✕ canceled" if not reason else f"✕ {reason}" if "cancel" in reason else f"✕ canceled: {reason}"
        short = (Span("✕ canceled", Role.CANCELED, bold=True),)
        parts.append(Part((Span(text, Role.CANCELED, bold=True),), 2, short=short, least=_LEAST))
    elif reason:
        parts.append(Part((Span(f"✕ no: {reason}", Role.CANCELED),), 2, least=_LEAST))
    if record.error is not None:
        text = f"! {error_text(record.error)}"
        short = (Span(cut(text, _LEAST), Role.ERROR, bold=True),)
        parts.append(Part((Span(text, Role.ERROR, bold=True),), 4, short=short, least=_ERROR_LEAST))
        if place := error_place(record.error):
            parts.append(Part((Span(f"at {place}", Role.ERROR),), 3))
    elif fact.broken:
        parts.append(Part((Span("! handler failed", Role.ERROR, bold=True),), 2))
    parts.append(Part(counts, 6))
    if record.source is not None and record.source.machine:
        source = record.source
        number = f" #{thousands(source.sequence)}" if source.sequence else ""
        cause = GoToSource(source.machine, source.sequence, source.transition_id)
        text = f"← {clean(source.machine, 40)}{number}"
        parts.append(Part((Span(text, Role.LINK, underline=True, target=cause),), 3))
    moment = time_of_day(record.at_ns)
    to_the_millisecond = (Span(moment.partition(" ")[0], Role.DIM),)
    parts.append(Part((Span(moment, Role.DIM),), 8, right=True, short=to_the_millisecond, short_rank=5))
    if record.duration_ns > 0:
        parts.append(Part((Span(duration(record.duration_ns), Role.DIM),), 9, right=True))
    return parts
