"""The record of one transition."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from am_core.clock import TimeIndex
from am_core.logs import LogEntry
from am_core.resolution.mutation import Mutation, MutationType
from am_core.resolution.steps import Step
from am_core.schemas.model import Model
from am_core.schemas.names import HEALTH

if TYPE_CHECKING:
    from am_core.machine import Machine

Now = tuple[Model, tuple[int, ...], int, tuple[int, ...]]
"""Everything about a machine's moment: model, active states in order, their mask, ticks. Replaced as a whole."""


class Transition:
    """One execution of a mutation. Filled by the engine while it runs, not changed once completed."""

    __slots__ = (
        "active_before", "canceled_by", "enters", "enters_done", "exits", "handlers_called", "is_accepted", "is_broken",
        "is_completed", "is_settled", "is_timed_out", "log_entries", "machine", "mask_before", "model", "mutation",
        "number", "pre_log_entries", "queue_len", "started_ns", "steps", "switched", "target", "target_mask", "ticks",
        "time_after", "time_before",
    )  # fmt: skip

    def __init__(self, machine: Machine, mutation: Mutation, number: int, now: Now) -> None:
        self.machine = machine
        self.mutation = mutation
        self.number = number
        """Counts all transitions of the machine from 1, including checks and canceled ones."""
        self.model, self.active_before, self.mask_before, self.time_before = now
        self.time_after = now[3]
        """Predicted from the moment the targets are known, exact once completed."""
        self.ticks: tuple[int, ...] | None = None
        """Index of a state once for every tick it has made, shared by all transitions that take the same way; None
        where that was not known beforehand. For those in a hurry: the times tell the same."""
        self.target: tuple[int, ...] = ()
        self.target_mask = 0
        self.enters: tuple[int, ...] = ()
        self.exits: tuple[int, ...] = ()
        # Most transitions have none of these; they become lists when there is something to tell.
        self.steps: list[Step] | tuple[Step, ...] = ()
        self.handlers_called: list[str] | tuple[str, ...] = ()
        self.log_entries: Sequence[LogEntry] = ()
        self.pre_log_entries: Sequence[LogEntry] = ()
        """Lines logged after the transition before."""
        self.is_accepted = True
        self.is_completed = False
        self.is_broken = False
        """A handler failed or exceeded its limit."""
        self.is_settled = False
        """The negotiation is over."""
        self.is_timed_out = False
        """A handler exceeds its limit; set at that moment, before the transition ends."""
        self.canceled_by = ""
        """Name of the refusing handler, ``relations``, ``timeout`` or ``recover``; empty when accepted."""
        self.queue_len = 0
        """Length of the queue after the transition."""
        self.switched = False
        self.enters_done = 0
        """How many of the entering states have completed their final handlers."""
        self.started_ns = monotonic_ns()

    @property
    def id(self) -> str:
        """16 hex digits: the machine's random prefix and the number."""
        return f"{self.machine.transition_prefix}{self.number & 0xFFFFFFFF:08x}"

    @property
    def type(self) -> MutationType:
        """Type of the mutation."""
        return self.mutation.type

    @property
    def args(self) -> dict[str, Any]:
        """Arguments of the mutation."""
        return self.mutation.args

    @property
    def is_auto(self) -> bool:
        """Whether the engine itself asked for it, for states that are automatic."""
        return self.mutation.is_auto

    @property
    def is_check(self) -> bool:
        """Whether it is a dry run."""
        return self.mutation.is_check

    @property
    def is_health(self) -> bool:
        """Whether only a health state was called."""
        called = self.mutation.called
        return len(called) == 1 and self.model.names[called[0]] in HEALTH

    @property
    def error(self) -> BaseException | None:
        """The exception of a mutation that adds an error."""
        error = self.mutation.args.get("err")
        return error if isinstance(error, BaseException) else None

    @property
    def target_indexes(self) -> tuple[int, ...]:
        """Indexes of :meth:`target_states`."""
        return self.target

    def target_states(self) -> list[str]:
        """States that are active after the transition if it is accepted, in their order."""
        return self._named(self.target)

    def called_states(self) -> list[str]:
        """States that the mutation names."""
        return self._named(self.mutation.called)

    def states_before(self) -> list[str]:
        """Active states before, in their order."""
        return self._named(self.active_before)

    def clock_before(self) -> dict[str, int]:
        """Tick of every state before."""
        return dict(zip(self.model.names, self.time_before, strict=True))

    def clock_after(self) -> dict[str, int]:
        """Tick of every state after; see :attr:`time_after`."""
        return dict(zip(self.model.names, self.time_after, strict=True))

    def time_index_before(self) -> TimeIndex:
        """Ticks before, with the names of the states."""
        return TimeIndex(self.time_before, self.model.names)

    def time_index_after(self) -> TimeIndex:
        """Ticks after, with the names of the states; see :attr:`time_after`."""
        return TimeIndex(self.time_after, self.model.names)

    def changed_states(self) -> list[str]:
        """States whose tick changed, in index order."""
        pairs = enumerate(zip(self.time_before, self.time_after, strict=True))
        return self._named(i for i, (before, after) in pairs if before != after)

    def diff(self) -> tuple[list[str], list[str]]:
        """States that were added (including called multi states again) and removed, in index order."""
        added: list[str] = []
        removed: list[str] = []
        for name, before, after in zip(self.model.names, self.time_before, self.time_after, strict=True):
            if before != after:
                (added if after % 2 else removed).append(name)
        return added, removed

    def touched(self) -> list[str]:
        """Every state a step mentions, in order of appearance."""
        mentioned = [i for step in self.steps for i in (step.source, step.target) if i >= 0]
        return self._named(dict.fromkeys(mentioned))

    def _named(self, indexes: Any) -> list[str]:
        names = self.model.names
        return [names[i] for i in indexes]

    def __str__(self) -> str:
        lines = [f"tx#{self.id}", self.mutation.text(self.model.names)]
        source = self.mutation.source
        if source is not None:
            path = f"{source.machine_id}/{source.transition_id}/t{source.machine_time}"
            lines.append(f"source: [{source.transition_id}]({path})")
        return "\n".join([*lines, *(f"- {step.text(self.model.names)}" for step in self.steps)])

    def __repr__(self) -> str:
        return f"<Transition {self.machine.id}#{self.number} {self.mutation.text(self.model.names)}>"
