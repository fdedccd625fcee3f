"""Machines in a forked process, where of all threads only the one that forked goes on."""

from __future__ import annotations

import os
import threading
from typing import Final

from am_core.tracer import live_machines, registry
from am_core.waiting.wait_info import ids_lock

PATIENCE: Final = 1.0
"""Seconds to wait for the lock of a machine, which nobody holds for so long, before forking without it."""


class _Held(threading.local):
    """Locks that the forking thread holds meanwhile."""

    locks: tuple[threading.Lock, ...] = ()


_held: Final = _Held()


def _before() -> None:
    # So that no thread is in the midst of something that the child would have to go on with.
    locks = [machine._lock for machine in live_machines()]
    _held.locks = tuple([lock for lock in locks if lock.acquire(timeout=PATIENCE)])


def _let_go() -> None:
    locks, _held.locks = _held.locks, ()
    for lock in locks:
        lock.release()


def _revive() -> None:
    """Let go of what threads of the parent process hold in this copy of its machines.

    States are those of the moment of the fork. What was being executed ends without a result, what was queued is
    executed with the next request.
    """
    _let_go()
    unlock(registry.lock)
    unlock(ids_lock)
    for machine in live_machines():
        unlock(machine._lock)
        machine._runner.after_fork()
        if machine._drainer and machine._drainer != threading.get_ident():
            machine._generation += 1
            machine._drainer = 0
            machine._transition = machine._queue.taken = machine._rest = None
            machine._deferred = []


def unlock(lock: threading.Lock) -> None:
    """Release a lock whose holder does not exist in this process."""
    if lock.locked():
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_let_go, after_in_child=_revive)
