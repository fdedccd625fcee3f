"""Assertions about machines. They raise :class:`AssertionError`, and tell what the machine is like instead."""

from __future__ import annotations

import re
from typing import NoReturn, TypeVar

from am_core.errors import UnknownStateError
from am_core.machine import Machine
from am_core.resolution.mutation import ADD
from am_core.schemas.model import StateNames
from am_core.schemas.names import EXCEPTION
from am_core.testing.watching import explain

E = TypeVar("E", bound=BaseException)


def assert_is(machine: Machine, states: StateNames) -> None:
    """All states are active."""
    names = _known(machine, states)
    missing = [name for name in names if name not in machine]
    if missing:
        _fail(machine, names, f"expected active: {', '.join(names)}; inactive: {', '.join(missing)}")


def assert_is1(machine: Machine, state: str) -> None:
    """A state is active."""
    assert_is(machine, [state])


def assert_not(machine: Machine, states: StateNames) -> None:
    """At least one of the states is inactive; see :func:`assert_none` for all of them."""
    names = _known(machine, states)
    if all(name in machine for name in names):
        _fail(machine, names, f"expected that not all are active: {', '.join(names)}")


def assert_not1(machine: Machine, state: str) -> None:
    """A state is inactive."""
    assert_none(machine, [state])


def assert_none(machine: Machine, states: StateNames) -> None:
    """None of the states is active."""
    names = _known(machine, states)
    active = [name for name in names if name in machine]
    if active:
        _fail(machine, names, f"expected inactive: {', '.join(names)}; active: {', '.join(active)}")


def assert_no_err_now(machine: Machine) -> None:
    """``Exception`` is not active."""
    if machine.is_err():
        _fail(machine, [EXCEPTION], f"expected no error, there is {_described(machine)}")


def assert_no_err_ever(machine: Machine) -> None:
    """``Exception`` has never been active, and is not about to be."""
    if machine.tick(EXCEPTION):
        times = (machine.tick(EXCEPTION) + 1) // 2
        _fail(machine, [EXCEPTION], f"expected that there was no error ever, there were {times}: {_described(machine)}")
    assert_no_err_queued(machine)


def assert_no_err_queued(machine: Machine) -> None:
    """No error is waiting in the queue."""
    index = machine.index1(EXCEPTION)
    waiting = [m for m in machine.queue() if m.type is ADD and m.is_called(index)]
    if waiting:
        errors = ", ".join(repr(m.args.get("err")) for m in waiting)
        _fail(machine, [EXCEPTION], f"expected no error in the queue, there is {errors}")


def assert_err(machine: Machine, kind: type[E] | tuple[type[E], ...] = BaseException, match: str = "") -> E:  # type: ignore[assignment]  # without a kind it is any error
    """``Exception`` is active, with an error of some kind whose text matches a regular expression; returns it."""
    error = machine.err()
    if not machine.is_err():
        _fail(machine, [EXCEPTION], "expected an error, Exception is inactive")
    if not isinstance(error, kind):
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        _fail(machine, [EXCEPTION], f"expected {names}, the error is {_described(machine)}")
    if not re.search(match, str(error)):
        _fail(machine, [EXCEPTION], f"expected an error like {match!r}, it is {_described(machine)}")
    return error


def _known(machine: Machine, states: StateNames) -> list[str]:
    """The names, after making sure that the machine has such states: a typing error must not pass as inactivity."""
    names = [states] if isinstance(states, str) else list(states)
    missing = [name for name in names if not machine.has(name)]
    if missing and not machine.disposed:
        raise UnknownStateError(missing, machine.states, machine.id)
    return names


def _described(machine: Machine) -> str:
    error = machine.err()
    return "nothing" if error is None else f"{type(error).__name__}: {error}"


def _fail(machine: Machine, states: list[str], problem: str) -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError(f"{problem}\n{explain(machine, states)}")
