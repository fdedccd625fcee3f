"""The short way: which states were activated lately."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import NamedTuple, Self

from am_core.machine import Machine
from am_core.resolution.mutation import MutationType
from am_core.resolution.transition import Transition
from am_core.tracer import Tracer


class Entry(NamedTuple):
    """One recorded mutation."""

    type: MutationType
    called: tuple[int, ...]
    """Indexes of the called states."""
    is_auto: bool


class RecentHistory(Tracer):
    """The last mutations that called one of some states, and when these were active the last time. Thread-safe."""

    def __init__(self, machine: Machine, states: Iterable[str], max_entries: int) -> None:
        names = (states,) if isinstance(states, str) else tuple(states)
        machine._called(names)
        if max_entries < 1:
            raise ValueError(f"max_entries is {max_entries}, at least 1 was expected")
        self._machine = machine
        self._states = frozenset(names)
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=max_entries)
        now = monotonic()
        self._last_activated = dict.fromkeys(machine.active_states(names), now)
        machine.bind_tracer(self)

    def transition_end(self, tx: Transition) -> None:
        """Record an accepted transition that called a tracked state."""
        if tx.is_check or not tx.is_accepted or self._states.isdisjoint(tx.called_states()):
            return
        now = monotonic()
        entry = Entry(tx.type, tx.mutation.called, tx.is_auto)
        with self._lock:
            self._entries.append(entry)
            self._last_activated.update(dict.fromkeys(self._states.intersection(tx.target_states()), now))

    @property
    def entries(self) -> list[Entry]:
        """Recorded mutations, oldest first; a copy."""
        with self._lock:
            return list(self._entries)

    def activated_recently(self, state: str, duration: float | timedelta) -> bool:
        """Whether a recorded mutation left the state active within the last ``duration`` (seconds).

        States that were active when the recording began count as activated at that moment.
        """
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
        with self._lock:
            last = self._last_activated.get(state)
        return last is not None and monotonic() - last <= seconds

    def dispose(self) -> None:
        """Stop recording. What was recorded can still be asked for."""
        self._machine.detach_tracer(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.dispose()


def track(machine: Machine, states: Iterable[str], max_entries: int = 1000) -> RecentHistory:
    """Record which mutations call some states, and when these were activated; the oldest entries are forgotten.

    Raises :class:`UnknownStateError` for states that the machine does not have.
    """
    return RecentHistory(machine, states, max_entries)
