"""Transitions that the engine only notes tell the same as those whose end it announces."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Machine, Snapshot, Tracer
from am_telemetry.batch import Batch
from am_telemetry.sending.builder import Builder
from am_telemetry.sending.drafts import Draft, Dropped
from am_telemetry.sending.interning import PatternTable, SchemaTable, TextTable
from am_telemetry.sending.ring import FULL, HAPPENED, WIDTH
from am_telemetry.sending.tracer import MachineTracer, Ring
from am_telemetry.sending.transition_rows import MAX_ROWS
from am_telemetry.settings import read_settings

NAMES = "ABCDE"
TOGGLE = {"A": {"remove": ["B"]}, "B": {"remove": ["A"]}}


class Desk:
    """Machines that are traced into a ring, and a builder behind it, without any thread."""

    def __init__(self, detail: int, express: bool, limit: int = 65_536) -> None:
        self.settings = read_settings("1", detail=detail, environ={})
        self.express = express
        self.ring = Ring(limit)
        self.drafts: list[Draft] = []
        self.dropped = Dropped()
        self.builder = Builder(self.settings, SchemaTable(), self.drafts.append, self.dropped)
        self.handles = itertools.count(1)
        self.noted = self.announced = 0

    def trace(self, machine: Machine, level: int) -> MachineTracer:
        machine.transition_prefix = "00000000"
        tracer = MachineTracer(self.ring, machine, next(self.handles), self.settings.detail)
        if not self.express:
            tracer.express_sink = None
        machine.bind_tracer(tracer)
        machine.log_level = level
        tracer.announce()
        return tracer

    def collect(self) -> None:
        kinds = kinds_of(self.ring)
        self.noted += len(kinds) - kinds.count(FULL) - kinds.count(HAPPENED)
        self.announced += kinds.count(FULL)
        self.builder.feed(self.ring.take())
        self.builder.close_left()
        assert self.builder.failure is None

    def story(self) -> list[Any]:
        """Everything in the batches except for times, with what is behind the handles."""
        self.collect()
        self.builder.finish()
        return [_told(draft) for draft in self.drafts]


def kinds_of(ring: Ring) -> list[Any]:
    """The third entries of all records: ``FULL``, ``HAPPENED``, or the outcome of what was noted."""
    kinds = []
    rest = iter(ring.items[2::WIDTH])
    for kind in rest:
        kinds.append(kind)
        if kind is FULL:
            next(rest)
    return kinds


def _told(draft: Draft) -> tuple[object, ...]:
    batch: Batch = draft.batch
    rows, logs = batch.transitions, batch.logs
    return (
        [(handle, fact) for handle, _, fact in batch.opened],
        (rows.machine, rows.sequence, rows.queue_len, rows.queue_tick),
        [draft.patterns[handle].pattern for handle in rows.pattern],
        [draft.patterns[handle].schema for handle in rows.pattern],
        list(zip(logs.row, logs.level, [draft.texts[handle] for handle in logs.text], logs.before, strict=True)),
        (batch.sources, batch.arguments, batch.errors, batch.gaps, batch.revised, draft.spans),
        [(closed.machine, closed.reason) for closed in batch.closed],
        list(zip(batch.late.sequence, batch.late.level, [draft.texts[text] for text in batch.late.text], strict=True)),
    )


def subsets(names: str, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=most)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for name in NAMES:
        others = NAMES.replace(name, "")
        removed = draw(subsets(others, 2))
        schema[name] = {
            "remove": removed,
            "require": [n for n in draw(subsets(others, 1)) if n not in removed],
            "add": [n for n in draw(subsets(others, 1)) if n not in removed],
            "auto": draw(st.integers(0, 3)) == 0,
            "multi": draw(st.integers(0, 3)) == 0,
        }
    return schema


SCRIPTS = st.sampled_from(["", "veto", "fail", "nested", "other", "log"])
ACTS = st.one_of(
    st.tuples(st.sampled_from(["add", "remove", "set", "toggle"]), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["add", "remove", "set", "toggle"]), st.sampled_from(NAMES)),
    st.tuples(st.just("add"), subsets(NAMES, 2)),
    st.tuples(st.sampled_from(["can_add", "args", "kwargs", "nothing", "from other", "error"]), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["log", "level", "detail", "wait", "args text", "logger", "grow", "restore", "take"]),
              st.integers(0, 5)),
)  # fmt: skip


class Subject:
    """One of two machines that are treated alike, and another one whose handlers mutate it."""

    def __init__(self, schema: dict[str, Any], scripts: dict[str, str], desk: Desk, level: int) -> None:
        self.desk = desk
        self.machine = Machine(schema, id="m", plan_cache="always", handler_timeout=60, strict=False)
        self.machine.verify_states(self.machine.states)
        self.other = Machine({"X": {"multi": True}}, id="other", plan_cache="always")
        self.other.bind({"XState": lambda e: self.machine.add(e.args["state"])}, id="h")
        self.depth = self.grown = 0
        self.tracer = desk.trace(self.machine, level)
        self.desk.trace(self.other, level)
        self.lines: list[object] = []
        if scripts:
            self.machine.bind({name: self._handler(script) for name, script in scripts.items()}, id="h")

    def _handler(self, script: str) -> Any:
        def call(e: Any) -> bool | None:
            self.depth += 1
            if script == "fail":
                raise RuntimeError(script)
            if script == "nested" and self.depth < 4:
                e.machine.toggle(NAMES[self.depth])
            if script == "other" and self.depth < 4:
                self.other.add("X", state=NAMES[self.depth])
            if script == "log":
                e.machine.log(script)
            return False if script == "veto" else None

        return call

    def act(self, what: str, how: Any) -> None:
        machine = self.machine
        self.depth = 0
        if what == "args":
            args = {"number": 1, "name": "x"}
            machine.add(how, args)
            args["later"] = 2
        elif what == "kwargs":
            machine.toggle(how, number=1, password="p")
        elif what == "nothing":
            machine.add(how, {})
        elif what == "from other":
            self.other.add("X", state=how)
        elif what == "error":
            machine.add_err(RuntimeError(how))
        elif what == "log":
            machine.log(f"line {how}")
        elif what == "level":
            machine.log_level = how
        elif what == "detail":
            self.desk.collect()
            self.tracer.set_detail(how % 4)
        elif what == "wait":
            machine.when(NAMES[how % len(NAMES)])
        elif what == "args text":
            machine.log_args = (lambda args: {key: str(value) for key, value in args.items()}) if how % 2 else None
        elif what == "logger":
            machine.set_logger((lambda level, text: self.lines.append((level, text))) if how % 3 == 1 else None)
        elif what == "grow":
            self.grown += 1
            name = f"X{self.grown}"
            machine.set_schema({**machine.schema(), name: {"auto": True}}, [*machine.states, name])
        elif what == "restore":
            machine.restore(Snapshot.from_dict(machine.export().to_dict()))
        elif what == "take":
            self.tracer.collect_log()
        else:
            getattr(machine, what)(how)


@settings(max_examples=120, deadline=None)
@given(
    schemas(),
    st.dictionaries(
        st.sampled_from([f"{a}{b}" for a in NAMES for b in ("Enter", "Exit", "State")]), SCRIPTS, max_size=2
    ),
    st.lists(ACTS, max_size=20),
    st.integers(1, 3),
    st.sampled_from([0, 1, 2, 2, 3]),
    st.sampled_from([0, 2, 3, 3, 4, 5]),
)
def test_batches_are_the_same_with_notes_and_with_hooks(
    schema: dict[str, Any], scripts: dict[str, str], acts: list[Any], repeats: int, detail: int, level: int
) -> None:
    """Whatever happens in between: vetoes, failures, nested mutations, other log levels, restorations."""
    noting, hooked = Desk(detail, express=True), Desk(detail, express=False)
    one, two = Subject(schema, scripts, noting, level), Subject(schema, scripts, hooked, level)
    for what, how in acts * repeats:
        one.act(what, how)
        two.act(what, how)
    for subject in (one, two):
        subject.machine.dispose_force()
    assert noting.story() == hooked.story()
    assert noting.dropped == hooked.dropped
    assert one.lines == two.lines
    assert hooked.noted == 0


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("detail", [0, 1, 2, 3])
def test_recurring_mutations_are_only_noted_at_every_usual_log_level(level: int, detail: int) -> None:
    machine = Machine(TOGGLE, id="m")
    desk = Desk(detail, express=True)
    desk.trace(machine, level)
    for _ in range(50):
        machine.add("A")
        machine.add("B", number=1)
    desk.story()
    assert desk.noted + desk.announced == 100
    assert desk.noted >= 90


def test_a_full_ring_is_told_of_by_the_hook() -> None:
    machine = Machine(TOGGLE, id="m", plan_cache="always")
    desk = Desk(1, express=True, limit=20)
    tracer = desk.trace(machine, 0)
    for _ in range(50):
        machine.add("A")
        machine.add("B")
    assert tracer.lost is not None
    desk.collect()
    machine.add("A")
    desk.story()
    assert (
        sum(len(draft.batch.transitions.sequence) for draft in desk.drafts) + desk.dropped.reasons["buffer full"] == 101
    )


def test_batches_are_bounded_also_in_the_middle_of_a_mutation_and_its_automatic_transition() -> None:
    """One row less than fits, and then two at once."""
    schema = {"A": {}, "B": {"auto": True, "require": ["A"], "remove": ["C"]}, "C": {"multi": True}}
    stories = []
    for express in (True, False):
        machine = Machine(schema, id="m", plan_cache="always")
        desk = Desk(2, express)
        desk.trace(machine, 3)
        for _ in range(MAX_ROWS - 1):
            machine.add("C")
        for _ in range(600):
            machine.add("A")
            machine.remove("A")
        stories.append(desk.story())
        if express:
            assert desk.noted > 1600
        assert max(len(draft.batch.transitions.sequence) for draft in desk.drafts) == MAX_ROWS
    assert stories[0] == stories[1]


def test_tables_that_forget_do_not_mix_up_handles() -> None:
    """Patterns and texts are given out anew in the middle of everything."""
    stories = []
    for express in (True, False):
        machine = Machine({name: {"remove": [n for n in NAMES if n != name]} for name in NAMES}, id="m")
        desk = Desk(2, express)
        desk.builder.patterns, desk.builder.texts = PatternTable(7), TextTable(9)
        desk.trace(machine, 3)
        for round_ in range(300):
            machine.add(NAMES[round_ * round_ % 5])
            if round_ % 3 == 0:
                desk.collect()
                desk.builder.finish()
        stories.append(desk.story())
    assert stories[0] == stories[1]


def test_a_note_that_cannot_be_told_is_booked_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({"A": {}, "B": {"auto": True, "require": ["A"]}}, id="m", plan_cache="always")
    desk = Desk(2, express=True)
    tracer = desk.trace(machine, 3)
    for _ in range(4):
        machine.add("A")
        machine.remove("A")
    desk.collect()
    machine.add("A")
    right = tracer.retell
    monkeypatch.setattr(tracer, "retell", lambda outcome, level: 1 / 0)
    desk.builder.patterns.forget_known()
    assert not {FULL, HAPPENED} & set(kinds_of(desk.ring))
    desk.builder.feed(desk.ring.take())
    assert isinstance(desk.builder.failure, ZeroDivisionError)
    monkeypatch.setattr(tracer, "retell", right)
    desk.builder.failure = None
    machine.remove("A")
    desk.story()
    assert desk.dropped.reasons == {"error": 2}
    assert tracer.track.sequence == machine.transition_count
    assert tracer.track.clock == tuple(machine.time())


def book_losses(desk: Desk, *tracers: MachineTracer) -> None:
    """What the sender does when there is room again."""
    desk.collect()
    desk.builder.book_losses(desk.ring, tracers)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*NAMES, "B", "collect", "book"]), max_size=80), st.integers(1, 12), st.booleans())
def test_what_is_told_and_what_is_lost_are_all_that_happened_however_small_the_ring(
    acts: list[str], limit: int, with_auto: bool
) -> None:
    schema = {name: {"multi": name == "B"} for name in NAMES}
    if with_auto:
        schema["E"] = {"auto": True, "require": ["C"], "multi": False}  # type: ignore[dict-item]  # a list of names
    machine, other = (Machine(schema, id=name, plan_cache="always") for name in ("m", "n"))
    desk = Desk(1, express=True, limit=limit)
    tracers = [desk.trace(one, 0) for one in (machine, other)]
    for act in acts * 2:
        if act == "collect":
            desk.collect()
        elif act == "book":
            book_losses(desk, *tracers)
        else:
            (machine if act < "D" else other).toggle(act)
    book_losses(desk, *tracers)
    for tracer, one in zip(tracers, (machine, other), strict=True):
        assert tracer.track.sequence == one.transition_count
    desk.story()
    told = sum(len(draft.batch.transitions) for draft in desk.drafts)
    assert told + sum(desk.dropped.reasons.values()) == machine.transition_count + other.transition_count
    assert replayed(desk) == {1: tuple(machine.time()), 2: tuple(other.time())}


def replayed(desk: Desk) -> dict[int, tuple[int, ...]]:
    """Where machines stand, from nothing but what was told of them."""
    clocks: dict[int, list[int]] = {}
    for draft in desk.drafts:
        batch = draft.batch
        for handle, _, fact in batch.opened:
            clocks[handle] = list(fact.clock) or [0] * len(fact.schema.states)
        for handle, pattern in zip(batch.transitions.machine, batch.transitions.pattern, strict=True):
            for state, ticks in draft.patterns[pattern].pattern.deltas:
                clocks[handle][state] += ticks
        for gap in batch.gaps:
            clocks[gap.machine] = list(gap.clock)
        for handle, span in draft.spans.items():
            assert span.clock == tuple(clocks[handle])
    return {handle: tuple(clock) for handle, clock in clocks.items()}


def test_the_engine_notes_again_after_losses_are_booked() -> None:
    machine = Machine(TOGGLE, id="m", plan_cache="always")
    desk = Desk(1, express=True, limit=20)
    tracer = desk.trace(machine, 0)
    for _ in range(50):
        machine.add("A")
        machine.add("B")
    book_losses(desk, tracer)
    noted = desk.noted
    machine.add("A")
    desk.collect()
    assert desk.noted == noted + 1


def test_notes_from_before_the_announcement_are_told_when_it_has_come() -> None:
    machine = Machine({"A": {"multi": True}}, id="m", plan_cache="always")
    desk = Desk(1, express=True)
    tracer = MachineTracer(desk.ring, machine, 1, 1)
    for _ in range(3):
        machine.add("A")
    machine.bind_tracer(tracer)
    announcement = tracer.announcement(tuple(machine.time()), machine.transition_count)
    assert announcement is not None
    for _ in range(3):
        machine.add("A")
    desk.collect()
    desk.ring.note(announcement, tracer)
    machine.add("A")
    desk.story()
    assert [number for draft in desk.drafts for number in draft.batch.transitions.sequence] == [4, 5, 6, 7]
    assert (desk.dropped.reasons, tracer.track.clock) == ({}, tuple(machine.time()))


def test_notes_of_a_machine_that_is_never_announced_are_counted() -> None:
    machine = Machine({"A": {"multi": True}}, id="m", plan_cache="always")
    desk = Desk(1, express=True)
    for _ in range(3):
        machine.add("A")
    machine.bind_tracer(MachineTracer(desk.ring, machine, 1, 1))
    for _ in range(3):
        machine.add("A")
    machine.dispose_force()
    assert desk.story() == []
    assert desk.dropped.reasons == {"garbage": 3}


@pytest.mark.parametrize("gone", [False, True])
def test_a_machine_is_asked_where_it_stands_when_notes_are_missing(gone: bool) -> None:
    machine = Machine({"A": {"multi": True}}, id="m", plan_cache="always")
    desk = Desk(1, express=True)
    tracer = desk.trace(machine, 0)
    for _ in range(5):
        machine.add("A")
    desk.collect()
    machine.add("A")
    desk.ring.take()
    machine.add("A")
    machine.add("A")
    if gone:
        machine.dispose_force()
    desk.collect()
    machine.add("A")
    desk.story()
    assert desk.dropped.reasons == {"error": 3}
    (gap,) = [gap for draft in desk.drafts for gap in draft.batch.gaps]
    assert (gap.after_sequence, gap.lost) == (5, 3)
    if not gone:
        assert [number for draft in desk.drafts for number in draft.batch.transitions.sequence] == [1, 2, 3, 4, 5, 9]
        assert tracer.track.clock == tuple(machine.time())


def test_threads_note_in_the_order_of_the_transitions() -> None:
    machine = Machine({"A": {"multi": True}}, id="m", plan_cache="always")
    desk = Desk(1, express=True)
    tracer = desk.trace(machine, 0)
    threads = [threading.Thread(target=lambda: [machine.add("A") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.story()
    assert desk.dropped.reasons == {}
    assert desk.noted > 0
    assert tracer.track.sequence == machine.transition_count
    assert tracer.track.clock == tuple(machine.time())


def test_other_tracers_hear_of_every_transition() -> None:
    class Numbers(Tracer):
        def __init__(self) -> None:
            self.numbers: list[int] = []

        def transition_end(self, tx: Any) -> None:
            self.numbers.append(tx.number)

    machine = Machine(TOGGLE, id="m", plan_cache="always")
    desk = Desk(1, express=True)
    desk.trace(machine, 3)
    numbers = Numbers()
    for tracers in (1, 2, 1):
        if tracers == 2:
            machine.bind_tracer(numbers)
        else:
            machine.detach_tracer(numbers)
        for _ in range(5):
            machine.add("A")
            machine.add("B")
    desk.story()
    assert numbers.numbers == list(range(11, 21))
    assert desk.noted + desk.announced == 30
    assert desk.announced >= 10
