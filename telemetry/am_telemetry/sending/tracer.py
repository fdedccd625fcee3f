"""The part of telemetry that runs on the program's own threads, for machines of ``am_core``."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from am_core.engine.retelling import Retold, preceded, retell, with_source
from am_core.tracer import Tracer
from am_telemetry.sending.express import Entries, Told
from am_telemetry.sending.happenings import (
    Appeared,
    DetailChanged,
    HandlersRan,
    LateLog,
    Reshaped,
    Restored,
    StillRunning,
    Vanished,
)
from am_telemetry.sending.ring import FULL, Record, Ring, Track
from am_telemetry.sending.waits import WaitHooks

if TYPE_CHECKING:
    from am_core.logs import LogEntry
    from am_core.machine import Machine
    from am_core.resolution.automaton import Macrostep
    from am_core.resolution.mutation import MutationSource
    from am_core.resolution.transition import Transition

logger = logging.getLogger("am_telemetry")

LONG_NS: Final = 100_000_000
"""A transition that has lasted longer is told of while it lasts."""


class MachineTracer(WaitHooks):
    """Watches one machine.

    Args:
        ring: where records go.
        machine: held weakly.
        detail: as in the settings: from 2 on the engine has to record the steps of transitions, from 3 on handlers are
            timed.
    """

    def __init__(self, ring: Ring, machine: Machine, handle: int, detail: int) -> None:
        super().__init__()
        self.ring = ring
        self.express_sink = ring
        self.wants_steps = detail >= 2
        self.detail = detail
        self._timer: HandlerTimer | None = None
        self.runs: list[tuple[str, int, int]] = []
        """Of the transition under way, when handlers are timed."""
        self._taken: tuple[int, list[LogEntry], int] | None = None
        """Lines that were taken from the machine, and how many of them were noted."""
        self._quiet_at = -1
        """Number of transitions at the last look."""
        self._told_running: tuple[int, str, bool] | None = None
        self.track = Track(handle, str(machine.id))
        self.key: object = id(machine)
        self.lost: Record | None = None
        """The last of its transitions that the ring dropped, until that is booked."""
        self.raised_log_level: tuple[int, int] | None = None
        """(level before, level now) when the log level was raised for telemetry."""
        self.machine = weakref.ref(machine, self._collected)
        self.transition_end = _hook(ring, self)  # type: ignore[method-assign,assignment]  # a closure is quicker

    def tracer_id(self) -> str:
        return "am-telemetry"

    def transition_end(self, tx: Transition) -> None:
        raise AssertionError("replaced in every instance")

    def schema_change(self, machine: Machine, old: object) -> None:
        self.ring.note(Reshaped(tuple(machine.states), machine.schema()), self)

    def verify_states(self, machine: Machine) -> None:
        self.ring.note(Reshaped(tuple(machine.states), machine.schema()), self)

    def machine_restored(self, machine: Machine, number: int, time: Sequence[int]) -> None:
        self.ring.note(Restored(number, tuple(time)), self)

    def machine_dispose(self, machine_id: str) -> None:
        self.ring.note(Vanished(still_logs=True), self)

    def log_left(self, machine: Machine, entries: list[LogEntry]) -> None:
        self._note_rest()
        if self.detail:
            self.ring.note(LateLog(machine.transition_count, tuple(entries)), self)

    def start_over(self) -> None:
        """Forget what was told about the machine: another session begins."""
        self.track = Track(self.track.handle, self.track.id, detail=self.detail)
        self.lost = self._taken = self._told_running = None
        self._lost_waits, self._is_listed = 0, False

    def announcement(self, clock: tuple[int, ...], sequence: int) -> Appeared | None:
        """What there is to say about the machine at a given moment; None when it is gone or disposed."""
        machine = self.machine()
        if machine is None or machine.disposed:
            return None
        parent, tags = str(machine.parent_id or ""), tuple(map(str, machine.tags))
        prefix = machine.transition_prefix
        return Appeared(tuple(machine.states), machine.schema(), parent, tags, clock, sequence, prefix)

    def announce(self) -> None:
        """Note the machine's present moment, from which its story is told. Thread-safe."""
        machine = self.machine()
        if machine is None:
            return
        appeared = self.announcement(*steady_moment(machine))
        if appeared is not None:
            self.ring.note(appeared, self)
            self.list_waits(machine)

    def retell(self, outcome: Macrostep, level: int) -> list[Told]:
        """See :class:`ExpressTraced`."""
        return [told(part) for part in retell(outcome, level)]

    def ticks(self, outcome: Macrostep) -> tuple[int, ...]:
        """See :class:`ExpressTraced`."""
        return outcome.ticks

    def full_log(
        self, told: Told, pre_log: Entries, source: MutationSource | None, level: int
    ) -> tuple[Entries, Entries]:
        """See :class:`ExpressTraced`."""
        log = told.log if source is None else with_source(told.log, source, level)
        return preceded(pre_log, told.pre_log), log

    def glance(self, now_ns: int) -> None:
        """See :class:`Traced`."""
        machine = self.machine()
        if machine is None or machine.disposed:
            return
        tx = machine.transition
        if tx is not None and not tx.is_completed:
            if now_ns - tx.started_ns >= LONG_NS or tx.is_timed_out:
                self._note_running(tx)
            return
        self.find_lost_waits(machine)
        count = machine.transition_count
        if count == self._quiet_at:
            self.collect_log()
        else:
            self._quiet_at = count
            self._note_rest()

    def collect_log(self) -> None:
        """Note the lines that were logged since the last transition. Thread-safe."""
        machine = self.machine()
        if machine is None or machine.disposed or not self.detail:
            return
        self._note_rest()
        tx = machine.transition
        number = machine.transition_count if tx is None or tx.is_completed else tx.number - 1
        entries = machine.take_log()
        if entries:
            told = tuple(entries)
            self.ring.note(LateLog(number, told), self)
            # A thread that had begun to log may still append to the list.
            self._taken = (number, entries, len(told))

    def _note_rest(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None and len(taken[1]) > taken[2]:
            self.ring.note(LateLog(taken[0], tuple(taken[1][taken[2] :])), self)

    def _note_running(self, tx: Transition) -> None:
        handlers, mutation = tx.handlers_called, tx.mutation
        handler = str(handlers[-1]) if handlers else ""
        told = (tx.number, handler, tx.is_timed_out)
        if told != self._told_running:
            self._told_running = told
            called = tuple(mutation.called)
            item = StillRunning(tx.number, tx.started_ns, mutation.type, called, mutation.is_auto, handler, told[2])
            self.ring.note(item, self)

    def set_detail(self, level: int) -> None:
        """See :class:`Traced`."""
        machine = self.machine()
        if machine is None or level == self.detail:
            return
        if not level:
            self.forget_waits()
        was_silent, self.detail = not self.detail, level
        self.wants_steps = level >= 2
        self.ring.note(DetailChanged(level), self)
        if was_silent:
            self.list_waits(machine)
        # Any change among its tracers has the machine look again at what they want.
        self._untime(machine)
        self.time_handlers(machine)
        if level < 3:
            self._untime(machine)

    def time_handlers(self, machine: Machine) -> None:
        """Note how long handlers take, from now on."""
        self._timer = HandlerTimer(self)
        machine.bind_tracer(self._timer)

    def _untime(self, machine: Machine) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            machine.detach_tracer(timer)

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
            self.collect_log()
            machine.detach_tracer(self)
            self._untime(machine)
            if self.raised_log_level is not None and int(machine.log_level) == self.raised_log_level[1]:
                machine.log_level = self.raised_log_level[0]
        except Exception:
            logger.debug("machine %r keeps its tracer", self.track.id, exc_info=True)

    def _collected(self, _reference: object) -> None:
        self.ring.note(Vanished(), self)


class HandlerTimer(Tracer):
    """Times the handlers of one machine, which slows it down a little."""

    def __init__(self, owner: MachineTracer) -> None:
        self._owner = owner
        self._started_ns = 0

    def tracer_id(self) -> str:
        return "am-telemetry-handlers"

    def handler_start(self, tx: Transition, binding: str, handler: str) -> None:
        self._started_ns = time.monotonic_ns()

    def handler_end(self, tx: Transition, binding: str, handler: str) -> None:
        started = self._started_ns
        if started:
            self._owner.runs.append((handler, started - tx.started_ns, time.monotonic_ns() - started))


def told(part: Retold) -> Told:
    """One transition as the hook would have noted it."""
    edge = part.edge
    ticks = edge.ticks
    moved = [0] * len(edge.source.automaton.model.names) if ticks else []
    for state in ticks:
        moved[state] += 1
    active = edge.source.mask
    were_active = tuple([active >> state & 1 for state, count in enumerate(moved) if count])
    key = (
        edge.type,
        edge.called,
        edge.is_accepted,
        part.is_auto,
        False,
        False,
        part.canceled_by,
        tuple(moved),
        were_active,
        tuple(part.steps) or None,
        None,
    )
    return Told(key, ticks, part.queue_len, part.pre_log, part.log)


def steady_moment(machine: Machine) -> tuple[tuple[int, ...], int]:
    """Ticks and number of transitions that belong together, even while another thread changes the machine.

    For a machine in the middle of a transition it is the moment before, because its end will be noted. Falls back to
    the last values seen when the machine never rests.
    """
    resting = machine.resting_moment()
    if resting is not None:
        return resting
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


def _hook(ring: Ring, tracer: MachineTracer) -> Callable[[Transition], None]:
    """The function that notes a transition.

    It takes out the fields instead of keeping the transition, although that is more work: a transition and what hangs
    on it are a dozen objects, which would outlive the garbage collector's young generation while they wait, and cost
    twice as much time there as reading the fields costs here.
    """
    items, extend, now = ring.items, ring.items.extend, time.monotonic_ns

    def note(tx: Transition) -> None:
        mutation = tx.mutation
        arguments = mutation.args
        if arguments:
            # They will be read after the call has returned.
            arguments = dict(arguments)
        if tracer.runs:
            runs, tracer.runs = tracer.runs, []
            if len(items) < ring.room:
                ring.note(HandlersRan(tx.number, tuple(runs)), tracer)
        before: object = tx.time_before
        after: object = tx.time_after
        ticks = () if after is before else tx.ticks
        # Times would be one object more for the garbage collector. After losses they are needed.
        is_brief = ticks is not None and len(items) < ring.limit
        if is_brief:
            before, after = tx.mask_before, ticks
        record = (
            tracer,
            tx.number,
            FULL,
            tx.started_ns,
            now(),
            mutation.type,
            mutation.called,
            tx.is_accepted,
            mutation.is_auto,
            mutation.is_check,
            tx.is_broken,
            tx.canceled_by,
            before,
            after,
            tx.queue_len,
            mutation.queue_tick,
            tx.steps or None,
            tx.handlers_called or None,
            tx.pre_log_entries or None,
            tx.log_entries or None,
            mutation.source,
            arguments or None,
        )
        if is_brief or len(items) < ring.room:
            extend(record)
        else:
            ring.overflow(record)

    return note
