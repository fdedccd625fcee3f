"""What a machine does becomes facts that tell the same story."""

from __future__ import annotations

import gc
import itertools
import json
import threading
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Machine, Snapshot, Time
from am_telemetry.batch import Batch
from am_telemetry.facts import Flag, PatternFact
from am_telemetry.sending.builder import Builder
from am_telemetry.sending.drafts import Draft, Dropped
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.tracer import MachineTracer, Ring
from am_telemetry.sending.transition_rows import MAX_ROWS
from am_telemetry.settings import Settings, read_settings


class Watch:
    """A ring and a builder around one or several machines, without any thread."""

    def __init__(self, detail: int = 2, limit: int = 65_536, **options: Any) -> None:
        self.settings: Settings = read_settings("1", detail=detail, environ={}, **options)
        self.ring = Ring(limit)
        self.drafts: list[Draft] = []
        self.dropped = Dropped()
        self.builder = Builder(self.settings, SchemaTable(), self.drafts.append, self.dropped)
        self.patterns: dict[int, PatternFact] = {}
        self._handles = itertools.count(1)

    def trace(self, machine: Machine, announce: bool = True) -> MachineTracer:
        tracer = MachineTracer(self.ring, machine, next(self._handles), self.settings.detail)
        machine.bind_tracer(tracer)
        machine.log_level = self.settings.log_level
        if announce:
            tracer.announce()
        return tracer

    def collect(self) -> list[Batch]:
        self.builder.feed(self.ring.take())
        self.builder.close_left()
        self.builder.finish()
        for draft in self.drafts:
            self.patterns.update((handle, entry.pattern) for handle, entry in draft.patterns.items())
        return [draft.batch for draft in self.drafts]

    def story(self) -> list[PatternFact]:
        """Patterns of all transitions, in order."""
        return [self.patterns[handle] for batch in self.collect() for handle in batch.transitions.pattern]


def replay(batches: list[Batch], patterns: dict[int, PatternFact]) -> dict[int, list[int]]:
    """Clocks by machine handle, from nothing but the facts."""
    clocks: dict[int, list[int]] = {}
    expected: dict[int, int] = {}
    for batch in batches:
        for handle, _, fact in batch.opened:
            clocks[handle] = list(fact.clock) or [0] * len(fact.schema.states)
            expected[handle] = fact.sequence + 1
        columns = batch.transitions
        for handle, sequence, pattern in zip(columns.machine, columns.sequence, columns.pattern, strict=True):
            assert sequence == expected[handle]
            expected[handle] += 1
            for state, ticks in patterns[pattern].deltas:
                was = clocks[handle][state] % 2
                clocks[handle][state] += ticks
                now = clocks[handle][state] % 2
                assert (state in patterns[pattern].added) == (not was and bool(now))
                assert (state in patterns[pattern].removed) == (bool(was) and not now)
        for gap in batch.gaps:
            assert gap.after_sequence == expected[gap.machine] - 1
            expected[gap.machine] += gap.lost
            clocks[gap.machine] = list(gap.clock)
    return clocks


NAMES = ["A", "B", "C", "D"]
RELATION = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
STATE = st.fixed_dictionaries(
    {"auto": st.booleans(), "multi": st.booleans(), "require": RELATION, "add": RELATION, "remove": RELATION}
)
CALLS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set"]), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)),
    max_size=25,
)


@settings(max_examples=40)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, STATE)), CALLS, st.integers(0, 25), st.integers(3, 60))
def test_clocks_can_be_replayed_from_the_facts(
    schema: dict[str, Any], calls: list[tuple[str, list[str]]], traced_after: int, limit: int
) -> None:
    """Also when tracing begins late and when the ring is too small."""
    machine = Machine(schema, id="m", strict=False)
    watch = Watch(limit=limit)
    tracer = None
    for position, (verb, states) in enumerate(calls):
        if position == min(traced_after, len(calls) - 1):
            tracer = watch.trace(machine)
        getattr(machine, verb)(states)
        if position % 10 == 9:
            watch.collect()
    watch.collect()
    if tracer is None:
        return
    watch.builder.book_lost(tracer)
    batches = watch.collect()
    clocks = replay(batches, watch.patterns)
    assert clocks[1] == list(machine.time())
    lost = sum(gap.lost for batch in batches for gap in batch.gaps)
    assert lost == sum(watch.dropped.reasons.values())


def test_a_transition_tells_everything_about_itself() -> None:
    class Handlers:
        def AEnter(self, e: Any) -> bool:
            return True

        def AState(self, e: Any) -> None:
            other.add("X", event=e)

    machine = Machine({"A": {"add": ["B"]}, "B": {}}, id="m", tags=["t"])
    other = Machine({"X": {}}, id="other")
    machine.bind(Handlers())
    watch = Watch()
    first, second = watch.trace(machine), watch.trace(other)
    machine.add("A", number=7)
    batches = watch.collect()
    assert [fact.id for _, _, fact in batches[0].opened] == ["m", "other"]
    story = watch.story()
    columns = batches[0].transitions
    caused = columns.machine.index(second.track.handle)
    cause = columns.machine.index(first.track.handle)
    assert story[cause].mutation == "add"
    assert story[cause].called == (0,)
    assert story[cause].flags == Flag.ACCEPTED
    assert story[cause].handlers == ("AEnter", "AState")
    assert {step.kind for step in story[cause].steps} >= {"called", "activate", "rel", "handler"}
    assert columns.duration_ns[cause] > 0
    ((row, source),) = batches[0].sources
    assert row == caused
    assert (source.machine, source.sequence, source.transition_id) == ("m", columns.sequence[cause], "")
    assert dict(batches[0].arguments)[cause] == '{"number": null}'
    texts = dict(item for draft in watch.drafts for item in draft.texts.items())
    assert "[state] +A +B" in [texts[handle] for handle in batches[0].logs.text]


def test_a_refusal_names_who_refused() -> None:
    class Handlers:
        def AEnter(self, e: Any) -> bool:
            return False

    machine = Machine({"A": {}, "B": {"require": ["C"]}, "C": {}}, id="m")
    machine.bind(Handlers())
    watch = Watch()
    watch.trace(machine)
    machine.add("A")
    machine.add("B")
    by_handler, by_relation = watch.story()
    assert (by_handler.accepted, by_handler.canceled_by) == (False, "AEnter")
    assert (by_relation.accepted, by_relation.canceled_by) == (False, "relations")


def test_an_error_carries_type_message_and_traceback() -> None:
    class Handlers:
        def AState(self, e: Any) -> None:
            raise ValueError("no good")

    machine = Machine({"A": {}}, id="m")
    machine.bind(Handlers())
    watch = Watch()
    watch.trace(machine)
    machine.add("A")
    (batch,) = watch.collect()
    ((_, error),) = batch.errors
    assert (error.type, error.message) == ("ValueError", "no good")
    assert "AState" in error.traceback
    assert any(Flag.BROKEN in pattern.flags for pattern in watch.story())


def test_a_long_traceback_keeps_its_innermost_frames() -> None:
    class Handlers:
        def AState(self, e: Any) -> None:
            self.down(200)

        def down(self, left: int) -> None:
            if not left:
                raise ValueError("here")
            self.down(left - 1)

    machine = Machine({"A": {}}, id="m")
    machine.bind(Handlers())
    watch = Watch()
    watch.trace(machine)
    machine.add("A")
    (batch,) = watch.collect()
    ((_, error),) = batch.errors
    assert 'raise ValueError("here")' in error.traceback


@pytest.mark.parametrize("detail", [0, 1, 2, 3])
def test_detail_decides_what_leaves_the_program(detail: int) -> None:
    machine = Machine({"A": {}}, id="m")
    watch = Watch(detail=detail)
    watch.trace(machine)
    machine.add("A", number=7, password="x")
    (batch,) = watch.collect()
    (fact,) = watch.story()
    assert fact.deltas == ((0, 1),)
    assert bool(fact.called) == (detail >= 1)
    assert bool(batch.logs.row) == (detail >= 1)
    assert bool(fact.steps) == (detail >= 2)
    arguments = [json.loads(text) for _, text in batch.arguments]
    if detail == 0:
        assert arguments == []
    elif detail < 3:
        assert arguments == [{"number": None, "password": None}]
    else:
        assert arguments == [{"number": 7, "password": "[hidden]"}]


def test_values_are_those_of_the_moment_of_the_call() -> None:
    machine = Machine({"A": {}}, id="m")
    watch = Watch(detail=3)
    watch.trace(machine)
    arguments: dict[str, Any] = {"number": 1}
    machine.add("A", arguments)
    arguments["number"] = 2
    (batch,) = watch.collect()
    assert batch.arguments == [(0, '{"number": 1}')]


def test_batches_are_bounded_and_their_numbers_join() -> None:
    machine = Machine({"A": {"multi": True}}, id="m")
    watch = Watch()
    watch.trace(machine)
    for _ in range(2 * MAX_ROWS + 276):
        machine.add("A")
    batches = watch.collect()
    assert [len(batch) for batch in batches] == [MAX_ROWS, MAX_ROWS, 276]
    assert batches[0].first_seq == 1
    assert all(a.last_seq + 1 == b.first_seq for a, b in pairwise(batches))
    assert len(watch.patterns) == 2


def test_what_does_not_fit_the_ring_is_a_gap_with_the_true_clock() -> None:
    machine = Machine({"A": {}}, id="m")
    watch = Watch(limit=10)
    watch.trace(machine)
    for _ in range(50):
        machine.add("A")
        machine.remove("A")
    watch.collect()
    machine.add("A")
    batches = watch.collect()
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert gap.after_sequence + gap.lost + 1 == batches[-1].transitions.sequence[-1]
    assert gap.clock[0] == 100
    assert watch.dropped.reasons == {"buffer full": gap.lost}
    assert gap.lost >= 90


def test_a_machine_met_in_the_middle_of_a_transition_is_announced_as_it_was_before() -> None:
    watch = Watch()

    class Handlers:
        def BState(self, e: Any) -> None:
            watch.trace(machine)

    machine = Machine({"A": {}, "B": {}}, id="m")
    machine.bind(Handlers())
    machine.add("A")
    machine.add("B")
    batches = watch.collect()
    ((_, _, fact),) = batches[0].opened
    assert (fact.clock[:2], fact.sequence) == ((1, 0), 1)
    assert batches[0].transitions.sequence == [2]
    assert replay(batches, watch.patterns)[1] == list(machine.time())


def test_a_machine_that_changes_while_it_is_being_met_loses_nothing() -> None:
    machine = Machine({"A": {"multi": True}}, id="m")
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            machine.add("A")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(20):
            watch = Watch()
            tracer = watch.trace(machine)
            watch.collect()
            machine.detach_tracer(tracer)
            batches = watch.collect()
            replay(batches, watch.patterns)
    finally:
        stop.set()
        thread.join()


def test_a_machine_that_is_disposed_or_garbage_is_closed() -> None:
    watch = Watch()
    disposed, forgotten = Machine({"A": {}}, id="disposed"), Machine({"A": {}}, id="forgotten")
    first, second = watch.trace(disposed), watch.trace(forgotten)
    watch.collect()
    disposed.dispose_force()
    del forgotten
    gc.collect()
    closed = [entry.machine for batch in watch.collect() for entry in batch.closed]
    assert sorted(closed) == [first.track.handle, second.track.handle]


def test_another_schema_is_announced_before_the_transitions_that_use_it() -> None:
    machine = Machine({"A": {}}, id="m")
    watch = Watch()
    watch.trace(machine)
    machine.add("A")
    watch.collect()
    machine.set_schema({"A": {}, "New": {}}, [*machine.states, "New"])
    machine.add("New")
    batches = watch.collect()
    revised = [batch for batch in batches if batch.revised]
    assert len(revised) == 1
    names = watch.builder.schemas.facts[revised[0].revised[0].schema].names
    assert "New" in names
    assert revised[0].transitions.sequence == [2]


@pytest.mark.parametrize("order", [["A", "B", "Exception"], ["Exception", "B", "A"]])
def test_a_restored_machine_goes_on_from_its_new_ticks(order: list[str]) -> None:
    """Shown as a gap in which nothing was lost; another order of states is told before."""
    machine = Machine({"A": {}, "B": {}}, id="m")
    machine.verify_states(["A", "B", "Exception"])
    watch = Watch()
    tracer = watch.trace(machine)
    machine.add("A")
    machine.restore(Snapshot("m", Time([4, 7, 0] if order[0] == "A" else [0, 7, 4]), tuple(order)))
    machine.add("A")
    batches = watch.collect()
    gaps = [gap for batch in batches for gap in batch.gaps]
    assert [(gap.after_sequence, gap.lost, gap.reason) for gap in gaps] == [(1, 1, "restored")]
    assert replay(batches, watch.patterns)[tracer.track.handle] == list(machine.time())
    assert machine.clock() == {"A": 5, "B": 7, "Exception": 0}
    assert watch.dropped.reasons == {}
    told = [watch.builder.schemas.facts[entry.schema].names for batch in batches for entry in batch.revised]
    assert told == ([] if order[0] == "A" else [("Exception", "B", "A")])


def test_a_full_text_table_starts_again_without_confusing_earlier_batches() -> None:
    machine = Machine({"A": {}}, id="m")
    watch = Watch()
    watch.builder.texts._limit = 50
    watch.trace(machine)
    for number in range(200):
        machine.log(f"line {number}")
        machine.add("A")
        watch.collect()
    told = [
        draft.texts[text]
        for draft in watch.drafts
        for text, level in zip(draft.batch.logs.text, draft.batch.logs.level, strict=True)
        if level == 1
    ]
    assert told == [f"[exter] line {number}" for number in range(200)]
    assert max(handle for draft in watch.drafts for handle in draft.texts) < 70


def test_unusual_ids_and_texts_are_taken_as_they_are() -> None:
    machine = Machine({"Grün": {}}, id="[red]\x1b[31m \u202e 漢\x00")
    watch = Watch()
    watch.trace(machine)
    machine.log("\x1b[2J" + "x" * 1_000_000)
    machine.add("Grün")
    batches = watch.collect()
    assert batches[0].opened[0][2].id == machine.id
    longest = max(len(text) for draft in watch.drafts for text in draft.texts.values())
    assert longest <= 65_536
