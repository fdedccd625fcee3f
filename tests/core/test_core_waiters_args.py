"""Waiting for activations with certain arguments, and for queries."""

from __future__ import annotations

from typing import Any

import pytest
from engine_setups import fail, machine_of

from am_core import (
    Machine,
)


@pytest.mark.parametrize("wanted", [{"x": 1}, {"x": [1]}, {"x": [1], "y": 2}])
def test_waiters_for_arguments_are_shared_only_for_equal_ones(wanted: dict[str, Any]) -> None:
    """Fewer arguments are another question."""
    machine = machine_of()
    waiter = machine.when_args("A", wanted)
    assert machine.when_args("A", dict(reversed(wanted.items()))) is waiter
    assert machine.when_args("A") is not waiter
    assert machine.when_args("A", {**wanted, "z": 0}) is not waiter
    assert machine.when_args("B", wanted) is not waiter
    machine.add("A", {"x": 2})
    assert not waiter.done


class Odd:
    """Equal to everything of its number, and not hashable."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return self.number == other

    __hash__ = None  # type: ignore[assignment]  # this is what makes it odd


@pytest.mark.parametrize("given_value", [5, 5.0, Odd(5), True])
@pytest.mark.parametrize("wanted_value", [5, 1, Odd(5), Odd(1), [5]])
def test_arguments_match_whenever_they_are_equal(given_value: object, wanted_value: object) -> None:
    """Whatever their types are."""
    machine = machine_of()
    waiter = machine.when_args("A", n=wanted_value, m="m")
    other = machine.when_args("A", m="m")
    machine.add("A", n=given_value, m="m", more=[1])
    assert waiter.done == bool(given_value == wanted_value)
    assert other.done


def test_values_that_cannot_be_compared_concern_only_their_own_waiter() -> None:
    """The error is kept."""

    class Broken:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no comparison")

        __hash__ = None  # type: ignore[assignment]  # not needed here

    machine = machine_of()
    broken, fine = machine.when_args("A", x=Broken()), machine.when_args("A", x=1)
    machine.add("A", x=1)
    assert (broken.done, fine.reason, len(machine.internal_errors)) == (False, "match", 1)


def test_waiters_for_arguments_need_the_activation_to_succeed() -> None:
    """A handler that fails prevents them, and so does one that is not called because the state is active."""
    machine = machine_of(active=["B"])
    machine.bind({"AState": fail})
    failed, active = machine.when_args("A", x=1), machine.when_args("B", x=1)
    machine.add("A", x=1)
    machine.add("B", x=1)
    assert (failed.done, active.done) == (False, False)


def test_queries_that_raise_end_their_waiter_with_the_error() -> None:
    """The machine and other queries are not concerned."""
    machine = machine_of()
    broken, fine = machine.when_query(lambda clock: clock["nope"]), machine.when_query(lambda clock: clock["A"])
    machine.add("A")
    assert (broken.reason, fine.reason, machine.is_err()) == ("error", "match", False)
    with pytest.raises(KeyError):
        broken.check()


def test_queries_are_asked_without_a_lock() -> None:
    """They may look at the machine, and even change it."""
    machine = machine_of()
    waiter = machine.when_query(lambda clock: (machine.add("B"), machine.queue())[1])
    machine.add("A")
    assert (waiter.reason, machine.active) == ("match", ("B", "A"))


def test_arguments_that_cannot_be_compared_are_waited_for_separately() -> None:
    """Such as arrays, whose comparison is no truth value; nobody is kept from waiting by what others wait for."""

    class Array:
        __hash__: Any = None

        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

    machine = Machine({"A": {"multi": True}})
    first = machine.when_args("A", data=Array(), n=1)
    second = machine.when_args("A", data=Array(), n=1)
    third = machine.when_args("A", data=[1], n=1)
    assert first is not second
    machine.add("A", data=[1], n=1)
    assert (first.done, second.done, third.done) == (False, False, True)
    assert len(machine.internal_errors) == 2
