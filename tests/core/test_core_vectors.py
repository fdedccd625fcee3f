"""The engine does what the reference engine did on 560 recorded machines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from am_core import Event, Machine, Step, Tracer, Transition

VECTORS = [
    json.loads(line)
    for line in gzip.decompress((Path(__file__).parent / "vectors/engine.jsonl.gz").read_bytes()).splitlines()
]


class Recorder(Tracer):
    """Writes down transitions as the vectors do."""

    wants_steps = True

    def __init__(self) -> None:
        self.transitions: list[dict[str, Any]] = []

    def transition_end(self, tx: Transition) -> None:
        names = tx.model.names

        def named(indexes: tuple[int, ...]) -> list[str]:
            return [names[i] for i in indexes]

        self.transitions.append(
            {
                "type": str(tx.type),
                "called": named(tx.mutation.called),
                "auto": tx.is_auto,
                "check": tx.is_check,
                "accepted": tx.is_accepted,
                "time_before": list(tx.time_before),
                "time_after": list(tx.time_after),
                "target": named(tx.target),
                "enters": named(tx.enters),
                "exits": named(tx.exits),
                "queue_len": tx.queue_len,
                "queue_tick": tx.mutation.queue_tick,
                "queue_token": tx.mutation.queue_token,
                "steps": [step_row(step, names) for step in tx.steps if step.relation != "after"],
            }
        )


def step_row(step: Step, names: tuple[str, ...]) -> list[str]:
    def named(index: int) -> str:
        return "Any" if index == -2 else "" if index == -1 else names[index]

    flags = "F" * step.is_final + "S" * step.is_self + "E" * step.is_enter
    return [step.kind, named(step.source), named(step.target), step.relation, flags]


def mutate(machine: Machine, kind: str, states: list[str]) -> Any:
    if kind == "adderr":
        return machine.add_err(RuntimeError("vector"))
    return getattr(machine, {"canadd": "can_add", "canremove": "can_remove"}.get(kind, kind))(states)


def handlers_for(vector: dict[str, Any], order: list[str], nested: list[list[Any]]) -> dict[str, Any]:
    names = list(vector["handlers"])
    if vector["bind"] == "all":
        states = vector["states"]
        names = ["AnyEnter", "AnyState"]
        names += [state + suffix for state in states for suffix in ("Enter", "Exit", "State", "End")]
        names += [before + after for before in states for after in states]

    def handler(name: str) -> Any:
        script = vector["handlers"].get(name, {})

        def call(e: Event) -> bool | None:
            order.append(name)
            for kind, states in script.get("do", []):
                nested.append([name, [kind, states], int(mutate(e.machine, kind, states))])
            if "panic" in script:
                raise RuntimeError(script["panic"])
            answer: bool | None = script.get("ret")
            return answer

        return call

    return {name: handler(name) for name in names}


@pytest.mark.parametrize("plan_cache", ["auto", "always", "never"])
@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("part", range(4))
def test_recorded_machines_behave_the_same(part: int, traced: bool, plan_cache: Any) -> None:
    """Results, handler order, clocks, queue numbers and every transition with its steps are equal.

    Whether or not earlier outcomes are looked up, and whether or not somebody looks on.
    """
    for vector in VECTORS[part::4]:
        recorder = Recorder()
        tracers = [recorder] if traced else []
        machine = Machine(vector["schema"], id=vector["id"], tracers=tracers, handler_timeout=60, plan_cache=plan_cache)
        machine.verify_states(vector["states"])
        order: list[str] = []
        nested: list[list[Any]] = []
        if vector["bind"] != "none":
            machine.bind(handlers_for(vector, order, nested))
        assert list(machine.states) == vector["states"]
        for number, op in enumerate(vector["ops"]):
            order.clear()
            nested.clear()
            recorder.transitions.clear()
            result = mutate(machine, *op["op"])
            where = f"{vector['id']} op {number} {op['op']}"
            told = op["transitions"] if traced else []
            for i, (ours, theirs) in enumerate(zip(recorder.transitions, told, strict=False)):
                for key, value in ours.items():
                    expected = theirs[key]
                    if key == "steps":
                        expected = [row for row in expected if row[3] != "after"]
                    assert value == expected, f"{where} transition {i} {key}"
            assert len(recorder.transitions) == len(told), where
            assert order == op["order"], where
            assert nested == op["nested"], where
            assert (str(result), int(result)) == (op["result"], op["n"]), where
            assert list(machine.active) == op["active"], where
            assert list(machine.time()) == op["time"], where
            assert machine.queue_tick() == op["queue_tick"], where
