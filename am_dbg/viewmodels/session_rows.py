"""Session files as rows of a list, and what is known of one of them."""

from __future__ import annotations

from typing import Final

from am_dbg.timefmt import age, byte_size, date_and_time, thousands
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad
from am_telemetry.store.summary import SessionSummary

_NAME_LEAST: Final = 10
_PROGRAMS_FROM: Final = 104


def heading(cells: int) -> Line:
    """The names of the columns."""
    name, programs = _widths(cells)
    numbers = f"{'length':>8} {'mach.':>6} {'trans.':>9} {'probl.':>7} {'size':>7}"
    text = f"   {pad('session', name)} {pad('began', 16)} {numbers}"
    return (Span(text + ("  programs" if programs else ""), Role.DIM),)


def row(session: SessionSummary, cells: int, *, shown: bool) -> Line:
    """One session in ``cells`` columns.

    Args:
        shown: it is the one that is looked at.
    """
    name_width, programs_width = _widths(cells)
    mark = Span(" ▸ ", Role.CURSOR, bold=True) if shown else Span(" ● " if session.live else "   ", Role.ACTIVE)
    marks = "live" if session.live else "kept" if session.bookmarks else ""
    name = clean(session.name, 200)
    if marks:
        room = max(4, name_width - len(marks) - 1)
        label: Line = (
            Span(pad(name, room), Role.TEXT, bold=True),
            Span(f" {marks}", Role.ACTIVE if session.live else Role.DIM),
        )
    else:
        label = (Span(pad(name, name_width), Role.TEXT, bold=True),)
    began = date_and_time(session.began_ns)[:16] if session.began_ns else ""
    if session.trouble:
        room = max(0, cells - name_width - 22)
        return (
            mark,
            *label,
            Span(f" {pad(began, 16)} ", Role.DIM),
            Span(clean(f"✕ {trouble(session)}", room), Role.ERROR),
        )
    problems = thousands(session.problems) if session.problems else "-"
    return (
        mark,
        *label,
        Span(f" {pad(began, 16)} {age(session.last_ns - session.began_ns):>8}", Role.TEXT),
        Span(f" {thousands(session.machines):>6} {thousands(session.transitions):>9}", Role.VALUE),
        Span(f" {problems:>7}", Role.ERROR if session.problems else Role.DIM),
        Span(f" {byte_size(session.size):>7}", Role.DIM),
        Span("  " + pad(clean(", ".join(session.services), 200), programs_width) if programs_width else "", Role.TEXT),
    )


def _widths(cells: int) -> tuple[int, int]:
    """Of the name, and of the programs, which only wide lists show."""
    rest = cells - 3 - 1 - 16 - 9 - 7 - 10 - 8 - 8
    if cells < _PROGRAMS_FROM:
        return max(_NAME_LEAST, rest), 0
    programs = min(40, (rest - 2) // 3)
    return max(_NAME_LEAST, rest - programs - 2), programs


def preview(session: SessionSummary, cells: int) -> tuple[Line, ...]:
    """What else there is to tell of one session."""
    lines: list[Line] = [(Span(" " + clean(str(session.path), max(10, cells - 2)), Role.DIM),)]
    if session.trouble:
        lines.append(
            (Span(" cannot be looked at: ", Role.ERROR, bold=True), Span(clean(trouble(session), 300), Role.TEXT))
        )
        return tuple(lines)
    lines.append((Span(" programs  ", Role.DIM), Span(clean(", ".join(session.services), 400) or "none", Role.TEXT)))
    facts = [f"{thousands(session.errors)} errors"]
    if session.gaps:
        facts.append(f"{thousands(session.lost)} transitions lost in {thousands(session.gaps)} places")
    if session.removed:
        facts.append(f"{thousands(session.removed)} removed to save space")
    if session.bookmarks:
        facts.append(f"{thousands(session.bookmarks)} bookmarks")
    last = "recorded right now" if session.live else f"last transition {date_and_time(session.last_ns)}"
    lines.append((Span(" found     ", Role.DIM), Span(", ".join(facts), Role.TEXT), Span(f" · {last}", Role.DIM)))
    return tuple(lines)


def trouble(session: SessionSummary) -> str:
    """Why it cannot be read, without repeating where it is."""
    return session.trouble.replace(f"{session.path} ", "", 1)


def fits(session: SessionSummary, words: str) -> bool:
    """Whether every word stands in the name of the session, of one of its programs, or in its date."""
    text = " ".join((session.name, *session.services, date_and_time(session.began_ns), "live" if session.live else ""))
    folded = text.casefold()
    return all(word in folded for word in words.casefold().split())
