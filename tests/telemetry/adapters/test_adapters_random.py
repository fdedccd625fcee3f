"""Whatever a machine of another engine does, its facts lead to the states it is in."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from statemachine import State, StateChart
from story import Story
from transitions import Machine, MachineError
from transitions.extensions import HierarchicalMachine, LockedMachine

seeds = st.integers(0, 2**32)


class Chaos:
    """Callbacks that refuse, fail and send further events as a generator of random numbers wants."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.depth = 0
        self.budget = 25
        self.send: Callable[[], None] = lambda: None

    def decide(self, *_: object, **__: object) -> bool:
        self.act()
        return self.random.random() < 0.7

    def act(self, *_: object, **__: object) -> None:
        luck = self.random.random()
        if luck < 0.05:
            raise ValueError("chaos")
        if luck < 0.2 and self.depth < 3 and self.budget:
            self.budget -= 1
            self.depth += 1
            try:
                with contextlib.suppress(MachineError, AttributeError):
                    self.send()
            finally:
                self.depth -= 1


def names_of(value: Any, separator: str) -> set[str]:
    """All states that are active at a value of a model's attribute."""
    if isinstance(value, list):
        return set().union(*(names_of(part, separator) for part in value))
    parts = value.split(separator) if separator else [value]
    return {separator.join(parts[: i + 1]) for i in range(len(parts))}


@settings(max_examples=25)
@given(seed=seeds, queued=st.booleans(), kind=st.sampled_from([Machine, LockedMachine]), ignore=st.booleans())
def test_flat_machines(seed: int, queued: bool, kind: type[Machine], ignore: bool) -> None:
    chaos, chance = Chaos(seed), random.Random(seed)
    story = Story(log="everything")
    try:
        states = [f"s{i}" for i in range(chance.randint(2, 5))]
        machine: Any = kind(
            states=[{"name": name, "on_enter": chaos.act, "on_exit": chaos.act} for name in states],
            initial=chance.choice(states),
            queued=queued,
            ignore_invalid_triggers=ignore,
            name="m",
        )
        events = [f"e{i}" for i in range(3)]
        for event in events:
            for _ in range(3):
                target = chance.choice([*states, "=", None])
                machine.add_transition(event, chance.choice(states), target, conditions=chaos.decide, after=chaos.act)
        chaos.send = lambda: machine.trigger(chance.choice(events))
        for step in range(15):
            with contextlib.suppress(MachineError, ValueError):
                machine.trigger(chance.choice([*events, f"to_{chance.choice(states)}"]))
            if step == 7:
                machine.add_states(["late"])
                machine.state = chance.choice(states)
                with contextlib.suppress(MachineError, ValueError):
                    machine.trigger("to_late")
            assert story.life("m").active == {machine.state}
        assert not story.gaps
        assert "set directly" not in story.life("m").events[:5]
    finally:
        story.close()


@settings(max_examples=25)
@given(seed=seeds, queued=st.booleans(), separator=st.sampled_from(["_", "/"]))
def test_nested_machines(seed: int, queued: bool, separator: str) -> None:
    chaos, chance = Chaos(seed), random.Random(seed)

    class Own(HierarchicalMachine):
        class state_cls(HierarchicalMachine.state_cls):
            pass

    Own.state_cls.separator = separator

    def tree(depth: int, name: str) -> dict[str, Any]:
        state: dict[str, Any] = {"name": name, "on_enter": chaos.act}
        if depth and chance.random() < 0.7:
            children = [tree(depth - 1, f"{name}{i}") for i in range(chance.randint(1, 3))]
            if chance.random() < 0.4:
                state["parallel"] = children
            else:
                state |= {"children": children, "initial": children[0]["name"]}
        return state

    story = Story(log="everything")
    try:
        roots = [tree(2, name) for name in "abc"]
        machine: Any = Own(states=roots, initial="a", queued=queued, name="m", auto_transitions=False)
        everything = machine.get_nested_state_names()
        for number in range(12):
            source = chance.choice(everything)
            target = chance.choice([*everything, "=", None])
            machine.add_transition(f"e{number % 3}", source, target, conditions=chaos.decide)
        machine.add_transition("reset", "*", "a")
        chaos.send = lambda: machine.trigger(f"e{chance.randint(0, 2)}")
        for _ in range(12):
            with contextlib.suppress(MachineError, ValueError):
                machine.trigger(chance.choice(["e0", "e1", "e2", "reset"]))
            assert story.life("m").active == names_of(machine.state, separator)
        assert not story.gaps
    finally:
        story.close()


@settings(max_examples=25)
@given(seed=seeds, catches=st.booleans(), atomic=st.booleans())
def test_charts(seed: int, catches: bool, atomic: bool) -> None:
    chaos, chance = Chaos(seed), random.Random(seed)

    class Chart(StateChart):
        catch_errors_as_events = catches
        atomic_configuration_update = atomic

        class a(State.Compound):
            a1 = State(initial=True)
            a2 = State()
            inner = a1.to(a2, cond="decide") | a2.to(a1) | a1.to.itself()

        class b(State.Parallel):
            class x(State.Compound):
                x1 = State(initial=True)
                x2 = State()
                step = x1.to(x2) | x2.to(x1, cond="decide")

            class y(State.Compound):
                y1 = State(initial=True)
                y2 = State()
                step = y1.to(y2, cond="decide") | y2.to(y1)

        c = State()
        jump = a.to(b) | b.to(c, cond="decide") | c.to(a)
        c.to(b, cond="rarely")

        def decide(self) -> bool:
            return chaos.decide()

        def rarely(self) -> bool:
            return chance.random() < 0.3

        def on_enter_state(self) -> None:
            chaos.act()

        def on_transition(self) -> None:
            chaos.act()

    story = Story(log="everything")
    try:
        machine = None
        while machine is None:
            with contextlib.suppress(ValueError):
                machine = Chart()
        chaos.send = lambda: machine.send(chance.choice(["inner", "step", "jump"]))
        name = max(story.lives(), key=lambda machine_id: int(machine_id.partition("-")[2] or 0))
        for _ in range(12):
            with contextlib.suppress(ValueError):
                machine.send(chance.choice(["inner", "step", "jump", "unheard"]))
            assert story.life(name).active == {str(state.id) for state in machine.configuration}
        assert not story.gaps
    finally:
        story.close()
