"""The machine list is in the order a person expects."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session.machine_order import human_key, ordered
from am_telemetry.store.records import MachineRecord
from tests.support.memory_recording import MemoryRecording


def listed(*machines: tuple[str, str]) -> list[str]:
    recording = MemoryRecording()
    for name, parent in machines:
        recording.machine(name, ["A"], parent=parent)
    recording.catch_up()
    return ["-" * place.depth + place.label for place in ordered(recording.machines)]


def test_numbers_inside_names_are_compared_as_numbers() -> None:
    assert listed(("ps-10", ""), ("ps-2", ""), ("PS-1", ""), ("ps", ""), ("ps-02", "")) == [
        "ps", "PS-1", "ps-02", "ps-2", "ps-10",
    ]  # fmt: skip


def test_children_stand_below_their_parents_at_any_depth() -> None:
    assert listed(("leaf", "mid"), ("mid", "root"), ("audit", ""), ("root", ""), ("other", "root")) == [
        "audit", "root", "-mid", "--leaf", "-other",
    ]  # fmt: skip


def test_machines_with_an_unknown_parent_stand_at_the_top() -> None:
    assert listed(("b", "nobody"), ("a", "")) == ["a", "b"]


def test_circles_of_parents_lose_no_machine() -> None:
    assert sorted(name.strip("-") for name in listed(("a", "b"), ("b", "a"), ("c", "c"), ("d", "b"))) == list("abcd")


def test_runs_of_the_same_machine_are_told_apart() -> None:
    assert listed(("orders", ""), ("orders", ""), ("a", "")) == ["a", "orders", "orders #2"]


def test_a_child_belongs_to_the_run_of_its_parent_in_the_same_process() -> None:
    recording = MemoryRecording()
    recording.machine("p", ["A"], process_id=1)
    recording.machine("p", ["A"], process_id=2)
    recording.machine("late", ["A"], parent="p", process_id=1)
    recording.machine("remote", ["A"], parent="p", process_id=3)
    recording.catch_up()
    assert [("-" * m.depth) + m.label for m in ordered(recording.machines)] == ["p", "-late", "p #2", "-remote"]


def test_endless_digits_are_no_trouble() -> None:
    assert human_key("x" + "9" * 10_000) > human_key("x" + "8" * 10_000)


def machine_record(index: int, name: str, parent: str) -> MachineRecord:
    return MachineRecord(index + 1, name, parent, 1, (), 1, 1, index, 0, "", ())


@settings(max_examples=80)
@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=12))
def test_every_machine_is_listed_once_and_right_below_its_parent(names: list[tuple[str, str]]) -> None:
    machines = [machine_record(i, name, parent) for i, (name, parent) in enumerate(names)]
    places = ordered(machines)
    assert sorted(place.index for place in places) == list(range(len(machines)))
    stack: list[str] = []
    for place in places:
        del stack[place.depth :]
        if place.depth:
            assert stack[-1] == machines[place.index].parent
        stack.append(machines[place.index].name)
