"""A guard for loops that live as long as a state."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from am_core.errors import AmError
from am_core.machine import Machine
from am_core.waiting.contexts import Context

THRESHOLD = 500
RESET_INTERVAL = 1.0


class RunawayLoop(AmError):
    """The states around a loop changed too often in too short a time."""


class StateLoop:
    """Ends a loop together with its state, and stops it with an error when it keeps the machine busy.

    ::

        loop = StateLoop(machine, "Polling")
        while loop.ok():
            poll()

    A loop is bound to the present activity of its state. It is taken for a runaway when the states it has to do with
    (its own, what that requires, and what relates to that) tick more than ``threshold`` times within
    ``reset_interval`` seconds; :class:`RunawayLoop` is added to the machine then. For one thread or task at a time.
    """

    def __init__(
        self,
        machine: Machine,
        state: str,
        check: Callable[[], object] | None = None,
        *,
        threshold: int = THRESHOLD,
        reset_interval: float = RESET_INTERVAL,
    ) -> None:
        """Guard a loop of a state.

        Args:
            check: asked before every round; something false ends the loop.

        Raises:
            UnknownStateError: the machine has no such state.
        """
        self.machine = machine
        self.state = state
        self.threshold = threshold
        self.reset_interval = reset_interval
        self.ctx = machine.state_ctx(state)
        """The context of the activity that the loop belongs to."""
        schema = machine.schema()
        definition = schema.get(state)
        required = () if definition is None else definition.require or ()
        inbound = [name for name, other in schema.items() if state in other.related()]
        self.related = tuple(dict.fromkeys([state, *required, *inbound]))
        """The states whose ticks are watched."""
        self._check = check
        self._ended = self.ctx.expired or self.ctx.tick % 2 == 0
        self._since = monotonic()
        self._base = self.sum

    @property
    def sum(self) -> int:
        """Sum of the ticks of the watched states now."""
        return sum(self.machine.time(self.related))

    @property
    def growth(self) -> int:
        """How much that sum has grown since the present interval began."""
        return self.sum - self._base

    @property
    def ended(self) -> bool:
        """Whether the loop is over. It does not start again."""
        return self._ended

    def break_(self) -> None:
        """End the loop: the next :meth:`ok` is False."""
        self._ended = True

    def ok(self, ctx: Context | None = None) -> bool:
        """Whether there should be another round; ``ctx`` is a further context that ends the loop.

        That a context expires or the check says no is a regular end. A runaway adds an error to the machine.
        """
        if self._ended:
            return False
        if self.ctx.expired or (ctx is not None and ctx.expired) or (self._check is not None and not self._check()):
            self._ended = True
            return False
        now = monotonic()
        if now - self._since >= self.reset_interval:
            self._since, self._base = now, self.sum
        elif self.growth > self.threshold:
            self._ended = True
            what = f"more than {self.threshold} ticks within {self.reset_interval} s"
            self.machine.add_err(RunawayLoop(f"loop of {self.state} stopped: {what} of {', '.join(self.related)}"))
            return False
        return True
