"""Finds the machines of this process, binds tracers to them, and keeps the sender alive through fork and exit."""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from am_core.tracer import live_machines, on_machine_created
from am_telemetry.sending.handle import Stats
from am_telemetry.sending.sender import Sender
from am_telemetry.sending.tracer import MachineTracer, Ring
from am_telemetry.settings import Settings

if TYPE_CHECKING:
    from am_core.machine import Machine

logger = logging.getLogger("am_telemetry")

EXIT_TIMEOUT = 2.0


class Client:
    """Telemetry of this process while it is switched on. Thread-safe. Nothing here raises into the program.

    Args:
        settings: with an address.
    """

    def __init__(self, settings: Settings, ring: Ring | None = None) -> None:
        self.settings = settings
        self.ring = ring if ring is not None else Ring()
        self.closed = False
        self._lock = threading.Lock()
        self._handles = itertools.count(1)
        self._tracers: dict[int, MachineTracer] = {}
        self._unsubscribe: Callable[[], None] | None = None
        self.sender = self._new_sender()

    def start(self) -> None:
        """Trace every machine there is and will be."""
        _clients.add(self)
        atexit.register(self._at_exit)
        self._unsubscribe = on_machine_created(self._met)
        for machine in live_machines():
            self._met(machine)

    def flush(self, timeout: float) -> bool:
        """See :meth:`Handle.flush`."""
        return self.sender.flush(timeout)

    def close(self, timeout: float) -> bool:
        """See :meth:`Handle.close`."""
        with self._lock:
            if self.closed:
                return True
            self.closed = True
            tracers = list(self._tracers.values())
        if self._unsubscribe is not None:
            self._unsubscribe()
        for tracer in tracers:
            self._release(tracer)
        delivered = self.sender.stop(timeout)
        self._tracers.clear()
        _clients.discard(self)
        atexit.unregister(self._at_exit)
        return delivered

    @property
    def stats(self) -> Stats:
        sender = self.sender
        waiting = len(self.ring)
        return Stats(
            enabled=not self.closed,
            connected=sender.connected,
            machines=len(self._tracers),
            enqueued=sender.collected + waiting,
            sent=sender.sent,
            acked=sender.acked,
            buffered=sender.pending + waiting,
            dropped=dict(sender.dropped.reasons),
            reconnects=max(0, sender.connections - 1),
        )

    # -- machines -------------------------------------------------------------------------------------------------

    def _met(self, machine: Machine) -> None:
        try:
            self._trace(machine)
        except Exception:
            logger.exception("machine %r is not traced because of an internal error", getattr(machine, "id", None))

    def _trace(self, machine: Machine) -> None:
        if not self.settings.wants(str(machine.id)):
            return
        with self._lock:
            # A machine may be created while the existing ones are being listed.
            known = self._tracers.get(id(machine))
            if self.closed or (known is not None and known.machine() is machine):
                return
            tracer = self._new_tracer(machine)
            self._tracers[tracer.key] = tracer
        machine.bind_tracer(tracer)
        if machine.log_level < self.settings.log_level:
            tracer.raised_log_level = (int(machine.log_level), self.settings.log_level)
            machine.log_level = self.settings.log_level
        self._restart()
        tracer.announce(machine)
        self.sender.start()

    def _new_tracer(self, machine: Machine) -> MachineTracer:
        detail = self.settings.detail
        wants_values = detail >= 3 or (self.settings.scrub is not None and detail >= 1)
        return MachineTracer(self.ring, machine, next(self._handles), detail >= 2, wants_values)

    def _release(self, tracer: MachineTracer) -> None:
        machine = tracer.machine()
        if machine is None:
            return
        try:
            machine.detach_tracer(tracer)
            if tracer.raised_log_level is not None and int(machine.log_level) == tracer.raised_log_level[1]:
                machine.log_level = tracer.raised_log_level[0]
        except Exception:
            logger.debug("machine %r keeps its tracer", tracer.track.id, exc_info=True)

    def _forget(self, tracer: MachineTracer) -> None:
        with self._lock:
            # Another machine may live at the same address by now.
            if self._tracers.get(tracer.key) is tracer:
                del self._tracers[tracer.key]

    # -- processes ------------------------------------------------------------------------------------------------

    def _new_sender(self, parent: bytes = b"") -> Sender:
        # gRPC needs this module, and its first import fails once the interpreter has begun to shut down.
        import concurrent.futures.thread  # noqa: F401

        return Sender(self.settings, self.ring, lambda: tuple(self._tracers.values()), self._forget, parent)

    def _at_exit(self) -> None:
        try:
            self.close(EXIT_TIMEOUT)
        except Exception:
            logger.debug("telemetry did not end properly", exc_info=True)

    def after_fork_in_child(self) -> None:
        """Begin anew as another session, lazily: nothing is started before the child's first transition.

        The parent's thread, channel and unsent records belong to the parent. They are abandoned, not closed, because
        closing would touch locks that no thread of this process will ever release.
        """
        _abandoned.append(self.sender)
        self._lock = threading.Lock()
        self.ring.sleep(self._restart)
        self.sender = self._new_sender(self.sender.session_id)
        for tracer in self._tracers.values():
            tracer.start_over()

    def _restart(self, busy: MachineTracer | None = None) -> None:
        """Start what a fork has ended. ``busy`` is in the middle of a transition, which will introduce its machine."""
        if not self.ring.awake():
            return
        for tracer in list(self._tracers.values()):
            machine = tracer.machine()
            if machine is not None and tracer is not busy:
                tracer.announce(machine)
        self.sender.start()


_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_abandoned: list[object] = []


def _after_fork_in_child() -> None:
    for client in list(_clients):
        try:
            client.after_fork_in_child()
        except Exception:
            logger.debug("telemetry is off in this process", exc_info=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
