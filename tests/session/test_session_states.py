"""Several selected states, and the jumps that stop at what happened to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.addressing import go_to, shared_address
from am_dbg.session.continuing import continue_at, stop_of
from am_dbg.session.jumping import JumpTo
from am_dbg.session.touching import TouchIndex, touched
from am_dbg.ui.stops import keep_stop, recall_stop
from am_telemetry.facts import StepFact
from tests.support.memory_recording import MemoryRecording
from tests.support.random_recordings import SCHEMA, transitions, write


def lights() -> MemoryRecording:
    """#1 Red, #2 Green in vain, #3 Green instead of Red, #4 Blue with a step about Green, #5 Red."""
    recording = MemoryRecording()
    light = recording.machine("light", ["Red", "Green", "Blue"])
    light.add("Red")
    light.add("Green", accepted=False)
    light.mutate("set", ("Green",), also_remove=("Red",))
    light.add("Blue", steps=[StepFact("rel", source=2, target=1)])
    light.add("Red")
    return recording


def opened() -> Session:
    session = Session(lights(), live=False)
    session.first()
    return session


def forward(session: Session, to: JumpTo = JumpTo.CHANGE) -> list[int]:
    """Where repeated jumps stop, until there is no further one."""
    stops = []
    before = -1
    while session.number != before:
        before = session.number
        session.jump_forward(to)
        if session.number != before:
            stops.append(session.number)
    return stops


def test_a_kept_state_stays_selected_when_another_one_is_chosen() -> None:
    session = opened()
    session.select_state("Blue")
    session.keep_state()
    session.select_state("Red")
    assert session.states == ("Red", "Blue")
    session.select_state("Green")
    assert session.states == ("Green", "Blue")
    session.clear_state()
    assert session.states == ()


def test_keeping_a_state_again_lets_it_go() -> None:
    session = opened()
    session.keep_state()
    assert "no state is selected" in session.message
    session.select_state("Blue")
    session.keep_state()
    session.keep_state()
    session.select_state("Red")
    assert session.states == ("Red",)


def test_states_are_added_and_taken_away_one_by_one() -> None:
    session = opened()
    session.add_state("Red")
    session.add_state("Blue")
    assert session.states == ("Blue", "Red")
    session.add_state("Blue")
    assert session.states == ("Red",)
    session.add_state("Red")
    assert session.states == ()


def test_jumps_stop_at_a_change_of_any_selected_state() -> None:
    session = opened()
    session.select_states(["Red", "Blue"])
    assert forward(session) == [1, 3, 4, 5]
    assert session.message == "no later change of Red or Blue (3 earlier)"
    session.jump_back()
    session.jump_back()
    assert session.number == 3


def test_a_jump_to_an_activation_stops_only_where_a_state_became_active() -> None:
    session = opened()
    session.select_state("Red")
    assert forward(session, JumpTo.ACTIVATION) == [1, 5]
    assert session.message == "no later activation of Red (1 earlier)"
    session.select_state("Green")
    session.first()
    assert forward(session) == [2, 3], "an attempt counts as a change"
    session.first()
    assert forward(session, JumpTo.ACTIVATION) == [3]


def test_a_jump_to_a_touch_stops_at_every_step_about_a_state() -> None:
    session = opened()
    session.select_state("Green")
    session.last()
    session.jump_forward(JumpTo.TOUCH)
    assert session.message == "no later touch of Green (3 earlier)"
    session.jump_back(JumpTo.TOUCH)
    assert session.number == 4


def test_particular_jumps_need_a_state() -> None:
    session = opened()
    session.jump_forward(JumpTo.TOUCH)
    assert (session.number, session.message) == (0, "select a state first: this jump leads to what happened to it")


def test_states_that_a_machine_does_not_have_are_left_out_of_its_jumps() -> None:
    session = opened()
    session.select_states(["Nowhere", "Blue"])
    assert forward(session) == [4]
    session.select_states(["Nowhere"])
    session.jump_forward()
    assert "this machine has no state Nowhere" in session.message


@pytest.mark.parametrize("names", [["Red"], ["Blue", "Red"], ["a,b", "c d/ä", "none"]])
def test_an_address_carries_the_selected_states(names: list[str]) -> None:
    session = opened()
    session.select_states(names)
    text = shared_address(session)
    other = opened()
    assert go_to(other, text)
    assert other.states == tuple(names)
    assert shared_address(other) == text


def test_kept_states_are_found_again_in_another_run(tmp_path: Path) -> None:
    session = opened()
    session.select_states(["Blue", "Red"])
    stop = stop_of(session)
    assert stop is not None
    assert not keep_stop(tmp_path / "stop.json", stop)
    again, problem = recall_stop(tmp_path / "stop.json")
    assert again == stop, problem
    other = opened()
    assert continue_at(other, stop)
    assert other.states == ("Blue", "Red")


@settings(max_examples=60, deadline=None)
@given(st.lists(transitions(), min_size=1, max_size=30), st.integers(0, 30))
def test_what_touched_a_state_is_the_same_whether_found_at_once_or_as_it_grows(
    rows: list[dict[str, object]], first: int
) -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", SCHEMA)
    growing = TouchIndex()
    write(machine, rows[:first])
    recording.catch_up()
    timeline = recording.timeline(recording.machines[0].id)
    for name in timeline.schema.names:
        growing.numbers(timeline, name)
    write(machine, rows[first:])
    recording.catch_up()
    for state, name in enumerate(timeline.schema.names):
        naive = {n for n in timeline.all() if state in touched(timeline.pattern(n).fact)}
        assert set(growing.numbers(timeline, name)) == naive
        assert set(TouchIndex().numbers(timeline, name)) == naive
