"""Making records of transitions; what all histories have in common."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Self

from am_core.clock import Time
from am_core.errors import TracerError
from am_core.history.config import Filter, HistoryConfig
from am_core.history.errors import ConditionError
from am_core.history.query import Query
from am_core.history.records import MachineRecord, Record, TransitionRecord
from am_core.logs import describe
from am_core.machine import Machine
from am_core.resolution.transition import Transition
from am_core.schemas.model import Model
from am_core.schemas.schema import Schema
from am_core.tracer import Tracer


class RecordingHistory(Tracer):
    """A tracer that turns transitions into records, and the questions that need no knowledge of where these are.

    Implementations provide :meth:`_append` and :meth:`find_latest`. See :class:`~am_core.history.History` for what the
    methods mean.
    """

    def __init__(self, machine: Machine, config: HistoryConfig) -> None:
        config.check(machine.states, machine.id)
        self.machine_id = machine.id
        self.config = config
        self.tracked = config.tracked
        self.dropped = 0
        self._machine = weakref.ref(machine)
        self._filter: tuple[Model, Filter] | None = None
        self._guard = threading.Lock()
        """Held while a record gets its number and its place."""
        self._next_id = 1
        self._began_ns = self._last_ns = time.time_ns()
        self._synced_ns = 0
        self._time = machine.time()
        self._machine_tick = machine.machine_tick
        self._before: dict[str, bool] = {name: machine.is_(name) for name in self.tracked}
        """Activity in the record before."""
        self._sum_before = self._time.sum()
        self._kept_schema: tuple[tuple[str, ...], Schema] | None = None
        self.verify_states(machine)

    # Recording

    def verify_states(self, machine: Machine) -> None:
        """Keep the schema, if asked to; this hook also comes before that of a changed schema."""
        if self.config.store_schema:
            self._kept_schema = (machine.states, machine.schema())

    def transition_end(self, tx: Transition) -> None:
        """Record a transition that is wanted."""
        model = tx.model
        compiled = self._filter
        if compiled is None or compiled[0] is not model:
            compiled = self._filter = (model, Filter(self.config, model))
        if not compiled[1].wants(tx):
            return
        indexes = compiled[1].indexes
        after, before = Time(tx.time_after), Time(tx.time_before)
        ticks = after.filter(indexes)
        grown = ticks.diff_since(before.filter(indexes))
        details = _details(tx) if self.config.store_transitions else None
        active = {name: tick % 2 == 1 for name, tick in zip(self.tracked, ticks, strict=True)}
        total = after.sum()
        now = time.time_ns()
        with self._guard:
            was = self._before
            record = Record(
                id=self._next_id,
                mutation_type=tx.type,
                human_time_ns=now,
                mtime_sum=total,
                mtime_tracked_sum=ticks.sum(),
                mtime_diff_sum=total - before.sum(),
                mtime_tracked_diff_sum=grown.sum(),
                mtime_record_diff_sum=total - self._sum_before,
                machine_tick=tx.machine.machine_tick,
                tracked=self.tracked,
                mtime_tracked=ticks,
                mtime_tracked_diff=grown,
                activated=tuple(name for name, on in active.items() if on and not was[name]),
                deactivated=tuple(name for name, on in active.items() if was[name] and not on),
                transition=details,
            )
            self._next_id += 1
            self._before, self._sum_before = active, total
            self._time, self._last_ns, self._machine_tick = after, now, record.machine_tick
            self._append(record)

    def _append(self, record: Record) -> None:
        """Keep a record. Called with the guard held, so it has to be quick."""
        raise NotImplementedError

    # Asking

    def find_latest(self, limit: int = 0, query: Query | None = None) -> list[Record]:
        """Records that match, newest first."""
        raise NotImplementedError

    def is_tracked(self, states: str | Iterable[str]) -> bool:
        """Whether the ticks of all the states are recorded."""
        return all(name in self.tracked for name in ([states] if isinstance(states, str) else states))

    def index(self, state: str) -> int:
        """Position of a state among the tracked ones, -1 when it is not tracked."""
        return self.tracked.index(state) if state in self.tracked else -1

    def machine_record(self) -> MachineRecord:
        """What is known of the machine."""
        names, schema = self._kept_schema or (None, None)
        with self._guard:
            return MachineRecord(
                self.machine_id,
                self._began_ns,
                self._last_ns,
                self._synced_ns,
                self._time,
                self._time.sum(),
                self._machine_tick,
                self._next_id,
                self.dropped,
                names,
                schema,
            )

    def match(self, wanted: Callable[[Record], object]) -> list[Record]:
        """Records for which a function returns something true, newest first."""
        return [record for record in self.find_latest() if wanted(record)]

    def activated_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether a record of that period shows the state's activation."""
        return self.is_tracked(state) and self._any(Query(activated=[state], human_time=(start, end)))

    def deactivated_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether a record of that period shows the state's deactivation."""
        return self.is_tracked(state) and self._any(Query(deactivated=[state], human_time=(start, end)))

    def active_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether the state was active at some moment of that period, as far as records tell.

        The last record before the period tells what it began with.
        """
        return self._was(state, True, start, end)

    def inactive_between(self, state: str, start: datetime, end: datetime) -> bool:
        """Whether the state was inactive at some moment of that period; see :meth:`active_between`."""
        return self._was(state, False, start, end)

    def _was(self, state: str, active: bool, start: datetime, end: datetime) -> bool:
        if start > end or not self.is_tracked(state):
            return False
        began = self.find_latest(1, Query(human_time=(None, start)))
        if began and (state in began[0].active_states()) is active and state in began[0].tracked:
            return True
        period = (start, end)
        query = Query(active=[state], human_time=period) if active else Query(inactive=[state], human_time=period)
        return self._any(query)

    def _any(self, query: Query) -> bool:
        return bool(self.find_latest(1, query))

    def export(self) -> dict[str, Any]:
        """The machine and all records, oldest first, ready for JSON."""
        records = [record.to_dict() for record in reversed(self.find_latest())]
        return {"machine": self.machine_record().to_dict(), "records": records}

    # Life

    def sync(self, timeout: float = 5.0) -> None:
        """Wait until everything recorded so far is where it is kept."""
        with self._guard:
            self._synced_ns = time.time_ns()

    def dispose(self) -> None:
        """Stop recording. What was recorded can still be asked for."""
        machine = self._machine()
        if machine is not None:
            machine.detach_tracer(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.dispose()


def checked_limit(limit: int) -> int | None:
    """A limit for slices: None for 0, which means all."""
    if limit < 0:
        raise ConditionError(f"limit is {limit}, a positive number was expected, or 0 for all")
    return limit or None


def _details(tx: Transition) -> TransitionRecord:
    machine, mutation = tx.machine, tx.mutation
    source = mutation.source
    return TransitionRecord(
        id=tx.id,
        source_transition="" if source is None else source.transition_id,
        source_machine="" if source is None else source.machine_id,
        is_auto=tx.is_auto,
        is_accepted=tx.is_accepted,
        is_check=tx.is_check,
        is_broken=tx.is_broken,
        queue_len=tx.queue_len,
        queued_at=mutation.queue_tick_now,
        executed_at=machine.queue_tick(),
        called=tuple(tx.called_states()),
        args=_logged_args(tx),
    )


def _logged_args(tx: Transition) -> dict[str, str]:
    """The arguments that the machine logs; none when its mapper fails, which is noted."""
    mapper = tx.machine.log_args
    if mapper is None or not tx.args:
        return {}
    try:
        return {str(key): str(value) for key, value in mapper(tx.args).items()}
    except Exception as error:  # noqa: BLE001 - the mapper is the program's code and must not cost the record
        problem = TracerError(f"log_args failed for a history: {describe(error)}")
        problem.__cause__ = error
        tx.machine.report(problem)
        return {}
