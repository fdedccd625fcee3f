"""Bookmarks as rows: where, when, and what somebody said about it."""

from __future__ import annotations

from am_dbg.session.view import SessionView
from am_dbg.timefmt import local_time, second_label, thousands, time_of_day
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, pad, width
from am_telemetry.store.bookmarks import Bookmark

_WIDE_FROM = 90

EMPTY: tuple[Line, ...] = (
    (Span("No bookmarks yet.", Role.TEXT, bold=True),),
    (Span("B marks the transition at the cursor; what is marked is kept when old ones are removed.", Role.DIM),),
)


def row(session: SessionView, bookmark: Bookmark, cells: int, *, dated: bool) -> Line:
    """One bookmark in ``cells`` columns.

    Args:
        session: where names and times come from.
        bookmark: what is marked.
        cells: how wide the row may be.
        dated: whether the day stands before the time.
    """
    wide = cells >= _WIDE_FROM
    at_ns = time_of(session, bookmark)
    when = "start" if at_ns is None else time_of_day(at_ns)[:12] if wide else second_label(at_ns)
    if dated:
        when = f"{'' if at_ns is None else f'{local_time(at_ns):%m-%d}':<5} {when}"
    head = (
        Span("⚑ ", Role.KEY, bold=True),
        Span(pad(when, (12 if wide else 8) + 6 * dated) + " ", Role.DIM),
        Span(pad(clean(session.label(bookmark.machine_id)), 24 if wide else 10) + " ", Role.TEXT, bold=True),
        Span(pad(f"#{thousands(bookmark.number)}", 8 if wide else 6) + " ", Role.LINK),
    )
    room = cells - sum(width(span.text) for span in head)
    by = f"  {clean(bookmark.author, 20)}" if wide and bookmark.author else ""
    words = cut(said(bookmark) or "·", max(0, room - width(by)))
    return (*head, Span(pad(words, max(0, room - width(by))), Role.TEXT), Span(by, Role.DIM))


def said(bookmark: Bookmark) -> str:
    """Title and note on one line."""
    return " · ".join(clean(text, 200) for text in (bookmark.title, bookmark.note) if text)


def time_of(session: SessionView, bookmark: Bookmark) -> int | None:
    """Wall clock of a bookmark in nanoseconds; None at the beginning of a machine."""
    timeline = session.recording.timeline(bookmark.machine_id)
    return timeline.at(bookmark.number) if timeline.holds(bookmark.number) else None
