"""Where a text that is being typed leads to."""

from __future__ import annotations

from am_dbg.session.addressing import go_to
from am_dbg.session.session import Session
from am_dbg.timefmt import date_and_time, local_time, thousands, time_of_day
from am_dbg.viewmodels.describe import names
from am_dbg.viewmodels.spans import clean

HINT = (
    "#96 · 96/5 step · +100 −100 transitions · +5s −2m · t412 machine time · q17 queue tick · "
    "12:03:07.5 · 2025-01-31 12:03 · mach://…"
)
"""What is understood."""


def preview(session: Session, text: str) -> tuple[bool, str]:
    """Whether a text leads anywhere, and where: ``→ orders #96 12:03:07.120 add Ready``; or why it does not.

    The session stays as it is.
    """
    if not text.strip():
        return True, ""
    tried = session.trial()
    tried.message = ""
    if not go_to(tried, text):
        return False, clean(tried.message, 200)
    if tried.machine_id is None:
        return False, "there is no machine yet"
    words = [f"→ {clean(tried.label(tried.machine_id), 40)} #{thousands(tried.number)}"]
    record = tried.current
    if record is not None:
        other_day = local_time(record.at_ns).date() != local_time(session.moment).date()
        when = time_of_day(record.at_ns).partition(" ")[0]
        words.append(f"{date_and_time(record.at_ns)[:10]} {when}" if other_day else when)
        words.append(
            f"{record.pattern.fact.mutation} {' '.join(names(record.pattern.schema, record.pattern.fact.called, 3))}"
        )
    else:
        words.append("before the first transition")
    if tried.step:
        words.append(f"after step {tried.step} of #{thousands(tried.next_number or 0)}")
    if tried.message:
        words.append(f"({clean(tried.message, 160)})")
    return True, "  ".join(words)
