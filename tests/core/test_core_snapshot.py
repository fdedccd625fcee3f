"""Machines written down and brought back."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import (
    Event,
    LastTxTracer,
    Machine,
    MachineDisposed,
    SchemaError,
    Snapshot,
    SnapshotError,
    State,
    States,
    Time,
    Tracer,
)


class Door(States):
    """Two states that exclude each other, and one that tells of a restoration."""

    Open = State(remove=["Closed"])
    Closed = State(remove=[Open])
    MachineRestored = State(multi=True)


def door(**options: Any) -> Machine:
    return Machine(Door, id="door", **options)


def test_scenario_80_a_machine_continues_where_another_one_was_exported() -> None:
    """Same text, verified, restored once; other ids and unverified states are refused."""
    source = Machine({"A": {}, "B": {"multi": True}, "C": {}}, id="m")
    source.add(["A", "B"])
    source.add("B")
    with pytest.raises(SchemaError, match="not verified; call verify_states"):
        source.export()
    source.verify_states(["B", "A", "C", "Exception"])
    snapshot = source.export()

    target = Machine({"A": {}, "B": {"multi": True}, "C": {}}, id="m")
    target.restore(snapshot)
    assert target.string() == source.string() == "(B:3 A:1)"
    assert target.states == ("B", "A", "C", "Exception")
    assert target.states_verified
    assert (target.machine_tick, target.queue_tick(), source.machine_tick) == (1, 1, 0)

    other = Machine({"A": {}, "B": {"multi": True}, "C": {}}, id="other")
    with pytest.raises(SnapshotError, match="the snapshot is of machine m, this one is other"):
        other.import_(snapshot)
    assert other.string_all() == "() [A:0 B:0 C:0 Exception:0]"
    assert not other.states_verified


def test_the_machine_works_on_after_a_restoration() -> None:
    """Relations see the restored states, ticks go on from the restored ones, the tick of restorations adds up."""
    machine = door()
    machine.add("Open")
    for restorations in (1, 2):
        successor = door()
        successor.restore(machine.export())
        machine = successor
        assert machine.machine_tick == restorations
    assert machine.is_("Open")
    machine.add("Closed")
    assert machine.clock() == {"Exception": 0, "Open": 2, "Closed": 1, "MachineRestored": 3}


def test_nothing_runs_but_what_tells_of_the_restoration() -> None:
    """Neither handlers of what became active, nor automatic states."""
    calls: list[str] = []

    class Restored(States):
        A = State()
        B = State(auto=True)
        MachineRestored = State()

    class Handlers:
        def AState(self, e: Event) -> None:
            calls.append(e.name)

        def MachineRestoredState(self, e: Event) -> None:
            calls.append(e.name)
            e.machine.remove("MachineRestored")

    tracer = LastTxTracer()
    machine = Machine(Restored, id="m", tracers=[tracer])
    machine.bind(Handlers())
    machine.restore(Snapshot("m", Time([0, 1, 0, 0]), Restored.names))
    assert calls == ["MachineRestoredState"]
    assert machine.is_(["A", "B"])
    assert tracer.last is not None

    plain = Machine({"A": {}, "B": {"auto": True}}, id="m")
    plain.restore(Snapshot("m", Time([1, 0, 0]), ("A", "B", "Exception")))
    assert plain.active == ("A",)
    assert not plain.is_("B")


def test_whoever_waits_notices_the_restored_ticks() -> None:
    """Waiters whose states are there are done, contexts of other ticks expire, the others go on."""
    machine = door()
    machine.add("Open")
    opened = machine.state_ctx("Open")
    seen: list[bool] = []
    closed = machine.when("Closed")
    both = machine.when_time(["Closed", "Open"], [3, 2])
    released: list[str] = []
    closed.add_done_callback(lambda _: released.append("closed"))
    error = machine.when_err()
    machine.restore(Snapshot("door", Time([0, 2, 1, 0]), Door.names))
    assert opened.expired
    assert closed.reason == "match"
    assert released == ["closed"]
    assert not error.done
    seen.append(both.done)
    machine.remove("Closed")
    seen.append(both.done)
    machine.add("Closed")
    seen.append(both.done)
    assert seen == [False, False, True]
    machine.add_err(ValueError("no"))
    assert error.done


def test_tracers_hear_of_another_order() -> None:
    """Only when there is one, as indexes mean other states from then on; of the new ticks they always hear."""
    seen: list[tuple[str, ...]] = []
    restored: list[tuple[int, Time]] = []

    class Orders(Tracer):
        def verify_states(self, machine: Machine) -> None:
            seen.append(machine.states)

        def machine_restored(self, machine: Machine, number: int, time: Time) -> None:
            restored.append((number, time))
            assert machine.time() == time

    machine = Machine({"A": {}, "B": {}}, id="m", tracers=[Orders()])
    waiter = machine.when("B")
    snapshot = Snapshot("m", Time([1, 0, 0]), ("B", "Exception", "A"))
    machine.restore(snapshot)
    machine.restore(snapshot)
    assert seen == [("B", "Exception", "A")]
    assert restored == [(1, Time([1, 0, 0])), (2, Time([1, 0, 0]))]
    assert not machine.internal_errors
    assert machine.add("A").executed
    assert machine.transition_count == 3
    assert machine.index(["A", "B"]) == [2, 0]
    assert waiter.done


def test_a_misfit_changes_nothing_and_every_reason_is_told() -> None:
    """Ids, the number of states, and the states themselves."""
    machine = door()
    machine.add("Open")
    before = machine.string_all()
    with pytest.raises(SnapshotError) as caught:
        machine.restore(Snapshot("gate", Time([0, 1, 1]), ("Exception", "Open", "Shut")))
    assert caught.value.problems == (
        "the snapshot is of machine gate, this one is door; give it the same id",
        "the snapshot has 3 states, the machine 4",
        "state Shut of the snapshot is unknown",
        "state Closed is not in the snapshot",
        "state MachineRestored is not in the snapshot",
    )
    with pytest.raises(SnapshotError, match="as many were expected"):
        machine.restore(Snapshot("door", Time([1]), Door.names))
    with pytest.raises(SnapshotError, match="time is missing"):
        machine.restore({"id": "door", "state_names": Door.names})
    wrong: Any = "door"
    with pytest.raises(SnapshotError, match="'door' was given, a mapping with the keys"):
        machine.restore(wrong)
    assert machine.string_all() == before
    assert machine.machine_tick == 0


def test_a_busy_or_disposed_machine_is_not_restored() -> None:
    """A moment must not change below a running handler."""
    problems: list[str] = []
    machine = door()
    snapshot = machine.export()

    def opened(e: Event) -> None:
        with pytest.raises(SnapshotError, match="something is being executed") as caught:
            e.machine.restore(snapshot)
        problems.extend(caught.value.problems)

    machine.bind({"OpenState": opened})
    machine.add("Open")
    assert len(problems) == 1
    assert machine.is_("Open")
    machine.dispose_force()
    with pytest.raises(SnapshotError, match="is disposed"):
        machine.restore(snapshot)
    with pytest.raises(MachineDisposed, match="nothing to export"):
        machine.export()


def test_snapshots_are_taken_between_switches() -> None:
    """Another thread sees either the moment before or the one after, never a mixture."""
    machine = door()
    machine.add("Open")
    stop = threading.Event()
    odd: list[Snapshot] = []

    def watch() -> None:
        while not stop.is_set():
            snapshot = machine.export()
            if len(snapshot.active_states()) != 1:
                odd.append(snapshot)

    thread = threading.Thread(target=watch)
    thread.start()
    for _ in range(300):
        machine.add("Closed")
        machine.add("Open")
    stop.set()
    thread.join(10)
    assert not odd


TICKS = st.integers(0, 2**64 - 1)
NAMES = st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=5)


@settings(max_examples=60)
@given(st.data(), st.text(min_size=1, max_size=8), NAMES)
def test_snapshots_survive_json(data: st.DataObject, id_: str, names: list[str]) -> None:
    """With every tick that 64 bits hold."""
    time = data.draw(st.lists(TICKS, min_size=len(names), max_size=len(names)))
    snapshot = Snapshot(id_, Time(time), tuple(names), data.draw(TICKS), data.draw(TICKS))
    back = Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict())))
    assert back == snapshot
    assert isinstance(back.time, Time)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["+A", "+B", "+C", "-A", "-B", "-C"]), max_size=12), st.permutations("ABC"))
def test_a_restored_machine_cannot_be_told_from_its_original(history: list[str], order: list[str]) -> None:
    """Ticks, activity and what follows are the same, whatever happened before and whatever order the states had."""
    schema: dict[str, Any] = {
        "A": {"multi": True},
        "B": {"remove": ["C"], "add": ["A"]},
        "C": {"auto": True, "require": ["A"]},
    }

    def act(machine: Machine, step: str) -> None:
        (machine.add if step[0] == "+" else machine.remove)(step[1])

    original = Machine(schema, id="m")
    original.verify_states([*order, "Exception"])
    for step in history:
        act(original, step)
    copy = Machine(schema, id="m")
    copy.restore(Snapshot.from_dict(json.loads(json.dumps(original.export().to_dict()))))
    assert copy.string_all() == original.string_all()
    for step in ("+B", "+C", "-A"):
        act(copy, step)
        act(original, step)
        assert copy.string_all() == original.string_all()


def test_exports_of_older_programs_can_be_read() -> None:
    """They have neither the queue's nor the machine's tick."""
    snapshot = Snapshot.from_dict({"id": "m", "time": [1, 0], "state_names": ["A", "Exception"]})
    assert (snapshot.queue_tick, snapshot.machine_tick) == (0, 0)
    machine = Machine({"A": {}}, id="m")
    machine.restore(snapshot.to_dict())
    assert machine.machine_tick == 1
    assert machine.is_("A")


def test_everything_wrong_in_a_file_is_listed() -> None:
    """Values are shown shortened."""
    with pytest.raises(SnapshotError) as caught:
        Snapshot.from_dict(
            {
                "id": "",
                "time": [1, -1, True, 2**64, "x" * 100],
                "state_names": ["A", "A", 3, ""],
                "queue_tik": 1,
                "machine_tick": None,
                7: 7,
            }
        )
    assert caught.value.problems == (
        "unknown key 'queue_tik'; did you mean queue_tick?",
        "unknown key 7; known are id, time, state_names, queue_tick, machine_tick",
        "id is '', text was expected",
        "state_names has 'A' more than once",
        "name 2 of state_names is 3, text was expected",
        "name 3 of state_names is '', text was expected",
        "tick 1 of time is -1, a whole number from 0 to 2^64-1 was expected",
        "tick 2 of time is True, a whole number from 0 to 2^64-1 was expected",
        "tick 3 of time is 18446744073709551616, a whole number from 0 to 2^64-1 was expected",
        f"tick 4 of time is 'x{'x' * 55}..., a whole number from 0 to 2^64-1 was expected",
        "there are 4 state_names and 5 ticks in time, as many were expected",
        "machine_tick is None, a whole number from 0 to 2^64-1 was expected",
    )


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "a mapping with the keys"),
        ([1], "a mapping with the keys"),
        ({}, "id is missing; time is missing; state_names is missing"),
        ({"id": "m", "time": "101", "state_names": "ABC"}, "time is '101', a list of ticks was expected"),
        ({"id": 3, "time": [], "state_names": {}}, "state_names is {}, a list of names was expected"),
    ],
)
def test_other_data_is_refused(data: object, problem: str) -> None:
    """Whatever it is."""
    with pytest.raises(SnapshotError) as caught:
        Snapshot.from_dict(data)
    assert problem in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from(["id", "time", "state_names", "queue_tick", "machine_tick"]), JSON) | JSON)
def test_hostile_data_never_breaks_the_reader(data: object) -> None:
    """It is read, or refused with a reason."""
    problems: tuple[str, ...] = ()
    try:
        snapshot = Snapshot.from_dict(data)
    except SnapshotError as error:
        problems = error.problems
        snapshot = Snapshot("", Time(), ())
    assert problems or Snapshot.from_dict(snapshot.to_dict()) == snapshot
