"""The side of a watched machine that the sender thread sees: how it is announced, and what its ticks are."""

from __future__ import annotations

import threading

from am_telemetry.adapters.attempt import Attempt
from am_telemetry.adapters.subject import UNKNOWN, Subject
from am_telemetry.sending.happenings import Appeared
from am_telemetry.sending.ring import Record, Ring, Track
from am_telemetry.settings import Settings


class Watched:
    """Implements what the sending side wants from a machine.

    Args:
        ring: where records go.
        settings: what may be told.
        handle: number of the machine in this process.
        machine_id: what it is called.
        key: see :class:`am_telemetry.sending.ring.Traced`.
        subject: the machine.
    """

    def __init__(
        self, ring: Ring, settings: Settings, handle: int, machine_id: str, key: object, subject: Subject
    ) -> None:
        self.ring = ring
        self.id = machine_id
        self.track = Track(handle, machine_id)
        self.key = key
        self.lost: Record | None = None
        self.subject = subject
        self.tags: tuple[str, ...] = ()
        self.parent = ""
        self.steps = settings.detail >= 2
        self.log_level = settings.log_level if settings.detail else 0
        self.values = settings.detail >= 3 or settings.scrub is not None
        # Reentrant, because the garbage collector may run the program's code anywhere.
        self.lock = threading.RLock()
        self.number = 0
        self.open: list[Attempt] = []
        self.pending: Attempt | None = None
        """An attempt that has changed the machine and is not noted yet."""
        self.last: Attempt | None = None
        """The one that ended last."""
        self._told: BaseException | None = None
        self._states = subject.states
        self._version = self._states.version
        self._shape = subject.shape()
        self._read = subject.value
        value = self._read()
        self.value = None if value is UNKNOWN else value
        self._active = self._indexes(self.value)
        self._ticks = [int(i in self._active) for i in range(len(self._shape.names))]
        self.clock = tuple(self._ticks)
        self._in_error = 0
        self._items = ring.items

    # -- what the sending side wants --------------------------------------------------------------------------------

    def announcement(self, clock: tuple[int, ...], sequence: int) -> Appeared | None:
        if self.subject.gone():
            return None
        return Appeared(self._shape.names, self._shape.facts, self.parent, self.tags, clock, sequence)

    def announce(self) -> None:
        with self.lock:
            appeared = self.announcement(self.clock, self.number)
            if appeared is not None:
                self.ring.note(appeared, self)

    def start_over(self) -> None:
        self.track = Track(self.track.handle, self.track.id)
        self.lost = None
        # Another thread of the parent process may have held it.
        self.lock = threading.RLock()

    def glance(self, now_ns: int) -> None:
        """Nothing happens that the adapters do not tell."""

    def collect_log(self) -> None:
        """Lines are noted together with their attempts."""

    def set_detail(self, level: int) -> None:
        """The level is fixed: the adapters read what they tell while it happens."""

    def release(self) -> None:
        """Nothing was changed on the machine itself."""

    def _indexes(self, value: object) -> frozenset[int]:
        index = self._shape.index
        return frozenset(index[name] for name in self.subject.active(value) if name in index)
