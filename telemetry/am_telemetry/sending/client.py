"""Finds the machines of this process, binds tracers to them, and keeps the sender alive through fork and exit."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from am_core.tracer import live_machines, on_machine_created
from am_telemetry.sending.exits import Exit
from am_telemetry.sending.handle import Stats
from am_telemetry.sending.happenings import Vanished
from am_telemetry.sending.ring import Ring, Traced
from am_telemetry.sending.sender import Sender
from am_telemetry.sending.tracer import MachineTracer
from am_telemetry.settings import Settings

if TYPE_CHECKING:
    from am_core.machine import Machine

Picked = tuple[tuple[str, ...], Callable[[], None]]
"""Ids of a machine that was asked for, and what ends its tracing."""

logger = logging.getLogger("am_telemetry")

EXIT_PATIENCE: Final = 2.0
"""Seconds without progress after which the end of a program waits no longer."""
EXIT_AT_MOST: Final = 10.0
"""Seconds for which it waits at most, when a hub is there and slow."""


class OtherEngines(Protocol):
    """Finds machines that are not of ``am_core``."""

    def start(self) -> None:
        """Trace every machine there is and will be."""
        ...

    def stop(self) -> None:
        """Find no more machines, and leave the engines as they were."""
        ...

    def look_around(self) -> None:
        """Trace the machines that exist and were not wanted before."""
        ...

    def pick(self, machine: object) -> Picked | None:
        """Trace one machine, whatever the settings say; None when it is of no known engine."""
        ...


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
        self._tracers: dict[object, Traced] = {}
        self._unsubscribe: Callable[[], None] | None = None
        self._engines: OtherEngines | None = None
        self._exit: Exit | None = None
        self.sender = self._new_sender()

    def start(self, engines: OtherEngines | None = None) -> None:
        """Trace every machine there is and will be, as far as the settings want it."""
        _clients.add(self)
        self._exit = Exit(lambda: self.close(EXIT_PATIENCE, EXIT_AT_MOST), lambda: self.flush(EXIT_PATIENCE))
        self._unsubscribe = on_machine_created(self._met)
        for machine in live_machines():
            self._met(machine)
        self._engines = engines
        if engines is not None:
            engines.start()

    def want(self, machines: tuple[str, ...]) -> None:
        """Trace the machines that match other patterns from now on; those that are traced already stay so."""
        self.settings = dataclasses.replace(self.settings, machines=machines)
        for machine in live_machines():
            self._met(machine)
        if self._engines is not None:
            self._engines.look_around()

    def pick(self, machine: object) -> Picked | None:
        """Trace one machine, whatever the settings say; None when it is of no known engine."""
        from am_core.machine import Machine

        if isinstance(machine, Machine):
            tracer = self.trace(machine)
            return ((tracer.track.id,), lambda: self.drop(tracer)) if tracer is not None else ((), _nothing)
        return self._engines.pick(machine) if self._engines is not None else None

    def flush(self, timeout: float) -> bool:
        """See :meth:`Handle.flush`."""
        for tracer in list(self._tracers.values()):
            tracer.collect_log()
        return self.sender.flush(timeout)

    def close(self, timeout: float, at_most: float = 0.0) -> bool:
        """See :meth:`Handle.close`.

        Args:
            timeout: seconds without progress.
            at_most: seconds altogether; ``timeout`` by default.
        """
        with self._lock:
            if self.closed:
                return True
            self.closed = True
            tracers = list(self._tracers.values())
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._engines is not None:
            self._engines.stop()
        for tracer in tracers:
            tracer.release()
        delivered = self.sender.stop(timeout, at_most)
        self._tracers.clear()
        _clients.discard(self)
        if self._exit is not None:
            self._exit.cancel()
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
            omitted=dict(sender.dropped.omitted),
            reconnects=max(0, sender.connections - 1),
            notices=dict(sender.notices),
        )

    # -- machines -------------------------------------------------------------------------------------------------

    def trace(self, machine: Machine) -> Traced | None:
        """Trace one machine of ``am_core``, whatever the settings say; None when the client is closed."""
        key = id(machine)
        with self._lock:
            # A machine may be created while the existing ones are being listed.
            known = self._tracers.get(key)
            if isinstance(known, MachineTracer) and known.machine() is machine:
                return known
            if self.closed:
                return None
            detail = self.settings.detail
            tracer = MachineTracer(self.ring, machine, next(self._handles), detail)
            self._tracers[key] = tracer
        machine.bind_tracer(tracer)
        if detail >= 3:
            tracer.time_handlers(machine)
        tracer.raise_log_level(self.settings.log_level)
        self._begin(tracer)
        return tracer

    def next_handle(self) -> int:
        """A number that no other machine of this process has."""
        return next(self._handles)

    def adopt(self, tracer: Traced) -> bool:
        """Take in the tracer of a machine of another engine; False when the client is closed."""
        with self._lock:
            if self.closed:
                return False
            self._tracers[tracer.key] = tracer
        self._begin(tracer)
        return True

    def drop(self, tracer: Traced) -> None:
        """Trace one machine no longer."""
        tracer.release()
        self.ring.note(Vanished("closed"), tracer)

    def _met(self, machine: Machine) -> None:
        try:
            if self.settings.wants(str(machine.id)):
                self.trace(machine)
        except Exception:
            logger.exception("machine %r is not traced because of an internal error", getattr(machine, "id", None))

    def _begin(self, tracer: Traced) -> None:
        self._restart()
        tracer.announce()
        self.sender.start()

    def _forget(self, tracer: Traced) -> None:
        with self._lock:
            # Another machine may live at the same address by now.
            if self._tracers.get(tracer.key) is tracer:
                del self._tracers[tracer.key]

    # -- processes ------------------------------------------------------------------------------------------------

    def _new_sender(self, parent: bytes = b"") -> Sender:
        # gRPC needs this module, and its first import fails once the interpreter has begun to shut down.
        import concurrent.futures.thread  # noqa: F401

        return Sender(self.settings, self.ring, lambda: tuple(self._tracers.values()), self._forget, parent)

    def after_fork_in_child(self) -> None:
        """Begin anew as another session, lazily: nothing is started before the child's first transition.

        The parent's thread, channel and unsent records belong to the parent. They are abandoned, not closed, because
        closing would touch locks that no thread of this process will ever release.
        """
        self.sender.abandon()
        _abandoned.append(self.sender)
        self._lock = threading.Lock()
        self.ring.sleep(self._restart)
        self.sender = self._new_sender(self.sender.session_id)
        for tracer in self._tracers.values():
            tracer.start_over()
        if self._exit is not None:
            self._exit.notice_multiprocessing()

    def _restart(self, busy: Traced | None = None) -> None:
        """Start what a fork has ended. ``busy`` is in the middle of a transition, which will introduce its machine."""
        if not self.ring.awake():
            return
        for tracer in list(self._tracers.values()):
            if tracer is not busy:
                tracer.announce()
        self.sender.start()


def _nothing() -> None:
    """What ends the tracing of a machine that is not traced."""


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
