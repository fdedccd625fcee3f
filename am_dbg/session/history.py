"""Where the user has been: back and forward as in a browser, one entry per jump."""

from __future__ import annotations

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

    def back(self) -> Place | None:
        """Go to the place before, or None at the oldest."""
        if self._position <= 0:
            return None
        self._position -= 1
        return self._places[self._position]

    def forward(self) -> Place | None:
        """Go to the place after, or None at the newest."""
        if self._position + 1 >= len(self._places):
            return None
        self._position += 1
        return self._places[self._position]
