"""Recordings of real machines of the engine, kept in memory: with the steps as the engine writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from am_core import Machine
from am_core.resolution.transition import Transition
from am_core.tracer import Tracer
from am_telemetry.facts import SchemaFact, StateFact
from am_telemetry.sending.transition_facts import pattern_fact
from tests.support.memory_recording import MachineBuilder, MemoryRecording

_NAMES = ("A", "B", "C", "D", "E")
Call = tuple[str, tuple[str, ...]]
"""``add``, ``remove`` or ``set``, and the states."""


def _unseen(machine: Machine, error: BaseException) -> None:
    """Handlers fail on purpose."""


class _Recorder(Tracer):
    wants_steps = True

    def __init__(self, builder: MachineBuilder) -> None:
        self._builder = builder

    def transition_end(self, tx: Transition) -> None:
        moved = [after - before for before, after in zip(tx.time_before, tx.time_after, strict=True)]
        fact = pattern_fact(
            int(tx.mutation.type),
            tuple(tx.mutation.called),
            tx.is_accepted,
            tx.mutation.is_auto,
            tx.mutation.is_check,
            tx.is_broken,
            tx.canceled_by,
            tuple(moved),
            tuple(tx.time_before[state] % 2 for state, ticks in enumerate(moved) if ticks),
            tx.steps,
            tx.handlers_called,
            detail=3,
        )
        self._builder.record(fact)


def record(schema: Mapping[str, Mapping[str, Any]], calls: Sequence[Call], handlers: object = None) -> MemoryRecording:
    """Run a machine and keep what it does. The recording is caught up.

    Args:
        handlers: an object with handlers, None for no handlers.
    """
    recording = MemoryRecording()
    machine = Machine(
        {name: dict(state) for name, state in schema.items()}, id="engine", strict=False, on_error=_unseen
    )
    facts = []
    for name in machine.states:
        state = schema.get(name, {})
        relations = {key: tuple(state.get(key, ())) for key in ("require", "add", "remove", "after")}
        facts.append(StateFact(name, bool(state.get("auto")), bool(state.get("multi")), **relations))
    clock = [machine.tick(name) for name in machine.states]  # an inconsistent schema is an error from the start
    machine.bind_tracer(_Recorder(recording.machine("engine", SchemaFact(tuple(facts)), clock=clock)))
    if handlers is not None:
        machine.bind(handlers)
    for kind, states in calls:
        do: Callable[[list[str]], object] = getattr(machine, kind)
        do(list(states))
    assert not machine.internal_errors
    machine.dispose()
    recording.catch_up()
    return recording


class Moody:
    """Handlers of which some refuse."""

    def AEnter(self, e: object) -> bool:
        return True

    def BEnter(self, e: object) -> bool:
        return False

    def CExit(self, e: object) -> bool:
        return False

    def AState(self, e: object) -> None:
        """Ran."""

    def AB(self, e: object) -> bool:
        return True

    def DState(self, e: object) -> None:
        raise ValueError("no")


def _some(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), max_size=2, unique=True)


@st.composite
def engine_recordings(
    draw: st.DrawFn, *, relations: Sequence[str] = ("require", "add", "remove", "after")
) -> MemoryRecording:
    """One machine with up to five states, random relations and mutations."""
    schema: dict[str, dict[str, Any]] = {}
    for name in _NAMES:
        others = [other for other in _NAMES if other != name]
        schema[name] = {relation: draw(_some(others)) for relation in relations}
        schema[name] |= {"auto": draw(st.integers(0, 4)) == 0, "multi": draw(st.integers(0, 3)) == 0}
    states = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True).map(tuple)
    calls = draw(st.lists(st.tuples(st.sampled_from(["add", "add", "remove", "set"]), states), min_size=1, max_size=8))
    handlers = Moody() if draw(st.booleans()) else None
    return record(schema, calls, handlers)
