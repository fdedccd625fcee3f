"""Which sessions of a folder have to go. Pure: decides over summaries and touches nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from am_telemetry.store.summary import SessionSummary

Reason = Literal["age", "size"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How long sessions are kept. None means without limit."""

    older_than_ns: int | None = None
    """Sessions that were not written to for longer go."""
    max_size: int | None = None
    """Bytes of all sessions together; beyond that the oldest go first."""

    @property
    def limited(self) -> bool:
        """Whether anything can ever be removed."""
        return self.older_than_ns is not None or self.max_size is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A session that has to go, and why."""

    session: SessionSummary
    reason: Reason


def is_protected(session: SessionSummary) -> bool:
    """Whether a session is never removed without being named: being recorded, bookmarked, or not understood."""
    return session.live or session.bookmarks > 0 or bool(session.trouble)


def choose(sessions: Iterable[SessionSummary], policy: Policy, now_ns: int) -> list[Verdict]:
    """The sessions that a policy removes, oldest first.

    Protected sessions stay, yet count for the size. A session's age is the time since it was written to,
    not the age of what it tells: a recording of last year that was imported today is new.
    """
    ordered = sorted(sessions, key=lambda session: (session.modified_ns, session.path))
    verdicts: list[Verdict] = []
    total = sum(session.size for session in ordered)
    for session in ordered:
        if is_protected(session):
            continue
        reason: Reason
        if policy.older_than_ns is not None and session.modified_ns < now_ns - policy.older_than_ns:
            reason = "age"
        elif policy.max_size is not None and total > policy.max_size:
            reason = "size"
        else:
            continue
        verdicts.append(Verdict(session, reason))
        total -= session.size
    return verdicts
