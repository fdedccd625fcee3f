"""What retention has left of a machine, in words."""

from __future__ import annotations

from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands


def limit(session: SessionView) -> str:
    """`` (kept: 2h)``: under which limit transitions of the selected machine were removed last, where that is known."""
    machine_id = session.machine_id
    removals = () if machine_id is None else session.recording.removals(machine_id)
    kept = max(removals, key=lambda removal: removal.removed_ns).kept if removals else ""
    return f" (kept: {kept})" if kept else ""


def removed_message(session: SessionView, number: int) -> str:
    """Why a transition of the selected machine is not there, and what is shown instead."""
    shown = f"#{thousands(session.number)}" if session.number else "the start of what is kept"
    return f"#{thousands(number)} was removed to save space{limit(session)}; showing {shown}"


def removed_before(session: SessionView) -> str:
    """``12,345 earlier transitions were removed (kept: 2h)``; empty when nothing was at the beginning."""
    timeline = session.timeline
    earlier = 0 if timeline is None else timeline.first - 1
    return were_removed(earlier, earlier=True) + limit(session) if earlier else ""


def were_removed(count: int, *, earlier: bool) -> str:
    """``1 earlier transition was removed``."""
    what = "earlier transition" if earlier else "transition"
    return f"{thousands(count)} {what}{' was' if count == 1 else 's were'} removed"
