"""From batches to protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch, LateColumns, RunColumns
from am_telemetry.facts import GapFact, MachineFact, OmissionFact, PatternFact, RunningFact, SchemaFact
from am_telemetry.wire.columns import clean, deltas
from am_telemetry.wire.limits import WireError
from am_telemetry.wire.names import (
    RELATION_NUMBERS,
    STEP_ENTER,
    STEP_FINAL,
    STEP_INDEX_OFFSET,
    STEP_KIND_NUMBERS,
    STEP_SELF,
)
from am_telemetry.wire.waits import fill_waits

_MUTATIONS = {"add": pb.MUTATION_ADD, "remove": pb.MUTATION_REMOVE, "set": pb.MUTATION_SET}


def encode(batch: Batch, schemas: Mapping[str, int] | None = None) -> bytes:
    """A ``ClientFrame`` with the batch, serialised.

    Two encoded frames may be concatenated, as long as only one of them has transitions: a reader sees one batch with
    the entries of both. Clients use this to put the definitions a connection still lacks beside records that were
    encoded earlier.

    Args:
        schemas: digest to handle of schemas defined in earlier frames, for machines that are opened with them.

    Raises:
        WireError: a number does not fit its field, or a machine uses a schema without a handle.
    """
    frame = pb.ClientFrame()
    try:
        _fill(frame.batch, batch, schemas or {})
        return frame.SerializeToString()
    except (ValueError, OverflowError, TypeError, KeyError) as error:
        raise WireError(f"the batch cannot be encoded: {error}") from error


def _fill(out: pb.Batch, batch: Batch, schemas: Mapping[str, int]) -> None:
    out.first_seq = batch.first_seq
    out.last_seq = batch.last_seq
    for handle, text in batch.texts:
        out.texts.add(handle=handle, text=clean(text))
    known = schemas if not batch.schemas else {**schemas, **{fact.digest: handle for handle, fact in batch.schemas}}
    for handle, schema in batch.schemas:
        _fill_schema(out.schemas.add(handle=handle), schema)
    for machine, at_ns, fact in batch.opened:
        _fill_opened(out.opened.add(machine=machine, at_ns=at_ns), fact, known)
    for definition in batch.patterns:
        _fill_pattern(out.patterns.add(handle=definition.handle, schema=definition.schema), definition.pattern)
    for revision in batch.revised:
        out.revised.add(machine=revision.machine, schema=revision.schema)
    _fill_transitions(out, batch)
    _fill_attached(out, batch)
    for gap in batch.gaps:
        _fill_gap(out.gaps.add(), gap)
    for omission in batch.omissions:
        _fill_omission(out.omissions.add(), omission)
    for running in batch.running:
        _fill_running(out.running.add(), running)
    if len(batch.waits):
        fill_waits(out.waits, batch.waits)
    for closed in batch.closed:
        out.closed.add(machine=closed.machine, at_ns=closed.at_ns, reason=clean(closed.reason))


def _fill_schema(out: pb.Schema, schema: SchemaFact) -> None:
    for state in schema.states:
        out.states.add(
            name=clean(state.name),
            auto=state.auto,
            multi=state.multi,
            require=map(clean, state.require),
            add=map(clean, state.add),
            remove=map(clean, state.remove),
            after=map(clean, state.after),
            tags=map(clean, state.tags),
        )
    for name, members in schema.groups:
        out.groups.add(name=clean(name), members=members)


def _fill_opened(out: pb.MachineOpened, fact: MachineFact, schemas: Mapping[str, int]) -> None:
    out.schema = schemas[fact.schema.digest]
    out.id = clean(fact.id)
    out.parent = clean(fact.parent)
    out.tags.extend(map(clean, fact.tags))
    out.clock.extend(fact.clock)
    out.sequence = fact.sequence
    out.id_prefix = clean(fact.id_prefix)


def _fill_pattern(out: pb.Pattern, pattern: PatternFact) -> None:
    out.mutation = _MUTATIONS[pattern.mutation]
    out.called.extend(pattern.called)
    out.flags = int(pattern.flags)
    out.delta_state.extend(state for state, _ in pattern.deltas)
    out.delta_ticks.extend(ticks for _, ticks in pattern.deltas)
    out.added.extend(pattern.added)
    out.removed.extend(pattern.removed)
    out.handlers.extend(map(clean, pattern.handlers))
    out.canceled_by = clean(pattern.canceled_by)
    steps = pattern.steps
    out.step_kind.extend(STEP_KIND_NUMBERS[step.kind] for step in steps)
    out.step_source.extend(step.source + STEP_INDEX_OFFSET for step in steps)
    out.step_target.extend(step.target + STEP_INDEX_OFFSET for step in steps)
    out.step_relation.extend(_omissible([RELATION_NUMBERS[step.relation] for step in steps]))
    bits = [step.is_final * STEP_FINAL | step.is_self * STEP_SELF | step.is_enter * STEP_ENTER for step in steps]
    out.step_bits.extend(_omissible(bits))


def _fill_transitions(out: pb.Batch, batch: Batch) -> None:
    columns = batch.transitions
    out.machine.extend(columns.machine)
    out.sequence.extend(deltas(columns.sequence))
    out.at_ns.extend(deltas(columns.at_ns))
    out.duration_ns.extend(_omissible(columns.duration_ns))
    out.pattern.extend(columns.pattern)
    out.queue_len.extend(_omissible(columns.queue_len))
    out.queue_tick.extend(deltas(_omissible(columns.queue_tick)))


def _fill_attached(out: pb.Batch, batch: Batch) -> None:
    logs = batch.logs
    out.log_row.extend(deltas(logs.row))
    out.log_level.extend(logs.level)
    out.log_text.extend(logs.text)
    if True in logs.before:
        out.log_before.extend(logs.before)
    if len(batch.late):
        _fill_late(out, batch.late)
    if len(batch.runs):
        _fill_runs(out, batch.runs)
    if batch.sources:
        names: dict[str, int] = {}
        facts = [fact for _, fact in batch.sources]
        out.source_row.extend(row for row, _ in batch.sources)
        out.source_machine.extend(names.setdefault(fact.machine, len(names)) for fact in facts)
        out.source_sequence.extend(_omissible([fact.sequence for fact in facts]))
        out.source_time.extend(_omissible([fact.machine_time for fact in facts]))
        out.source_names.extend(map(clean, names))
        if any(fact.transition_id for fact in facts):
            out.source_id.extend(clean(fact.transition_id) for fact in facts)
    for row, arguments in batch.arguments:
        out.argument_row.append(row)
        out.argument_json.append(clean(arguments))
    for row, transition_id in batch.transition_ids:
        out.id_row.append(row)
        out.id_text.append(clean(transition_id))
    for row, error in batch.errors:
        out.problems.add(
            row=row, type=clean(error.type), message=clean(error.message), traceback=clean(error.traceback)
        )


def _fill_late(out: pb.Batch, late: LateColumns) -> None:
    out.late_machine.extend(late.machine)
    out.late_sequence.extend(deltas(late.sequence))
    out.late_at_ns.extend(deltas(late.at_ns))
    out.late_level.extend(late.level)
    out.late_text.extend(late.text)


def _fill_runs(out: pb.Batch, runs: RunColumns) -> None:
    names: dict[str, int] = {}
    out.run_row.extend(deltas(runs.row))
    out.run_name.extend(names.setdefault(name, len(names)) for name in runs.name)
    out.run_offset_ns.extend(runs.offset_ns)
    out.run_duration_ns.extend(runs.duration_ns)
    out.run_names.extend(map(clean, names))


def _fill_omission(out: pb.Omission, omission: OmissionFact) -> None:
    out.machine = omission.machine
    out.first_sequence = omission.first_sequence
    out.last_sequence = omission.last_sequence
    out.what = clean(omission.what)
    out.count = omission.count
    out.reason = clean(omission.reason)


def _fill_running(out: pb.Running, running: RunningFact) -> None:
    out.machine = running.machine
    out.sequence = running.sequence
    out.at_ns = running.at_ns
    out.noted_ns = running.noted_ns
    out.mutation = _MUTATIONS[running.mutation]
    out.called.extend(running.called)
    out.auto = running.auto
    out.handler = clean(running.handler)
    out.timed_out = running.timed_out


def _fill_gap(out: pb.Gap, gap: GapFact) -> None:
    out.machine = gap.machine
    out.after_sequence = gap.after_sequence
    out.lost = gap.lost
    out.reason = clean(gap.reason)
    out.clock.extend(gap.clock)


def _omissible(values: Sequence[int]) -> Sequence[int]:
    return values if any(values) else ()
