"""What holds for a session whatever a person does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from am_dbg.session import Mode, Session, navigation
from am_dbg.session.filters import Filter, visible
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import SCHEMA, STATES, recordings, transitions, write


class Wanderer(RuleBasedStateMachine):
    """Random moves while the recording grows."""

    def __init__(self) -> None:
        super().__init__()
        self.recording = MemoryRecording()
        self.now = [0.0]
        self.session = Session(self.recording, clock=lambda: self.now[0])

    @rule(rows=st.lists(transitions(), max_size=6), which=st.integers(0, 3))
    def record(self, rows: list[dict[str, object]], which: int) -> None:
        builders = self.recording.builders
        if which >= len(builders):
            machine = self.recording.machine(f"m{len(builders)}", SCHEMA, at_ns=START_NS)
        else:
            machine = builders[which + 1]
        write(machine, rows)

    @rule()
    def refresh(self) -> None:
        self.session.refresh()

    @rule(
        name=st.sampled_from(
            [
                "first",
                "last",
                "jump_forward",
                "jump_back",
                "next_problem",
                "previous_problem",
                "toggle_tail",
                "toggle_play",
                "next_step",
                "previous_step",
                "leave_steps",
                "clear_state",
                "clear_filters",
                "reset_filters",
                "go_back",
                "go_forward",
                "toggle_all_nodes",
            ]
        )
    )
    def command(self, name: str) -> None:
        getattr(self.session, name)()

    @rule(steps=st.integers(1, 60), forward=st.booleans())
    def step(self, steps: int, forward: bool) -> None:
        (self.session.next if forward else self.session.previous)(steps)

    @rule(number=st.integers(-2, 40))
    def go_to_number(self, number: int) -> None:
        self.session.go_to_number(number)

    @rule(seconds=st.integers(-1, 32))
    def go_to_time(self, seconds: int) -> None:
        self.session.go_to_time(START_NS + seconds * 1_000_000_000)

    @rule(kind=st.sampled_from(list(Filter)))
    def toggle_filter(self, kind: Filter) -> None:
        self.session.toggle_filter(kind)

    @rule(name=st.sampled_from([*STATES, "Elsewhere"]))
    def select_state(self, name: str) -> None:
        self.session.select_state(name)

    @rule(delta=st.integers(-2, 2))
    def next_machine(self, delta: int) -> None:
        self.session.next_machine(delta)

    @rule()
    def let_time_pass(self) -> None:
        self.now[0] += 0.6
        self.session.tick()

    @precondition(lambda self: self.session.number not in (0, None) and self.session.next_number is not None)
    @rule()
    def forward_and_back_is_where_it_began(self) -> None:
        before = self.session.number
        self.session.next()
        self.session.previous()
        assert self.session.number == before

    @precondition(lambda self: self.session.machine_id is not None)
    @rule(data=st.data())
    def there_and_back_is_where_it_began(self, data: st.DataObject) -> None:
        session = self.session
        home = session.machine_id
        assert home is not None
        session.select_machine(home)  # a paused cursor may be older than what has arrived since
        before, moment = session.number, session.moment
        for _ in range(data.draw(st.integers(1, 3))):
            session.select_machine(data.draw(st.sampled_from([m.id for m in self.recording.machines])))
        session.select_machine(home)
        assert (session.number, session.moment) == (before, moment)

    @invariant()
    def the_cursor_is_visible_or_zero(self) -> None:
        assert self.session.number == 0 or self.session.number in self.session.visible
        assert 0 <= self.session.number <= self.session.count

    @invariant()
    def steps_are_those_of_the_next_transition(self) -> None:
        session = self.session
        assert 0 <= session.step <= session.step_count(session.next_number)
        assert (session.inside is None) == (session.step == 0)
        assert not session.step or session.mode is not Mode.TAIL

    @invariant()
    def the_tail_is_followed(self) -> None:
        session = self.session
        if session.mode is Mode.TAIL:
            assert session.number == (session.visible[len(session.visible) - 1] if session.visible else 0)
            assert all(session.position(m.id) == self.recording.timeline(m.id).count for m in self.recording.machines)

    @invariant()
    def the_visible_set_equals_a_filter_made_anew(self) -> None:
        session = self.session
        if session.timeline is not None:
            assert session.visible == visible(session.timeline, session.filters)


TestWanderer = Wanderer.TestCase
TestWanderer.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@settings(max_examples=60)
@given(recording=recordings(), data=st.data())
def test_list_counters_are_the_number_of_transitions_at_or_before_the_moment(
    recording: MemoryRecording, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    session.clear_filters()
    session.go_to_number(data.draw(st.integers(0, session.count)))
    for machine in recording.machines:
        timeline = recording.timeline(machine.id)
        times = [timeline.at(n) for n in range(1, timeline.count + 1)]
        # With a clock that runs backwards a transition counts as begun no earlier than those before it.
        high = [max(times[: place + 1]) for place in range(len(times))]
        if machine.id == session.machine_id:
            assert session.position(machine.id) == session.number
        else:
            assert session.position(machine.id) == sum(moment <= session.moment for moment in high)


@settings(max_examples=60)
@given(recording=recordings(machines=1), data=st.data())
def test_each_move_agrees_with_a_walk_over_a_list(recording: MemoryRecording, data: st.DataObject) -> None:
    session = Session(recording, live=False)
    for kind in data.draw(st.sets(st.sampled_from(list(Filter)))):
        session.toggle_filter(kind)
    numbers = list(session.visible)
    here = data.draw(st.sampled_from([0, *numbers]))
    session.go_to_number(here) if here else session.first()
    after, before = [n for n in numbers if n > here], [n for n in numbers if n < here]
    assert navigation.following(session.visible, here) == (after[0] if after else None)
    assert navigation.preceding(session.visible, here) == (before[-1] if before else None)
    assert session.visible_rank == len(before) + (here in numbers)
    steps = data.draw(st.integers(1, 30))
    places = [0, *numbers]
    assert navigation.moved(session.visible, here, steps) == places[min(places.index(here) + steps, len(places) - 1)]
    assert navigation.moved(session.visible, here, -steps) == places[max(places.index(here) - steps, 0)]
    timeline = session.timeline
    assert timeline is not None
    for state, name in enumerate(STATES):
        fact = [timeline.pattern(n).fact for n in numbers]
        naive = [
            n
            for n, f in zip(numbers, fact, strict=True)
            if state in f.called or state in f.added or state in f.removed or dict(f.deltas).get(state)
        ]
        assert list(navigation.involving(timeline, state, session.visible)) == naive, name


@settings(max_examples=40)
@given(recording=recordings(machines=1))
def test_the_total_machine_time_is_the_same_by_steps_and_by_jumps(recording: MemoryRecording) -> None:
    session = Session(recording, live=False)
    session.clear_filters()
    timeline = session.timeline
    assert timeline is not None
    for number in [*range(timeline.count + 1), *range(timeline.count, -1, -1), timeline.count // 2]:
        session.go_to_number(number)
        assert session.total_machine_time() == timeline.machine_time(number)


@pytest.mark.parametrize("numbers", [[], [3], [1, 2, 9]])
def test_navigation_on_small_sets_has_no_surprises(numbers: list[int]) -> None:
    bitmap = navigation.BitMap(numbers)
    for number in range(12):
        assert navigation.at_or_before(bitmap, number) == max([n for n in numbers if n <= number], default=0)
        near = navigation.nearest_forward(bitmap, number)
        ahead = [n for n in numbers if n >= number]
        assert near == (ahead[0] if ahead else max(numbers, default=0))
    with pytest.raises(IndexError):
        navigation.select(bitmap, len(numbers))
