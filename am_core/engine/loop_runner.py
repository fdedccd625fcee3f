"""Running a machine on the asyncio loop that owns it."""

from __future__ import annotations

import threading
import warnings
from asyncio import get_running_loop
from asyncio.events import _get_running_loop
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from am_core.engine.drain import drain_if_idle, take_idle_waiters
from am_core.engine.failures import release
from am_core.engine.runners import InlineRunner
from am_core.errors import AmError, LoopClosedError
from am_core.logs import CHANGES
from am_core.waiting.blocking import frames_to_user
from am_core.waiting.signals import call_on_loop

if TYPE_CHECKING:
    from am_core.machine import Machine

NO_LOOP: Final = "runner='loop' needs an event loop: create the machine in a coroutine, or pass loop="


class LoopRunner(InlineRunner):
    """Everything a machine does happens on its loop: handlers may touch what belongs to the loop.

    On the loop mutations are executed at once, as inline. Other threads leave them in the queue and ask the loop to
    come by. Limits are kept by the watchdog; after a deadline the loop is still stuck, so only what needs no handler is
    done at once (end of the transition, loss of the queue, backoff), and ``Exception`` follows on the loop.

    When the loop is closed nothing can be executed any more: mutations are canceled, and that is told by a warning,
    ``machine.err()`` and ``machine.internal_errors``.
    """

    __slots__ = ("_summoned", "_told", "loop")

    gated = True

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        if machine._loop is None:
            try:
                machine._loop = get_running_loop()
            except RuntimeError:
                raise AmError(NO_LOOP) from None
        self.loop: Final = machine._loop
        self._summoned = False
        """Whether the loop has been asked to work off the queue. Guarded by the machine's lock."""
        self._told = False

    def away(self) -> bool:
        return _get_running_loop() is not self.loop

    def expected(self) -> bool:
        return self._summoned

    def summon(self, machine: Machine) -> None:
        with machine._lock:
            if self._summoned:
                return
            self._summoned = True
        try:
            # The machine itself is handed over, so what is queued keeps it alive.
            self.loop.call_soon_threadsafe(self._come, machine)
        except RuntimeError:
            if not self.lost(machine):
                raise

    def _come(self, machine: Machine) -> None:
        with machine._lock:
            self._summoned = False
        drain_if_idle(machine)

    def after_fork(self) -> None:
        """Whoever has asked the loop to come by is in the parent process."""
        self._summoned = False

    def lost(self, machine: Machine) -> bool:
        if not self.loop.is_closed():
            return False
        with machine._lock:
            discarded = machine._queue.flush()
            told, self._told = self._told, True
            self._summoned = False
            idle = take_idle_waiters(machine)
        release(discarded)
        if machine._subs is not None:
            machine._subs.discarded(discarded)
        for wake in idle:
            wake()
        if discarded or not told:
            _tell(machine, len(discarded))
        return True

    def at_home(self, fn: Callable[[], object], timeout: float) -> None:
        if not self.away():
            fn()
            return
        taken, done = threading.Lock(), threading.Event()

        def call() -> None:
            if taken.acquire(blocking=False):
                fn()
                done.set()

        call_on_loop(self.loop, call)
        if not done.wait(0 if self.loop.is_closed() else timeout):
            call()


def _tell(machine: Machine, count: int) -> None:
    lost = f"{count} queued mutation{'' if count == 1 else 's'} discarded, " if count else ""
    error = LoopClosedError(
        f"the event loop of machine {machine.id} is closed: {lost}mutations are canceled from now on; "
        "dispose machines before their loop ends, or create them under one that goes on"
    )
    machine._err = error
    machine.report(error)
    if machine._log_level >= CHANGES:
        machine._log(CHANGES, f"[error] {error}")
    warnings.warn(str(error), RuntimeWarning, stacklevel=frames_to_user())
