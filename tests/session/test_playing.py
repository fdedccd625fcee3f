"""How a recording plays by itself: evenly or as it was, faster and slower; and what tail mode missed meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_dbg.session import Mode, Session
from am_dbg.session.pace import GAP_CAP_S, SPEEDS, Pace
from tests.support.memory_recording import START_NS, MemoryRecording

SECOND = 1_000_000_000


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def played(*gaps_s: float) -> tuple[Session, Clock]:
    """A session before the first transition of a machine; the gaps are those between transitions."""
    recording, at_ns, clock = MemoryRecording(), START_NS, Clock()
    machine = recording.machine("m", ["Start", "Ready"])
    machine.add("Start", at_ns=at_ns)
    for gap in gaps_s:
        at_ns += round(gap * SECOND)
        machine.mutate("add", ("Ready",), at_ns=at_ns)
    session = Session(recording, live=False, clock=clock)
    session.clear_filters()
    session.first()
    return session, clock


def pass_time(session: Session, clock: Clock, seconds: float) -> int:
    """The cursor after a time, looked at every 50 ms as by the user interface."""
    for _ in range(round(seconds * 20)):
        clock.now += 0.05
        session.tick()
    return session.number


def test_playing_makes_one_move_at_once_and_then_two_a_second() -> None:
    session, clock = played(*[0.001] * 20)
    session.toggle_play()
    assert session.number == 1
    assert pass_time(session, clock, 2.05) == 5


@pytest.mark.parametrize(("steps", "number"), [(-1, 3), (1, 9), (3, 42), (6, 411)])
def test_speeds_multiply_the_pace_even_beyond_one_move_per_look(steps: int, number: int) -> None:
    session, clock = played(*[0.001] * 500)
    session.change_speed(steps)
    session.toggle_play()
    assert abs(pass_time(session, clock, 2.05) - number) <= max(1, number // 50)


def test_in_real_time_gaps_are_as_they_were_but_never_long() -> None:
    session, clock = played(0.5, 3600, 0, 0, 1)
    session.toggle_real_time()
    session.toggle_play()
    assert session.number == 1
    assert pass_time(session, clock, 0.45) == 1
    assert pass_time(session, clock, 0.1) == 2
    assert pass_time(session, clock, GAP_CAP_S - 0.2) == 2
    assert pass_time(session, clock, 0.3) == 5
    assert pass_time(session, clock, 1.1) == 6


def test_real_time_can_be_ten_times_as_fast() -> None:
    session, clock = played(*[1.0] * 20)
    session.toggle_real_time()
    session.change_speed(3)
    session.toggle_play()
    assert abs(pass_time(session, clock, 1.05) - 11) <= 1


def test_playing_goes_on_after_another_machine_is_selected_and_stops_at_the_end() -> None:
    recording, clock = MemoryRecording(), Clock()
    for name in ("a", "b"):
        machine = recording.machine(name, ["Start", "Ready"], at_ns=START_NS)
        for place in range(6):
            machine.add("Ready", at_ns=START_NS + place * SECOND)
    session = Session(recording, live=False, clock=clock)
    session.clear_filters()
    session.toggle_play()
    session.next_machine()
    assert session.mode is Mode.PLAYING
    assert pass_time(session, clock, 10) == 6
    assert (session.mode, session.message) == (Mode.PAUSED, "this is the last transition")


def test_a_program_that_slept_does_not_play_everything_at_once_when_it_wakes_up() -> None:
    session, clock = played(*[0.001] * 50)
    session.toggle_play()
    clock.now += 3600
    session.tick()
    assert session.number == 2


@given(st.lists(st.integers(-12, 12), max_size=6), st.booleans(), st.none() | st.integers(-(10**12), 10**18))
def test_every_pace_waits_for_a_finite_time(steps: list[int], real_time: bool, gap_ns: int | None) -> None:
    pace = Pace(real_time=real_time)
    for step in steps:
        pace = pace.faster(step)
    assert pace.speed in SPEEDS
    assert 0 <= pace.wait_s(gap_ns) <= max(5.0, GAP_CAP_S)


def test_leaving_the_tail_counts_what_comes_until_it_is_followed_again() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Start", "Ready"])
    other = recording.machine("other", ["Start"])
    for _ in range(3):
        machine.add("Ready")
        machine.remove("Ready")
    session = Session(recording, live=True)
    assert session.missed == 0
    session.previous()
    assert session.missed == 0
    machine.add("Ready")
    machine.remove("Ready")
    other.add("Start")
    session.refresh()
    assert session.missed == 2
    session.next_machine()
    assert session.missed == 1
    session.toggle_tail()
    assert session.missed == 0
