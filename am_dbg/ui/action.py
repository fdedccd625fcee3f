"""What an action is, and in which panes and groups there are some."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Pane(StrEnum):
    """Where the keyboard focus can be. The value is the widget's id."""

    MACHINES = "machines"
    SCHEMA = "schema"
    LOG = "log"
    MATRIX = "matrix"
    RAIN = "rain"
    READER = "reader"
    STRIP = "strip"
    STEPS = "step-strip"
    PINNED = "pinned"


class Group(StrEnum):
    """Headings of the help screen, in order."""

    TIME = "Move in time"
    STEPS = "Inside a transition"
    JUMP = "Jump"
    MARKS = "Bookmarks and differences"
    PANES = "Panes and lists"
    VIEW = "What is shown"
    LOG = "The log"
    APP = "Application"


SIDEWAYS: Final = frozenset({Pane.LOG, Pane.MATRIX, Pane.RAIN, Pane.READER})
LOG_ONLY: Final = frozenset({Pane.LOG})
LISTS: Final = frozenset({Pane.MACHINES, Pane.SCHEMA})
EVERYWHERE: Final[frozenset[Pane]] = frozenset(Pane)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    id: str
    """Stable name, ``group.verb``; user key maps refer to it."""
    title: str
    """A few words, as the palette shows them."""
    description: str
    """One sentence for the help screen and the documentation."""
    keys: tuple[str, ...]
    """Default keys; all of them work."""
    group: Group
    handler: str
    """Name of the method of ``Controller`` that does it."""
    where: frozenset[Pane] = EVERYWHERE
    """Panes in which the keys work."""
    footer: str = ""
    """Key and label in the footer, apart by a space; empty to leave it out."""
    partner: str = ""
    """Id of the action to which the second of two keys in the footer belongs."""
    argument: int | None = None
    """Passed to the handler when present."""
    palette: bool = True
    """Whether the palette lists it; moves inside a list would be noise there."""
