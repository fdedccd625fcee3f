"""Transitions that the engine only notes tell the same as those whose end it announces."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Machine, Tracer
from am_telemetry.sending.interning import PatternTable, TextTable
from am_telemetry.sending.ring import FULL, HAPPENED
from am_telemetry.sending.tracer import MachineTracer
from am_telemetry.sending.transition_rows import MAX_ROWS
from tests.telemetry.express_setups import (
    ACTS,
    NAMES,
    SCRIPTS,
    TOGGLE,
    Desk,
    Subject,
    book_losses,
    kinds_of,
    replayed,
    schemas,
)


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
