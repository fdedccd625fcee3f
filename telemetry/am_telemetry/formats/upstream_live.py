"""Messages of Go state machines as they arrive: machines that have not moved yet, losses, and schemas that change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from am_telemetry.batch import Batch, SchemaRevised
from am_telemetry.facts import GapFact, MachineFact
from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.upstream import Converter, OpenMachine
from am_telemetry.formats.upstream_schema import read_schema
from am_telemetry.formats.upstream_shape import Dialect

MAX_SCHEMAS: Final = 1_000
"""Different ones on one connection."""
MAX_STEPS: Final = 100_000
"""Different steps that are remembered."""
MAX_NAME: Final = 16_384
"""Characters of a machine id, a state, a tag."""

CAME_LATE: Final = "reported late"
"""The machine had transitions before it began to report. How many is not told; the least number possible is booked."""
NOBODY: Final = 0
"""The handle of no machine and no pattern: what refers to it is counted as an orphan by whoever stores it."""


class LiveConverter(Converter):
    """A converter for one connection. Not thread-safe.

    Messages carry no time of their own: they happen when they arrive.
    """

    def __init__(self) -> None:
        super().__init__(Dialect(frozenset()))
        self.now_ns = 0
        """When the message being read arrived, wall clock. To be set by the caller before each message."""

    def adopt(self, dialect: Dialect) -> None:
        """The form of the transition messages is known: only the first of them tells."""
        self._numbered = dialect.numbered
        self._shift = dialect.level_shift
        for reader in self._readers.values():
            reader.numbered = dialect.numbered

    def open(self, message: Mapping[str, Any]) -> OpenMachine:
        """A machine's schema, at the moment it arrived."""
        self._check_names(message)
        machine = super().open(message)
        machine.at_ns = self.now_ns
        return machine

    def announce(self, machine: OpenMachine) -> None:
        """Tell about a machine without a transition. Its ticks are taken to be zero until one proves otherwise."""
        if machine.clock is None:
            self._announce(machine, (0,) * len(machine.fact.schema.states))

    def revise(self, machine: OpenMachine, message: Mapping[str, Any]) -> None:
        """The machine has another schema from now on. Batches filled before must have been taken.

        Raises:
            FormatError: as for a first schema; the old one stays.
        """
        self._check_names(message)
        schema = read_schema(message)
        old = machine.fact
        if schema.digest == old.schema.digest:
            return
        handle = self._schema_handle(schema)
        if machine.clock is not None:
            ticks = dict(zip(old.schema.names, machine.clock, strict=True))
            machine.clock = [ticks.get(name, 0) for name in schema.names]
            self._batch.revised.append(SchemaRevised(machine.handle, handle))
        machine.fact = MachineFact(old.id, schema, old.parent, old.tags)
        machine.schema, machine.reader = handle, self._readers[handle]

    def lose(self, machine: OpenMachine, message: Mapping[str, Any], reason: str) -> None:
        """Give a transition up. The hole is told with the machine's next transition, or at the end."""
        machine.lost += 1
        machine.reason = reason
        machine.uncertain = True
        try:
            clock = self._clock(machine, message.get("Clocks", ()))
        except FormatError:
            return
        self.announce(machine)
        machine.clock = clock

    def orphan(self) -> None:
        """A transition of a machine nobody knows; it is counted, and that is all."""
        columns = self._batch.transitions
        for column in (columns.machine, columns.pattern):
            column.append(NOBODY)
        for column in (columns.sequence, columns.duration_ns, columns.queue_len, columns.queue_tick):
            column.append(0)
        columns.at_ns.append(self.now_ns)

    def settle(self, machine: OpenMachine) -> None:
        """Nothing more will come: tell what was lost after the last transition."""
        self.announce(machine)
        if machine.lost:
            self._gap(machine, machine.lost, machine.reason, tuple(machine.clock or ()))

    def take(self) -> Batch:
        """The batch filled so far; the next one is begun. What a long connection piles up is forgotten now and then."""
        batch = super().take()
        if sum(len(reader.steps) for reader in self._readers.values()) > MAX_STEPS:
            for reader in self._readers.values():
                reader.forget()
            self._patterns.clear()
        return batch

    @property
    def is_empty(self) -> bool:
        """Nothing is worth a batch."""
        batch = self._batch
        parts = (batch.schemas, batch.opened, batch.revised, batch.transitions, batch.gaps, batch.texts, batch.patterns)
        return not any(parts)

    def _before(
        self, machine: OpenMachine, message: Mapping[str, Any], clock: list[int], steps: tuple[int, ...]
    ) -> list[int]:
        before = super()._before(machine, message, clock, steps)
        effective = message.get("Accepted") and not (message.get("IsCheck") or message.get("IsQueued"))
        told = steps or message.get("LogEntries") or machine.sequence or machine.lost
        if effective and not told and max(clock) <= 1:
            # Nothing tells what changed, but it can have been all of it: the machine's very first transition.
            return [0] * len(clock)
        return before

    def _make_certain(self, machine: OpenMachine, before: list[int], at_ns: int) -> None:
        self._announce_unless_done(machine, before)
        if machine.lost:
            self._gap(machine, machine.lost, machine.reason, tuple(before))
        elif machine.clock != before:
            # No transition adds more than two ticks to a state.
            self._gap(machine, max(1, (max(before) + 1) // 2), CAME_LATE, tuple(before))
        machine.clock = before
        machine.at_ns = at_ns
        machine.uncertain = False

    def _announce_unless_done(self, machine: OpenMachine, before: list[int]) -> None:
        if machine.clock is None:
            self._announce(machine, tuple(before))

    def _gap(self, machine: OpenMachine, lost: int, reason: str, clock: tuple[int, ...]) -> None:
        self._batch.gaps.append(GapFact(machine.handle, machine.sequence, lost, reason, clock))
        machine.sequence += lost
        machine.lost = 0

    def _time(self, machine: OpenMachine, data: bytes | None) -> int:
        # What the message says is not used: no version fills it in, and clocks of one screen must agree.
        return max(self.now_ns, machine.at_ns)

    def _check_names(self, message: Mapping[str, Any]) -> None:
        if len(self._schemas) >= MAX_SCHEMAS:
            raise FormatError(f"more than {MAX_SCHEMAS:,} different schemas on one connection")
        names: list[str] = [message.get("ID", ""), message.get("Parent", ""), *message.get("StatesIndex", ())]
        names += message.get("Tags", ())
        if not names[0]:
            raise FormatError("a machine without an id")
        if max(map(len, names)) > MAX_NAME:
            raise FormatError(f"a name of more than {MAX_NAME:,} characters")
