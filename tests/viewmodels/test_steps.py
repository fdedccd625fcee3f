"""Every step of a transition is told in words, with what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.steps import partly_applied
from am_dbg.viewmodels import step_table, steps
from am_dbg.viewmodels.spans import Role, line_text, line_width
from am_telemetry.facts import StateFact, StepFact
from am_telemetry.store.records import HandlerRunRecord
from tests.support.engine_recordings import engine_recordings, record
from tests.support.memory_recording import MemoryRecording
from tests.support.sample_recordings import shop

MEETING: dict[str, dict[str, Any]] = {
    "Start": {},
    "Ready": {"require": ["Start"], "remove": ["Busy"], "add": ["Idle"]},
    "Idle": {"after": ["Ready"]},
    "Busy": {"remove": ["Ready"]},
    "Jobs": {"multi": True},
    "Never": {},
}


class Handlers:
    """Some refuse, some fail."""

    def NeverEnter(self, e: object) -> bool:
        return False

    def ReadyEnter(self, e: object) -> bool:
        return True

    def ReadyState(self, e: object) -> None:
        """Ran."""

    def BusyState(self, e: object) -> None:
        raise ValueError("no")


def told(*calls: tuple[str, tuple[str, ...]], number: int | None = None, handlers: object = None) -> list[str]:
    recording = record(MEETING, calls, handlers)
    timeline = recording.timeline(1)
    return [row.sentence for row in steps.table(timeline, timeline.count if number is None else number)]


def test_a_missing_requirement_is_told_step_by_step() -> None:
    assert told(("add", ("Ready",))) == [
        "Ready is asked for",
        "Ready is to become active",
        "Ready adds Idle: brought in",
        "Idle is to become active",
        "Ready requires Start: missing",
        "Ready does not come in",
        "Start is missing: call refused",
        "Ready is refused",
    ]


def test_states_that_give_way_and_states_that_are_brought_along() -> None:
    assert told(("add", ("Start", "Busy")), ("add", ("Ready",)), number=2) == [
        "Ready is asked for",
        "Ready is to become active",
        "Ready adds Idle: brought in",
        "Idle is to become active",
        "Ready requires Start: fulfilled",
        "Ready removes Busy: has to give way",
        "Busy is to become inactive",
        "Busy removes Ready: no more: it goes itself",
        "Ready adds Idle: there already",
        "Idle is coming in already",
        "Ready requires Start: fulfilled",
        "Idle follows Ready: ordered",
    ]


def test_handlers_that_run_refuse_and_fail() -> None:
    ran = told(("add", ("Start",)), ("add", ("Ready",)), handlers=Handlers(), number=2)
    assert [text for text in ran if text.startswith("Ready") and "handler" not in text][-2:] == [
        "ReadyEnter did not object",
        "ReadyState ran",
    ]
    assert told(("add", ("Never",)), handlers=Handlers())[-1] == "NeverEnter refused"
    assert told(("add", ("Busy",)), handlers=Handlers(), number=1)[-1] == "BusyState failed"


def test_what_is_there_already_and_what_is_asked_to_go() -> None:
    assert told(("add", ("Jobs",)), ("add", ("Jobs",)))[0] == "Jobs is asked for, and active already"
    assert told(("remove", ("Jobs",))) == ["Jobs is asked to go, and inactive already", "Jobs stays inactive"]
    assert told(("add", ("Jobs",)), ("remove", ("Jobs",)))[:2] == [
        "Jobs is asked to go",
        "Jobs is to become inactive",
    ]


def test_phases_follow_each_other() -> None:
    recording = record(MEETING, [("add", ("Start",)), ("add", ("Ready",))], Handlers())
    phases = [row.phase for row in steps.table(recording.timeline(1), 2)]
    assert phases == sorted(phases, key=list(steps.Phase).index)
    assert set(phases) == set(steps.Phase)


def test_outcomes_say_what_became_of_it() -> None:
    session = Session(shop(), live=False)
    session.select_machine(2)
    timeline = session.timeline
    assert timeline is not None
    outcomes = {number: steps.outcome(timeline.pattern(number)) for number in range(1, 10)}
    assert outcomes == {
        1: "accepted: +1",
        2: "canceled: Require Connected is not active",
        3: "accepted: +2",
        4: "accepted: +1 −1",
        5: "accepted: ~1",
        6: "accepted: nothing changes",
        7: "canceled by ReadyToGoEnter",
        8: "a handler failed",
        9: "a dry run; it would be accepted",
    }


def test_an_after_relation_belongs_to_the_state_that_has_it_however_it_is_written() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A", StateFact("B", after=("A",))])
    machine.add("A", "B", steps=[StepFact("rel", 0, 1, "after"), StepFact("rel", 1, 0, "after")])
    recording.catch_up()
    assert [row.sentence for row in steps.table(recording.timeline(1), 1)] == ["B follows A: ordered"] * 2


def test_handlers_are_named_after_their_states_when_their_names_were_not_recorded() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A", "B"])
    machine.add(
        "A",
        steps=[
            StepFact("handler", target=0, is_enter=True),
            StepFact("handler", source=0),
            StepFact("handler", source=0, target=1),
            StepFact("handler", source=0, target=0, is_self=True),
            StepFact("handler", source=-2, target=-2, is_enter=True),
            StepFact("handler", target=0, is_final=True, is_enter=True),
            StepFact("handler", target=0, is_final=True),
        ],
    )
    recording.catch_up()
    names = [row.handler for row in steps.table(recording.timeline(1), 1)]
    assert names == ["AEnter", "AExit", "AB", "AA", "AnyAny", "AState", "AEnd"]


@settings(max_examples=60, deadline=None)
@given(engine_recordings(relations=("require", "remove", "after")))
def test_what_the_steps_intend_is_what_comes_to_be(recording: MemoryRecording) -> None:
    timeline = recording.timeline(1)
    for number in range(1, timeline.count + 1):
        rows = steps.table(timeline, number)
        fact = timeline.pattern(number).fact
        if fact.auto and fact.handlers:
            continue  # resolved once more without states that refused, which steps do not tell from the first time
        if fact.accepted and not fact.broken:
            assert rows[-1].intended == frozenset(timeline.active_states(number)), number


@settings(max_examples=40, deadline=None)
@given(engine_recordings(), st.integers(10, 140))
def test_the_table_fits_any_width_and_marks_the_last_step_done(recording: MemoryRecording, cells: int) -> None:
    timeline = recording.timeline(1)
    for number in range(1, timeline.count + 1):
        table = steps.table(timeline, number)
        assert [row.number for row in table] == list(range(1, len(table) + 1))
        assert all(row.effect and row.sentence.strip() for row in table)
        done = len(table) // 2
        shown = step_table.lines(table, done, cells, 0, len(table))
        marked = [place for place, line in enumerate(shown, 1) if line_text(line).startswith("▶")]
        assert marked == ([done] if done else [])
        if cells >= 50:
            assert max(map(line_width, [step_table.header(table, cells), *shown])) <= cells


def opened(number: int) -> Session:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.go_to_number(number)
    return session


def test_the_table_shows_the_transition_at_the_cursor_or_the_one_being_stepped_through() -> None:
    session = opened(2)
    assert step_table.shown_number(session) == 2
    assert step_table.done_count(session) == 4
    session.go_to_step(2, 3)
    assert (session.number, step_table.shown_number(session), step_table.done_count(session)) == (1, 2, 3)
    assert line_text(step_table.title(session)) == "Steps of #2 add Ready · canceled: Require Connected is not active"
    session.first()
    assert (step_table.shown_number(session), step_table.done_count(session)) == (1, 0)


def test_columns_at_eighty_cells() -> None:
    session = opened(2)
    table = step_table.rows(session)
    assert [line_text(step_table.header(table, 74)).rstrip()] + [
        line_text(line).rstrip() for line in step_table.lines(table, 3, 74, 0, 9)
    ] == [
        "    # kind       from      relation to        what comes of it",
        "    1 called                        Ready     is asked for",
        "    2 relation   Ready     Require  Connected missing",
        "▶   3 drop                          Ready     stays inactive",
        "    4 cancel                        Connected is missing: call refused",
    ]


def test_handlers_say_how_long_they_took_in_the_order_in_which_they_ran() -> None:
    runs = [HandlerRunRecord("AEnter", 0, 2_000_000), HandlerRunRecord("AEnter", 5, 7_000), HandlerRunRecord("Z", 0, 1)]
    rows = [row("AEnter", "agreed"), row("", "is asked for"), row("AEnter", "refused"), row("AEnter", "ran")]
    assert [shown.effect for shown in step_table.timed(tuple(rows), runs)] == [
        "agreed · 2.0 ms",
        "is asked for",
        "refused · 7.0 µs",
        "ran",
    ]


def row(handler: str, effect: str) -> steps.StepRow:
    kind = "handler" if handler else "called"
    return steps.StepRow(1, steps.Phase.REQUEST, kind, "", "", "A", handler, effect, Role.TEXT, frozenset())


def test_without_steps_the_table_says_why() -> None:
    assert step_table.rows(opened(7)) == ()
    assert "AM_DETAIL=2" in " ".join(line_text(line) for line in step_table.empty_text(opened(7)))
    nobody = Session(MemoryRecording())
    assert step_table.rows(nobody) == ()
    assert "no transition" in line_text(step_table.empty_text(nobody)[0])
    assert line_text(step_table.title(nobody)) == "Steps"


@pytest.mark.parametrize("step", [0, 1, 4])
def test_the_row_of_a_moment_is_that_of_its_last_step(step: int) -> None:
    session = opened(2)
    timeline = session.timeline
    assert timeline is not None
    inside = partly_applied(timeline, 2, step)
    if step:
        assert steps.inside_row(timeline, inside).number == step
    else:
        assert inside.done == ()
