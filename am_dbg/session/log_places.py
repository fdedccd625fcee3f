"""The transitions that the log lists, as places in an order that may be long and grow: of one machine, or of several.

A place is never counted from the beginning, because the log of many machines has no index: it is found from a place
that is known, or from a moment.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.view import SessionView

NEAR = 32
"""How many places are found at once, so that what is read for them takes few queries."""


class LogPlace(NamedTuple):
    """A transition in the log. Within one order, places compare as they follow each other."""

    at_ns: int
    """What orders places of several machines; 0 in the log of one."""
    machine_id: int
    number: int


class LogOrder(Protocol):
    """The places of a log."""

    def refresh(self) -> None:
        """Take in what is new in the recording."""
        ...

    def first(self) -> LogPlace | None: ...

    def last(self) -> LogPlace | None: ...

    def after(self, place: LogPlace) -> LogPlace | None:
        """The next place, None at the end."""
        ...

    def before(self, place: LogPlace) -> LogPlace | None:
        """The place before, None at the beginning."""
        ...

    def near(self, place: LogPlace) -> list[LogPlace]:
        """Some neighbours of a place, and the place."""
        ...

    def again(self, place: LogPlace) -> LogPlace | None:
        """The same place as it is now; another one near it where it is gone, None where nothing is left."""
        ...

    def cursor(self) -> LogPlace | None:
        """The transition at the session's cursor, or what comes last before it; None when it is before them all."""
        ...

    def of(self, number: int) -> LogPlace | None:
        """The place of a transition of the selected machine, None when it is not in this log."""
        ...

    def visible_of(self, machine_id: int) -> BitMap:
        """The visible transitions of a machine of this log. Do not modify."""
        ...

    def share(self, place: LogPlace) -> float:
        """About how much of the log is before a place, 0 to 1."""
        ...

    def behind(self, place: LogPlace) -> int | None:
        """How many places come after one; None when that is not known."""
        ...


class OneMachine:
    """The visible transitions of the selected machine."""

    def __init__(self, session: SessionView) -> None:
        self._session = session

    @property
    def _visible(self) -> BitMap:
        return self._session.visible

    def _place(self, number: int) -> LogPlace:
        return LogPlace(0, self._session.machine_id or 0, number)

    def refresh(self) -> None:
        """The session's own sets are always up to date."""

    def first(self) -> LogPlace | None:
        return self._place(int(self._visible[0])) if self._visible else None

    def last(self) -> LogPlace | None:
        return self._place(int(self._visible[-1])) if self._visible else None

    def after(self, place: LogPlace) -> LogPlace | None:
        number = navigation.following(self._visible, place.number)
        return None if number is None else self._place(number)

    def before(self, place: LogPlace) -> LogPlace | None:
        number = navigation.preceding(self._visible, place.number)
        return None if number is None else self._place(number)

    def near(self, place: LogPlace) -> list[LogPlace]:
        visible = self._visible
        rank = navigation.rank(visible, place.number) - 1
        start = max(0, rank - rank % NEAR)
        return [self._place(int(number)) for number in visible[start : start + NEAR]]

    def again(self, place: LogPlace) -> LogPlace | None:
        if place.machine_id == self._session.machine_id and place.number in self._visible:
            return place
        number = navigation.nearest_forward(self._visible, place.number)
        return self._place(number) if number else None

    def cursor(self) -> LogPlace | None:
        number = navigation.at_or_before(self._visible, self._session.number)
        return self._place(number) if number else None

    def of(self, number: int) -> LogPlace | None:
        return self._place(number) if number in self._visible else None

    def visible_of(self, machine_id: int) -> BitMap:
        return self._session.visible_set(machine_id).numbers

    def share(self, place: LogPlace) -> float:
        total = len(self._visible)
        return (navigation.rank(self._visible, place.number) - 1) / total if total else 0.0

    def behind(self, place: LogPlace) -> int | None:
        return len(self._visible) - navigation.rank(self._visible, place.number)
