"""The part of a machine that can be written down and brought back: snapshots and groups of states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, cast

from am_core.clock import Time
from am_core.engine.submit import mutate
from am_core.errors import MachineDisposed, SchemaError
from am_core.facets.subscribing import SubscribableMachine
from am_core.handling.handlers import UNSET
from am_core.logs import OPS
from am_core.resolution.mutation import ADD
from am_core.schemas.groups import GroupTable, checked_groups, groups_in
from am_core.schemas.model import Model, mask_of, model_of
from am_core.schemas.schema import Schema
from am_core.schemas.snapshot import Snapshot, SnapshotError
from am_core.schemas.typed import States

if TYPE_CHECKING:
    from am_core.machine import Machine
    from am_core.resolution.transition import Now
    from am_core.waiting.signals import OneShot

RESTORED: Final = "MachineRestored"
"""State that is added after a restoration, where the schema has it."""
NO_GROUPS: Final[GroupTable] = {}


class RestorableMachine(SubscribableMachine):
    """Snapshots and groups. Thread-safe."""

    __slots__ = ("_groups", "_machine_tick")

    _groups: GroupTable
    _machine_tick: int

    # Snapshots

    @property
    def machine_tick(self) -> int:
        """How often the machine has been restored, counting what its snapshots had been through; 0 on a new one."""
        return self._machine_tick

    def export(self) -> Snapshot:
        """The machine's moment as data, for :meth:`restore`.

        Raises :class:`SchemaError` while the order of the states is only alphabetical, since it may differ in the next
        version of the program (use typed states, or call ``verify_states``), and :class:`MachineDisposed`.
        """
        with self._lock:
            if self._disposed:
                raise MachineDisposed(f"machine disposed: {self.id} has nothing to export; export it before its end")
            if not self.states_verified:
                raise SchemaError(f"states of {self.id} are not verified; call verify_states() before export()")
            model, _, _, ticks = self._now
            return Snapshot(self.id, Time(ticks), model.names, self._queue.tick, self._machine_tick)

    def restore(self, snapshot: Snapshot | Mapping[str, object]) -> None:
        """Continue from a snapshot: its ticks, its active states and its order of states become the machine's.

        ``snapshot`` may also be what ``Snapshot.to_dict`` returned.

        No handler runs and no transition happens, but waiters, state contexts and tracers notice the new ticks, and one
        number of a transition is used up for that. The queue's tick starts again at 1, :attr:`machine_tick` is the
        snapshot's and one more. Then ``MachineRestored`` is added if the schema has it.

        Raises :class:`SnapshotError` with nothing changed when the snapshot is of another machine (other id or states),
        or while something is being executed.
        """
        checked = Snapshot.from_dict(snapshot.to_dict() if isinstance(snapshot, Snapshot) else snapshot)
        with self._lock:
            problems = self._misfits(checked)
            if problems:
                raise SnapshotError(problems)
            before = self._now[0]
            model = before if before.names == checked.state_names else model_of(self._schema, checked.state_names)
            reordered = model is not before or not self.states_verified
            active = tuple(checked.time.active_states())
            now: Now = (model, active, mask_of(active), tuple(checked.time))
            if model is not before:
                self._use_model(model, now)
            else:
                self._now = now
                self._rest = None
            self.states_verified = True
            self._machine_tick = checked.machine_tick + 1
            self._queue.tick = self._queue.next_tick = 1
            self._number += 1
            number = self._number
            over = self._jumped(now)
        if self._log_level >= OPS:
            self._log(OPS, f"[import] {self.id} at machine tick {self._machine_tick}")
        if reordered:
            self._fire(self._hooks.verify_states, self)
        self._fire(self._hooks.machine_restored, self, number, checked.time)
        if over and self._subs is not None:
            self._subs.tell(over)
        if RESTORED in model.index:
            mutate(cast("Machine", self), ADD, RESTORED, None, UNSET, {})

    import_ = restore

    def _misfits(self, snapshot: Snapshot) -> list[str]:
        """Why a snapshot is not one of this machine. Under the lock."""
        if self._disposed:
            return [f"machine {self.id} is disposed, restore into a new one"]
        problems: list[str] = []
        if self._drainer or self._queue.items:
            problems.append("something is being executed; wait until the queue has ended")
        if snapshot.id != self.id:
            problems.append(f"the snapshot is of machine {snapshot.id}, this one is {self.id}; give it the same id")
        names = self._now[0].names
        if len(snapshot.state_names) != len(names):
            problems.append(f"the snapshot has {len(snapshot.state_names)} states, the machine {len(names)}")
        known, kept = set(names), set(snapshot.state_names)
        problems += [f"state {name} of the snapshot is unknown" for name in snapshot.state_names if name not in known]
        problems += [f"state {name} is not in the snapshot" for name in names if name not in kept]
        return problems

    def _jumped(self, now: Now) -> list[OneShot]:
        """End the waiters and contexts that are over with ticks no transition has brought about. Under the lock."""
        subs = self._subs
        if subs is None:
            return []
        return subs.jumped(now, "the machine was restored")

    # Groups

    def set_groups(self, groups: Mapping[str, Iterable[str]] | type, states: type[States] | None = None) -> None:
        """Name sets of states, in place of what was named before.

        ``groups`` maps names to states. It may be a class with lists as attributes instead, of which inherited ones
        count too, or a class of typed states, whose groups are taken. The groups by defining class of ``states``
        (default: ``groups``, where it is a class of typed states) follow. A group of the first kind hides one of the
        second kind with its name. Raises :class:`SchemaError` for unknown states, with nothing changed.
        """
        if isinstance(groups, type):
            if issubclass(groups, States):
                states = states or groups
                groups = groups.groups
            else:
                groups = {name: [str(member) for member in members] for name, members in groups_in(groups).items()}
        implied = {} if states is None else states._class_groups
        self._groups = checked_groups({**groups, **{n: m for n, m in implied.items() if n not in groups}}, self.states)

    def groups(self) -> dict[str, list[int]]:
        """Group name to the indexes of its states, in the order of definition."""
        index = self._now[0].index
        return {group: [index[name] for name in names if name in index] for group, names in self._groups.items()}

    def schema(self) -> Schema:
        """The cleaned schema with the machine's groups; a copy."""
        return Schema(self._schema, self._groups)

    if TYPE_CHECKING:
        # Of the machine itself.
        def _use_model(self, model: Model, now: Now) -> None: ...


def groups_of(schema: object, otherwise: GroupTable) -> GroupTable:
    """The groups that come with a schema. Raises :class:`SchemaError` when they name states it has not."""
    if isinstance(schema, type) and issubclass(schema, States):
        return schema._group_table
    if isinstance(schema, Schema) and schema._groups:
        return checked_groups(schema._groups, schema)
    return otherwise
