"""Typed links: what following a span of text (Enter, click) does. Followed with ``Session.follow``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from am_dbg.session.filters import Filter
from am_dbg.session.log_options import LogOption


@dataclass(frozen=True, slots=True)
class GoToTransition:
    """Select a machine run (database id) and move to one of its transitions."""

    machine_id: int
    number: int


@dataclass(frozen=True, slots=True)
class GoToStep:
    """Move inside a transition of the selected machine, to the moment after some of its steps."""

    number: int
    step: int


@dataclass(frozen=True, slots=True)
class GoToSource:
    """Go to the transition that caused another: a machine id, and that machine's own count or transition id."""

    machine: str
    sequence: int
    transition_id: str = ""


@dataclass(frozen=True, slots=True)
class SelectMachine:
    """Select a machine run (database id) at the current moment."""

    machine_id: int


@dataclass(frozen=True, slots=True)
class StepMachine:
    """Select the next (+1) or previous (-1) machine of the list."""

    delta: int


@dataclass(frozen=True, slots=True)
class SelectState:
    """Make a state the selected one, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class ToggleNode:
    """Expand or collapse a node of the schema tree, by its key."""

    key: str


@dataclass(frozen=True, slots=True)
class ToggleSection:
    """Fold or unfold a section of the reader, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowReader:
    """Show the reader, or hide it."""

    shown: bool


@dataclass(frozen=True, slots=True)
class ToggleFilter:
    filter: Filter


@dataclass(frozen=True, slots=True)
class ClearFilters:
    """Show every transition."""


@dataclass(frozen=True, slots=True)
class ClearQuery:
    """Show also what does not match the query that filters."""


@dataclass(frozen=True, slots=True)
class SetMode:
    mode: Literal["paused", "tail", "playing"]


@dataclass(frozen=True, slots=True)
class ToggleLock:
    """Lock the moment, or release it."""


@dataclass(frozen=True, slots=True)
class SetLogLevel:
    """Show log entries up to a level, 0 to 5."""

    level: int


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """Choose the next setting of an option of the log."""

    option: LogOption


@dataclass(frozen=True, slots=True)
class GoToMachine:
    """Select a machine by its id, or by the beginning of one, at the current moment."""

    name: str


Target = (
    GoToTransition
    | GoToStep
    | GoToSource
    | SelectMachine
    | StepMachine
    | SelectState
    | ToggleNode
    | ToggleSection
    | ShowReader
    | ToggleFilter
    | ClearFilters
    | ClearQuery
    | SetMode
    | ToggleLock
    | SetLogLevel
    | ChangeLog
    | GoToMachine
)
