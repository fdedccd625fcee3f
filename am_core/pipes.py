"""Pipes: the states of one machine follow those of another.

A pipe is a pair of final handlers on the source machine that mutate the target. The mutations carry the source's event,
so a debugger can follow them back. They are queued in the order of the source's transitions and never block it: the
target executes them as soon as the source has worked off its own queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from am_core.handlers import Event
from am_core.logs import OPS
from am_core.machine import Machine
from am_core.mutation import ADD, REMOVE, MutationType
from am_core.names import EXCEPTION

ERROR_PREFIX = "Err"


def _forward(kind: MutationType, target: Machine, state: str) -> Callable[[Event], None]:
    """A final handler that asks the target for a state, or for its end."""
    target_states = [state, EXCEPTION] if kind is ADD and state.startswith(ERROR_PREFIX) else [state]

    def handler(e: Event) -> None:
        if target.disposed:
            return
        source = e.machine
        if source.log_level >= OPS:
            source._log(OPS, f"[pipe-out:{kind}] {e.name} to {target.id}")
        target.post(kind, target_states, e.args, event=e)

    return handler


def bind(source: Machine, target: Machine, state: str, active: str = "", inactive: str = "") -> str:
    """While ``state`` of the source is active, so is ``active`` of the target; returns the binding's id on the source.

    Args:
        state: state of the source machine.
        active: state of the target to add when ``state`` becomes active (default: the same name).
        inactive: state of the target to add when ``state`` ends; by default ``active`` is removed then.

    Raises:
        UnknownStateError: a state is missing on its machine.
    """
    return bind_many(source, target, [state], [active or state], [inactive] if inactive else None)


def bind_many(
    source: Machine,
    target: Machine,
    states: Iterable[str],
    targets: Iterable[str] | None = None,
    inactive: Iterable[str] | None = None,
) -> str:
    """Several pipes in one binding; see :func:`bind`. The lists are taken pairwise.

    Raises:
        UnknownStateError: a state is missing on its machine.
        ValueError: the lists differ in length.
    """
    names = list(states)
    actives = list(targets) if targets is not None else names
    inactives = list(inactive) if inactive is not None else []
    if len(names) != len(actives) or (inactives and len(inactives) != len(names)):
        raise ValueError(f"pipes need as many target states as source states, got {len(names)} and {len(actives)}")
    source._called(names)
    target._called([*actives, *inactives])
    handlers: dict[str, Callable[[Event], None]] = {}
    for position, name in enumerate(names):
        handlers[f"{name}State"] = _forward(ADD, target, actives[position])
        if inactives:
            handlers[f"{name}End"] = _forward(ADD, target, inactives[position])
        else:
            handlers[f"{name}End"] = _forward(REMOVE, target, actives[position])
    return source.bind(handlers, id=f"pipe-{target.id}-{'-'.join(names)}")


def bind_ready(source: Machine, target: Machine, active: str = "Ready", inactive: str = "") -> str:
    """Pipe ``Ready``; see :func:`bind`."""
    return bind(source, target, "Ready", active, inactive)


def bind_start(source: Machine, target: Machine, active: str = "Start", inactive: str = "") -> str:
    """Pipe ``Start``; see :func:`bind`."""
    return bind(source, target, "Start", active, inactive)


def bind_err(source: Machine, target: Machine, err: str = EXCEPTION) -> str:
    """An error of the source becomes one of the target, with its arguments. It is never removed by the pipe.

    Raises:
        UnknownStateError: the target has no such state.
    """
    target._called(err)

    def handler(e: Event) -> None:
        error = e.args.get("err")
        if target.disposed or not isinstance(error, BaseException):
            return
        if e.machine.log_level >= OPS:
            e.machine._log(OPS, f"[pipe-out:add] {e.name} to {target.id}")
        target.add_err_state(err, error, event=e, later=True)

    return source.bind({f"{EXCEPTION}State": handler}, id=f"pipe-err-{target.id}")
