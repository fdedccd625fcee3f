"""Waiters against an obvious implementation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import (
    Event,
    Machine,
    StateCtx,
    Tracer,
    Transition,
    Waiter,
)

STATES = "ABC"
Moment = tuple[int, ...]
steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set"]), st.lists(st.sampled_from(STATES), max_size=3, unique=True)),
    max_size=12,
)
groups = st.lists(st.sampled_from(STATES), min_size=1, max_size=3, unique=True)
conditions = st.lists(
    st.tuples(st.sampled_from(["when", "when_not", "when_time"]), groups, st.lists(st.integers(0, 7), min_size=3)),
    min_size=1,
    max_size=6,
)
schemas = st.fixed_dictionaries(
    {
        state: st.fixed_dictionaries(
            {
                "multi": st.booleans(),
                "auto": st.booleans(),
                "add": st.lists(st.sampled_from(STATES), max_size=1),
                "remove": st.lists(st.sampled_from(STATES), max_size=1),
            }
        )
        for state in STATES
    }
)


@settings(max_examples=150)
@given(schema=schemas, wanted=conditions, moves=steps, broken=st.sampled_from(["", *(s + "State" for s in STATES)]))
def test_waiters_end_exactly_when_looking_again_after_every_transition_says_so(
    schema: dict[str, Any],
    wanted: list[tuple[str, list[str], list[int]]],
    moves: list[tuple[str, list[str]]],
    broken: str,
) -> None:
    """Neither earlier nor later, with relations, automatic states and failing handlers."""
    schema = {
        name: {
            **state,
            "add": [s for s in state["add"] if s != name],
            "remove": [s for s in state["remove"] if s != name],
        }
        for name, state in schema.items()
    }
    for state in schema.values():
        state["add"] = [other for other in state["add"] if other not in state["remove"]]
    machine = Machine(schema, strict=False, handler_timeout=60)
    failures = iter([RuntimeError("once"), RuntimeError("twice")])

    def fail_twice(_: Event) -> None:
        for error in failures:
            raise error

    if broken:
        machine.bind({broken: fail_twice})
    moments: dict[Waiter, Moment] = {}
    """When a waiter should have ended: the ticks after the first transition that makes its condition hold."""
    found: dict[Waiter, Moment] = {}
    conditions_of: dict[Waiter, Callable[[], bool]] = {}

    def holds(kind: str, states: list[str], times: list[int]) -> bool:
        if kind == "when":
            return all(machine.tick(state) % 2 for state in states)
        if kind == "when_not":
            return not any(machine.tick(state) % 2 for state in states)
        return all(machine.tick(state) >= tick for state, tick in zip(states, times, strict=False))

    def look() -> None:
        for waiter, condition in conditions_of.items():
            if condition():
                moments.setdefault(waiter, tuple(machine.time()))

    class Look(Tracer):
        def transition_end(self, tx: Transition) -> None:
            look()

    for kind, states, times in wanted:
        ticks = times[: len(states)]
        waiter = machine.when_time(states, ticks) if kind == "when_time" else getattr(machine, kind)(states)
        conditions_of[waiter] = partial(holds, kind, states, ticks)
        waiter.add_done_callback(lambda w: found.setdefault(w, tuple(machine.time())))
    look()
    assert found == moments
    machine.bind_tracer(Look())
    for kind, states in moves:
        getattr(machine, kind)(states)
        assert found == moments


@settings(max_examples=60)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["add", "remove", "set"]), st.sampled_from(STATES), conditions),
        min_size=10,
        max_size=40,
    )
)
def test_recurring_mutations_on_their_quickest_way_end_waiters_as_well(
    moves: list[tuple[str, str, list[tuple[str, list[str], list[int]]]]],
) -> None:
    """Without handlers and tracers the engine repeats what it has learned, except where somebody waits for it."""
    machine = Machine({"A": {"multi": True}, "B": {"remove": ["C"]}, "C": {"remove": ["B"]}})
    for _ in range(3):
        # Now everything is known.
        for name in STATES:
            machine.add(name)
            machine.remove(name)
            machine.set(name)
    pending: list[tuple[Waiter, Callable[[], bool]]] = []
    contexts: list[StateCtx] = []
    for kind, state, wanted in moves:
        for how, states, times in wanted[:2]:
            now = [machine.tick(name) for name in states]
            if how == "when_time":
                ticks = [tick + more for tick, more in zip(now, times, strict=False)]
                pending.append((machine.when_time(states, ticks), partial(machine.was_time, ticks, states)))
            elif how == "when":
                pending.append((machine.when(states), partial(machine.is_, states)))
            else:
                pending.append((machine.when_not(states), partial(machine.not_, states)))
        pending = [pair for pair in pending if not pair[0].done]
        contexts.append(machine.state_ctx(state))
        args = machine.when_args(state, x=1)
        before = machine.tick(state)
        getattr(machine, kind)(state, {"x": 1} if len(contexts) % 2 else None)
        entered = machine.tick(state) % 2 == 1 and machine.tick(state) != before
        assert args.done == (entered and len(contexts) % 2 == 1)
        args.cancel()
        assert [waiter.done for waiter, _ in pending] == [bool(holds()) for _, holds in pending]
        pending = [pair for pair in pending if not pair[0].done]
        assert [ctx.expired for ctx in contexts] == [ctx.tick != machine.tick(ctx.state) for ctx in contexts]
    subs = machine._subs
    assert subs is not None
    for waiter, _ in pending:
        waiter.cancel()
    while machine.waiters():
        machine.waiters()[0].cancel()
    assert not any((subs.watched, subs.states, subs.args))
