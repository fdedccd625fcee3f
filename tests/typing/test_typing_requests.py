"""What type checkers make of handlers, results, waiters and contexts; see test_typing_states.py."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_type

import pytest

from am_core import (
    AmError,
    Check,
    Context,
    Event,
    ExceptionHandler,
    Job,
    Machine,
    Mutation,
    MutationType,
    Result,
    Snapshot,
    State,
    StateCtx,
    States,
    Time,
    Tracer,
    Transition,
    Waiter,
    on,
)


@dataclass
class Download:
    url: str
    retries: int = 3


class Both(States):
    A = State()
    B = State()


class Handlers(ExceptionHandler):
    def AEnter(self, e: Event) -> bool:
        assert_type(e.args, dict[str, Any])
        assert_type(e.machine, Machine)
        assert_type(e.transition, Transition)
        assert_type(e.mutation, Mutation)
        assert_type(e.name, str)
        return True

    def AState(self, e: Event) -> None:
        args = e.args_as(Download)
        assert_type(args, Download)
        assert_type(args.retries, int)

    @on.state("B")
    def begin(self, e: Event) -> None:
        assert_type(e.transition.called_states(), list[str])

    @on.between("A", "B")
    def may_go_on(self, e: Event) -> bool:
        return e.is_valid()

    @on.any_enter
    def watch(self, e: Event) -> None: ...

    @on.end("B")
    async def clean_up(self, e: Event) -> None: ...


class Watch(Tracer):
    def transition_end(self, tx: Transition) -> None:
        assert_type(tx.time_after, tuple[int, ...])
        assert_type(tx.diff(), tuple[list[str], list[str]])


@pytest.fixture(name="machine")
def watched() -> Iterator[Machine]:
    """A machine with everything bound, and A active."""
    machine = Machine.create(Both, handlers=[Handlers()], tracers=[Watch()], handler_timeout=60)
    machine.add("A", url="x")
    yield machine
    machine.dispose_force()


def test_results(machine: Machine) -> None:
    """Every kind of request gives a result, which is true unless it was canceled."""
    result = machine.add("A", url="x")
    assert_type(result, Result)
    assert_type(result.executed, bool)
    assert_type(result.tick, int)
    assert_type(machine.add("B", Download("x")), Result)
    assert_type(machine.remove(["B"], {"any": "thing"}), Result)
    assert_type(machine.toggle("B").raise_if_canceled(), Result)
    assert_type(machine.can_add("B", answer=Check()), Result)
    assert_type(machine.add_err(RuntimeError("x")), Result)
    assert_type(machine.post(MutationType.ADD, "B"), Result)
    assert_type(machine.eval(lambda: None), bool)
    assert_type(machine.time(), Time)
    assert_type(machine.err(), BaseException | None)
    assert_type(machine.export(), Snapshot)


def test_waiters(machine: Machine) -> None:
    """Waiters of all kinds are the same to those who wait; contexts as well."""
    assert_type(machine.when("A"), Waiter)
    assert_type(machine.when_args("A", {"url": "x"}, retries=3), Waiter)
    assert_type(machine.when_time(["A", "B"], [1, 1]), Waiter)
    assert_type(machine.when_query(lambda clock: clock["A"] > 3), Waiter)
    assert_type(machine.when_queue(machine.add("A")), Waiter)
    assert_type(machine.when("A").wait(1.0), bool)
    assert_type(machine.state_ctx("A"), StateCtx)
    assert_type(machine.ctx, Context)
    assert_type(machine.state_ctx("A").expired, bool)
    assert_type(machine.go(None, lambda: None), Job)
    with machine.bound({"AState": lambda e: None}) as binding:
        assert_type(binding, str)


async def test_tasks(machine: Machine) -> None:
    """Waiters can be awaited, blocks can last as long as a state."""
    await machine.when("A")
    async with machine.while_active("A") as ctx:
        assert_type(ctx, StateCtx)


def test_mistyped_requests_are_refused(machine: Machine) -> None:
    """Wrong types are found before the program runs."""
    for wrong in (
        lambda: machine.add("A", "B"),  # type: ignore[arg-type]  # names come in one list
        lambda: machine.post("add", "A"),  # type: ignore[arg-type]  # the kind is an enumeration
        lambda: machine.add_err("text"),  # type: ignore[arg-type]  # an exception is wanted
        lambda: machine.when_query("text"),  # type: ignore[arg-type]  # a function is wanted
        lambda: machine.on_dispose("text"),  # type: ignore[arg-type]  # a function is wanted
        lambda: machine.bind_tracer(Watch),  # type: ignore[arg-type]  # the class instead of an instance
        lambda: machine.state,  # type: ignore[attr-defined]  # there is no such attribute
        lambda: on.state(3),  # type: ignore[arg-type]  # a number is no state
    ):
        with pytest.raises((AmError, TypeError, AttributeError)):
            wrong()
