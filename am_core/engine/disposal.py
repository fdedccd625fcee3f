"""The end of a machine."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from am_core.engine.drain import wait_idle
from am_core.engine.failures import release
from am_core.errors import MachineDisposed
from am_core.handling.handlers import handler_table
from am_core.logs import OPS
from am_core.resolution.transition import Now
from am_core.schemas.model import model_of
from am_core.schemas.schema import parse_schema
from am_core.tracer import registry

if TYPE_CHECKING:
    from am_core.machine import Machine

START: Final = "Start"
START_GRACE: Final = 0.1
"""Seconds in which what the removal of ``Start`` has set going may still mutate the machine."""


def dispose(machine: Machine) -> None:
    """Dispose in the background; safe anywhere, also in the machine's own handlers."""
    with machine._lock:
        if machine._dispose_asked:
            return
        machine._dispose_asked = True
    graceful = machine.is_(START)
    if not graceful:
        _refuse(machine)
    name = f"am-dispose-{machine.id}"
    threading.Thread(target=_background, args=(machine, graceful), name=name, daemon=True).start()


def _background(machine: Machine, graceful: bool) -> None:
    if graceful:
        machine.remove(START, event=None)
        machine.wait_disposed(START_GRACE)
        _refuse(machine)
    wait_idle(machine, machine.dispose_timeout)
    machine._runner.at_home(partial(dispose_now, machine), machine.dispose_timeout)


def _refuse(machine: Machine) -> None:
    with machine._lock:
        machine._disposing = True
        machine._refusing = True
        machine._rest = None


def dispose_now(machine: Machine) -> None:
    """Dispose on the calling thread without waiting for anything."""
    with machine._lock:
        if machine._disposed:
            return
        machine._dispose_asked = machine._disposing = machine._disposed = machine._refusing = True
        discarded = machine._queue.flush()
        machine._now = NOTHING
        machine._rest = None
        machine._table = handler_table((), _EMPTY)
        callbacks, machine._dispose_callbacks = machine._dispose_callbacks, []
    if machine._log_level >= OPS:
        machine._log(OPS, f"[dispose] {machine.id}")
    machine._fire(machine._hooks.machine_dispose, machine.id)
    if machine._err is None:
        machine._err = MachineDisposed(f"machine disposed: {machine.id}")
    machine._runner.close()
    release(discarded)
    if machine._subs is not None:
        machine._subs.close()
    registry.discard(machine)
    ctx = machine.ctx if callbacks else None
    for callback in callbacks:
        machine._guarded(callback, machine, ctx)
    with machine._lock:
        machine._ended = True
        subs = machine._subs
    if subs is not None:
        subs.close_machine()
    if machine._hooks.log_left and machine._buffer.entries:
        machine._fire(machine._hooks.log_left, machine, machine.take_log())


_schema = parse_schema({}).schema
_EMPTY: Final = model_of(_schema, tuple(_schema))
NOTHING: Final[Now] = (_EMPTY, (), 0, ())
"""The moment of a disposed machine: no state, no tick."""
