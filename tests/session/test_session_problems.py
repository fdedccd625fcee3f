"""The list of everything that went wrong."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session.problems import Problem, ProblemList, ProblemPlace
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings

SECOND = 1_000_000_000


def naive(recording: MemoryRecording, kinds: set[Problem], machine_id: int | None = None) -> list[ProblemPlace]:
    """Every transition looked at by itself; within one machine in order of number."""
    found = []
    for machine in recording.machines:
        if machine_id is not None and machine.id != machine_id:
            continue
        timeline = recording.timeline(machine.id)
        for number in range(1, timeline.count + 1):
            fact = timeline.pattern(number).fact
            error = number in timeline.errors
            told_later = number + 1 in timeline.errors
            refused = not (fact.accepted or fact.check or fact.queued or fact.auto)
            if error or (fact.broken and not told_later):
                kind = Problem.ERROR
            elif refused and not fact.broken:
                kind = Problem.CANCELED
            else:
                continue
            if kind in kinds:
                found.append(ProblemPlace(machine.id, number, timeline.at(number), kind))
    return found


@given(recordings(), st.sets(st.sampled_from([Problem.ERROR, Problem.CANCELED])))
@settings(max_examples=60, deadline=None)
def test_every_problem_is_listed_once_whatever_is_asked_for_first(
    recording: MemoryRecording, kinds: set[Problem]
) -> None:
    listed = ProblemList(recording, kinds)
    wanted = naive(recording, kinds)
    assert listed.total == len(wanted)
    tail = listed.places(3, 1_000)
    assert set(listed.places(0, 3) + tail) == set(wanted)
    assert listed.places(0, 1_000)[3:] == tail


@given(recordings(ordered=True))
@settings(max_examples=40, deadline=None)
def test_the_newest_come_first_when_clocks_only_go_forward(recording: MemoryRecording) -> None:
    places = ProblemList(recording, Problem).places(0, 1_000)
    assert [place.at_ns for place in places] == sorted((place.at_ns for place in places), reverse=True)
    for machine in recording.machines:
        numbers = [place.number for place in places if place.machine_id == machine.id]
        assert numbers == sorted(numbers, reverse=True)
        alone = ProblemList(recording, Problem, machine.id)
        assert [place.number for place in alone.places(0, 1_000)] == numbers


def test_holes_are_listed_where_the_machine_goes_on() -> None:
    recording = MemoryRecording()
    machine = recording.machine("orders", ["Ready"])
    machine.add("Ready", at_ns=START_NS)
    machine.lose(7)
    recording.catch_up()
    assert ProblemList(recording, Problem).places(0, 9) == [ProblemPlace(1, 2, START_NS, Problem.LOST)]
    machine.remove("Ready", at_ns=START_NS + SECOND)
    recording.catch_up()
    assert ProblemList(recording, Problem).places(0, 9) == [ProblemPlace(1, 2, START_NS + SECOND, Problem.LOST)]


def test_a_place_is_found_again_when_newer_problems_came_in() -> None:
    recording = MemoryRecording()
    machine = recording.machine("orders", ["Exception", "Ready"])
    machine.add("Exception")
    machine.remove("Exception")
    recording.catch_up()
    (first,) = ProblemList(recording, Problem).places(0, 9)
    for _ in range(3):
        machine.add("Exception")
        machine.remove("Exception")
    recording.catch_up()
    later = ProblemList(recording, Problem)
    assert later.find(first, 10) == 3
    assert later.find(first, 2) is None
