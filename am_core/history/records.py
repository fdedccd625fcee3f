"""What a history holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from am_core.clock import Time
from am_core.resolution.mutation import MutationType
from am_core.schemas.schema import Schema

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(ns: int) -> datetime:
    """A moment from nanoseconds since 1970, rounded down to microseconds. UTC."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def to_ns(moment: datetime) -> int:
    """Nanoseconds since 1970 of a moment with a time zone."""
    passed = moment - _EPOCH
    return ((passed.days * 86400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


class TransitionRecord(NamedTuple):
    """Where a recorded transition came from, and what became of it."""

    id: str
    source_transition: str
    """Id of the transition whose handler caused this one, or empty."""
    source_machine: str
    """Id of that transition's machine, or empty."""
    is_auto: bool
    is_accepted: bool
    is_check: bool
    is_broken: bool
    """A handler failed or exceeded its limit."""
    queue_len: int
    """Length of the queue after the transition."""
    queued_at: int
    """The machine's queue tick when the mutation was queued."""
    executed_at: int
    """The machine's queue tick when the mutation was executed."""
    called: tuple[str, ...]
    """Called states."""
    args: Mapping[str, str]
    """The arguments that the machine logs, as text."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**self._asdict(), "called": list(self.called), "args": dict(self.args)}


class Record(NamedTuple):
    """The ticks after one transition. Sums are over all states of the machine unless they are called tracked."""

    id: int
    """1 for the first record of a machine; a gap means that records were dropped."""
    mutation_type: MutationType
    human_time_ns: int
    """When the transition ended, in nanoseconds since 1970."""
    mtime_sum: int
    mtime_tracked_sum: int
    mtime_diff_sum: int
    """By how much the transition has let the sum grow."""
    mtime_tracked_diff_sum: int
    mtime_record_diff_sum: int
    """By how much the sum has grown since the record before, or since the recording began. Negative where the machine
    was restored or started anew in between."""
    machine_tick: int
    tracked: tuple[str, ...]
    """The tracked states."""
    mtime_tracked: Time
    """Their ticks, in that order."""
    mtime_tracked_diff: Time
    """By how much the transition has let them grow."""
    activated: tuple[str, ...]
    """Tracked states that are active, and were not in the record before or when the recording began."""
    deactivated: tuple[str, ...]
    """Tracked states that are inactive, and were active in the record before or when the recording began."""
    transition: TransitionRecord | None = None
    """Only where the history stores transitions."""

    @property
    def human_time(self) -> datetime:
        """When the transition ended. UTC."""
        return to_datetime(self.human_time_ns)

    def tick(self, state: str) -> int | None:
        """Tick of a state, None when it was not tracked."""
        return self.mtime_tracked[self.tracked.index(state)] if state in self.tracked else None

    def active_states(self) -> list[str]:
        """Active states among the tracked ones."""
        return [self.tracked[i] for i in self.mtime_tracked.active_states()]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        plain = self._asdict()
        for name in ("tracked", "mtime_tracked", "mtime_tracked_diff", "activated", "deactivated"):
            plain[name] = list(plain[name])
        plain["mutation_type"] = str(self.mutation_type)
        plain["transition"] = self.transition and self.transition.to_dict()
        return plain


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """What a history knows of its machine."""

    id: str
    first_tracking_ns: int
    """When the recording began for the first time, in nanoseconds since 1970."""
    last_tracking_ns: int
    """When the last record was made, or the recording began."""
    last_sync_ns: int
    """When records were written the last time; 0 before."""
    time: Time
    """Ticks of all states at the last record."""
    mtime_sum: int
    machine_tick: int
    next_id: int
    """Id of the record that comes next."""
    dropped: int = 0
    """How many records could not be kept because writing them took too long or failed."""
    state_names: tuple[str, ...] | None = None
    """Names of all states, where the history stores the schema."""
    schema: Schema | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        plain["time"] = list(self.time)
        plain["state_names"] = None if self.state_names is None else list(self.state_names)
        plain["schema"] = None if self.schema is None else self.schema.to_dict()
        return plain
