"""What the log lines of Go machines say beyond their text: handlers, sources, refusals, errors, changed states."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from am_telemetry.facts import ErrorFact, SourceFact

_ERROR: Final = re.compile(r"(?:[^()]*)\((?P<message>.*)\)", re.DOTALL)
_EXTERNAL: Final = ("[extern", "[exter]")
_CHANGES: Final = ("[state", "[auto_]")
FAILURES: Final = frozenset({"recover", "timeout"})


@dataclass(slots=True)
class LogFindings:
    """What the lines of one transition say."""

    handlers: list[str] = field(default_factory=list)
    canceled_by: str = ""
    source: SourceFact | None = None
    error: ErrorFact | None = None
    broken: bool = False


def level_shift(level: int, text: str) -> int | None:
    """How far this numbering of levels is below ours, if the line tells.

    Lines about changed states are written at level "changes", which is 2 for us; older versions have no level for
    external lines and count from 1.
    """
    return 2 - level if text.startswith(_CHANGES) and level in (1, 2) else None


def our_level(level: int, text: str, shift: int) -> int:
    """A level of 1 (external) to 5 (everything)."""
    if text.startswith(_EXTERNAL):
        return 1
    return min(5, max(1, level + shift))


def changed_states(texts: Iterable[str]) -> list[str] | None:
    """Names of the states a transition changed, None when no line tells."""
    for text in texts:
        if text.startswith(_CHANGES):
            names = []
            for word in text.split("]", 1)[-1].split():
                if word[0] not in "+-":
                    break
                names.append(word[1:])
            return names
    return None


def read_log(texts: Iterable[str], earlier: Iterable[str]) -> LogFindings:
    """Go through the lines written during a transition, then through those written just before it.

    The refusal by a failing handler may be among the latter, because it is logged while the transition is torn down.
    """
    found = LogFindings()
    for text in texts:
        if text.startswith("["):
            _read_line(text, found)
    if not found.canceled_by:
        for text in earlier:
            if text.startswith("[cancel]"):
                found.canceled_by = _canceler(text)
    found.broken = found.broken or found.canceled_by in FAILURES
    return found


def _read_line(text: str, found: LogFindings) -> None:
    prefix, _, rest = text[1:].partition("]")
    rest = rest.strip()
    if prefix == "handler" or (prefix.startswith("handler:") and prefix[8:].isdigit()):
        found.handlers.append(rest)
    elif prefix == "source":
        found.source = _source(rest)
    elif prefix == "cancel":
        found.canceled_by = _canceler(text)
    elif prefix.startswith("cancel:reject"):
        found.canceled_by = "relations"
    elif prefix in ("handler:timeout", "recover"):
        found.broken = True
    elif prefix == "error" or prefix.startswith("error:"):
        found.error = _error(rest)


def _canceler(text: str) -> str:
    """The refusing handler in ``[cancel] (targets) by NAME``; the first word, since reasons may follow."""
    words = text.rpartition(" by ")[2].split() if " by " in text else []
    return words[0].rstrip(",;") if words else ""


def _source(rest: str) -> SourceFact | None:
    """``machine/transition/machine time``; a machine id may hold slashes itself."""
    parts = rest.rsplit("/", 2)
    if len(parts) != 3 or not parts[2].isdecimal() or len(parts[2]) > 18:
        return None
    return SourceFact(parts[0], 0, int(parts[2]), parts[1])


def _error(rest: str) -> ErrorFact:
    """``STATES (message)`` or a bare message, a stack trace on the lines after it."""
    first, _, trace = rest.partition("\n")
    match = _ERROR.fullmatch(first)
    return ErrorFact("error", match["message"] if match else first, trace.strip("\n"))
