"""One mutation of a machine, against one transition of other libraries' machines; and what machines cost besides."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.peers import PEERS, Walker, am_core_machine
from benchmarks.rows import Row, Skipped, duration, size
from benchmarks.timing import allocated, take_turns

if TYPE_CHECKING:
    from am_core import Machine, Transition

TWO_STATES = {"A": {"remove": ["B"]}, "B": {"remove": ["A"]}}


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Recurring mutations without and with handlers, walks, tracers, waiters, and making machines."""
    count = 40 if quick else 4_000
    rounds = 1 if quick else 5
    toggle = [1 - i % 2 for i in range(count)]
    walk = _walk(random.Random(7), 50, count)  # the same walk in every run, no secret
    for what, states, handlers, moves in (
        ("a recurring mutation, no handlers", 2, False, toggle),
        ("a recurring mutation, two handlers", 2, True, toggle),
        ("a random walk over 50 states", 50, False, walk),
    ):
        yield from _compare(what, states, handlers, moves, rounds)
    yield from _extras(toggle, rounds)
    yield _random_sets(count, rounds)
    yield from _making(100 if quick else 10_000)


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


def _extras(toggle: list[int], rounds: int) -> Iterator[Row]:
    """What handlers, a tracer and waiters add to the same recurring mutation."""
    from am_core import Machine

    waited = Machine({**TWO_STATES, "C": {}}, id="waited")
    waiters = [waited.when_ticks("C", 2 + i) for i in range(10_000)]
    bare, with_handlers = am_core_machine(2, False, toggle), am_core_machine(2, True, toggle)
    contestants = {
        "bare": bare,
        "handlers": with_handlers,
        "tracer": _toggling(_traced(), len(toggle)),
        "waiters": _toggling(waited, len(toggle)),
    }
    spent = {name: seconds / len(toggle) for name, seconds in take_turns(contestants, rounds).items()}
    assert len(waiters) == 10_000
    bare_cost = spent["bare"]
    for what, name in (
        ("two handlers", "handlers"),
        ("a tracer that appends to a list", "tracer"),
        ("10,000 waiters for another state", "waiters"),
    ):
        yield Row(
            f"the same mutation with {what}",
            duration(spent[name]),
            "without",
            duration(bare_cost),
            bare_cost / spent[name],
        )


def _traced() -> Machine:
    from am_core import Machine, Tracer

    class Numbers(Tracer):
        def __init__(self) -> None:
            self.numbers: list[int] = []

        def transition_end(self, tx: Transition) -> None:
            self.numbers.append(tx.number)

    return Machine(TWO_STATES, id="traced", tracers=[Numbers()])


def _toggling(machine: Machine, count: int) -> Walker:
    def walk() -> None:
        add = machine.add
        for _ in range(count // 2):
            add("A")
            add("B")

    return walk


def _random_sets(count: int, rounds: int) -> Row:
    """Mutations of 50 related states, of which any number is active: what is looked up hardly ever occurs again."""
    from am_core import Machine

    source = random.Random(11)
    names = [f"S{i:02}" for i in range(50)]
    schema = {name: {"remove": source.sample(names, 2)} if i % 3 else {} for i, name in enumerate(names)}
    schema = {
        name: {"remove": [other for other in state.get("remove", []) if other != name]}
        for name, state in schema.items()
    }
    acts = [(source.random() < 0.7, source.choice(names)) for _ in range(count)]

    def walker(machine: Machine) -> Walker:
        def walk() -> None:
            for adds, name in acts:
                (machine.add if adds else machine.remove)(name)

        return walk

    spent = take_turns(
        {
            "auto": walker(Machine(schema, id="auto", plan_cache="auto")),
            "never": walker(Machine(schema, id="never", plan_cache="never")),
        },
        rounds,
    )
    ours, without = spent["auto"] / count, spent["never"] / count
    return Row(
        "random sets of 50 related states", duration(ours), "without the automaton", duration(without), without / ours
    )


def _making(count: int) -> Iterator[Row | Skipped]:
    """Machines by the thousand, and what one of them weighs."""
    from am_core import Machine

    names = [f"S{i:02}" for i in range(50)]
    schema = {name: {"remove": [names[i - 1]]} if i % 2 else {} for i, name in enumerate(names)}

    def ours() -> None:
        assert len([Machine(TWO_STATES) for _ in range(count)]) == count

    contestants = {"am_core": ours}
    try:
        from transitions import Machine as Peer

        def theirs() -> None:
            assert len([Peer(states=["A", "B"], initial="A") for _ in range(count)]) == count

        contestants["transitions"] = theirs
    except ImportError as error:
        yield Skipped("making machines: transitions", str(error))
    spent = take_turns(contestants, 1)
    peer = spent.get("transitions")
    yield Row(
        f"making {count:,} machines of two states",
        duration(spent["am_core"]),
        "transitions" if peer else "",
        duration(peer) if peer else "",
        peer / spent["am_core"] if peer else None,
    )
    Machine(TWO_STATES)
    first, others = allocated(lambda: Machine(schema)), allocated(lambda: [Machine(schema) for _ in range(100)])
    yield Row("a machine of 50 states, in memory", size(first))
    yield Row("another one of the same schema", size(others // 100))
