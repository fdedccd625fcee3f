"""Helpers that may still change."""

from __future__ import annotations

import asyncio
import threading

import pytest
from engine_setups import machine_of, noted

from am_core import Event, HandlerBindError, InvalidArgs, Machine, SchemaError, StateExpired, Time, UnknownStateError
from am_core.experimental import (
    Nested,
    err_from_ctxs,
    nested_state,
    race_ctx,
    relations_matrix,
    time_matrix,
    transition_matrix,
)

# Contexts


async def test_work_is_raced_by_a_context() -> None:
    """The work's result, its error, or the end of the context."""
    machine = machine_of()

    async def work(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    async def fail() -> None:
        raise KeyError("x")

    assert await race_ctx(machine.ctx, work(0.001)) == "done"
    with pytest.raises(KeyError):
        await race_ctx(machine.ctx, fail())
    ctx = machine.state_ctx("A")
    task = asyncio.ensure_future(work(60))
    threading.Timer(0.01, machine.add, ("A",)).start()
    with pytest.raises(StateExpired, match="A:0"):
        await race_ctx(ctx, task)
    assert task.cancelled()
    with pytest.raises(StateExpired):
        await race_ctx(ctx, work(60))
    waiter = machine.when("A")
    assert await race_ctx(machine.ctx, waiter) is waiter


async def test_other_cancellations_stay_what_they_are() -> None:
    """Of the one who waits, and of the work by somebody else."""
    machine = machine_of()
    work = asyncio.ensure_future(asyncio.sleep(60))
    race = asyncio.create_task(race_ctx(machine.ctx, work))
    await asyncio.sleep(0.001)
    race.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race
    assert work.cancelled()
    work = asyncio.ensure_future(asyncio.sleep(60))
    asyncio.get_running_loop().call_soon(work.cancel)
    with pytest.raises(asyncio.CancelledError):
        await race_ctx(machine.ctx, work)


def test_expired_contexts_tell_why() -> None:
    """The first one that has."""
    machine = machine_of()
    first, second = machine.state_ctx("A"), machine.state_ctx("B")
    assert err_from_ctxs(first, second) is None
    machine.add("B")
    assert err_from_ctxs(first, second) is second.err
    machine.add("A")
    assert err_from_ctxs(first, second) is first.err


# Nesting


def test_a_state_is_handed_on_to_a_submachine() -> None:
    """With its arguments and its source."""
    parent = machine_of(id="parent")
    child = machine_of(parent=parent, id="child")
    outcomes: list[Nested] = []
    parent.bind({"AState": lambda e: outcomes.append(nested_state(e, "child", {"child": child}.get))})
    notes = noted(child)
    parent.add("A", child="child", x=1)
    assert outcomes == [(child, 0, None)]
    assert notes.all[0].args == {"child": "child", "x": 1}
    assert notes.all[0].mutation.source is not None
    assert notes.all[0].mutation.source.machine_id == "parent"


def test_a_busy_submachine_answers_later() -> None:
    """There is something to wait for."""
    parent, child = machine_of(), machine_of()
    outcomes: list[Nested] = []
    parent.bind({"AState": lambda e: outcomes.append(nested_state(e, "id", lambda _: child))})
    child.bind({"BState": lambda _: parent.add("A", id=1)})
    child.add("B")
    (outcome,) = outcomes
    assert outcome.result.queued
    assert outcome.waiter is not None
    assert outcome.waiter.done
    assert child.is_("A")


def test_what_cannot_be_handed_on_is_an_error() -> None:
    """Each with a reason."""
    parent = machine_of({"A": {}, "B": {}, "Own": {}})

    def failing(handler: str, kind: type[Exception], text: str, **args: object) -> None:
        errors: list[Exception] = []

        def attempt(e: Event) -> None:
            try:
                nested_state(e, "id", lambda name: machine_of() if name == "child" else None)
            except Exception as error:
                errors.append(error)

        with parent.bound({handler: attempt}):
            parent.set([])
            parent.add(["Own", "A"], args)
        assert isinstance(errors[0], kind)
        assert text in str(errors[0])

    failing("AEnter", HandlerBindError, "not for AEnter", id="child")
    failing("AnyState", HandlerBindError, "not for AnyState", id="child")
    failing("AState", InvalidArgs, "AState needs id")
    failing("AState", InvalidArgs, "no submachine for id 'other'", id="other")
    failing("OwnState", UnknownStateError, "Own", id="child")


# Matrices


def test_ticks_of_machines_are_rows() -> None:
    """Of the same length."""
    first, second = machine_of({"A": {}, "B": {"multi": True}, "C": {}, "D": {}}), machine_of()
    first.add(["A", "B"])
    first.add("B")
    for _ in range(3):
        second.toggle("B")
        second.toggle("B")
    second.toggle(["A", "C"])
    second.remove("A")
    second.remove("C")
    second.add(["C", "D"])
    second.remove("D")
    second.add("D")
    assert time_matrix([first, second]) == [Time([1, 3, 0, 0, 0]), Time([2, 6, 3, 3, 0])]
    assert time_matrix([]) == []
    with pytest.raises(SchemaError, match=r"same number of states, got .* 5, .* 2"):
        time_matrix([first, Machine({"A": {}})])


def test_relations_are_numbers_between_rows_of_padding() -> None:
    """Add is 1, require 2, remove 3, and several add up."""
    machine = machine_of({"A": {"add": ["B"], "require": ["B", "C"], "after": ["C"]}, "B": {"remove": ["A"]}, "C": {}})
    padding = [-1] * 4
    assert relations_matrix(machine) == [
        padding,
        padding,
        [0, 3, 2, 0],
        [3, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        padding,
        padding,
    ]


def test_a_transition_is_a_matrix_of_the_same_shape() -> None:
    """Before, called, steps, ticks, after."""
    machine = machine_of({"A": {}, "B": {"remove": ["A"], "require": ["C"]}, "C": {}}, ["A"])
    machine.bind({"AB": lambda _: None})
    notes = noted(machine)
    machine.add("C")
    machine.add("B")
    first, second = notes.all
    assert len(transition_matrix(second)) == len(relations_matrix(machine))
    before, called, a, b, c, error, ticks, after = transition_matrix(second)
    assert before == [1, 0, 1, 0]
    assert called == [0, 1, 0, 0]
    assert a == [8, 2, 0, 0]
    # Requirements are looked at in two passes.
    assert b == [1, 32 + 4, 2, 0]
    assert c == error == [0, 0, 0, 0]
    assert ticks == [1, 1, 0, 0]
    assert after == [0, 1, 1, 0]
    assert transition_matrix(second, first)[-2] == [1, 1, 0, 0]
    machine.add("A")
    machine.remove("B")
    assert transition_matrix(notes.all[-1], first)[-2] == [1, 2, 0, 0]
    assert transition_matrix(second, states=["B", "A"]) == [
        [0, 1],
        [1, 0],
        [32 + 4, 1],
        [2, 8],
        [1, 1],
        [1, 0],
    ]
    with pytest.raises(UnknownStateError):
        transition_matrix(second, states=["X"])


def test_steps_that_were_not_recorded_are_nothing() -> None:
    """The rest is there; states that came later begin at 0."""
    machine = Machine({"A": {}, "B": {}})
    ended: list[Event] = []
    machine.bind({"AnyState": ended.append})
    machine.add("A")
    machine.set_schema({**machine.schema(), "C": {}}, [*machine.states, "C"])
    machine.add("C")
    first, second = (e.transition for e in ended)
    assert transition_matrix(second, first) == [
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        *[[0, 0, 0, 0]] * 4,
        [0, 0, 0, 1],
        [1, 0, 0, 1],
    ]
