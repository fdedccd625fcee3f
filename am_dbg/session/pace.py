"""How quickly a recording is played."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

SPEEDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
GAP_CAP_S: Final = 2.0
"""In real time nothing is waited for longer than this, whatever the speed."""
PLAY_INTERVAL_S: Final = 0.5
"""Between two moves of an even pace at normal speed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Even, or with the gaps between transitions as they were. ``speed`` is a member of ``SPEEDS``."""

    speed: float = 1.0
    real_time: bool = False

    def faster(self, steps: int = 1) -> Pace:
        """So many speeds further up, or down when negative; stops at the ends."""
        place = SPEEDS.index(self.speed) + steps
        return replace(self, speed=SPEEDS[max(0, min(place, len(SPEEDS) - 1))])

    def wait_s(self, gap_ns: int | None) -> float:
        """Seconds until the next move.

        Args:
            gap_ns: between the transition at the cursor and the next one, None where there is no such thing.
        """
        if not self.real_time or gap_ns is None:
            return PLAY_INTERVAL_S / self.speed
        return min(GAP_CAP_S, max(0, gap_ns) / 1e9 / self.speed)

    @property
    def words(self) -> str:
        """``×5``, ``real time``, ``real time ×0.1``; empty for the normal pace."""
        speed = "" if self.speed == 1.0 else f"×{self.speed:g}"
        return " ".join(filter(None, ("real time" if self.real_time else "", speed)))
