"""The queue of a machine's mutations. Not locked: the machine holds its own lock around every call."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

from am_core.resolution.mutation import EVAL, SET, Mutation, MutationType

FIRST_RESULT = 2
"""Lowest result that says queued."""


class Position(IntEnum):
    """Where in the queue to look."""

    ANY = 0
    FIRST = 1
    LAST = 2


class Queued(NamedTuple):
    """Where a mutation was found in the queue; the position is -1 when it was not."""

    found: bool
    position: int = -1
    queue_tick: int = 0


class MutationQueue:
    """Mutations waiting for execution, with the ticks of appended and the tokens of prepended ones."""

    __slots__ = ("items", "next_tick", "taken", "tick", "token")

    def __init__(self) -> None:
        self.items: deque[Mutation] = deque()
        self.tick = 1
        """Grows whenever an appended mutation starts."""
        self.next_tick = 1
        """Tick of the mutation that was appended last."""
        self.token = 0
        self.taken: Mutation | None = None
        """What was taken out last, while the queue is being worked on."""

    def __len__(self) -> int:
        return len(self.items)

    def append(self, mutation: Mutation) -> None:
        self.items.append(mutation)
        self.next_tick += 1
        mutation.queue_tick = self.next_tick
        mutation.queue_tick_now = self.tick
        mutation.queue_len = len(self.items)

    def start(self, mutation: Mutation) -> None:
        """What :meth:`append` followed by :meth:`take` does to an empty queue."""
        self.next_tick += 1
        mutation.queue_tick_now = self.tick
        mutation.queue_tick = self.tick = self.next_tick
        mutation.queue_len = 1
        self.taken = mutation

    def prepend(self, mutation: Mutation) -> None:
        self.items.appendleft(mutation)
        mutation.queue_tick_now = self.tick
        mutation.queue_len = len(self.items)
        if mutation.type is not EVAL:
            self.token += 1
            mutation.queue_token = self.token

    def take(self) -> Mutation | None:
        """The next mutation to execute."""
        if not self.items:
            return None
        mutation = self.taken = self.items.popleft()
        if mutation.queue_tick:
            self.tick = mutation.queue_tick
        return mutation

    def has_finished(self, tick: int, ended: Mutation | None) -> bool:
        """Whether nothing with a queue tick is still to come; ``ended`` is the mutation of a completed transition."""
        if tick < FIRST_RESULT:
            return True
        if any(item.queue_tick == tick for item in self.items):
            return False
        taken = self.taken
        if taken is not None and taken.queue_tick == tick:
            return taken is ended
        return tick <= self.next_tick

    def flush(self) -> list[Mutation]:
        """Discard everything; returns what was discarded."""
        discarded = list(self.items)
        self.items.clear()
        return discarded

    def twin(self, type_: MutationType, mask: int) -> Mutation | None:
        """A waiting mutation that makes another one of the same type and states (and no arguments) needless.

        It does so only when nothing behind it touches the states: ``add B, remove B, add B`` must keep its third part.
        """
        for item in reversed(self.items):
            if item.type is EVAL or item.is_check:
                continue
            if item.type is type_ and item.called_mask == mask and not item.args and not item.is_auto:
                return item
            if type_ is SET or item.type is SET or item.called_mask & mask:
                return None
        return None


def matching(
    items: list[Mutation],
    type_: MutationType,
    mask: int,
    without_args_only: bool = False,
    strict_equal: bool = False,
    min_queue_tick: int = 0,
    is_check: bool = False,
    position: Position = Position.ANY,
) -> Iterator[Queued]:
    """Waiting mutations of a type that call at least (or exactly) some states, in order."""
    chosen = range(len(items))
    if position is Position.FIRST:
        chosen = chosen[:1]
    elif position is Position.LAST:
        chosen = chosen[-1:]
    for i in chosen:
        item = items[i]
        same = item.called_mask == mask if strict_equal else not mask & ~item.called_mask
        if (
            item.type is type_
            and same
            and item.is_check == is_check
            and not (without_args_only and item.args)
            and item.queue_tick >= min_queue_tick
        ):
            yield Queued(True, i, item.queue_tick)


class EvalMutation(Mutation):
    """A function waiting for its turn between transitions."""

    __slots__ = ("evaluation",)

    def __init__(self, evaluation: Any) -> None:
        super().__init__(EVAL, (), 0, {})
        self.evaluation = evaluation
