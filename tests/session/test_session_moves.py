"""What a person sees happen when moving through a recording."""

from __future__ import annotations

import pytest

from am_dbg.session import Mode, Session
from am_dbg.session.filters import Filter
from am_dbg.session.targets import (
    ClearFilters,
    GoToSource,
    GoToTransition,
    SelectMachine,
    SelectState,
    StepMachine,
    ToggleNode,
)
from am_telemetry.facts import SourceFact
from tests.support.memory_recording import MemoryRecording

SECOND = 1_000_000_000


def shop() -> MemoryRecording:
    """orders: 5 transitions, of which #3 is canceled and #5 has no effect; billing: between them; audit: nothing."""
    recording = MemoryRecording()
    orders = recording.machine("orders", ["Exception", "Ready", "Start"])
    billing = recording.machine("billing", ["Exception", "Ready"], parent="orders")
    recording.machine("audit", ["Ready"])
    orders.add("Start")
    billing.add("Ready")
    orders.add("Ready")
    orders.add("Ready", accepted=False, canceled_by="ReadyEnter")
    billing.add("Exception")
    billing.remove("Exception")
    orders.remove("Ready")
    orders.add("Start")
    return recording


def opened(recording: MemoryRecording | None = None, machine: str = "orders") -> Session:
    session = Session(shop() if recording is None else recording, live=False)
    session.select_machine(next(m.id for m in session.recording.machines if m.name == machine))
    session.go_to_number(1)
    return session


class TestBeginning:
    def test_an_opened_file_shows_the_first_transition_of_the_first_machine_that_did_anything(self) -> None:
        session = Session(shop(), live=False)
        assert session.machine is not None
        assert (session.machine.name, session.number, session.mode) == ("orders", 1, Mode.PAUSED)
        session.previous_machine()
        assert (session.machine.name, session.number) == ("audit", 0)

    def test_an_opened_file_chooses_the_time_of_that_transition_as_the_moment(self) -> None:
        recording = MemoryRecording()
        recording.machine("a", ["Ready"]).add("Ready", at_ns=5 * SECOND)
        session = Session(recording, live=False)
        assert (session.number, session.moment) == (1, 5 * SECOND)

    def test_a_live_session_selects_the_first_machine_that_appears_and_follows_it(self) -> None:
        recording = MemoryRecording()
        session = Session(recording)
        assert session.machine is None
        assert not session.refresh()
        machine = recording.machine("orders", ["Ready", "Start"])
        machine.add("Start")
        assert session.refresh()
        assert session.machine is not None
        assert (session.machine.name, session.number, session.mode) == ("orders", 1, Mode.TAIL)
        recording.machine("aardvark", ["Ready"])
        machine.add("Ready")
        session.refresh()
        assert (session.machine.name, session.number) == ("orders", 2)

    def test_a_machine_without_transitions_can_be_moved_on_without_harm(self) -> None:
        session = opened(machine="audit")
        for move in (session.next, session.previous, session.first, session.last, session.jump_forward):
            move()
            assert session.number == 0
        session.next_problem()
        assert session.message == "no later problem (0 earlier)"

    def test_a_session_without_machines_answers_every_command_with_a_message(self) -> None:
        session = Session(MemoryRecording())
        for move in (session.next, session.last, session.next_machine, session.jump_back):
            session.message = ""
            move()
            assert session.message
        session.set_log_level(4)
        session.toggle_filter(Filter.AUTO)
        session.toggle_all_nodes()
        assert session.number == 0


class TestMoves:
    def test_next_and_previous_stop_at_visible_transitions_only(self) -> None:
        session = opened()
        visited = [session.number]
        for _ in range(5):
            session.next()
            visited.append(session.number)
        assert visited == [1, 2, 3, 4, 4, 4]
        assert session.message == "this is the last transition"
        session.toggle_filter(Filter.CANCELED)
        session.previous()
        assert session.number == 2

    def test_home_leads_before_the_first_transition_and_end_to_the_last_visible_one(self) -> None:
        session = opened()
        session.last()
        assert session.number == 4
        session.first()
        assert session.number == 0
        session.previous()
        assert session.message == "this is the beginning"

    def test_moves_by_many_are_clamped(self) -> None:
        session = opened()
        session.next(1000)
        assert session.number == 4
        session.previous(1000)
        assert session.number == 0

    def test_without_a_selected_state_a_jump_covers_fifty_visible_transitions(self) -> None:
        recording = MemoryRecording()
        machine = recording.machine("m", ["A", "B"])
        for place in range(150):
            machine.add("A", accepted=place % 2 == 0, check=place % 2 == 1)
            machine.remove("A")
        session = opened(recording, "m")
        before = session.visible_rank
        session.jump_forward()
        assert session.visible_rank == before + 50
        session.jump_back()
        assert session.visible_rank == before

    def test_a_state_jump_finds_additions_removals_and_calls_that_were_canceled(self) -> None:
        session = opened()
        session.select_state("Ready")
        stops = []
        for _ in range(3):
            session.jump_forward()
            stops.append(session.number)
        assert stops == [2, 3, 4]
        session.jump_forward()
        assert session.number == 4
        assert session.message == "no later change of Ready (2 earlier)"
        session.first()
        session.jump_back()
        assert session.message == "no earlier change of Ready (3 later)"

    def test_a_state_jump_skips_filtered_transitions(self) -> None:
        session = opened()
        session.toggle_filter(Filter.CANCELED)
        session.select_state("Ready")
        session.go_to_number(2)
        session.jump_forward()
        assert session.number == 4

    def test_a_selected_state_that_the_machine_lacks_is_named(self) -> None:
        session = opened()
        session.select_state("Syncing")
        session.jump_forward()
        assert "no state Syncing" in session.message
        assert session.number == 1

    def test_problem_jumps_stop_at_errors_failures_and_refusals_but_not_at_automatic_ones(self) -> None:
        recording = MemoryRecording()
        machine = recording.machine("m", ["Exception", "A", "ErrDisk"])
        machine.add("A")
        machine.add("A", accepted=False, auto=True)
        machine.add("ErrDisk")
        machine.add("A", broken=True, handlers=("AState",))
        machine.remove("ErrDisk", accepted=False)
        session = opened(recording, "m")
        stops = []
        for _ in range(3):
            session.next_problem()
            stops.append(session.number)
        assert stops == [3, 4, 5]
        session.next_problem()
        assert session.message == "no later problem (2 earlier)"
        session.previous_problem()
        assert session.number == 4

    def test_going_to_a_hidden_transition_shows_the_next_visible_one_and_says_why(self) -> None:
        session = opened()
        session.toggle_filter(Filter.CANCELED)
        session.go_to_number(3)
        assert session.number == 4
        assert session.message == "#3 is hidden by the filter for canceled transitions; showing #4"

    def test_going_beyond_the_end_shows_the_last_transition_and_says_so(self) -> None:
        session = opened()
        session.go_to_number(99)
        assert session.number == 4
        assert "no transition #99" in session.message

    @pytest.mark.parametrize(("machine_time", "number"), [(0, 0), (1, 1), (2, 2), (3, 4), (9, 4)])
    def test_going_to_a_machine_time_finds_where_it_was_reached(self, machine_time: int, number: int) -> None:
        session = opened()
        session.go_to_machine_time(machine_time)
        assert session.number == number


class TestModes:
    def test_every_manual_move_ends_the_tail(self) -> None:
        for move in ("next", "previous", "first", "last", "jump_forward", "jump_back"):
            session = opened()
            session.set_mode(Mode.TAIL)
            getattr(session, move)()
            assert session.mode is Mode.PAUSED, move

    def test_the_tail_follows_new_transitions_and_pausing_it_stays_put(self) -> None:
        recording = shop()
        session = opened(recording)
        session.toggle_tail()
        builder = recording.builders[1]
        builder.add("Ready")
        session.refresh()
        assert session.number == 6
        session.toggle_tail()
        builder.remove("Ready")
        session.refresh()
        assert (session.number, session.mode, session.count) == (6, Mode.PAUSED, 7)

    def test_late_arrivals_with_old_times_do_not_move_a_paused_cursor(self) -> None:
        recording = shop()
        session = opened(recording)
        session.toggle_tail()
        session.toggle_tail()
        before = session.number
        recording.builders[1].add("Ready", at_ns=session.moment - 5)
        session.refresh()
        assert session.number == before
        session.select_machine(2)
        session.select_machine(1)
        assert session.number == before

    def test_playing_moves_at_once_then_once_per_interval_and_stops_at_the_end(self) -> None:
        now = [0.0]
        session = Session(shop(), live=False, clock=lambda: now[0])
        session.select_machine(1)
        session.go_to_number(1)
        session.toggle_play()
        assert (session.mode, session.number) == (Mode.PLAYING, 2)
        now[0] = 0.4
        assert not session.tick()
        now[0] = 0.5
        assert session.tick()
        assert session.number == 3
        now[0] = 1.0
        session.tick()
        assert (session.mode, session.number) == (Mode.PLAYING, 4)
        now[0] = 1.5
        session.tick()
        assert (session.mode, session.number) == (Mode.PAUSED, 4)
        assert session.message == "this is the last transition"

    def test_machine_switches_keep_tail_play_and_the_selected_state(self) -> None:
        session = opened()
        session.select_state("Ready")
        session.set_mode(Mode.TAIL)
        session.select_machine(2)
        assert (session.mode, session.state, session.number) == (Mode.TAIL, "Ready", 3)
        session.first()
        session.toggle_play()
        session.select_machine(1)
        assert (session.mode, session.state) == (Mode.PLAYING, "Ready")


class TestTimeTravel:
    def test_another_machine_shows_its_last_transition_at_the_moment(self) -> None:
        session = opened()
        session.go_to_number(3)
        session.select_machine(2)
        assert session.number == 1
        session.next()
        assert session.number == 2
        session.select_machine(1)
        assert session.number == 3
        session.select_machine(2)
        assert session.number == 2

    def test_switching_back_and_forth_never_drifts_even_with_equal_times(self) -> None:
        recording = MemoryRecording()
        for name in ("a", "b"):
            machine = recording.machine(name, ["X", "Y"])
            for _ in range(4):
                machine.add("X", at_ns=7 * SECOND)
                machine.remove("X", at_ns=7 * SECOND)
        session = opened(recording, "a")
        session.go_to_number(3)
        for _ in range(5):
            session.select_machine(2)
            session.select_machine(1)
        assert session.number == 3
        assert session.moment == 7 * SECOND

    def test_a_clock_that_ran_backwards_does_not_lose_the_chosen_transition(self) -> None:
        recording = MemoryRecording()
        skewed = recording.machine("skewed", ["X"])
        for moment in (10, 50, 20, 60):
            skewed.mutate("add" if moment in (10, 20) else "remove", ["X"], at_ns=moment * SECOND)
        recording.machine("other", ["X"]).add("X", at_ns=15 * SECOND)
        session = opened(recording, "skewed")
        session.go_to_number(3)
        session.select_machine(2)
        session.select_machine(1)
        assert session.number == 3

    def test_a_machine_that_starts_later_stands_at_zero_and_one_that_ended_at_its_last(self) -> None:
        recording = MemoryRecording()
        early, late = recording.machine("early", ["X"]), recording.machine("late", ["X"])
        early.add("X", at_ns=1 * SECOND)
        early.remove("X", at_ns=2 * SECOND)
        early.end(at_ns=3 * SECOND)
        late.add("X", at_ns=10 * SECOND)
        late.remove("X", at_ns=20 * SECOND)
        session = opened(recording, "early")
        session.last()
        session.select_machine(2)
        assert session.number == 0
        session.last()
        session.select_machine(1)
        assert session.number == 2

    def test_filters_toggled_twice_return_to_the_same_transition(self) -> None:
        session = opened()
        session.go_to_number(3)
        session.toggle_filter(Filter.CANCELED)
        assert session.number == 2
        session.toggle_filter(Filter.CANCELED)
        assert session.number == 3

    def test_a_chosen_time_applies_to_all_machines(self) -> None:
        session = opened()
        session.go_to_time(session.recording.timeline(2).at(2))
        assert session.number == 3
        session.select_machine(2)
        assert session.number == 2
        session.go_to_time(0)
        assert (session.number, session.message) == (0, "nothing has happened on this machine by then")
        timeline = session.recording.timeline(2)
        session.go_to_time(timeline.at(timeline.count) + 1)
        assert "after the last transition" in session.message


class TestLinksAndHistory:
    def test_links_select_what_they_name(self) -> None:
        session = opened()
        session.follow(GoToTransition(2, 3))
        assert (session.machine_id, session.number) == (2, 3)
        session.follow(SelectMachine(1))
        assert session.machine_id == 1
        session.follow(SelectState("Start"))
        assert session.state == "Start"
        session.follow(ToggleNode("Ready"))
        assert session.expanded == {"Ready"}
        session.follow(StepMachine(1))
        assert session.machine_id == 2
        session.follow(ClearFilters())
        assert not session.filters.hidden
        with pytest.raises(KeyError):
            session.follow(SelectMachine(77))

    def test_a_cause_is_followed_to_the_run_that_existed_then(self) -> None:
        recording = MemoryRecording()
        for _ in range(2):
            cause = recording.machine("cause", ["A"])
            cause.add("A")
            cause.remove("A")
            recording.machine("effect", ["A"]).add("A")
        session = Session(recording, live=False)
        for effect, run in ((2, 1), (4, 3)):
            session.follow(GoToTransition(effect, 1))
            session.follow(GoToSource("cause", 2))
            assert (session.machine_id, session.number) == (run, 2)
        session.follow(GoToTransition(4, 1))
        session.follow(GoToSource("cause", 0, "0000000300000001"))
        assert (session.machine_id, session.number) == (3, 1)
        session.follow(GoToSource("cause", 77))
        assert session.message == "the transition of cause that caused this was not recorded"
        session.follow(GoToSource("elsewhere", 1))
        assert session.message == "the machine elsewhere is not part of this recording"

    def test_history_returns_to_where_jumps_started(self) -> None:
        session = opened()
        session.next()
        session.follow(GoToTransition(2, 3))
        session.go_back()
        assert (session.machine_id, session.number) == (1, 2)
        session.go_forward()
        assert (session.machine_id, session.number) == (2, 3)
        session.go_forward()
        assert session.message == "this is the newest place in the history"

    def test_the_way_back_from_tail_mode_leads_to_what_it_showed(self) -> None:
        session = Session(shop(), live=True)
        session.select_machine(2)
        session.set_mode(Mode.TAIL)
        shown = session.number
        assert shown > 2
        session.follow(GoToTransition(1, 1))
        session.go_back()
        assert (session.machine_id, session.number, session.mode) == (2, shown, Mode.PAUSED)

    def test_the_cause_of_a_transition_is_one_command_away(self) -> None:
        recording = MemoryRecording()
        gateway = recording.machine("gateway", ["A"])
        orders = recording.machine("orders", ["B", "C"])
        gateway.add("A")
        orders.add("B", source=SourceFact("gateway", 1))
        orders.add("C", auto=True)
        session = Session(recording, live=False)
        session.follow(GoToTransition(orders.id, 2))
        session.go_to_cause()
        assert session.message == "this transition is automatic: the one before made it possible"
        session.previous()
        session.go_to_cause()
        assert (session.machine_id, session.number) == (gateway.id, 1)
        session.go_to_cause()
        assert session.message == "no other transition is known to have caused this one"
        session.go_back()
        assert (session.machine_id, session.number) == (orders.id, 1)
        session.first()
        session.go_to_cause()
        assert session.message == "there is no transition here"

    def test_the_machine_list_is_walked_in_its_order_and_ends_with_a_message(self) -> None:
        session = opened(machine="audit")
        names = []
        for _ in range(3):
            assert session.machine is not None
            names.append(session.machine.name)
            session.next_machine()
        assert names == ["audit", "orders", "billing"]
        assert session.message == "this is the last machine"

    def test_the_revision_grows_with_every_visible_change_and_rests_otherwise(self) -> None:
        session = opened()
        before = session.revision
        assert not session.refresh()
        assert not session.tick()
        assert session.revision == before
        session.next()
        assert session.revision > before
