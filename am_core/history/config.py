"""What a history records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from am_core.errors import UnknownStateError
from am_core.history.errors import HistoryError
from am_core.resolution.transition import Transition
from am_core.schemas.model import Model, mask_of

Names = Iterable[str]
_LISTS: Final = ("called", "called_exclude", "changed", "changed_exclude", "tracked_states")


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """What a history records. Immutable; lists are kept as tuples.

    Without ``called`` and ``changed`` every transition is recorded. With them one hit in either list is needed. A hit
    in an exclusion list always prevents a record. Checks are never recorded.
    """

    called: Names = ()
    """Record transitions that call one of these states."""
    called_exclude: Names = ()
    """Do not record transitions that call one of these states."""
    changed: Names = ()
    """Record transitions in which one of these states ticks."""
    changed_exclude: Names = ()
    """Do not record transitions in which one of these states ticks."""
    tracked_states: Names = ()
    """States whose ticks are recorded, together with those of ``called`` and ``changed``."""
    track_rejected: bool = False
    """Record transitions that changed nothing because a relation or a handler refused them."""
    store_transitions: bool = False
    """Record who caused a transition, its states and arguments, and what became of it."""
    store_schema: bool = False
    """Keep the schema and the names of all states beside the records."""
    max_records: int | None = 1000
    """Records per machine, older ones are forgotten; None keeps all."""

    def __post_init__(self) -> None:
        for name in _LISTS:
            value = getattr(self, name)
            if isinstance(value, str):
                raise HistoryError(f"{name} is the text {value!r}, a list of names was expected")
            object.__setattr__(self, name, tuple(dict.fromkeys(value)))
        if self.max_records is not None and self.max_records < 1:
            raise HistoryError(f"max_records is {self.max_records}, at least 1 was expected, or None to keep all")
        if not self.tracked:
            raise HistoryError("no states to track; name some in tracked_states, called or changed")

    @property
    def tracked(self) -> tuple[str, ...]:
        """The states whose ticks are recorded."""
        return tuple(dict.fromkeys([*self.tracked_states, *self.called, *self.changed]))

    def check(self, known: Names, machine_id: str) -> None:
        """Raise :class:`UnknownStateError` listing every state that a machine does not have."""
        names = tuple(known)
        listed = dict.fromkeys([*self.tracked, *self.called_exclude, *self.changed_exclude])
        missing = [name for name in listed if name not in names]
        if missing:
            raise UnknownStateError(missing, names, machine_id)


class Filter:
    """A configuration compiled for one model. Immutable."""

    __slots__ = ("_called", "_called_exclude", "_changed", "_changed_exclude", "_config", "_ticks_matter", "indexes")

    def __init__(self, config: HistoryConfig, model: Model) -> None:
        def mask(names: Names) -> int:
            return mask_of(model.index[name] for name in names)

        self._config = config
        self._called = mask(config.called)
        self._called_exclude = mask(config.called_exclude)
        self._changed = mask(config.changed)
        self._changed_exclude = mask(config.changed_exclude)
        self._ticks_matter = bool(self._changed | self._changed_exclude)
        self.indexes = tuple(model.index[name] for name in config.tracked)
        """Indexes of the tracked states."""

    def wants(self, tx: Transition) -> bool:
        """Whether a completed transition is to be recorded."""
        if tx.is_check or not (tx.is_accepted or tx.switched or self._config.track_rejected):
            return False
        called = tx.mutation.called_mask
        changed = 0
        if self._ticks_matter:
            pairs = enumerate(zip(tx.time_before, tx.time_after, strict=True))
            changed = mask_of(i for i, (before, after) in pairs if before != after)
        if called & self._called_exclude or changed & self._changed_exclude:
            return False
        return not (self._called | self._changed) or bool(called & self._called or changed & self._changed)
