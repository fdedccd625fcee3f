"""The same small machines in this product's engine and in three well-known libraries.

Each function returns, per library, a callable that performs the whole list of moves. A machine with handlers counts
what its two handlers see, so that nobody can leave them out.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, Protocol

Walker = Callable[[], None]


def am_core_machine(states: int, handlers: bool, moves: Sequence[int]) -> Walker:
    from am_core import Machine

    names = [f"S{i}" for i in range(states)]
    schema = {name: {"remove": [other for other in names if other != name]} for name in names}
    machine = Machine(schema, id="walker")
    machine.add("S0")
    if handlers:
        machine.bind(_am_core_handlers(names))
    targets = [names[move] for move in moves]

    def walk() -> None:
        add = machine.add
        for target in targets:
            add(target)

    return walk


def _am_core_handlers(names: list[str]) -> object:
    seen = [0]

    def count(self: object, event: object) -> None:
        seen[0] += 1

    methods = {f"{name}{kind}": count for name in names for kind in ("Enter", "State")}
    return type("Handlers", (), methods)()


def transitions_machine(states: int, handlers: bool, moves: Sequence[int]) -> Walker:
    from transitions import Machine

    names = [f"S{i}" for i in range(states)]
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1

    extra = {"on_enter": [count], "on_exit": [count]} if handlers else {}
    machine = Machine(states=[{"name": name, **extra} for name in names], initial="S0", auto_transitions=False)
    for name in names:
        machine.add_transition(f"go_{name}", "*", name)
    calls = [f"go_{names[move]}" for move in moves]

    def walk() -> None:
        for call in calls:
            getattr(machine, call)()

    return walk


def automat_machine(states: int, handlers: bool, moves: Sequence[int]) -> Walker:
    from automat import TypeMachineBuilder

    class Core:
        seen = 0

        def count(self) -> None:
            self.seen += 1

    def stub(self: object) -> None: ...

    def fill(namespace: dict[str, Any]) -> None:
        for i in range(states):
            method = types.FunctionType(stub.__code__, globals(), f"go{i}")
            method.__annotations__ = {"return": None}
            namespace[f"go{i}"] = method

    inputs = types.new_class("Inputs", (Protocol,), {}, fill)
    builder = TypeMachineBuilder(inputs, Core)
    nodes = [builder.state(f"S{i}") for i in range(states)]
    for source in nodes:
        for i, target in enumerate(nodes):
            arrow = source.upon(getattr(inputs, f"go{i}")).to(target)
            if handlers:

                @arrow
                def both(_machine: object, core: Core) -> None:
                    core.count()
                    core.count()
            else:
                arrow.returns(None)
    machine = builder.build()(Core())
    calls = [f"go{move}" for move in moves]

    def walk() -> None:
        for call in calls:
            getattr(machine, call)()

    return walk


def statemachine_machine(states: int, handlers: bool, moves: Sequence[int]) -> Walker:
    from statemachine import State, StateMachine

    namespace: dict[str, Any] = {f"s{i}": State(initial=i == 0) for i in range(states)}
    for i in range(states):
        namespace[f"go{i}"] = namespace[f"s{i}"].from_(*(namespace[f"s{k}"] for k in range(states)))
    seen = [0]

    def count(self: object) -> None:
        seen[0] += 1

    if handlers:
        for i in range(states):
            namespace[f"on_enter_s{i}"] = count
            namespace[f"on_exit_s{i}"] = count
    machine = types.new_class("Walker", (StateMachine,), {}, lambda body: body.update(namespace))()
    calls = [f"go{move}" for move in moves]

    def walk() -> None:
        for call in calls:
            getattr(machine, call)()

    return walk


PEERS = {
    "transitions": transitions_machine,
    "automat": automat_machine,
    "python-statemachine": statemachine_machine,
}
