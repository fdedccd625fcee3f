"""Signs of life."""

from __future__ import annotations

from typing import Final

from am_core.background.jobs import Job
from am_core.errors import UnknownStateError
from am_core.handling.handlers import current_event
from am_core.helpers.debug import is_healthcheck
from am_core.machine import Machine
from am_core.waiting.signals import Stop

HEALTHCHECK: Final = "Healthcheck"
INTERVAL: Final = 30.0


def healthcheck(machine: Machine, every: float = INTERVAL) -> Stop:
    """Add ``Healthcheck`` every so many seconds until the machine is disposed; returns how to stop that earlier.

    Automatic states are not tried after it, so it changes nothing else. Costs no thread.

    Raises:
        UnknownStateError: the machine has no such state.
        ValueError: ``every`` is not positive.
    """
    if every <= 0:
        raise ValueError(f"a healthcheck every {every} s would never end, the interval has to be positive")
    if not machine.has(HEALTHCHECK):
        raise UnknownStateError([HEALTHCHECK], machine.states, machine.id)
    pulse = _Pulse(machine, every)
    pulse.plan()
    return pulse.stop


def healthcheck_env(machine: Machine, every: float = INTERVAL) -> Stop | None:
    """:func:`healthcheck` when ``AM_HEALTHCHECK`` is set and the machine has the state, else nothing."""
    return healthcheck(machine, every) if is_healthcheck() and machine.has(HEALTHCHECK) else None


class _Pulse:
    """Beats again and again."""

    def __init__(self, machine: Machine, every: float) -> None:
        self.machine = machine
        self.every = every
        self.stopped = False
        self.job: Job | None = None

    def plan(self) -> None:
        # Whichever handler has started this is not what causes the beats.
        token = current_event.set(None)
        try:
            self.job = self.machine.go_after(None, self.every, self.beat)
        finally:
            current_event.reset(token)
        if self.stopped:
            self.job.cancel()

    def beat(self) -> None:
        if not self.stopped:
            self.machine.add(HEALTHCHECK)
            self.plan()

    def stop(self) -> None:
        self.stopped = True
        if self.job is not None:
            self.job.cancel()
