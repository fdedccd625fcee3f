"""An ordinary finite state machine: exactly one state at a time.

A group of states that remove each other is all it takes. Paths that must not be taken are refused by handlers between
two states, and a state beside the group costs nothing: it does not multiply the others.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/fsm.py`` in another to watch it.
"""

import am_telemetry
from am_core import Event, Machine, State, States, on

am_telemetry.init()

ONE_OF = ("Stopped", "Playing", "Paused")


class PlayerStates(States):
    """A music player. The automatic state is where it begins, and where it returns to when the others end."""

    Stopped = State(auto=True, remove=ONE_OF)
    Playing = State(remove=ONE_OF)
    Paused = State(remove=ONE_OF)
    Muted = State()


class PlayerHandlers:
    """What the player does, and the one path that does not exist."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @on.between(PlayerStates.Stopped, PlayerStates.Paused)
    def nothing_to_pause(self, e: Event) -> bool:
        return False

    @on.between(PlayerStates.Paused, PlayerStates.Playing)
    def resume(self, e: Event) -> None:
        e.machine.log("going on where it was paused")

    @on.state(PlayerStates.Playing)
    @on.state(PlayerStates.Paused)
    @on.state(PlayerStates.Stopped)
    def show(self, e: Event) -> None:
        self.said.append(e.name.removesuffix("State").lower())


def main() -> Machine:
    """Press some buttons; returns the machine."""
    handlers = PlayerHandlers()
    player = Machine.create(PlayerStates, [handlers], id="player")
    player.add(PlayerStates.Muted)
    for state in (PlayerStates.Paused, PlayerStates.Playing, PlayerStates.Paused, PlayerStates.Playing):
        result = player.add(state)
        print(f"{state:8} {result!s:9} {player}")
    player.remove(PlayerStates.Playing)
    print(f"{'(end)':8} {'':9} {player}")
    print(" -> ".join(handlers.said))
    return player


if __name__ == "__main__":
    main()
