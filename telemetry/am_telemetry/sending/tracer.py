"""The part of telemetry that runs on the program's own threads, for machines of ``am_core``."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from am_core.tracer import Tracer
from am_telemetry.sending.ring import Appeared, Record, Reshaped, Restored, Ring, Track, Vanished

if TYPE_CHECKING:
    from am_core.machine import Machine
    from am_core.transition import Transition

logger = logging.getLogger("am_telemetry")


class MachineTracer(Tracer):
    """Watches one machine.

    Args:
        ring: where records go.
        machine: held weakly.
        wants_steps: whether the engine has to record the steps of transitions.
        wants_values: whether arguments are copied, because their values will be read after the call has returned.
    """

    def __init__(self, ring: Ring, machine: Machine, handle: int, wants_steps: bool, wants_values: bool) -> None:
        self.ring = ring
        self.wants_steps = wants_steps
        self.track = Track(handle, str(machine.id))
        self.key: object = id(machine)
        self.lost: Record | None = None
        """The last of its transitions that the ring dropped, until that is booked."""
        self.raised_log_level: tuple[int, int] | None = None
        """(level before, level now) when the log level was raised for telemetry."""
        self.machine = weakref.ref(machine, self._collected)
        self.transition_end = _hook(ring, self, wants_values)  # type: ignore[method-assign,assignment]  # a closure is quicker

    def tracer_id(self) -> str:
        return "am-telemetry"

    def transition_end(self, tx: Transition) -> None:
        raise AssertionError("replaced in every instance")

    def schema_change(self, machine: Machine, old: object) -> None:
        self.ring.note(Reshaped(tuple(machine.states), dict(machine.schema())), self)

    def verify_states(self, machine: Machine) -> None:
        self.ring.note(Reshaped(tuple(machine.states), dict(machine.schema())), self)

    def machine_restored(self, machine: Machine, number: int, time: Sequence[int]) -> None:
        self.ring.note(Restored(number, tuple(time)), self)

    def machine_dispose(self, machine_id: str) -> None:
        self.ring.note(Vanished(), self)

    def start_over(self) -> None:
        """Forget what was told about the machine: another session begins."""
        self.track = Track(self.track.handle, self.track.id)
        self.lost = None

    def announcement(self, clock: tuple[int, ...], sequence: int) -> Appeared | None:
        """What there is to say about the machine at a given moment; None when it is gone or disposed."""
        machine = self.machine()
        if machine is None or machine.disposed:
            return None
        parent, tags = str(machine.parent_id or ""), tuple(map(str, machine.tags))
        return Appeared(tuple(machine.states), machine.schema(), parent, tags, clock, sequence)

    def announce(self) -> None:
        """Note the machine's present moment, from which its story is told. Thread-safe."""
        machine = self.machine()
        if machine is None:
            return
        appeared = self.announcement(*steady_moment(machine))
        if appeared is not None:
            self.ring.note(appeared, self)

    def raise_log_level(self, level: int) -> None:
        """Have the machine log what telemetry wants to tell, until :meth:`release`."""
        machine = self.machine()
        if machine is not None and machine.log_level < level:
            self.raised_log_level = (int(machine.log_level), level)
            machine.log_level = level

    def release(self) -> None:
        """Detach from the machine and give it its log level back."""
        machine = self.machine()
        if machine is None:
            return
        try:
            machine.detach_tracer(self)
            if self.raised_log_level is not None and int(machine.log_level) == self.raised_log_level[1]:
                machine.log_level = self.raised_log_level[0]
        except Exception:
            logger.debug("machine %r keeps its tracer", self.track.id, exc_info=True)

    def _collected(self, _reference: object) -> None:
        self.ring.note(Vanished(), self)


def steady_moment(machine: Machine) -> tuple[tuple[int, ...], int]:
    """Ticks and number of transitions that belong together, even while another thread changes the machine.

    For a machine in the middle of a transition it is the moment before, because its end will be noted. Falls back to
    the last values seen when the machine never rests.
    """
    count = machine.transition_count
    clock = tuple(machine.time())
    for _ in range(100):
        tx = machine.transition
        if tx is not None and not tx.is_completed:
            return tuple(tx.time_before), tx.number - 1
        again, count_again = tuple(machine.time()), machine.transition_count
        if count == count_again and clock == again:
            break
        clock, count = again, count_again
    return clock, count


def _hook(ring: Ring, tracer: MachineTracer, copies_values: bool) -> Callable[[Transition], None]:
    """The function that notes a transition.

    It takes out the fields instead of keeping the transition, although that is more work: a transition and what hangs
    on it are a dozen objects, which would outlive the garbage collector's young generation while they wait, and cost
    twice as much time there as reading the fields costs here.
    """
    items, append, now = ring.items, ring.items.append, time.monotonic_ns

    def note(tx: Transition) -> None:
        mutation = tx.mutation
        arguments = mutation.args
        if copies_values and arguments:
            arguments = dict(arguments)
        record = (
            tracer,
            tx.number,
            tx.started_ns,
            now(),
            mutation.type,
            mutation.called,
            tx.is_accepted,
            mutation.is_auto,
            mutation.is_check,
            tx.is_broken,
            tx.canceled_by,
            tx.time_before,
            tx.time_after,
            tx.queue_len,
            mutation.queue_tick,
            tx.steps or None,
            tx.handlers_called or None,
            tx.pre_log_entries or None,
            tx.log_entries or None,
            mutation.source,
            arguments or None,
        )
        if len(items) < ring.limit:
            append(record)
        else:
            ring.overflow(record)

    return note
