"""The cursor moves inside transitions: step by step, across them, and back to the same places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Mode, Session
from am_dbg.session.addressing import address, go_to, shared_address
from am_dbg.session.filters import Filter
from am_dbg.session.steps import active_before, commit_after, partly_applied, steps_of
from am_dbg.session.targets import GoToStep
from am_telemetry.facts import Flag, PatternFact, SchemaFact, StateFact, StepFact
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline
from tests.support.engine_recordings import engine_recordings
from tests.support.memory_recording import MemoryRecording

Place = tuple[int, int]


def steps(*targets: int) -> list[StepFact]:
    return [StepFact("called", target=targets[0]), *(StepFact("activate", target=target) for target in targets)]


@pytest.fixture
def session() -> Session:
    """Transitions with 2, no, 3 and 2 steps; the second is canceled."""
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A", "B", "Heartbeat"])
    machine.add("A", steps=steps(1))
    machine.add("B", accepted=False)
    machine.add("B", steps=[*steps(2), StepFact("handler", target=2, is_final=True, is_enter=True)])
    machine.remove("B", steps=[StepFact("called", target=2), StepFact("deactivate", target=2)])
    return Session(recording, live=False)


def place(session: Session) -> Place:
    return session.number, session.step


def walk(session: Session) -> list[Place]:
    """All places from the cursor to the end, step by step."""
    places = [place(session)]
    while session.next_number is not None:
        session.next_step()
        places.append(place(session))
    return places


def test_steps_lead_through_a_transition_and_then_to_it(session: Session) -> None:
    session.first()
    assert walk(session) == [
        (0, 0), (0, 1), (0, 2),
        (1, 0),
        (2, 0), (2, 1), (2, 2), (2, 3),
        (3, 0), (3, 1), (3, 2),
        (4, 0),
    ]  # fmt: skip


def test_going_back_undoes_every_step(session: Session) -> None:
    session.first()
    places = walk(session)
    back = [place(session)]
    while place(session) != (0, 0):
        session.previous_step()
        back.append(place(session))
    assert back == places[::-1]
    session.previous_step()
    assert session.message == "this is the beginning"


def test_there_are_no_steps_behind_the_last_transition(session: Session) -> None:
    session.last()
    session.next_step()
    assert place(session) == (4, 0)
    assert session.message == "this is the last transition: there are no later steps"


def test_a_transition_whose_steps_are_unknown_says_so(session: Session) -> None:
    session.go_to_number(1)
    session.next_step()
    assert (place(session), session.message) == ((2, 0), "no steps of #2 were recorded")


def test_hidden_transitions_have_no_steps_to_walk_through(session: Session) -> None:
    session.toggle_filter(Filter.CANCELED)
    session.first()
    assert (1, 0) in walk(session)
    session.first()
    assert all(number != 2 for number, _ in walk(session))


@pytest.mark.parametrize(
    "move",
    ["next", "previous", "first", "last", "jump_forward", "jump_back", "clear_filters", "toggle_tail"],
)
def test_every_other_move_leaves_the_steps(session: Session, move: str) -> None:
    session.toggle_filter(Filter.AUTO)
    session.go_to_step(3, 2)
    assert session.step == 2
    getattr(session, move)()
    assert session.step == 0
    assert session.inside is None


def test_stepping_ends_tail_mode(session: Session) -> None:
    session.set_mode(Mode.TAIL)
    session.previous_step()
    assert (session.mode, place(session)) == (Mode.PAUSED, (3, 2))


def test_playing_that_begins_inside_a_transition_goes_by_steps() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    machine.add("A", steps=steps(1))
    machine.remove("A", steps=[StepFact("called", target=1)])
    now = [0.0]
    session = Session(recording, live=False, clock=lambda: now[0])
    session.first()
    session.next_step()
    session.toggle_play()
    places = [place(session)]
    while session.mode is Mode.PLAYING:
        now[0] += 1
        session.tick()
        places.append(place(session))
    assert places == [(0, 2), (1, 0), (1, 1), (2, 0), (2, 0)]
    session.first()
    session.toggle_play()
    assert place(session) == (1, 0)


def test_a_link_leads_to_a_step_and_back_again(session: Session) -> None:
    session.last()
    session.follow(GoToStep(3, 2))
    assert place(session) == (2, 2)
    session.follow(GoToStep(3, 99))
    assert place(session) == (2, 3)
    session.go_back()
    assert place(session) == (4, 0)
    session.leave_steps()
    assert session.step == 0


def test_a_link_to_a_step_of_a_hidden_transition_leads_to_what_is_shown_instead(session: Session) -> None:
    session.toggle_filter(Filter.CANCELED)
    session.follow(GoToStep(2, 1))
    assert place(session) == (3, 0)
    assert "hidden" in session.message


def test_walking_by_steps_is_one_entry_of_the_history(session: Session) -> None:
    session.go_to_number(1)
    session.go_to_number(4)
    session.previous_step()
    session.previous_step()
    session.go_back()
    assert session.number == 1


def test_ticks_change_with_the_first_final_handler_or_else_with_the_last_step() -> None:
    ask = StepFact("handler", target=1, is_enter=True)
    ran = StepFact("handler", target=1, is_enter=True, is_final=True)
    called = StepFact("called", target=1)

    def commit(*done: StepFact, accepted: bool = True) -> int:
        flags = Flag.ACCEPTED if accepted else Flag(0)
        return commit_after(PatternFact("add", (1,), flags, ((1, 1),) if accepted else (), steps=done))

    assert commit(called, ask, ran, ran) == 3
    assert commit(called, ask) == 2
    assert commit(called, ask, accepted=False) == 2
    assert commit() == 0


def test_steps_of_an_older_schema_name_the_same_states() -> None:
    old = SchemaFact((StateFact("Exception"), StateFact("B"), StateFact("A")))
    timeline = Timeline(SchemaFact((StateFact("Exception"), StateFact("A"), StateFact("B"))))
    fact = PatternFact("add", (1,), Flag.ACCEPTED, steps=(StepFact("rel", 1, 2, "require"), StepFact("called", -1, -2)))
    timeline.extend([1], [PatternRecord(1, old, fact)])
    assert steps_of(timeline, 1) == (StepFact("rel", 2, 1, "require"), StepFact("called", -1, -2))


@settings(max_examples=40, deadline=None)
@given(engine_recordings(), st.data())
def test_stepping_forward_and_back_returns_to_the_same_place(recording: MemoryRecording, data: st.DataObject) -> None:
    session = Session(recording, live=False)
    for kind in data.draw(st.sets(st.sampled_from(list(Filter)), max_size=2)):
        session.toggle_filter(kind)
    session.go_to_number(data.draw(st.integers(0, session.count)))
    for _ in range(data.draw(st.integers(0, 5))):
        session.next_step()
    start = place(session)
    done = 0
    for _ in range(data.draw(st.integers(0, 40))):
        before = place(session)
        session.next_step()
        done += place(session) != before
        assert session.number in session.visible or not session.number
        assert 0 <= session.step <= session.step_count(session.next_number)
    for _ in range(done):
        session.previous_step()
    assert place(session) == start


@settings(max_examples=60, deadline=None)
@given(engine_recordings())
def test_ticks_change_once_on_the_way_from_the_state_before_to_the_state_after(recording: MemoryRecording) -> None:
    timeline = recording.timeline(1)
    for number in range(1, timeline.count + 1):
        count = len(steps_of(timeline, number))
        assert count
        committed = [partly_applied(timeline, number, step).committed for step in range(count + 1)]
        assert committed == sorted(committed)
        assert committed[-1]
        assert not committed[0]
        assert active_before(timeline, number) == frozenset(timeline.active_states(number - 1))


def test_the_state_before_a_transition_behind_a_hole_follows_from_what_it_changed() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A", "B"])
    machine.add("A")
    machine.lose(1)
    machine.record(PatternFact("remove", (2,), Flag.ACCEPTED, ((2, 1),), removed=(2,)))
    recording.catch_up()
    assert active_before(recording.timeline(1), 2) == {1, 2}
    assert active_before(recording.timeline(1), 1) == frozenset()


def test_an_address_leads_to_a_step(session: Session) -> None:
    assert go_to(session, f"mach://m/{session.recording.transition(1, 3).transition_id}/2")
    assert place(session) == (2, 2)
    session.first()
    assert go_to(session, "3/1")
    assert place(session) == (2, 1)


def test_the_address_of_every_step_leads_back_to_it(session: Session) -> None:
    session.first()
    while session.next_number is not None:
        session.next_step()
        here, texts = place(session), (address(session), shared_address(session))
        for text in texts:
            session.last()
            assert go_to(session, text), session.message
            assert place(session) == here, text
        assert texts[0].endswith(f"/{here[1]}" if here[1] else f"#{here[0]}")
