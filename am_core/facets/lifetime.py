"""Ending a machine with the context it was created under."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Final

from am_core.waiting.contexts import Context

if TYPE_CHECKING:
    from am_core.machine import Machine

DISPOSING: Final = "Disposing"
"""State that stands for a graceful end in the schemas that have it."""


def end_with(machine: Machine, ctx: Context) -> None:
    """Dispose a machine when a context expires, or now if it has; for machines under construction.

    A schema with ``Disposing`` is given that state, and twice the ``dispose_timeout`` for what its handlers do then.
    """
    # The context outlives many machines, and must not keep any of them.
    reference = weakref.ref(machine)

    def end(_: Context) -> None:
        expired = reference()
        if expired is None:
            return
        if expired.has(DISPOSING):
            name = f"am-dispose-{expired.id}"
            threading.Thread(target=_gracefully, args=(expired,), name=name, daemon=True).start()
        else:
            expired.dispose()

    stop = ctx.add_done_callback(end)
    weakref.finalize(machine, stop).atexit = False
    machine.on_dispose(lambda *_: stop())


def _gracefully(machine: Machine) -> None:
    machine.add(DISPOSING, event=None)
    if not machine.wait_disposed(2 * machine.dispose_timeout):
        machine.dispose()
