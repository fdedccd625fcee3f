"""Hypothesis strategies for batches that are right in themselves."""

from __future__ import annotations

from hypothesis import strategies as st

from am_telemetry.batch import (
    Batch,
    LateColumns,
    LogColumns,
    MachineClosed,
    PatternDef,
    RunColumns,
    TransitionColumns,
)
from am_telemetry.facts import (
    ErrorFact,
    Flag,
    GapFact,
    MachineFact,
    OmissionFact,
    PatternFact,
    RunningFact,
    SchemaFact,
    SourceFact,
    StateFact,
    StepFact,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
BIG = 2**63 - 1
TICKS = st.one_of(st.integers(0, 50), st.integers(0, BIG))
TIMES = st.one_of(st.integers(1_700_000_000_000_000_000, 1_900_000_000_000_000_000), st.integers(0, BIG))


@st.composite
def schemas(draw: st.DrawFn) -> SchemaFact:
    names = draw(st.lists(TEXTS, min_size=1, max_size=5, unique=True))
    relation = st.lists(TEXTS, max_size=2).map(tuple)
    return SchemaFact(
        tuple(
            draw(
                st.builds(
                    StateFact,
                    st.just(name),
                    st.booleans(),
                    st.booleans(),
                    relation,
                    relation,
                    relation,
                    relation,
                    relation,
                )
            )
            for name in names
        ),
        tuple(
            (group, tuple(draw(st.lists(st.integers(0, len(names) - 1), max_size=3, unique=True))))
            for group in draw(st.lists(TEXTS, max_size=2, unique=True))
        ),
    )


@st.composite
def patterns(draw: st.DrawFn, states: int) -> PatternFact:
    index = st.integers(0, states - 1)
    ascending = st.sets(index).map(sorted)
    step = st.builds(
        StepFact,
        st.sampled_from(["called", "activate", "deactivate", "deactivate-passive", "rel", "handler", "cancel"]),
        st.integers(-2, states - 1),
        st.integers(-2, states - 1),
        st.sampled_from(["", "after", "add", "require", "remove"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
    return PatternFact(
        draw(st.sampled_from(["add", "remove", "set"])),
        tuple(draw(st.lists(index, max_size=4))),
        Flag(draw(st.integers(0, 31))),
        tuple((state, draw(st.integers(-BIG, BIG))) for state in draw(ascending)),
        tuple(draw(ascending)),
        tuple(draw(ascending)),
        tuple(draw(st.lists(step, max_size=5))),
        tuple(draw(st.lists(TEXTS, max_size=3))),
        draw(TEXTS),
    )


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """A batch that defines everything it uses."""
    first = draw(st.integers(1, 2**40))
    batch = Batch(first, first + draw(st.integers(0, 1000)))
    batch.texts = list(enumerate(draw(st.lists(TEXTS, max_size=4)), 1))
    batch.schemas = list(enumerate(draw(st.lists(schemas(), min_size=1, max_size=2, unique_by=lambda s: s.digest)), 1))
    facts = dict(batch.schemas)
    homes: dict[int, int] = {}
    for machine in range(1, draw(st.integers(1, 3)) + 1):
        homes[machine] = draw(st.sampled_from(sorted(facts)))
        size = len(facts[homes[machine]].states)
        clock = tuple(draw(st.lists(TICKS, max_size=size)))
        tags = tuple(draw(st.lists(TEXTS, max_size=2)))
        sequence = draw(st.integers(0, 2**50))
        fact = MachineFact(draw(TEXTS), facts[homes[machine]], draw(TEXTS), tags, clock, sequence, draw(TEXTS))
        batch.opened.append((machine, draw(TIMES), fact))
    by_schema: dict[int, list[int]] = {schema: [] for schema in facts}
    for handle in range(1, draw(st.integers(0, 4)) + 1):
        schema = draw(st.sampled_from(sorted(facts)))
        batch.patterns.append(PatternDef(handle, schema, draw(patterns(len(facts[schema].states)))))
        by_schema[schema].append(handle)
    sequences = {machine: fact.sequence for machine, _, fact in batch.opened}
    usable = [machine for machine, schema in homes.items() if by_schema[schema]]
    columns = batch.transitions = TransitionColumns()
    for _ in range(draw(st.integers(0, 6)) if usable else 0):
        machine = draw(st.sampled_from(usable))
        sequences[machine] += draw(st.integers(1, 3))
        columns.machine.append(machine)
        columns.sequence.append(sequences[machine])
        columns.at_ns.append(draw(TIMES))
        columns.duration_ns.append(draw(TICKS))
        columns.pattern.append(draw(st.sampled_from(by_schema[homes[machine]])))
        columns.queue_len.append(draw(TICKS))
        columns.queue_tick.append(draw(TICKS))
    rows = sorted(draw(st.sets(st.integers(0, len(columns) - 1)))) if len(columns) else []
    if batch.texts and rows:
        level = st.integers(0, 255)
        handle_of = st.sampled_from([handle for handle, _ in batch.texts])
        batch.logs = LogColumns(
            rows, [draw(level) for _ in rows], [draw(handle_of) for _ in rows], [draw(st.booleans()) for _ in rows]
        )
    batch.sources = [(row, draw(st.builds(SourceFact, TEXTS, TICKS, TICKS, TEXTS))) for row in rows]
    batch.arguments = [(row, draw(TEXTS)) for row in rows]
    batch.errors = [(row, draw(st.builds(ErrorFact, TEXTS, TEXTS, TEXTS))) for row in rows]
    batch.transition_ids = [(row, draw(TEXTS)) for row in rows]
    if rows:
        naturals = st.lists(TICKS, min_size=len(rows), max_size=len(rows))
        batch.runs = RunColumns(rows, [draw(TEXTS) for _ in rows], draw(naturals), draw(naturals))
    if batch.texts:
        texts = st.sampled_from([handle for handle, _ in batch.texts])
        late = draw(
            st.lists(st.tuples(st.sampled_from(sorted(homes)), TICKS, TIMES, st.integers(0, 255), texts), max_size=3)
        )
        batch.late = LateColumns(*map(list, zip(*late, strict=True))) if late else LateColumns()
    for machine, schema in homes.items():
        if draw(st.booleans()):
            called = st.lists(st.integers(0, len(facts[schema].states) - 1), max_size=3).map(tuple)
            kind = st.sampled_from(["add", "remove", "set"])
            flag = st.booleans()
            batch.running.append(
                draw(st.builds(RunningFact, st.just(machine), TICKS, TIMES, TIMES, kind, called, flag, TEXTS, flag))
            )
        if draw(st.booleans()):
            first = draw(st.integers(0, 1000))
            last = first + draw(st.integers(0, 1000))
            batch.omissions.append(
                OmissionFact(machine, first, last, draw(TEXTS), draw(st.integers(1, BIG)), draw(TEXTS))
            )
    for machine in homes:
        if draw(st.booleans()):
            size = len(facts[homes[machine]].states)
            clock = tuple(draw(st.lists(TICKS, max_size=size)))
            batch.gaps.append(GapFact(machine, sequences[machine], draw(st.integers(1, 1000)), draw(TEXTS), clock))
        if draw(st.booleans()):
            batch.closed.append(MachineClosed(machine, draw(TIMES), draw(TEXTS)))
    return batch
