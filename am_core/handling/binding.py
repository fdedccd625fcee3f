"""Binding and detaching groups of handlers."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from am_core.errors import HandlerBindError, MachineDisposed
from am_core.handling.handlers import Binding, collect_handlers, handler_table
from am_core.logs import OPS
from am_core.schemas.names import EXCEPTION

if TYPE_CHECKING:
    from am_core.machine import Machine


def bind_handlers(machine: Machine, handlers: object, name: str, prefix: str, lenient: bool) -> str:
    """Add a binding at the end; see ``Machine.bind``."""
    if machine._disposed:
        raise MachineDisposed(f"machine disposed: {machine.id} calls no handlers any more")
    found = collect_handlers(handlers, machine._now[0], prefix, lenient)
    binding_id = re.sub(r"[^a-zA-Z0-9\-_.]", "", name) or f"anon-{secrets.token_hex(2)}"
    with machine._lock:
        bindings = machine._table.bindings
        if any(binding.id == binding_id for binding in bindings):
            raise HandlerBindError(f"handlers are already bound as {binding_id}, choose another id")
        machine._table = handler_table((*bindings, Binding(binding_id, found)), machine._now[0])
        machine._rest = None
    if machine._log_level >= OPS:
        machine._log(OPS, f"[handlers] bind {len(bindings)}:{binding_id}")
    error = machine.err()
    if not bindings and error is not None and machine.is_(EXCEPTION):
        # The first handlers get to see an error that came before them.
        machine.add_err(error)
    return binding_id


def detach_handlers(machine: Machine, binding_id: str) -> None:
    """Remove a binding; see ``Machine.detach``."""
    with machine._lock:
        if machine._disposed:
            # It has let go of all of them, maybe a moment ago on another thread.
            return
        bindings = machine._table.bindings
        left = tuple(binding for binding in bindings if binding.id != binding_id)
        if len(left) == len(bindings):
            known = ", ".join(binding.id for binding in bindings) or "none"
            raise HandlerBindError(f"handlers not bound: {binding_id} (bound are {known})")
        machine._table = handler_table(left, machine._now[0])
        machine._rest = None
    if machine._log_level >= OPS:
        machine._log(OPS, f"[handlers] detach {binding_id}")
    for binding in bindings:
        if binding.id == binding_id:
            for fn in binding.handlers.values():
                # Handlers that are objects may want to know.
                on_detach = getattr(fn, "on_detach", None)
                if on_detach is not None:
                    machine._guarded(on_detach)
