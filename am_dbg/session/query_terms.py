"""What a query is made of once it is read: terms over transitions, and how they are combined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

StateAspect = Literal["active", "added", "removed", "changed", "called"]
Measure = Literal["duration", "queue", "queue tick", "gap", "ticks", "tick", "active for", "number", "machine time"]
Property = Literal["machine", "tag", "run", "kind", "handler", "group"]

FLAGS: Final = (
    "accepted", "canceled", "auto", "check", "queued", "error", "broken", "empty", "health", "logged",
)  # fmt: skip
"""Words for properties of transitions."""


class QueryError(ValueError):
    """A query that cannot be understood.

    Args:
        message: what is wrong, one sentence.
        column: 0-based place in the text.
        hint: what to write instead; may be empty.
    """

    def __init__(self, message: str, column: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (column {self.column + 1})" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Both:
    """All of some terms hold."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of some terms holds."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """A term does not hold."""

    part: Term


@dataclass(frozen=True, slots=True)
class OfState:
    """A state is active after the transition, became so, was left by it, was touched, or was called."""

    aspect: StateAspect
    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Flagged:
    """One of :data:`FLAGS` holds."""

    flag: str


@dataclass(frozen=True, slots=True)
class Having:
    """A property has a value; names of machines, tags and handlers may hold ``*`` and ``?``."""

    what: Property
    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Within:
    """A number lies in a range, both ends included. Lengths of time are nanoseconds."""

    measure: Measure
    low: int | None
    high: int | None
    state: str = ""
    column: int = 0


@dataclass(frozen=True, slots=True)
class Between:
    """The transition began within some time, both ends included; wall clock as people write it, empty for no limit."""

    low: str
    high: str
    column: int


@dataclass(frozen=True, slots=True)
class Texts:
    """Words occur in what was logged, or in arguments and errors as well."""

    text: str
    logs_only: bool
    column: int


Term = Both | Either | Negated | OfState | Flagged | Having | Within | Between | Texts


def texts_of(term: Term) -> list[Texts]:
    """The texts a query asks for, each once."""
    match term:
        case Both(parts) | Either(parts):
            return list(dict.fromkeys(found for part in parts for found in texts_of(part)))
        case Negated(part):
            return texts_of(part)
        case Texts():
            return [term]
        case _:
            return []
