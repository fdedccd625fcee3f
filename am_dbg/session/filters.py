"""Which transitions are worth stopping at, as set algebra on a timeline.

A filter hides transitions from cursor movement, the log, the density strip and the "visible" counters. It never hides
them from the tree at the cursor or from the counters of the machine list.

Defaults: canceled and automatic transitions are shown; automatic ones that were tried in vain, transitions without any
effect, health checks, dry runs ("can I?") and mere queue records are hidden, and where a group of states was chosen, so
are transitions that call none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from pyroaring import BitMap

from am_dbg.session.state_groups import out_of_group
from am_telemetry.store.timeline import Timeline


class Filter(StrEnum):
    """A kind of transition that can be shown or hidden."""

    CANCELED = "canceled"
    AUTO = "auto"
    REFUSED_AUTO = "refused auto"
    EMPTY = "empty"
    HEALTH = "health"
    CHECKS = "checks"
    QUEUED = "queued"
    OUT_OF_GROUP = "out of group"
    ERRORS = "errors"
    LOGGED = "logged"


ONLY_ON_REQUEST: Final = frozenset({Filter.ERRORS, Filter.LOGGED})
"""Kinds that nobody wants to hide: either they are all that is shown, or they are shown with the rest."""


FILTER_TITLES: Final[dict[Filter, str]] = {
    Filter.CANCELED: "canceled transitions",
    Filter.AUTO: "automatic transitions",
    Filter.REFUSED_AUTO: "automatic ones in vain",
    Filter.EMPTY: "transitions without effect",
    Filter.HEALTH: "health checks",
    Filter.CHECKS: "dry runs",
    Filter.QUEUED: "queue records",
    Filter.OUT_OF_GROUP: "transitions out of the group",
    Filter.ERRORS: "errors, failed handlers",
    Filter.LOGGED: "transitions with log lines",
}

LOG_LEVELS: Final = ("nothing", "external", "changes", "ops", "decisions", "everything")
"""Names of the log levels 0 to 5."""


class Matching(Protocol):
    """A query that says which transitions are meant."""

    @property
    def text(self) -> str:
        """As somebody wrote it."""
        ...

    def numbers(self, timeline: Timeline, first: int = 1, last: int | None = None) -> BitMap:
        """A new set of the matching transitions ``first`` to ``last`` of a timeline."""
        ...


@dataclass(frozen=True, slots=True)
class FilterSet:
    """What is hidden, and how much of the log is shown."""

    hidden: frozenset[Filter] = frozenset(
        {Filter.REFUSED_AUTO, Filter.EMPTY, Filter.HEALTH, Filter.CHECKS, Filter.QUEUED, Filter.OUT_OF_GROUP}
    )
    only: frozenset[Filter] = frozenset()
    """When there are any, nothing but transitions of these kinds is shown, and of those only what is not hidden."""
    query: Matching | None = None
    """When there is one, nothing but transitions that match it is shown, and of those only what is not hidden."""
    group: str = ""
    """Name of the group of states that people are interested in; empty for all states."""
    log_level: int = 2
    """Log entries above this level are not shown, 0 to 5, where no other level was chosen for a machine."""

    @property
    def selection(self) -> tuple[frozenset[Filter], frozenset[Filter], Matching | None, str]:
        """All that decides which transitions are shown."""
        matters = Filter.OUT_OF_GROUP in self.hidden or Filter.OUT_OF_GROUP in self.only
        return self.hidden, self.only, self.query, self.group if matters else ""

    def shows(self, kind: Filter) -> bool:
        """Whether transitions of this kind are not hidden."""
        return kind not in self.hidden

    def toggled(self, kind: Filter) -> FilterSet:
        """The same set with one kind shown instead of hidden, or the other way round."""
        if kind in self.only:
            return replace(self, only=self.only - {kind})
        return replace(self, hidden=self.hidden ^ {kind})

    def cycled(self, kind: Filter) -> FilterSet:
        """The same set with the next setting of one kind: shown, hidden, nothing else shown, shown again."""
        if kind in self.only:
            return replace(self, only=self.only - {kind}, hidden=self.hidden - {kind})
        if kind in self.hidden or kind in ONLY_ON_REQUEST:
            return replace(self, only=self.only | {kind}, hidden=self.hidden - {kind})
        return replace(self, hidden=self.hidden | {kind})

    def cleared(self) -> FilterSet:
        """The same set showing every transition."""
        return replace(self, hidden=frozenset(), only=frozenset(), query=None)

    def with_level(self, level: int) -> FilterSet:
        """The same set with another log level, clamped to 0…5."""
        return replace(self, log_level=max(0, min(level, len(LOG_LEVELS) - 1)))


DEFAULT_FILTERS: Final = FilterSet()


def members(timeline: Timeline, kind: Filter, group: str = "") -> BitMap:
    """The transitions of one kind. Do not modify.

    Args:
        group: name of the group of states outside of which ``OUT_OF_GROUP`` looks.
    """
    match kind:
        case Filter.CANCELED:
            return timeline.canceled
        case Filter.AUTO:
            return timeline.auto
        case Filter.REFUSED_AUTO:
            return timeline.refused_auto
        case Filter.EMPTY:
            return timeline.empty
        case Filter.HEALTH:
            return timeline.health
        case Filter.CHECKS:
            return timeline.checks
        case Filter.QUEUED:
            return timeline.queued
        case Filter.OUT_OF_GROUP:
            return out_of_group(timeline, group)
        case Filter.ERRORS:
            return timeline.errors | timeline.broken
        case Filter.LOGGED:
            return timeline.logged


def visible(timeline: Timeline, filters: FilterSet, first: int = 1, last: int | None = None) -> BitMap:
    """A new set of the kept transitions ``first`` to ``last`` (default: all) that no filter hides."""
    end = timeline.count if last is None else min(last, timeline.count)
    if first > end:
        return BitMap()
    shown = BitMap(range(first, end + 1))
    if filters.only:
        shown &= BitMap.union(BitMap(), *(members(timeline, kind, filters.group) for kind in filters.only))
    if not timeline.pieces.whole:
        shown &= timeline.pieces.numbers(end)
    for kind in filters.hidden:
        shown -= members(timeline, kind, filters.group)
    if filters.query is not None and shown:
        shown &= filters.query.numbers(timeline, first, end)
    return shown


def hidden_counts(timeline: Timeline, filters: FilterSet) -> dict[Filter, int]:
    """How many transitions each active filter matches. A transition may be counted by several filters."""
    return {kind: len(members(timeline, kind, filters.group)) for kind in Filter if kind in filters.hidden}


def hiding(timeline: Timeline, filters: FilterSet, number: int) -> list[Filter]:
    """The active filters that hide one transition."""
    return [kind for kind in Filter if kind in filters.hidden and number in members(timeline, kind, filters.group)]


class VisibleSet:
    """The visible transitions of one machine, extended as its timeline grows. For one thread."""

    def __init__(self, timeline: Timeline, filters: FilterSet) -> None:
        self.timeline = timeline
        self.filters = filters
        self.numbers = BitMap()
        """Do not modify."""
        self.problems = BitMap()
        """Visible transitions with an error, a failed handler, or a canceled one that was asked for."""
        self._upto = 0
        self._pieces = timeline.pieces
        self.extend()

    @property
    def is_stale(self) -> bool:
        """Whether transitions were removed since; then a new set is needed."""
        return self._pieces is not self.timeline.pieces

    @property
    def upto(self) -> int:
        """The last transition that was considered."""
        return self._upto

    def extend(self) -> bool:
        """Take in new transitions; True when there were any."""
        timeline, first = self.timeline, self._upto + 1
        last = timeline.count
        if first > last:
            return False
        fresh = visible(timeline, self.filters, first, last)
        self.numbers |= fresh
        for source in (timeline.errors, timeline.broken):
            self.problems |= fresh & source
        self.problems |= (fresh & timeline.canceled) - timeline.auto
        self._upto = last
        return True
