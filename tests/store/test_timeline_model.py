"""The timeline answers like a plain list of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.facts import Flag, PatternFact, SchemaFact, StateFact
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline
from am_telemetry.store.timeline_blob import BlobError, dump, load

NAMES = ("A", "Heartbeat", "ErrDisk", "B", "C", "Exception")
EXTRA = ("D", "ErrLate", "E")


def schema_of(names: tuple[str, ...]) -> SchemaFact:
    return SchemaFact(tuple(StateFact(name) for name in names))


@dataclass
class Naive:
    """Everything written down in lists. States by name."""

    names: list[str]
    clock: dict[str, int]
    clocks: list[dict[str, int]] = field(default_factory=list)
    active: list[set[str]] = field(default_factory=list)
    facts: list[tuple[SchemaFact, PatternFact]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    logged: set[int] = field(default_factory=set)
    gaps: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.note()

    def note(self) -> None:
        self.clocks.append(dict(self.clock))
        self.active.append({name for name, tick in self.clock.items() if tick % 2})

    def numbers(self, condition) -> list[int]:
        return [n for n, (schema, fact) in enumerate(self.facts, 1) if condition(schema, fact)]


steps = st.tuples(
    st.sampled_from(["add", "remove", "set"]),
    st.dictionaries(st.integers(0, 5), st.sampled_from([1, 1, 1, 2, 2, 3, 4, 7]), max_size=3),
    st.lists(st.integers(0, 5), max_size=2, unique=True),
    st.sampled_from([0, 1, 1, 1, 3, 5, 8, 17]),
    st.integers(-3, 5),
    st.booleans(),
    st.booleans(),
)
actions = st.lists(
    st.one_of(
        st.lists(steps, max_size=12),
        st.tuples(st.just("gap"), st.lists(st.integers(0, 9), min_size=6, max_size=6), st.integers(1, 5)),
        st.tuples(st.just("gap"), st.none(), st.integers(1, 5)),
        st.tuples(st.just("revise"), st.permutations([*NAMES, *EXTRA]), st.integers(6, 9)),
    ),
    max_size=8,
)
starts = st.lists(st.integers(0, 3), max_size=6)


def play(start: list[int], script: list, cuts: list[int]) -> tuple[Naive, Timeline, dict[int, PatternRecord]]:
    """Run a script on both, handing transitions over in pieces."""
    schema = schema_of(NAMES)
    clock: dict[str, int] = {**dict.fromkeys(NAMES, 0), **dict(zip(NAMES, start, strict=False))}
    naive = Naive(list(NAMES), clock)
    timeline = Timeline(schema, start)
    records: dict[tuple[SchemaFact, PatternFact], PatternRecord] = {}
    now = 1_000
    waiting: list[tuple[int, PatternRecord, bool]] = []

    def hand_over() -> None:
        position = 0
        pieces = iter(cuts)
        while position < len(waiting):
            size = next(pieces, len(waiting))
            part = waiting[position : position + size]
            logged = [i for i, row in enumerate(part) if row[2]]
            timeline.extend([row[0] for row in part], [row[1] for row in part], logged)
            position += size
        waiting.clear()

    for action in script:
        if isinstance(action, list):
            for mutation, gains, called, flags, distance, with_log, with_handler in action:
                now += distance
                flag = Flag(flags)
                effective = gains if flag & Flag.ACCEPTED and not flag & Flag.CHECK else {}
                effective = {i: t for i, t in effective.items() if i < len(schema.names)}
                before = {i: naive.clock[name] for i, name in enumerate(schema.names)}
                fact = PatternFact(
                    mutation,
                    tuple(called),
                    flag,
                    tuple(sorted(effective.items())),
                    tuple(i for i, t in sorted(effective.items()) if not before[i] % 2 and t % 2),
                    tuple(i for i, t in sorted(effective.items()) if before[i] % 2 and t % 2),
                    handlers=("AState",) if with_handler else (),
                )
                for i, ticks in effective.items():
                    naive.clock[schema.names[i]] += ticks
                naive.facts.append((schema, fact))
                naive.times.append(now)
                naive.note()
                if with_log:
                    naive.logged.add(len(naive.facts))
                record = records.setdefault((schema, fact), PatternRecord(len(records) + 1, schema, fact))
                waiting.append((now, record, with_log))
            continue
        hand_over()
        kind, value, amount = action
        if kind == "gap":
            timeline.correct(value, amount, schema if value is not None else None)
            if value is not None:
                naive.clock.update(zip(schema.names, value, strict=False))
            following = len(naive.facts) + 1
            naive.gaps[following] = naive.gaps.get(following, 0) + amount
        else:
            schema = schema_of(tuple(name for name in value if name in NAMES or name in EXTRA[: amount - 6]))
            timeline.revise(schema)
            for name in schema.names:
                naive.clock.setdefault(name, 0)
    hand_over()
    return naive, timeline, {record.id: record for record in records.values()}


def check(naive: Naive, timeline: Timeline) -> None:
    """Every question, at every number, has the naive answer."""
    count = len(naive.facts)
    names = timeline.schema.names
    assert timeline.count == count
    assert set(names) >= {name for clock in naive.clocks for name in clock}
    for number in range(count + 1):
        expected = naive.clocks[number]
        assert timeline.clock(number) == tuple(expected.get(name, 0) for name in names)
        assert timeline.machine_time(number) == sum(expected.values())
        active = {names[state] for state in timeline.active_states(number)}
        assert active == naive.active[number]
        assert all(timeline.is_active(state, number) == (name in active) for state, name in enumerate(names))
    for state, name in enumerate(names):
        assert list(timeline.active(state)) == [n for n in range(count + 1) if name in naive.active[n]]

        def has(indexes, schema: SchemaFact, wanted: str = name) -> bool:
            return any(schema.names[i] == wanted for i in indexes if i < len(schema.names))

        changed = naive.numbers(lambda schema, fact: has([i for i, _ in fact.deltas], schema))
        assert list(timeline.changed(state)) == changed
        assert list(timeline.called(state)) == naive.numbers(lambda schema, fact: has(fact.called, schema))
    assert list(timeline.accepted) == naive.numbers(lambda _, f: f.accepted)
    assert list(timeline.canceled) == naive.numbers(lambda _, f: not (f.accepted or f.check or f.queued))
    assert timeline.refused_auto == timeline.canceled & timeline.auto
    assert list(timeline.auto) == naive.numbers(lambda _, f: f.auto)
    assert list(timeline.checks) == naive.numbers(lambda _, f: f.check)
    assert list(timeline.queued) == naive.numbers(lambda _, f: f.queued)
    assert list(timeline.broken) == naive.numbers(lambda _, f: f.broken)
    assert list(timeline.empty) == naive.numbers(
        lambda _, f: f.accepted and not (f.deltas or f.check or f.queued or f.handlers)
    )
    assert list(timeline.health) == naive.numbers(
        lambda s, f: len(f.called) == 1 and s.state_name(f.called[0]) == "Heartbeat"
    )
    assert list(timeline.errors) == naive.numbers(
        lambda s, f: any(s.names[i][:3] in ("Err", "Exc") and i not in f.removed for i, _ in f.deltas)
    )
    assert list(timeline.logged) == sorted(naive.logged)
    assert timeline.gaps == naive.gaps
    assert list(timeline.all()) == list(range(1, count + 1))
    for number in range(1, count + 1):
        assert timeline.at(number) == naive.times[number - 1]
        assert timeline.pattern(number).fact == naive.facts[number - 1][1]
    highest = [max(naive.times[: n + 1]) for n in range(count)]
    for moment in range(min(naive.times, default=0) - 2, max(naive.times, default=0) + 3):
        assert timeline.number_at(moment) == sum(high <= moment for high in highest)


@given(starts, actions, st.lists(st.integers(1, 7), max_size=20))
@settings(max_examples=120)
def test_it_answers_like_a_list_whatever_the_pieces(start: list[int], script: list, cuts: list[int]) -> None:
    naive, timeline, _ = play(start, script, cuts)
    check(naive, timeline)


@given(starts, actions, actions)
@settings(max_examples=60)
def test_a_stored_timeline_answers_the_same_and_goes_on(start: list[int], script: list, rest: list) -> None:
    """What comes after it was taken back is understood as if nothing had happened in between."""
    naive, timeline, records = play(start, script, [])
    stored = dump(timeline)
    restored = load(stored, records)
    assert dump(restored) == stored  # while nobody has looked at a state of it
    check(naive, restored)
    assert dump(restored) == stored
    more = [action for action in rest if isinstance(action, list)]
    _, longer, longer_records = play(start, [*script, *more], [])
    extra = [longer_records[i] for i in list(longer.pattern_ids)[timeline.count :]]
    logged = [n - timeline.count - 1 for n in longer.logged if n > timeline.count]
    times = list(longer.times)[timeline.count :]
    for target in (restored, timeline):
        renumbered = [replace(record, id=record.id + 10_000) for record in extra]
        target.extend(times, renumbered, logged)
        assert [target.clock(n) for n in range(target.count + 1)] == [longer.clock(n) for n in range(longer.count + 1)]
        for state in range(len(target.schema.names)):
            assert target.active(state) == longer.active(state)
        assert target.errors == longer.errors


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_timeline(content: bytes) -> None:
    with pytest.raises(BlobError):
        load(content, {})


@given(actions.filter(lambda script: any(isinstance(a, list) and a for a in script)), st.data())
@settings(max_examples=30)
def test_one_flipped_bit_is_noticed(script: list, data: st.DataObject) -> None:
    _, timeline, records = play([], script, [])
    content = bytearray(dump(timeline))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BlobError):
        load(bytes(content), records)


def test_large_recordings_survive_storing() -> None:
    """Several column chunks, with long pauses and many patterns."""
    schema = schema_of(("A", "B"))
    facts = [
        PatternFact("add", (0,), Flag.ACCEPTED, ((0, 1),), (0,)),
        PatternFact("remove", (0,), Flag.ACCEPTED, ((0, 1),), (), (0,)),
    ]
    records = {i: PatternRecord(i, schema, facts[i % 2]) for i in (4, 5, 70_000, 70_001)}
    timeline = Timeline(schema)
    ids = [4, 5] * 40_000 + [70_000, 70_001] * 30_000
    times = [n * 1_000 + (10**15 if n > 100_000 else 0) for n in range(len(ids))]
    timeline.extend_ids(times, ids, [7, 90_000], records)
    restored = load(dump(timeline), records)
    assert restored.count == 140_000
    assert list(restored.times) == times
    assert list(restored.pattern_ids) == ids
    assert restored.clock(139_999) == (139_999, 0)
    assert restored.active(0) == timeline.active(0)
    assert list(restored.logged) == [8, 90_001]


def test_an_unknown_pattern_appends_nothing() -> None:
    timeline = Timeline(schema_of(("A",)))
    with pytest.raises(KeyError):
        timeline.extend_ids([1], [99], (), {})
    assert timeline.count == 0
    assert not timeline.all()


@pytest.mark.parametrize("number", [-1, 0, 1])
def test_there_is_no_transition_before_the_first(number: int) -> None:
    timeline = Timeline(schema_of(("A",)))
    with pytest.raises(IndexError):
        timeline.at(number)
    with pytest.raises(IndexError):
        timeline.pattern(number)
