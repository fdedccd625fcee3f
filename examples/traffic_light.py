"""A first machine, traced with one line.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/traffic_light.py`` in another. Without AM_DBG_ADDR
the program runs just the same and nothing is recorded.
"""

import time

import am_telemetry
from am_core import Event, Machine, RawSchema

am_telemetry.init()

LIGHT: RawSchema = {
    "Green": {"remove": ["Yellow", "Red"]},
    "Yellow": {"remove": ["Green", "Red"]},
    "Red": {"remove": ["Green", "Yellow"]},
    "Walk": {"require": ["Red"]},
    "Button": {"multi": True},
}


class Handlers:
    """Pedestrians may walk only while the light is red; the schema says so, not this code."""

    def ButtonState(self, e: Event) -> None:
        e.machine.log("somebody wants to cross")
        e.machine.add("Walk")

    def WalkState(self, e: Event) -> None:
        e.machine.log("walking")


def main(rounds: int = 5, pause: float = 0.2) -> Machine:
    """Switch the light for some rounds; returns the machine."""
    light = Machine(LIGHT, id="light")
    light.bind(Handlers())
    for _ in range(rounds):
        for state in ("Green", "Yellow", "Red"):
            light.add(state)
            light.add("Button")
            time.sleep(pause)
    return light


if __name__ == "__main__":
    print(main())
