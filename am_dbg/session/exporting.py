"""What of a session somebody wants to hand on, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final, Literal, TypeVar

from am_dbg.session.view import SessionView

Choice = TypeVar("Choice")

AROUND_NS: Final = 60_000_000_000
"""Nanoseconds before and after the moment that "around it" means."""


class Machines(Enum):
    """Of which machines."""

    ALL = "all machines"
    SELECTED = "this machine"
    PINNED = "the pinned machines"


class Span(Enum):
    """Of what time."""

    ALL = "all the time"
    UNTIL = "until the cursor"
    SINCE = "from the cursor on"
    AROUND = "a minute before and after the cursor"


REDACTIONS: Final[tuple[Literal["args", "logs", "errors"], ...]] = ("args", "logs", "errors")
FORMATS: Final[tuple[str, ...]] = (".amdbg", ".jsonl")


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """The settings of an export."""

    machines: Machines = Machines.ALL
    span: Span = Span.ALL
    redact: frozenset[Literal["args", "logs", "errors"]] = frozenset()
    suffix: str = FORMATS[0]

    def with_next_machines(self, session: SessionView, step: int = 1) -> ExportChoice:
        """The next choice of machines that there are."""
        choices = [choice for choice in Machines if choice is not Machines.PINNED or session.pinned]
        return replace(self, machines=_next(choices, self.machines, step))

    def with_next_span(self, step: int = 1) -> ExportChoice:
        """The next choice of time."""
        return replace(self, span=_next(list(Span), self.span, step))

    def with_next_suffix(self, step: int = 1) -> ExportChoice:
        """The next format."""
        return replace(self, suffix=_next(list(FORMATS), self.suffix, step))

    def toggled(self, what: Literal["args", "logs", "errors"]) -> ExportChoice:
        """Something blanked out, or told after all."""
        return replace(self, redact=self.redact ^ {what})

    def names(self, session: SessionView) -> tuple[str, ...]:
        """Names of the machines; none for all."""
        match self.machines:
            case Machines.SELECTED if session.machine is not None:
                return (session.machine.name,)
            case Machines.PINNED:
                return tuple(sorted(session.pinned))
        return ()

    def times(self, session: SessionView) -> tuple[int | None, int | None]:
        """First and last nanosecond of the range of time; None where it is open."""
        moment = session.moment
        match self.span:
            case Span.UNTIL:
                return None, moment
            case Span.SINCE:
                return moment, None
            case Span.AROUND:
                return moment - AROUND_NS, moment + AROUND_NS
        return None, None

    def default_name(self, session: SessionView, path: Path) -> str:
        """A name for the file, after the session and what of it is written."""
        part = ""
        if self.machines is Machines.SELECTED and session.machine is not None:
            words = "".join(char if char.isalnum() or char in "._-" else "-" for char in session.machine.name)
            part = f"-{words.strip('-.')[:40]}"
        elif self.machines is Machines.PINNED:
            part = "-pinned"
        cut = "" if self.span is Span.ALL else "-part"
        return f"{path.stem}{part}{cut}{self.suffix}"


def _next(choices: list[Choice], choice: Choice, step: int) -> Choice:
    place = choices.index(choice) if choice in choices else 0
    return choices[(place + step) % len(choices)]
