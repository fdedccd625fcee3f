"""Machines that follow some states of another one."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from threading import get_ident

from am_core import pipes
from am_core.errors import AmError, EvalTimeout, MachineDisposed
from am_core.machine import Machine
from am_core.piping import ERROR_PREFIX
from am_core.schemas.names import EXCEPTION
from am_core.schemas.schema import State


def new_mirror(
    source: Machine,
    states: Iterable[str],
    *,
    id: str = "",  # noqa: A002 - the field's own name
    flat: bool = False,
    handlers: Iterable[object] = (),
) -> Machine:
    """A new machine with some states of another one, which it follows by pipes from now on.

    The states have no relations; multi states stay multi states. The mirror begins with what is active now, in its own
    ticks. It ends with its source, and the pipes end with the mirror. Thread-safe.

    Args:
        states: the source's states to follow, in this order. ``Exception`` may be one of them, and is when there is
            one whose name begins with ``Err``.
        id: id of the mirror (default: ``mirror-`` and the source's id).
        flat: mutate at once and without arguments, and only what is not so already.
        handlers: bound to the mirror before anything happens to it.

    Raises:
        UnknownStateError: the source does not have one of the states.
        MachineDisposed: the source has ended.
        EvalTimeout: the source was busy for longer than its ``eval_timeout``.
    """
    names = list(dict.fromkeys([states] if isinstance(states, str) else states))
    if EXCEPTION not in names and any(name.startswith(ERROR_PREFIX) for name in names):
        names.append(EXCEPTION)
    if not names:
        raise AmError(f"a mirror of {source.id} needs at least one state")
    if source.disposing:
        raise MachineDisposed(f"machine disposed: {source.id} cannot be mirrored")
    source._called(names)
    schema = source.schema()
    mirror = Machine(
        {name: State(multi=schema[name].multi) for name in names},
        id=id or f"mirror-{source.id}",
        parent=source,
    )
    mirror.verify_states(names if EXCEPTION in names else [*names, EXCEPTION])
    try:
        for handler in handlers:
            mirror.bind(handler)
        _follow(source, mirror, names, flat)
    except BaseException:
        mirror.dispose_force()
        raise
    reference = weakref.ref(mirror)

    def end(*_: object) -> None:
        ended = reference()
        if ended is not None:
            ended.dispose()

    source.on_dispose(end)
    return mirror


def _follow(source: Machine, mirror: Machine, names: list[str], flat: bool) -> None:
    def lay() -> None:
        pipes.bind_many(source, mirror, names, flat=flat)
        pipes.sync(source, mirror, names)

    # No transition may come between the pipes and the first alignment. The thread that executes the source's queue is
    # in the middle of one, and nobody else can be.
    if source._drainer == get_ident() or source._runner.owns_thread(get_ident()):
        lay()
    elif not source.eval(lay, "new_mirror"):
        if source.disposing:
            raise MachineDisposed(f"machine disposed: {source.id} cannot be mirrored")
        raise EvalTimeout(f"{source.id} was busy for more than {source.eval_timeout} s; mirror it later")
