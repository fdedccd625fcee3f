"""The reading half of a machine."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NoReturn, SupportsIndex

from am_core.clock import Time
from am_core.errors import InvalidStates, MachineDisposed, UnknownStateError
from am_core.facets import text
from am_core.logs import DECISIONS
from am_core.misuse import NOT_INITIALIZED
from am_core.resolution.mutation import ADD, REMOVE, Mutation, MutationType
from am_core.resolution.queue import MutationQueue, Position, Queued, matching
from am_core.resolution.transition import Now, Transition
from am_core.schemas.model import Model, StateNames, bits, names_in
from am_core.schemas.schema import Schema

NOT_QUEUED = Queued(False)


class MachineView:
    """Everything that only looks. Thread-safe: each answer is about one moment, never a mixture of two."""

    __slots__ = (
        "__weakref__", "_disposed", "_disposing", "_drainer", "_lock", "_log_level", "_now", "_number", "_parent",
        "_queue", "_schema", "_transition", "id", "parent_id", "states_verified", "tags", "transition_prefix",
    )  # fmt: skip

    id: str
    parent_id: str
    """Id of the machine this one was created under, or empty."""
    tags: tuple[str, ...]
    transition_prefix: str
    """Eight hex digits with which the ids of all transitions begin."""
    states_verified: bool
    """Whether the order of the states was set, and is not just alphabetical."""
    _now: Now
    _schema: Schema
    _queue: MutationQueue
    _lock: threading.Lock
    _transition: Transition | None
    _parent: weakref.ref[MachineView] | None
    _log_level: int
    _number: int
    _disposing: bool
    _disposed: bool
    _drainer: int
    """Ident of the thread that executes the queue, 0 while nobody does. Set under the lock."""

    if TYPE_CHECKING:
        # Of the part of the machine that others look at.
        def _log(self, level: int, text: str) -> None: ...

    # States and their order

    @property
    def states(self) -> tuple[str, ...]:
        """Names in index order."""
        return self._now[0].names

    def schema(self) -> Schema:
        """The cleaned schema; a copy."""
        return Schema(self._schema)

    def schema_ver(self) -> int:
        """Version of the schema: the number of its states."""
        return len(self._schema)

    def index(self, states: Iterable[str]) -> list[int]:
        """Indexes of states, -1 for unknown ones."""
        return [self.index1(name) for name in states]

    def index1(self, state: str) -> int:
        """Index of a state, -1 when it is unknown."""
        return -1 if self._disposed else self._now[0].index.get(state, -1)

    def has(self, states: StateNames) -> bool:
        """Whether all states are known."""
        return not self._disposed and all(name in self._now[0].index for name in names_in(states))

    def parse_states(self, states: Iterable[str]) -> list[str]:
        """Without unknown names and duplicates, in the given order."""
        index = self._now[0].index
        return [name for name in dict.fromkeys(states) if name in index]

    # Activity

    @property
    def active(self) -> tuple[str, ...]:
        """Active states in the order of the last transition."""
        model, active, _, _ = self._now
        return tuple([model.names[i] for i in active])

    def active_states(self, subset: Iterable[str] | None = None) -> list[str]:
        """Active states in the order of the last transition, or those of a subset in its order."""
        model, active, mask, _ = self._now
        if subset is None:
            return [model.names[i] for i in active]
        return [name for name in subset if _is_active(model, mask, name)]

    def is_(self, states: StateNames) -> bool:
        """Whether all states are active; True for an empty list, False for unknown states."""
        if self._disposed:
            return False
        model, _, mask, _ = self._now
        for name in (states,) if isinstance(states, str) else names_in(states):
            i = model.index.get(name)
            if i is None:
                if self._log_level >= DECISIONS:
                    self._log(DECISIONS, f"[is] state {name} not found")
                return False
            if not mask >> i & 1:
                return False
        return True

    def is1(self, state: str) -> bool:
        """Same as :meth:`is_` for one state."""
        return self.is_(state)

    def not_(self, states: StateNames) -> bool:
        """Whether none of the states is active. Raises :class:`UnknownStateError`."""
        if self._disposed:
            return False
        model, _, mask, _ = self._now
        listed = names_in(states)
        missing = [name for name in listed if name not in model.index]
        if missing:
            with suppress(MachineDisposed):
                self._called(missing)
            return False
        return not any(mask >> model.index[name] & 1 for name in listed)

    def not1(self, state: str) -> bool:
        """Same as :meth:`not_` for one state."""
        return self.not_(state)

    def any(self, *groups: StateNames) -> bool:
        """Whether at least one of the groups is active as a whole."""
        model, _, mask, _ = self._now
        return not self._disposed and any(
            all(_is_active(model, mask, name) for name in names_in(group)) for group in groups
        )

    def any1(self, *states: str) -> bool:
        """Whether at least one of the states is active."""
        model, _, mask, _ = self._now
        return any(_is_active(model, mask, name) for name in states)

    def switch(self, *groups: Iterable[str]) -> str:
        """The first listed state that is active, or an empty string."""
        model, _, mask, _ = self._now
        return next((name for group in groups for name in names_in(group) if _is_active(model, mask, name)), "")

    def __contains__(self, state: object) -> bool:
        return isinstance(state, str) and self.is_(state)

    # Clocks

    def tick(self, state: str) -> int:
        """Tick of a state, 0 when it is unknown."""
        return _tick(self._now, state)

    def time(self, states: Iterable[str] | None = None) -> Time:
        """Ticks by index, or of some states in their order."""
        now = self._now
        return Time(now[3] if states is None else [_tick(now, name) for name in states])

    def clock(self, states: Iterable[str] | None = None) -> dict[str, int]:
        """Ticks by name, of all states or of some."""
        now = self._now
        if states is None:
            return dict(zip(now[0].names, now[3], strict=False))
        return {} if self._disposed else {name: _tick(now, name) for name in states}

    def is_clock(self, clock: dict[str, int]) -> bool:
        """Whether every listed tick is the current one."""
        now = self._now
        return not self._disposed and all(_tick(now, name) == tick for name, tick in clock.items())

    def was_clock(self, clock: dict[str, int]) -> bool:
        """Whether every listed tick has been reached."""
        now = self._now
        return not self._disposed and all(tick <= _tick(now, name) for name, tick in clock.items())

    def is_time(self, time: Iterable[int], states: Iterable[str] | None = None) -> bool:
        """Whether every listed tick is the current one, by index or for some states."""
        return not self._disposed and all(a == b for a, b in zip(time, self.time(states), strict=False))

    def was_time(self, time: Iterable[int], states: Iterable[str] | None = None) -> bool:
        """Whether every listed tick has been reached, by index or for some states."""
        return not self._disposed and all(a <= b for a, b in zip(time, self.time(states), strict=False))

    # Queue

    @property
    def transition(self) -> Transition | None:
        """The transition being executed, or the one that ended last while the queue is still being worked on."""
        return self._transition

    @property
    def transition_count(self) -> int:
        """How many transitions there have been, checks and canceled ones included."""
        return self._number

    def queue(self) -> list[Mutation]:
        """What is waiting; a copy."""
        with self._lock:
            return list(self._queue.items)

    def queue_len(self) -> int:
        """How many mutations are waiting, without the one that is being executed."""
        return len(self._queue.items)

    def queue_tick(self) -> int:
        """Starts at 1 and grows whenever an appended mutation starts."""
        return self._queue.tick

    def is_queued(
        self,
        type_: MutationType,
        states: StateNames,
        without_args_only: bool = False,
        strict_equal: bool = False,
        min_queue_tick: int = 0,
        is_check: bool = False,
        position: Position = Position.ANY,
    ) -> Queued:
        """Find a waiting mutation that calls at least the states, or exactly them with ``strict_equal``."""
        found = self._matching(type_, states, without_args_only, strict_equal, min_queue_tick, is_check, position)
        return next(found, NOT_QUEUED)

    def is_queued_above(
        self,
        threshold: int,
        type_: MutationType,
        states: StateNames,
        without_args_only: bool = False,
        strict_equal: bool = False,
        min_queue_tick: int = 0,
    ) -> bool:
        """Whether at least ``threshold`` mutations like this one are waiting."""
        found = self._matching(type_, states, without_args_only, strict_equal, min_queue_tick, False, Position.ANY)
        return len(list(islice(found, threshold))) >= threshold

    def _matching(
        self,
        type_: MutationType,
        states: StateNames,
        without_args_only: bool,
        strict_equal: bool,
        min_queue_tick: int,
        is_check: bool,
        position: Position,
    ) -> Iterator[Queued]:
        if self._disposed:
            return iter(())
        try:
            type_ = MutationType(type_)
            _, mask = self._called(states)
        except MachineDisposed:
            return iter(())
        with self._lock:
            items = list(self._queue.items)
        return matching(items, type_, mask, without_args_only, strict_equal, min_queue_tick, is_check, position)

    def will_be(self, states: StateNames, position: Position = Position.ANY) -> bool:
        """Whether the states are about to be added. Considers called states only."""
        return self.is_queued(ADD, states, position=position).found

    def will_be1(self, state: str, position: Position = Position.ANY) -> bool:
        """Same as :meth:`will_be` for one state."""
        return self.will_be(state, position)

    def will_be_removed(self, states: StateNames, position: Position = Position.ANY) -> bool:
        """Whether the states are about to be removed. Considers called states only."""
        return self.is_queued(REMOVE, states, position=position).found

    def will_be_removed1(self, state: str, position: Position = Position.ANY) -> bool:
        """Same as :meth:`will_be_removed` for one state."""
        return self.will_be_removed(state, position)

    def will_be_any(self, states: Iterable[str]) -> bool:
        """Whether one of the states is about to be added."""
        return any(map(self.will_be, states))

    # Text and life

    @property
    def disposed(self) -> bool:
        """Whether the machine has ended: it has no states then, and refuses everything."""
        return self._disposed

    @property
    def disposing(self) -> bool:
        """Whether the end has begun; mutations are canceled from then on."""
        return self._disposing

    def string(self) -> str:
        """``(A:1 C:3)``: active states."""
        return "" if self._disposed else text.string(self._now)

    def string_all(self) -> str:
        """``(A:1) [B:0 Exception:0]``: active and inactive states."""
        return "" if self._disposed else text.string_all(self._now)

    def inspect(self, states: Iterable[str] | None = None) -> str:
        """Activity, ticks, properties and relations over several lines. Raises :class:`UnknownStateError`."""
        now = self._now
        if self._disposed:
            return ""
        names = None if states is None else names_in(states)
        if names is not None:
            now[0].called(names, self.id)
        return text.inspect(now, names)

    def __str__(self) -> str:
        return self.string()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled, since threads and handlers are part of it; make "
            "another one from machine.schema() and hand its moment over with export() and restore()"
        )

    def __repr__(self) -> str:
        if self._now is NOT_INITIALIZED:
            return f"<{type(self).__name__}, not initialized>"
        return f"<{type(self).__name__} {self.id} {'disposed' if self._disposed else self.string()}>"

    def _called(self, states: StateNames) -> tuple[tuple[int, ...], int]:
        """Indexes (each once) and mask of called states. Raises :class:`UnknownStateError` or
        :class:`MachineDisposed`, as a disposed machine has no states."""
        try:
            return self._now[0].called(states, self.id)
        except UnknownStateError:
            if self._disposed:
                raise MachineDisposed(f"machine disposed: {self.id} has no states any more") from None
            raise

    def auto_states(self) -> list[str]:
        """States that the engine adds by itself."""
        model = self._now[0]
        return [model.names[i] for i in bits(model.auto_mask)]


def _is_active(model: Model, mask: int, state: str) -> bool:
    i = model.index.get(state)
    return i is not None and mask >> i & 1 == 1


def _tick(now: Now, state: str) -> int:
    model, _, _, ticks = now
    try:
        i = model.index.get(state, -1)
    except TypeError as error:
        raise InvalidStates(state) from error
    return ticks[i] if 0 <= i < len(ticks) else 0
