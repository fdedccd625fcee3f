"""What a full-text search found, in order of time, and moving from one hit to the next across machines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from am_dbg.session.session import Session
from am_dbg.session.targets import GoToTransition
from am_dbg.timefmt import thousands
from am_telemetry.store.errors import StoreError
from am_telemetry.store.search_words import Kind

HITS_LISTED: Final = 20_000
"""Of more hits than this, the ones nearest to the cursor are listed."""
TEXT_KINDS: Final = (Kind.LOG, Kind.ARGUMENT, Kind.ERROR)
"""Where words are looked for. Names of states are found in the schema."""


class TextIndex(Protocol):
    """A full-text index that builds itself in the background. Its methods may be called from any thread."""

    failure: StoreError | None
    """Why the index does not grow any more."""

    @property
    def progress(self) -> tuple[int, int]:
        """(last transition indexed, last transition recorded)."""
        ...

    def numbers(self, text: str, kinds: Iterable[Kind] = ...) -> dict[int, list[int]]:
        """Numbers of the transitions with all the words, ascending, by machine run."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Hits:
    """Where a text was found."""

    query: str
    total: int
    """How many transitions there are."""
    machines: int
    """On how many machine runs."""
    places: Sequence[tuple[int, int, int]]
    """(wall clock in nanoseconds, machine run, number) of the listed ones, in order of time."""
    highlight: str = ""
    """What the log marks while these are looked at."""


class Finder:
    """The text somebody looks for. For the thread of its session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.hits: Hits | None = None
        """What was found last; stays when the dialog has closed."""
        self._left_at: tuple[int, int, int] | None = None
        """(hit, machine run, number) at which the last move ended: filters may hide the hit itself."""

    def collect(
        self, query: str, numbers: Mapping[int, Sequence[int]], highlight: str | None = None, most: int = HITS_LISTED
    ) -> Hits:
        """Order what an index found. Nothing changes for the session yet.

        Args:
            query: how to call what was looked for.
            numbers: of transitions, ascending, by machine run.
            highlight: what the log is to mark; the query itself by default.
            most: how many are listed, about; all are counted.
        """
        session = self._session
        share = max(1, most // max(1, len(numbers)))
        places: list[tuple[int, int, int]] = []
        for machine_id, found in numbers.items():
            timeline = session.recording.timeline(machine_id)
            until = bisect_right(found, timeline.count)  # the index may be ahead of what is shown
            first = 0
            if until > share:
                middle = bisect_right(found, session.position(machine_id))
                first = max(0, min(middle - share // 2, until - share))
            places += [(timeline.at(number), machine_id, number) for number in found[first : min(until, first + share)]]
        places.sort()
        total = sum(map(len, numbers.values()))
        return Hits(query, total, len(numbers), places, query if highlight is None else highlight)

    def nearest(self, hits: Hits) -> int:
        """The position of the first hit from the cursor on; the last one when there is none, 0 without hits."""
        here = bisect_left(hits.places, self._here())
        return max(0, min(here, len(hits.places) - 1))

    def go(self, hits: Hits, position: int) -> None:
        """To a hit; from now on these are the hits to move among.

        Raises:
            IndexError: there is no such hit.
        """
        _, machine_id, number = hits.places[position]
        self.hits = hits
        session = self._session
        session.set_highlight(hits.highlight)
        session.follow(GoToTransition(machine_id, number))
        self._left_at = (position, session.machine_id or 0, session.number)
        if not session.message:
            session.say(f"hit {thousands(position + 1)} of {thousands(len(hits.places))} for {hits.query}")

    def next(self) -> None:
        """To the first hit after the cursor, on whatever machine it is."""
        self._move(1)

    def previous(self) -> None:
        """To the last hit before the cursor."""
        self._move(-1)

    def forget(self) -> bool:
        """Look for nothing any more; True when something was looked for."""
        had = self.hits is not None
        self.hits = self._left_at = None
        self._session.set_highlight("")
        return had

    def _move(self, direction: int) -> None:
        hits, session = self.hits, self._session
        if hits is None:
            return session.say("nothing is looked for; / finds texts, states and machines")
        left_at = self._left_at
        if left_at is not None and left_at[1:] == (session.machine_id, session.number):
            position = left_at[0] + direction
        elif direction > 0:
            position = bisect_right(hits.places, self._here())
        else:
            position = bisect_left(hits.places, self._here()) - 1
        if 0 <= position < len(hits.places):
            return self.go(hits, position)
        there = "later" if direction > 0 else "earlier"
        more = "; / looks again, farther on" if len(hits.places) < hits.total else ""
        return session.say(f"no {there} hit for {hits.query}{more}")

    def _here(self) -> tuple[int, int, int]:
        session = self._session
        return session.moment, session.machine_id or 0, session.number
