"""What there is to know about waiters and contexts without keeping them: records with ids."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import Final, NamedTuple

from am_core.handling.handlers import current_event

_numbers: Final = itertools.count(1)
ids_lock: Final = threading.Lock()


def next_id() -> int:
    """A number that nothing else in this process has. Thread-safe, also without a global interpreter lock."""
    with ids_lock:
        return next(_numbers)


class Origin(NamedTuple):
    """The handler, and its transition, on whose behalf something was created."""

    machine_id: str
    transition_id: str
    transition_number: int
    handler: str
    """Name of the handler, as in ``ReadyState``."""


def current_origin() -> Origin | None:
    """The handler that is running in this context, or whose task or fork this is; None outside of handlers."""
    event = current_event.get()
    if event is None:
        return None
    tx = event.transition
    return Origin(event.machine.id, tx.id, tx.number, event.name)


@dataclass(frozen=True, slots=True)
class WaiterInfo:
    """A waiter, as it is told to the outside."""

    id: int
    """Unique in the process, 0 for waiters that were over from the start."""
    machine_id: str
    kind: str
    """``when``, ``whenNot``, ``whenTime``, ``whenArgs``, ``whenQuery``, ``whenQueue`` …, as in the log."""
    states: tuple[str, ...]
    ticks: tuple[int, ...]
    """Of ``whenTime`` one tick per state, of ``whenQueue`` the queue tick; else empty."""
    text: str
    """What is waited for, as in the log."""
    started_ns: int
    """``time.monotonic_ns()`` of its creation; the difference to now is its age."""
    origin: Origin | None
    reason: str
    """Why it has ended; empty while it waits."""


@dataclass(frozen=True, slots=True)
class ContextInfo:
    """A state's context, as it is told to the outside."""

    id: int
    """Unique in the process."""
    machine_id: str
    state: str
    tick: int
    started_ns: int
    """``time.monotonic_ns()`` of its creation; the difference to now is its age."""
    origin: Origin | None
    expired: bool
