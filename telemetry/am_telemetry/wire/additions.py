"""From protobuf, checked: what comes beside transitions, gaps and definitions."""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import accumulate

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import LateColumns, RunColumns
from am_telemetry.facts import OmissionFact, RunningFact, SchemaFact
from am_telemetry.wire.limits import MAX_ATTACHED, MAX_INT, MAX_NAME, WireError
from am_telemetry.wire.names import MUTATIONS

Owners = Mapping[int, SchemaFact]
"""The schema of every machine that is open."""


def decode_groups(message: pb.Schema) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The groups of a schema.

    Raises:
        WireError: a name is too long or comes twice, or a member is no state of the schema.
    """
    size = len(message.states)
    groups = tuple((group.name, tuple(group.members)) for group in message.groups)
    if len({name for name, _ in groups}) < len(groups):
        raise WireError("a schema names a group twice")
    for name, members in groups:
        if len(name) > MAX_NAME or len(members) > size or any(member >= size for member in members):
            raise WireError("a group of a schema is out of range")
    return groups


def decode_late(message: pb.Batch, machines: Container[int], texts: set[int]) -> LateColumns:
    """Lines logged after the last transitions of machines.

    Raises:
        WireError: columns differ in length, or something in them is unknown or out of range.
    """
    count = len(message.late_machine)
    columns = (message.late_sequence, message.late_at_ns, message.late_level, message.late_text)
    if count > MAX_ATTACHED or any(len(column) != count for column in columns):
        raise WireError("the columns of late log lines are too long, or differ in length")
    if not count:
        return LateColumns()
    late = LateColumns(
        machine=list(message.late_machine),
        sequence=list(accumulate(message.late_sequence)),
        at_ns=list(accumulate(message.late_at_ns)),
        level=list(message.late_level),
        text=list(message.late_text),
    )
    if any(machine not in machines for machine in set(late.machine)):
        raise WireError("a late log line belongs to an unknown machine")
    if not texts.issuperset(late.text):
        raise WireError("a late log line uses an undefined text")
    if max(late.level) > 255 or any(min(c) < 0 or max(c) > MAX_INT for c in (late.sequence, late.at_ns)):
        raise WireError("a number of a late log line is out of range")
    return late


def decode_runs(message: pb.Batch, size: int) -> RunColumns:
    """How long handlers took; ``size`` is the number of transitions in the batch.

    Raises:
        WireError: columns differ in length, are out of order, or name unknown rows or names.
    """
    count = len(message.run_row)
    columns = (message.run_name, message.run_offset_ns, message.run_duration_ns)
    if count > MAX_ATTACHED or any(len(column) != count for column in columns):
        raise WireError("the columns of handlers are too long, or differ in length")
    if not count:
        return RunColumns()
    names = list(message.run_names)
    rows = list(accumulate(message.run_row))
    if rows[-1] >= size or max(message.run_name) >= len(names) or any(len(name) > MAX_NAME for name in names):
        raise WireError("a handler's duration belongs to no transition, or has no name")
    runs = RunColumns(
        row=rows,
        name=[names[number] for number in message.run_name],
        offset_ns=list(message.run_offset_ns),
        duration_ns=list(message.run_duration_ns),
    )
    if max(*runs.offset_ns, *runs.duration_ns) > MAX_INT:
        raise WireError("a handler's duration is out of range")
    return runs


def decode_running(message: pb.Batch, owners: Owners) -> list[RunningFact]:
    """Transitions that are not over.

    Raises:
        WireError: something in them is unknown or out of range.
    """
    if len(message.running) > MAX_ATTACHED:
        raise WireError("too many running transitions in one batch")
    found = []
    for entry in message.running:
        schema = owners.get(entry.machine)
        if schema is None:
            raise WireError(f"a running transition belongs to unknown machine {entry.machine}")
        called = tuple(entry.called)
        if any(state >= len(schema.states) for state in called) or not 0 <= entry.mutation < len(MUTATIONS):
            raise WireError("a running transition calls what its machine has not")
        if max(entry.sequence, entry.at_ns, entry.noted_ns) > MAX_INT or len(entry.handler) > MAX_NAME:
            raise WireError("a running transition is out of range")
        found.append(
            RunningFact(
                machine=entry.machine,
                sequence=entry.sequence,
                at_ns=entry.at_ns,
                noted_ns=entry.noted_ns,
                mutation=MUTATIONS[entry.mutation],
                called=called,
                auto=entry.auto,
                handler=entry.handler,
                timed_out=entry.timed_out,
            )
        )
    return found


def decode_omissions(message: pb.Batch, machines: Container[int]) -> list[OmissionFact]:
    """What transitions lack.

    Raises:
        WireError: something in them is unknown or out of range.
    """
    if len(message.omissions) > MAX_ATTACHED:
        raise WireError("too many omissions in one batch")
    found = []
    for entry in message.omissions:
        if entry.machine not in machines:
            raise WireError(f"an omission belongs to unknown machine {entry.machine}")
        if not 0 <= entry.first_sequence <= entry.last_sequence <= MAX_INT or not 0 < entry.count <= MAX_INT:
            raise WireError("an omission is of impossible size")
        if max(len(entry.what), len(entry.reason)) > MAX_NAME:
            raise WireError("the words of an omission are too long")
        found.append(
            OmissionFact(
                entry.machine, entry.first_sequence, entry.last_sequence, entry.what, entry.count, entry.reason
            )
        )
    return found
