"""The smallest way to write a machine: a dictionary, text, and functions. No classes, no decorators.

Typing mistakes are found all the same: in the schema when the machine is made, in handlers when they are bound, in
mutations when they are made.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/raw_strings.py`` in another to watch it.
"""

from collections.abc import Callable

import am_telemetry
from am_core import Event, HandlerBindError, Machine, RawSchema, SchemaError, UnknownStateError

am_telemetry.init()

COFFEE: RawSchema = {
    "Water": {},
    "Beans": {},
    "Brewing": {"require": ["Water", "Beans"], "remove": ["Served"]},
    "Served": {"remove": ["Brewing", "Beans"]},
}


def strong_enough(e: Event) -> bool:
    """Refuse thin coffee before anything happens."""
    return int(e.args.get("spoons", 0)) >= 2


def main() -> list[str]:
    """Make coffee, and some mistakes; returns what happened, a line each."""
    said: list[str] = []
    maker = Machine(COFFEE, id="coffee")
    maker.bind({"BrewingEnter": strong_enough, "ServedState": lambda e: said.append(f"for {e.args['guest']}")})

    said.append(f"dry: {maker.add('Brewing', spoons=3)}")
    maker.add(["Water", "Beans"])
    said.append(f"thin: {maker.add('Brewing', spoons=1)}")
    said.append(f"strong: {maker.add('Brewing', spoons=3)} {maker}")
    maker.add("Served", guest="Ann")
    said.append(f"afterwards: {maker}")

    mistakes: list[Callable[[], object]] = [
        lambda: Machine({"Brewing": {"require": ["Watr"]}, "Water": {}}),
        lambda: maker.bind({"BrewngState": print}),
        lambda: maker.add("Brewin"),
    ]
    for mistake in mistakes:
        try:
            mistake()
        except (SchemaError, HandlerBindError, UnknownStateError) as error:
            said.append(f"{type(error).__name__}: {error}")
    print("\n".join(said))
    return said


if __name__ == "__main__":
    main()
