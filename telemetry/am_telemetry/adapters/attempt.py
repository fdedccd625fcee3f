"""One event on its way through a machine of another engine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from am_telemetry.adapters.watch import Watch

NO_TRANSITION: Final = "no transition"
"""What refused an event that leads nowhere from the states the machine is in."""
CANCELLED: Final = "cancelled"
"""What ended an attempt whose task was cancelled."""

now = time.monotonic_ns


class Cause(NamedTuple):
    """The transition in which an event was sent."""

    machine_id: str
    transition_id: str
    machine_time: int
    transition_number: int


class Attempt:
    """An event that is being processed. Used by one thread or task at a time.

    Most attempts need few of the attributes, which is why the defaults belong to the class.
    """

    arguments: Mapping[str, object] | None = None
    called: tuple[str, ...] = ()
    """Names of the states the event leads to, as far as the adapter knows them."""
    handlers: list[str] | None = None
    """Names of the callbacks that were called, in order."""
    phase: str = ""
    """Kind of the callback that was called last."""
    refused: list[str] | None = None
    """Conditions that said no."""
    canceled_by: str = ""
    entered: list[str] | None = None
    exited: list[str] | None = None
    error: BaseException | None = None
    failed: bool = False
    """The error has undone the attempt."""
    auto: bool = False
    """No event was sent for it."""
    again: bool = False
    """Part of it was noted already, because something else happened to the machine in the middle."""
    ended: bool = False
    number: int = 0
    """Of its transition, once it is noted."""
    queue_len: int = 0
    prepended: bool = False
    """It came in the middle of another one."""

    def __init__(self, watch: Watch, event: str, cause: Cause | None) -> None:
        self.watch = watch
        self.event = event
        self.cause = cause
        self.before = watch.clock
        self.started_ns = now()

    def link(self) -> Cause:
        """What to name as the cause of an event that is sent during the attempt, or later because of it."""
        watch, number = self.watch, self.number
        if not number and not self.ended and all(other is self or other.again for other in watch.open):
            number = watch.number + 1
        return Cause(watch.id, "", sum(self.before), number)

    def ran(self, callback: str) -> None:
        """A callback is about to be called."""
        if self.handlers is None:
            self.handlers = [callback]
        else:
            self.handlers.append(callback)

    def refuse(self, condition: str) -> None:
        """A condition said no."""
        if self.refused is None:
            self.refused = [condition]
        else:
            self.refused.append(condition)

    def __reduce__(self) -> tuple[Any, ...]:
        # It may hang on objects of the program that are copied or pickled, and becomes None there.
        return (type(None), ())


current: ContextVar[Attempt | None] = ContextVar("am_telemetry_attempt", default=None)
"""The attempt that the running code belongs to."""
