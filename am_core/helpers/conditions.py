"""Conditions on machines as values, and groups of machines that are asked together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from am_core.machine import Machine
from am_core.schemas.model import StateNames


@dataclass(frozen=True, slots=True)
class Cond:
    """What has to hold for a machine, all of it at once; parts that are left out demand nothing. Immutable."""

    is_: tuple[str, ...] = ()
    """All of these are active."""
    any: tuple[tuple[str, ...], ...] = ()
    """At least one of these groups is active as a whole."""
    any1: tuple[str, ...] = ()
    """At least one of these is active."""
    not_: tuple[str, ...] = ()
    """None of these is active."""
    clock: Mapping[str, int] = field(default_factory=dict)
    """These states have reached their ticks."""

    def __init__(
        self,
        is_: StateNames = (),
        *,
        any: Iterable[StateNames] = (),  # noqa: A002 - named as the machine's method
        any1: StateNames = (),
        not_: StateNames = (),
        clock: Mapping[str, int] | None = None,
    ) -> None:
        object.__setattr__(self, "is_", _names(is_))
        object.__setattr__(self, "any", tuple([_names(group) for group in any]))
        object.__setattr__(self, "any1", _names(any1))
        object.__setattr__(self, "not_", _names(not_))
        object.__setattr__(self, "clock", dict(clock or {}))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is demanded."""
        return not (self.is_ or self.any or self.any1 or self.not_ or self.clock)

    def check(self, machine: Machine) -> bool:
        """Whether a machine meets everything. False for a disposed one; an empty condition is met by any other.

        Raises :class:`~am_core.UnknownStateError` for states in ``not_`` that the machine does not have.
        """
        return (
            not machine.disposed
            and machine.is_(self.is_)
            and (not self.any or machine.any(*self.any))
            and (not self.any1 or machine.any1(*self.any1))
            and machine.not_(self.not_)
            and machine.was_clock(dict(self.clock))
        )


class MachGroup:
    """Machines that are asked together. Thread-safe; each machine answers for its own moment."""

    __slots__ = ("_machines",)

    def __init__(self, machines: Iterable[Machine]) -> None:
        self._machines = tuple(machines)

    def is_(self, states: StateNames) -> bool:
        """Whether all states are active on all machines; True without machines."""
        names = _names(states)
        return all(machine.is_(names) for machine in self._machines)

    def is1(self, state: str) -> bool:
        """Whether a state is active on all machines; True without machines."""
        return self.is_(state)

    def check(self, condition: Cond) -> bool:
        """Whether all machines meet a condition."""
        return all(condition.check(machine) for machine in self._machines)

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._machines)

    def __len__(self) -> int:
        return len(self._machines)

    def __getitem__(self, position: int) -> Machine:
        return self._machines[position]


def _names(states: StateNames) -> tuple[str, ...]:
    return (states,) if isinstance(states, str) else tuple(states)
