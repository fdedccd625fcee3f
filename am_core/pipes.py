"""Pipes: the states of one machine follow those of another.

A pipe is a final handler on the source machine that mutates the target. The mutations carry the source's event, so a
debugger can follow them back. They are queued in the order of the source's transitions and never block it: the target
executes them as soon as the source has worked off its own queue. What states are when a pipe is laid is left as it is;
:func:`sync` aligns them once.

``machine.pipes()`` lists all pipes from and to a machine. They are forgotten when their binding is detached, and when
either machine is disposed; bindings whose target is disposed are detached.

Machines may be piped in circles, which come to rest when nothing changes any more. Multi states change whenever they
are called, so a circle of these does not.
"""

from __future__ import annotations

from collections.abc import Iterable

from am_core.errors import UnknownStateError
from am_core.handling.handlers import Event, Handler
from am_core.machine import Machine
from am_core.piping import Pipe, bind_pipes, forward, forward_flat
from am_core.resolution.mutation import ADD, REMOVE, SET
from am_core.schemas.model import StateNames
from am_core.schemas.names import ANY, EXCEPTION

__all__ = [
    "add",
    "add_flat",
    "bind",
    "bind_any",
    "bind_connected",
    "bind_err",
    "bind_many",
    "bind_ready",
    "bind_start",
    "remove",
    "remove_flat",
    "sync",
]


# Single handlers


def add(source: Machine, target: Machine, source_state: str, target_state: str = "") -> Handler:
    """A final handler that adds a state to the target (default: of the same name), to be bound to the source.

    For a ``State`` or ``End`` handler of ``source_state``. A state whose name begins with ``Err`` is added together
    with ``Exception``.

    Raises:
        UnknownStateError: a state is missing on its machine.
        ValueError: ``source_state`` is empty.
    """
    state = _checked(source, target, source_state, target_state)
    return Pipe(source, target, source_state, state, "add", forward(ADD, state))


def remove(source: Machine, target: Machine, source_state: str, target_state: str = "") -> Handler:
    """A final handler that removes a state from the target; see :func:`add`."""
    state = _checked(source, target, source_state, target_state)
    return Pipe(source, target, source_state, state, "remove", forward(REMOVE, state))


def add_flat(source: Machine, target: Machine, source_state: str, target_state: str = "") -> Handler:
    """Like :func:`add`, but without arguments, at once, and not when the target is idle and has the state.

    The source waits for the target, unless that is busy.
    """
    state = _checked(source, target, source_state, target_state)
    return Pipe(source, target, source_state, state, "add", forward_flat(ADD, state))


def remove_flat(source: Machine, target: Machine, source_state: str, target_state: str = "") -> Handler:
    """Like :func:`remove`, but without arguments, at once, and not when the target is idle and lacks the state."""
    state = _checked(source, target, source_state, target_state)
    return Pipe(source, target, source_state, state, "remove", forward_flat(REMOVE, state))


def _checked(source: Machine, target: Machine, source_state: str, target_state: str) -> str:
    if not source_state:
        raise ValueError("a pipe needs a source state, got an empty name")
    source._called(source_state)
    target._called(target_state or source_state)
    return target_state or source_state


# Bindings


def bind(
    source: Machine, target: Machine, state: str, active: str = "", inactive: str = "", *, flat: bool = False
) -> str:
    """While ``state`` of the source is active, so is ``active`` of the target; returns the binding's id on the source.

    Args:
        state: state of the source machine.
        active: state of the target to add when ``state`` becomes active (default: the same name).
        inactive: state of the target to add when ``state`` ends; by default ``active`` is removed then.
        flat: mutate as :func:`add_flat` and :func:`remove_flat` do.

    Raises:
        UnknownStateError: a state is missing on its machine.
    """
    return bind_many(source, target, [state], [active or state], [inactive] if inactive else None, flat=flat)


def bind_many(
    source: Machine,
    target: Machine,
    states: Iterable[str],
    targets: Iterable[str] | None = None,
    inactive: Iterable[str] | None = None,
    *,
    flat: bool = False,
) -> str:
    """Several pipes in one binding; see :func:`bind`. The lists are taken pairwise.

    Raises:
        UnknownStateError: a state is missing on its machine.
        ValueError: the lists differ in length, or are empty.
    """
    names = list(states)
    actives = list(targets) if targets is not None else names
    inactives = list(inactive) if inactive is not None else []
    if len(names) != len(actives) or (inactives and len(inactives) != len(names)):
        raise ValueError(f"pipes need as many target states as source states, got {len(names)} and {len(actives)}")
    if not names:
        raise ValueError("pipes need at least one source state")
    source._called(names)
    target._called([*actives, *inactives])
    adds, removes = (add_flat, remove_flat) if flat else (add, remove)
    pipes: dict[str, Handler] = {}
    for position, name in enumerate(names):
        pipes[f"{name}State"] = adds(source, target, name, actives[position])
        if inactives:
            pipes[f"{name}End"] = adds(source, target, name, inactives[position])
        else:
            pipes[f"{name}End"] = removes(source, target, name, actives[position])
    label = names[0] if len(names) == 1 else f"{names[0]}-and-{len(names) - 1}-more"
    return bind_pipes(source, target, pipes, label)  # type: ignore[arg-type]  # all of them are pipes


def bind_any(source: Machine, target: Machine) -> str:
    """The target always gets the same active states as the source, by ``set``, unless it has exactly these already.

    A multi state that is called again is passed on. States that the source gets later are left out as long as the
    target does not know them.

    Raises:
        UnknownStateError: the target does not have all states of the source.
    """
    missing = [name for name in source.states if not target.has(name)]
    if missing:
        raise UnknownStateError(missing, target.states, target.id)

    def call(target: Machine, e: Event) -> None:
        tx = e.transition
        names = target.parse_states(tx.target_states())
        again = tx.mutation.called_mask & tx.target_mask & tx.model.multi_mask
        idle = not target.queue_len() and target.transition is None
        if again or not idle or set(target.active) != set(names):
            target.post(SET, names, dict(e.args) if e.args else None, event=e)

    pipe = Pipe(source, target, ANY, ANY, "add", call)
    return bind_pipes(source, target, {"AnyState": pipe}, ANY)


def bind_connected(
    source: Machine,
    target: Machine,
    disconnected: str = "",
    connecting: str = "",
    connected: str = "",
    disconnecting: str = "",
) -> str:
    """Pipe the states of a connection to states of the target; those without a name are not piped.

    Raises:
        UnknownStateError: a state is missing on its machine.
        ValueError: no state is named.
    """
    wanted = {
        "Disconnected": disconnected,
        "Connecting": connecting,
        "Connected": connected,
        "Disconnecting": disconnecting,
    }
    chosen = {state: name for state, name in wanted.items() if name}
    if not chosen:
        raise ValueError("name at least one state of the target, as in connected='DbConnected'")
    return bind_many(source, target, chosen, chosen.values())


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

    def call(target: Machine, e: Event) -> None:
        error = e.args.get("err")
        if isinstance(error, BaseException):
            target.add_err_state(err, error, e.args, event=e, later=True)

    pipe = Pipe(source, target, EXCEPTION, err, "add", call)
    return bind_pipes(source, target, {f"{EXCEPTION}State": pipe}, EXCEPTION)


# Once


def sync(source: Machine, target: Machine, states: StateNames, targets: StateNames | None = None) -> int:
    """Align states of the target with those of the source once, by at most one add and one remove.

    The lists are taken pairwise; by default the names are the same. Returns how many states of the target were out of
    line. Whether it takes them is up to its relations and handlers.

    Raises:
        UnknownStateError: a state is missing on its machine.
        ValueError: the lists differ in length.
    """
    names = [states] if isinstance(states, str) else list(states)
    others = names if targets is None else [targets] if isinstance(targets, str) else list(targets)
    if len(names) != len(others):
        raise ValueError(f"sync needs as many target states as source states, got {len(names)} and {len(others)}")
    source._called(names)
    target._called(others)
    on = set(source.active_states(names))
    wanted = dict.fromkeys(other for name, other in zip(names, others, strict=True) if name in on)
    active = set(target.active_states(others))
    missing = [other for other in wanted if other not in active]
    extra = [other for other in dict.fromkeys(others) if other in active and other not in wanted]
    if missing:
        target.add(missing)
    if extra:
        target.remove(extra)
    return len(missing) + len(extra)
