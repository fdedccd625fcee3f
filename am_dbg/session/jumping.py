"""Jumps to what happened to the selected states; without any, by many transitions at once."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.moving import FAST_JUMP, MovingSession
from am_dbg.session.touching import TouchIndex
from am_telemetry.store.reading import Recording
from am_telemetry.store.timeline import Timeline


class JumpTo(StrEnum):
    """What a jump stops at. The value is how it is told of."""

    CHANGE = "change"
    """Added, removed, entered again, or called, even in vain."""
    ACTIVATION = "activation"
    """Became active: it was not before."""
    TOUCH = "touch"
    """Took part in any step, changed, or was called."""


_MOST_NAMES: Final = 3


class JumpingSession(MovingSession):
    """A session with jumps to states."""

    def __init__(self, recording: Recording, clock: Callable[[], float]) -> None:
        super().__init__(recording, clock)
        self._touches = TouchIndex()

    def jump_forward(self, to: JumpTo = JumpTo.CHANGE) -> None:
        """To the next transition that concerns a selected state; without any, 50 visible ones on.

        Of several selected states it is whichever comes first.
        """
        self._jump(1, to)

    def jump_back(self, to: JumpTo = JumpTo.CHANGE) -> None:
        """Like ``jump_forward``, backwards."""
        self._jump(-1, to)

    def _jump(self, direction: int, to: JumpTo) -> None:
        timeline, names = self.timeline, self.states
        if names and timeline is not None:
            here = [name for name in names if name in timeline.schema.index]
            if not here:
                whose = f"no state {names[0]}" if len(names) == 1 else "none of the selected states"
                return self.say(f"this machine has {whose}; Esc clears the selection, for jumps of {FAST_JUMP}")
            numbers = BitMap.union(BitMap(), *(self._stops(timeline, name, to) for name in here))
            return self._jump_among(numbers & self.visible, direction, f"{to} of {_listed(here)}")
        if to is not JumpTo.CHANGE:
            return self.say("select a state first: this jump leads to what happened to it")
        target = navigation.moved(self.visible, self.number, direction * FAST_JUMP)
        edge = "this is the last transition" if direction > 0 else "this is the beginning"
        return self._move_to(target, jump=True, at_edge=edge)

    def _stops(self, timeline: Timeline, name: str, to: JumpTo) -> BitMap:
        state = timeline.schema.index[name]
        match to:
            case JumpTo.CHANGE:
                return navigation.involving(timeline, state, self.visible)
            case JumpTo.ACTIVATION:
                active = timeline.active(state)
                # Where it was active before too, it was only entered again.
                return (timeline.changed(state) & active) - active.shift(1)
            case JumpTo.TOUCH:
                return self._touches.numbers(timeline, name)


def _listed(names: list[str]) -> str:
    shown = names[:_MOST_NAMES]
    more = len(names) - len(shown)
    return " or ".join(shown) + (f" or {more} more" if more else "")
