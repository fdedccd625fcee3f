"""Where the user has been: back and forward as in a browser, one entry per jump."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HISTORY_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A machine run (database id) and a transition of it; 0 is the place before the first one."""

    machine_id: int
    number: int


class History:
    """Places in order of visit with a current position. Leaving from the past drops what came later."""

    def __init__(self, limit: int = HISTORY_LIMIT) -> None:
        self._limit = limit
        self._places: list[Place] = []
        self._position = -1

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, oldest first."""
        return tuple(self._places)

    @property
    def position(self) -> int:
        """Index of the current place in ``places``; -1 while there is none."""
        return self._position

    def restore(self, places: Iterable[Place], position: int) -> None:
        """Take over places from before, with the current one among them."""
        self._places = list(places)[-self._limit :]
        self._position = max(-1, min(position, len(self._places) - 1)) if self._places else -1
        if self._places:
            self._position = max(0, self._position)

    @property
    def current(self) -> Place | None:
        return self._places[self._position] if self._places else None

    def visit(self, place: Place) -> None:
        """Jump to a place. Jumping to where one already is adds nothing."""
        if self.current == place:
            return
        del self._places[self._position + 1 :]
        self._places.append(place)
        del self._places[: max(0, len(self._places) - self._limit)]
        self._position = len(self._places) - 1

    def drift(self, place: Place) -> None:
        """Remember that the current entry moved on by single steps."""
        if self._places and self._places[self._position].machine_id == place.machine_id:
            self._places[self._position] = place
        else:
            self.visit(place)

    def back(self, *, elsewhere: bool = False) -> Place | None:
        """Go to the place before, or None at the oldest.

        Args:
            elsewhere: go to the nearest one on another machine run.
        """
        return self._step(range(self._position - 1, -1, -1), elsewhere)

    def forward(self, *, elsewhere: bool = False) -> Place | None:
        """Go to the place after, or None at the newest; see ``back``."""
        return self._step(range(self._position + 1, len(self._places)), elsewhere)

    def go(self, position: int) -> Place | None:
        """Go to one of ``places``; None when there is no such place."""
        return self._step(range(position, position + 1) if 0 <= position < len(self._places) else range(0), False)

    def _step(self, positions: range, elsewhere: bool) -> Place | None:
        here = self.current
        for position in positions:
            place = self._places[position]
            if not elsewhere or here is None or place.machine_id != here.machine_id:
                self._position = position
                return place
        return None
