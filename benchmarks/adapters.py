"""What watching machines of other packages costs the program, per event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.rows import Row, Skipped, duration
from benchmarks.timing import take_turns


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """The time an event takes longer while its machine is traced, next to the time it takes anyway."""
    rounds, count = (1, 50) if quick else (7, 10_000)
    for engine, make in (("transitions", _transitions), ("python-statemachine", _statemachine)):
        what = f"tracing one event of {engine}"
        try:
            machine = make()
        except ImportError as error:
            yield Skipped(what, str(error))
            continue
        times = count if engine == "transitions" else count // 10
        # Tracing extends the classes, so traced and untraced machines cannot take turns.
        plain = take_turns({"plain": _events(machine, times)}, rounds)["plain"] / times
        traced = _traced(machine, times, rounds) / times
        ours = max(traced - plain, 1e-9)
        yield Row(what, duration(ours), "the event itself", duration(plain), plain / ours)


def _traced(machine: Any, times: int, rounds: int) -> float:
    from am_telemetry.adapters import Adapters
    from am_telemetry.sending.client import Client
    from am_telemetry.settings import read_settings

    client = Client(read_settings("localhost:1", environ={}))
    client.sender.start = lambda: None  # type: ignore[method-assign]  # what is noted is thrown away
    client.start(Adapters(client))
    send = _events(machine, times)

    def run() -> None:
        send()
        client.ring.take()

    try:
        return take_turns({"traced": run}, rounds)["traced"]
    finally:
        client.close(0)


def _events(machine: Any, times: int) -> Callable[[], None]:
    def send() -> None:
        go = machine.go
        for _ in range(times):
            go()

    return send


def _transitions() -> Any:
    from transitions import Machine

    return Machine(states=["a", "b"], initial="a", transitions=[["go", "a", "b"], ["go", "b", "a"]])


def _statemachine() -> Any:
    from statemachine import State, StateMachine

    class Toggle(StateMachine):
        a = State(initial=True)
        b = State()
        go = a.to(b) | b.to(a)

    return Toggle()
