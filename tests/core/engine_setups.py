"""What the engine's tests share: small schemas, handlers that write down their calls, waiting for conditions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from am_core import Event, LogLevel, Machine, Tracer, Transition

Handler = Callable[[Event], object]
Schema = Mapping[str, Any]

PLAIN: Schema = {"A": {}, "B": {}, "C": {}, "D": {}}
"""Four states without relations."""

PATIENT = 60.0
"""Limit of handlers in tests that are not about limits, seconds."""

LONG = 10.0
"""Seconds after which a wait counts as one that never ends."""


def names_of(states: Iterable[str]) -> list[str]:
    """Every handler name the engine could call for some states."""
    states = list(states)
    names = [state + suffix for state in states for suffix in ("Enter", "Exit", "State", "End")]
    names += [before + after for before in states for after in states]
    return [*names, "AnyEnter", "AnyState"]


def machine_of(schema: Schema = PLAIN, active: Iterable[str] = (), **options: Any) -> Machine:
    """A machine with some states active and everything logged."""
    options.setdefault("handler_timeout", PATIENT)
    options.setdefault("log_level", LogLevel.OPS)
    machine = Machine(schema, **options)
    for state in active:
        machine.add(state)
    return machine


def record(machine: Machine, scripts: Mapping[str, Handler] | None = None) -> list[str]:
    """Bind a handler for every name; returns the list that the called names are written to."""
    order: list[str] = []
    scripts = scripts or {}

    def handler(name: str) -> Handler:
        script = scripts.get(name)

        def call(e: Event) -> object:
            order.append(name)
            return None if script is None else script(e)

        return call

    machine.bind({name: handler(name) for name in names_of(machine.states) if name != "ExceptionException"})
    return order


def veto(_: Event) -> bool:
    """A handler that refuses."""
    return False


def fail(e: Event) -> None:
    """A handler that raises."""
    raise RuntimeError(f"{e.name} is broken")


def ticks(machine: Machine, states: str = "ABCD") -> list[int]:
    """Ticks of one-letter states."""
    return [machine.tick(state) for state in states]


class Notes(Tracer):
    """Keeps every transition, the log included."""

    wants_steps = True

    def __init__(self) -> None:
        self.all: list[Transition] = []

    def transition_end(self, tx: Transition) -> None:
        self.all.append(tx)

    @property
    def log(self) -> list[str]:
        return [entry.text for tx in self.all for entry in (*tx.pre_log_entries, *tx.log_entries)]


def noted(machine: Machine) -> Notes:
    """Trace a machine from now on."""
    notes = Notes()
    machine.bind_tracer(notes)
    return notes


def until(condition: Callable[[], object], seconds: float = LONG) -> None:
    """Wait for a condition; fails after a while."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        pause.wait(0.002)


def in_thread(fn: Callable[[], object]) -> threading.Thread:
    """Run something on a thread of its own."""
    thread = threading.Thread(target=fn, daemon=True)
    thread.start()
    return thread
