"""One mutation of a machine, against one transition of other libraries' machines."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.peers import PEERS, Walker, am_core_machine
from benchmarks.rows import Row, Skipped, duration
from benchmarks.timing import take_turns


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Recurring mutations without and with handlers, and a walk that seldom repeats itself."""
    count = 40 if quick else 4_000
    toggle = [1 - i % 2 for i in range(count)]
    source = random.Random(7)  # the same walk in every run, no secret
    walk = _walk(source, 30, count)
    for what, states, handlers, moves in (
        ("a recurring mutation, no handlers", 2, False, toggle),
        ("a recurring mutation, two handlers", 2, True, toggle),
        ("a random walk over 30 states", 30, False, walk),
    ):
        yield from _compare(what, states, handlers, moves, 1 if quick else 5)


def _walk(source: random.Random, states: int, count: int) -> list[int]:
    """Moves that never stay, from state 0 on; the walk ends there, so it can be repeated."""
    place, moves = 0, []
    for _ in range(count - 1):
        place = (place + source.randrange(1, states)) % states
        moves.append(place)
    if place == 0:
        moves[-1] = 1 if moves[-2] != 1 else 2
    return [*moves, 0]


def _compare(what: str, states: int, handlers: bool, moves: list[int], rounds: int) -> Iterator[Row | Skipped]:
    contestants: dict[str, Walker] = {"am_core": am_core_machine(states, handlers, moves)}
    for name, make in PEERS.items():
        try:
            contestants[name] = make(states, handlers, moves)
        except ImportError as error:
            yield Skipped(f"{what}: {name}", str(error))
    spent = {name: seconds / len(moves) for name, seconds in take_turns(contestants, rounds).items()}
    ours = spent.pop("am_core")
    for name, theirs in spent.items():
        yield Row(what, duration(ours), name, duration(theirs), theirs / ours)
