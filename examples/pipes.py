"""Small machines, connected: two sensors, a room, a house. No machine knows the code of another.

A state of one machine follows a state of another through a pipe. Relations then do the rest: the light of a room goes
on by itself when somebody is there and it is dark, and an error of a sensor is one of the house.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/pipes.py`` in another. Select ``house``, go to a
change of ``Occupied`` and press C: the debugger follows the cause through the room to the sensor.
"""

from collections.abc import Callable

import am_telemetry
from am_core import Machine, RawSchema, pipes

am_telemetry.init()

SENSOR: RawSchema = {"Motion": {"remove": ["Still"]}, "Still": {"remove": ["Motion"]}}
CLOCK: RawSchema = {"Night": {"remove": ["Day"]}, "Day": {"remove": ["Night"]}}
ROOM: RawSchema = {
    "Somebody": {},
    "Dark": {},
    "Light": {"auto": True, "require": ["Somebody", "Dark"]},
}
HOUSE: RawSchema = {"Occupied": {}, "ErrSensor": {"require": ["Exception"]}}


def main() -> list[str]:
    """Let an evening pass; returns the house, the room and the hour after each step."""
    house = Machine(HOUSE, id="house")
    room = Machine(ROOM, id="room", parent=house)
    sensor = Machine(SENSOR, id="sensor", parent=room)
    clock = Machine(CLOCK, id="clock", parent=house)
    pipes.bind(sensor, room, "Motion", "Somebody")
    pipes.bind(clock, room, "Night", "Dark")
    pipes.bind(room, house, "Somebody", "Occupied")
    pipes.bind_err(sensor, house, "ErrSensor")

    said: list[str] = []
    steps: list[Callable[[], object]] = [
        lambda: clock.add("Day"),
        lambda: sensor.add("Motion"),
        lambda: clock.add("Night"),
        lambda: sensor.add("Still"),
        lambda: sensor.add_err(OSError("battery empty")),
    ]
    for step in steps:
        step()
        said.append(f"{clock.switch(['Day', 'Night']):5} {room!s:32} {house}")
    said.append(f"the house knows why: {house.err()}")
    print("\n".join(said))
    return said


if __name__ == "__main__":
    main()
