"""Requests to change a machine, and what the caller gets back."""

from __future__ import annotations

import threading
from enum import IntEnum
from typing import Any, ClassVar, Final, NamedTuple

from am_core.errors import CanceledError, InvalidArgs


class MutationType(IntEnum):
    """What a mutation does with its called states."""

    ADD = 0
    REMOVE = 1
    SET = 2
    EVAL = 3

    @classmethod
    def _missing_(cls, value: object) -> MutationType:
        raise InvalidArgs(f"{value!r} is no type of mutation; use MutationType.ADD, REMOVE or SET")

    def __str__(self) -> str:
        return _TYPE_NAMES[self]


_TYPE_NAMES: Final = ("add", "remove", "set", "eval")
ADD: Final = MutationType.ADD
REMOVE: Final = MutationType.REMOVE
SET: Final = MutationType.SET
EVAL: Final = MutationType.EVAL


class Result(int):
    """Outcome of a mutation: 0 executed, 1 canceled, 2 and more queued.

    A queued result is the queue tick at which the mutation will start; plain 2 is also used for prepended mutations,
    which have no tick. The truth value is "not canceled", so that an executed result (0) is true.
    """

    EXECUTED: ClassVar[Result]
    CANCELED: ClassVar[Result]
    QUEUED: ClassVar[Result]

    __slots__ = ()

    def __bool__(self) -> bool:
        return self != 1

    @property
    def executed(self) -> bool:
        """Whether the mutation was carried out."""
        return self == 0

    @property
    def canceled(self) -> bool:
        """Whether a relation or handler refused it, or the machine takes no work."""
        return self == 1

    @property
    def queued(self) -> bool:
        """Whether it is not decided yet; ``machine.when_queue(result)`` waits for that."""
        return self > 1

    @property
    def tick(self) -> int:
        """Queue tick of a queued mutation, 0 for other results."""
        return int(self) if self > 1 else 0

    def raise_if_canceled(self) -> Result:
        """Return the result itself, or raise :class:`CanceledError`."""
        if self == 1:
            raise CanceledError("transition canceled: a relation or a handler refused it, or the machine takes no work")
        return self

    def __str__(self) -> str:
        return ("executed", "canceled")[self] if self < 2 else "queued"

    def __repr__(self) -> str:
        return f"<Result {self}{f' {int(self)}' if self > 1 else ''}>"


EXECUTED: Final = Result(0)
CANCELED: Final = Result(1)
QUEUED: Final = Result(2)
Result.EXECUTED, Result.CANCELED, Result.QUEUED = EXECUTED, CANCELED, QUEUED


class MutationSource(NamedTuple):
    """The transition whose handler asked for a mutation."""

    machine_id: str
    transition_id: str
    machine_time: int
    """Sum of the source machine's ticks before that transition."""
    transition_number: int = 0

    def __str__(self) -> str:
        return f"{self.machine_id}/{self.transition_id}/{self.machine_time}"


class Check:
    """Answer of a dry run that had to wait because the machine was busy. Thread-safe."""

    __slots__ = ("_done", "accepted")

    def __init__(self) -> None:
        self._done = threading.Event()
        self.accepted = False
        """Whether the mutation would be accepted; meaningful once :attr:`done`."""

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self._done.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to ``timeout`` seconds for the answer; True when it is there."""
        return self._done.wait(timeout)

    def resolve(self, accepted: bool) -> None:
        """Deliver the answer (called by the engine)."""
        self.accepted = accepted
        self._done.set()


class Mutation:
    """One request: a type, the called states by index, and arguments. Not changed once queued."""

    __slots__ = (
        "args", "called", "called_mask", "check", "is_auto", "is_check", "queue_len", "queue_tick", "queue_tick_now",
        "queue_token", "source", "type",
    )  # fmt: skip

    def __init__(
        self,
        type: MutationType,  # noqa: A002 - the field's own name
        called: tuple[int, ...],
        called_mask: int,
        args: dict[str, Any],
        source: MutationSource | None = None,
        is_auto: bool = False,
        is_check: bool = False,
        check: Check | None = None,
    ) -> None:
        self.type = type
        self.called = called
        self.called_mask = called_mask
        self.args = args
        self.source = source
        self.is_auto = is_auto
        self.is_check = is_check
        self.check = check
        self.queue_tick = 0
        self.queue_token = 0
        self.queue_tick_now = 0
        self.queue_len = 0

    def is_called(self, index: int) -> bool:
        """Whether the state at an index was passed explicitly."""
        return index >= 0 and self.called_mask >> index & 1 == 1

    def clone(self) -> Mutation:
        """A copy without what the queue has noted."""
        return Mutation(
            self.type, self.called, self.called_mask, self.args, self.source, self.is_auto, self.is_check, self.check
        )

    def text(self, names: tuple[str, ...]) -> str:
        """``[add] A B``, names in index order."""
        return " ".join([f"[{self.type}]", *(names[i] for i in sorted(self.called))])

    def __repr__(self) -> str:
        return f"<Mutation {self.type} {self.called}>"


class AutoRetry(Mutation):
    """An automatic mutation that follows the error in which another one has ended."""

    __slots__ = ("failed_from",)

    def __init__(self, called: tuple[int, ...], called_mask: int, failed_from: frozenset[int]) -> None:
        super().__init__(ADD, called, called_mask, {}, is_auto=True)
        self.failed_from = failed_from
        """Masks of the active states from which automatic mutations of this chain of errors have failed."""
