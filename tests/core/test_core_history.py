"""What machines went through, kept in memory."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from am_core import Event, Machine, MutationType, Schema, Snapshot, Time, UnknownStateError, log_args_mapper
from am_core.history import (
    ConditionError,
    Entry,
    History,
    HistoryConfig,
    HistoryError,
    MemoryHistory,
    Query,
    track,
)
from am_core.states import BasicStates

SCHEMA: dict[str, Any] = {"A": {}, "B": {"remove": ["C"]}, "C": {"remove": ["B"]}, "M": {"multi": True}, "D": {}}
HOUR = timedelta(hours=1)


def machine_of(**options: Any) -> Machine:
    machine = Machine(SCHEMA, id="m", **options)
    machine.verify_states(["A", "B", "C", "M", "D", "Exception"])
    return machine


def now() -> datetime:
    return datetime.now(UTC)


def test_fifty_toggles_are_fifty_records() -> None:
    """Newest first, with the sum of all ticks; states that are not tracked were never activated."""
    machine = Machine(BasicStates)
    history: History = MemoryHistory(machine, HistoryConfig(tracked_states=["Start"]))
    for _ in range(50):
        machine.toggle("Start")
    assert history.machine_record().next_id == 51
    latest = history.find_latest(25)
    assert len(latest) == 25
    assert latest[23].mtime_sum == 27
    assert latest[24].mtime_sum == 26
    assert history.activated_between("Start", now() - HOUR, now())
    assert not history.activated_between("Ready", now() - HOUR, now())
    assert not history.inactive_between("Ready", now() - HOUR, now())
    assert history.is_tracked("Start")
    assert not history.is_tracked(["Start", "Ready"])
    assert (history.index("Start"), history.index("Ready")) == (0, -1)


def test_a_record_tells_what_changed() -> None:
    """By the transition, and since the record before."""
    machine = machine_of()
    machine.add("D")
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["B", "M"], changed_exclude=["A"]))
    machine.add(["B", "M"])
    machine.add(["A", "C"])
    before = now()
    machine.add("M")
    first, last = reversed(history.find_latest())
    assert (first.id, first.mutation_type, first.activated, first.deactivated) == (1, MutationType.ADD, ("B", "M"), ())
    assert (first.mtime_sum, first.mtime_diff_sum, first.mtime_record_diff_sum) == (3, 2, 2)
    assert last.tracked == ("B", "M")
    assert (last.mtime_tracked, last.mtime_tracked_diff) == (Time([2, 3]), Time([0, 2]))
    assert (last.mtime_sum, last.mtime_diff_sum, last.mtime_record_diff_sum) == (8, 2, 5)
    assert (last.mtime_tracked_sum, last.mtime_tracked_diff_sum) == (5, 2)
    assert (last.activated, last.deactivated, last.active_states()) == ((), ("B",), ["M"])
    assert before - timedelta(milliseconds=1) <= last.human_time <= now()
    assert last.human_time.tzinfo is UTC
    assert (last.tick("M"), last.tick("A")) == (3, None)
    assert last.transition is None


@pytest.mark.parametrize(
    ("config", "recorded"),
    [
        ({}, ["A", "B", "C", "M", "M"]),
        ({"called": ["B"]}, ["B"]),
        ({"changed": ["B"]}, ["B", "C"]),
        ({"called": ["A"], "changed": ["C"]}, ["A", "C"]),
        ({"called_exclude": ["M", "A"]}, ["B", "C"]),
        ({"changed_exclude": ["B"]}, ["A", "M", "M"]),
        ({"changed": ["M"], "called_exclude": ["M"]}, []),
    ],
)
def test_lists_choose_what_is_recorded(config: dict[str, Any], recorded: list[str]) -> None:
    """One hit in the allowing lists is needed, none in the excluding ones."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["D"], store_transitions=True, **config))
    for state in ("A", "B", "C", "M", "M"):
        machine.add(state)
    called = [record.transition.called for record in reversed(history.find_latest()) if record.transition]
    assert called == [(state,) for state in recorded]


def test_the_listed_states_are_tracked_too() -> None:
    """After those that were asked for, each once."""
    config = HistoryConfig(tracked_states=["D", "A"], called=["B", "D"], changed=["C"], called_exclude=["M"])
    assert config.tracked == ("D", "A", "B", "C")


def test_checks_are_never_recorded_and_refusals_on_request() -> None:
    """What a handler or a relation refused changes nothing."""
    machine = machine_of()
    machine.bind({"AEnter": lambda e: False})
    without = MemoryHistory(machine, HistoryConfig(tracked_states=["A"]))
    with_ = MemoryHistory(machine, HistoryConfig(tracked_states=["A"], track_rejected=True, store_transitions=True))
    machine.can_add("B")
    machine.add("A")
    assert without.find_latest() == []
    (record,) = with_.find_latest()
    assert record.transition is not None
    assert not record.transition.is_accepted
    assert (record.mtime_diff_sum, record.activated) == (0, ())


def test_a_transition_that_failed_halfway_is_recorded() -> None:
    """Its ticks have changed."""
    machine = machine_of()

    def fail(e: Event) -> None:
        raise ValueError("no")

    machine.bind({"BState": fail})
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["B"], called=["A"], store_transitions=True))
    machine.add(["A", "B"])
    (record,) = history.find_latest()
    assert record.transition is not None
    assert record.transition.is_broken
    assert record.tick("B") == 2


def test_details_of_transitions_are_kept_on_request() -> None:
    """Who caused them, their place in the queue, and the arguments that are logged."""
    source = machine_of()
    target = Machine({"X": {"auto": True, "require": ["Y"]}, "Y": {}}, id="target", log_args=log_args_mapper())
    source.bind({"AState": lambda e: target.add("Y", {"name": "n" * 30, "secret": 1})})
    history = MemoryHistory(target, HistoryConfig(tracked_states=["X"], store_transitions=True))
    source.add("A")
    first, second = reversed(history.find_latest())
    assert first.transition is not None
    assert second.transition is not None
    assert first.transition.source_machine == "m"
    assert len(first.transition.source_transition) == 16
    assert first.transition.args == {"name": "n" * 17 + "..."}
    assert (first.transition.queued_at, first.transition.executed_at, first.transition.queue_len) == (1, 2, 1)
    assert second.transition.is_auto
    assert (second.transition.called, second.transition.source_machine) == (("X",), "")
    assert first.transition.id != second.transition.id


def test_arguments_that_cannot_be_read_are_left_out() -> None:
    """The record is kept, and the failure noted."""

    def mapper(args: Any) -> Any:
        raise KeyError("gone")

    machine = machine_of(log_args=mapper)
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A"], store_transitions=True))
    machine.add("A", id=1)
    (record,) = history.find_latest()
    assert record.transition is not None
    assert record.transition.args == {}
    assert "log_args failed for a history" in str(machine.internal_errors[0])


def test_old_records_are_forgotten() -> None:
    """Their successors still know what they followed."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A"], max_records=2))
    for _ in range(5):
        machine.toggle("A")
    assert [record.id for record in history.find_latest()] == [5, 4]
    assert [record.id for record in history.find_latest(query=Query(deactivated=["A"]))] == [4]
    assert history.machine_record().next_id == 6


def queried(history: History, **conditions: Any) -> list[int]:
    return [record.id for record in history.find_latest(query=Query(**conditions))]


def test_conditions_are_honoured() -> None:
    """Each of them, and all together; ranges include their ends."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A", "B", "C", "M"]))
    for step in ("A", "B", "C", "M", "M", "B"):
        machine.add(step)
    machine.remove(["A", "B"])
    assert queried(history) == [7, 6, 5, 4, 3, 2, 1]
    assert queried(history, active=["A", "B"]) == [6, 2]
    assert queried(history, inactive=["A"]) == [7]
    assert queried(history, activated=["B"]) == [6, 2]
    assert queried(history, activated=["M"]) == [4]
    assert queried(history, deactivated=["B"]) == [7, 3]
    assert queried(history, active=["C"], inactive=["M"]) == [3]
    assert queried(history, mtime={"M": (1, 2)}) == [4]
    assert queried(history, mtime={"M": (2, None), "B": (None, 2)}) == [5]
    assert queried(history, mtime_sum=(2, 4)) == [3, 2]
    assert queried(history, mtime_tracked_sum=(9, None)) == [7, 6]
    assert queried(history, mtime_diff_sum=(2, 2)) == [7, 6, 5, 3]
    assert queried(history, mtime_tracked_diff_sum=(1, 1)) == [4, 2, 1]
    assert queried(history, mtime_record_diff_sum=(0, 0)) == []
    assert queried(history, machine_tick=(1, 9)) == []
    times = {record.id: record.human_time for record in history.find_latest()}
    assert 3 in queried(history, human_time=(times[3], times[3]))
    assert queried(history, human_time=(now() + HOUR, None)) == []
    assert [r.id for r in history.find_latest(2, Query(active=["A"]))] == [6, 5]
    assert [r.id for r in history.match(lambda record: record.id % 3 == 0)] == [6, 3]


def test_wrong_questions_are_refused() -> None:
    """With what to do about it."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A", "B"]))
    with pytest.raises(ConditionError, match=r"C not tracked by the history of m; tracked are A, B"):
        history.find_latest(query=Query(active=["A", "C"]))
    with pytest.raises(ConditionError, match=r"AA not tracked by the history of m; did you mean A\?"):
        history.find_latest(query=Query(mtime={"AA": (1, 2)}))
    with pytest.raises(ConditionError, match="a datetime with a time zone was expected"):
        Query(human_time=(datetime(2026, 1, 1), None))
    with pytest.raises(ConditionError, match="active is the text 'A', a list of names was expected"):
        Query(active="A")
    wrong: Any = 3
    with pytest.raises(ConditionError, match="mtime_sum is 3, a pair"):
        Query(mtime_sum=wrong)
    wrong = (1, "2")
    with pytest.raises(ConditionError, match="mtime of A has '2', a whole number or None"):
        Query(mtime={"A": wrong})
    with pytest.raises(ConditionError, match="limit is -1"):
        history.find_latest(-1)


def test_wrong_configurations_are_refused() -> None:
    """Before anything is recorded."""
    with pytest.raises(HistoryError, match="no states to track"):
        HistoryConfig()
    with pytest.raises(HistoryError, match="called is the text 'Start', a list of names was expected"):
        HistoryConfig(called="Start")
    with pytest.raises(HistoryError, match="max_records is 0, at least 1"):
        HistoryConfig(tracked_states=["A"], max_records=0)
    machine = machine_of()
    with pytest.raises(UnknownStateError, match=r"missing states: X, Exeption .* did you mean Exception"):
        MemoryHistory(machine, HistoryConfig(tracked_states=["X"], called_exclude=["Exeption"]))
    assert machine.tracers() == ()


def test_periods_know_what_they_began_with() -> None:
    """A state that did not change within a period was still active, or inactive, in it."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A"]))
    start = now()
    assert not history.active_between("A", start - HOUR, start + HOUR)
    machine.add("A")
    later = now() + timedelta(seconds=1)
    assert history.active_between("A", start, later)
    assert history.active_between("A", later, later + HOUR)
    assert not history.inactive_between("A", later, later + HOUR)
    assert not history.active_between("A", start - HOUR, start - timedelta(seconds=1))
    assert not history.active_between("A", later, start)
    assert history.activated_between("A", start, later)
    assert not history.activated_between("A", later, later + HOUR)
    assert not history.deactivated_between("A", start, later)
    machine.remove("A")
    assert history.deactivated_between("A", start, later)
    assert history.inactive_between("A", later, later + HOUR)


def test_a_machine_is_described_beside_its_records() -> None:
    """With its schema on request; everything can be written as JSON."""
    machine = machine_of()
    began = now()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A"], store_schema=True, store_transitions=True))
    machine.add(["A", "D"])
    history.sync()
    record = history.machine_record()
    assert (record.id, record.next_id, record.mtime_sum, record.machine_tick) == ("m", 2, 2, 0)
    assert record.time == machine.time()
    assert record.schema == machine.schema()
    assert record.state_names == machine.states
    assert record.first_tracking_ns <= record.last_tracking_ns <= record.last_sync_ns
    assert abs(record.first_tracking_ns / 1e9 - began.timestamp()) < 10
    data = json.loads(json.dumps(history.export()))
    assert data["machine"]["time"] == [1, 0, 0, 0, 1, 0]
    assert Schema.from_dict(data["machine"]["schema"]) == machine.schema()
    assert [entry["id"] for entry in data["records"]] == [1]
    assert data["records"][0]["mutation_type"] == "add"
    assert data["records"][0]["transition"]["called"] == ["A", "D"]
    assert MemoryHistory(machine, HistoryConfig(tracked_states=["A"])).machine_record().schema is None


def test_recording_ends_with_the_history() -> None:
    """What was recorded can still be asked for, also when the machine has gone."""
    machine = machine_of()
    with MemoryHistory(machine, HistoryConfig(tracked_states=["A"], store_schema=True)) as history:
        machine.add("A")
    machine.remove("A")
    assert [record.id for record in history.find_latest()] == [1]
    machine.dispose_force()
    del machine
    schema = history.machine_record().schema
    assert schema is not None
    assert list(schema) == [*SCHEMA, "Exception"]
    assert history.active_between("A", now() - HOUR, now())


def test_a_history_follows_growing_schemas_and_restorations() -> None:
    """Indexes move, ticks jump."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["A", "M"], store_schema=True))
    machine.add("A")
    machine.set_schema({**SCHEMA, "New": {}}, ["New", "M", "A", "B", "C", "D", "Exception"])
    assert history.machine_record().state_names == machine.states
    assert "New" in (history.machine_record().schema or {})
    machine.add("M")
    machine.restore(Snapshot("m", Time([0, 0, 0, 5, 0, 0, 0]), machine.states, machine_tick=3))
    machine.add("A")
    first, second, third = reversed(history.find_latest())
    assert (first.mtime_tracked, second.mtime_tracked, third.mtime_tracked) == (
        Time([1, 0]),
        Time([1, 1]),
        Time([1, 0]),
    )
    assert (third.deactivated, third.machine_tick, third.mtime_record_diff_sum) == (("M",), 4, 4)
    assert queried(history, machine_tick=(4, 4)) == [3]


def test_records_are_complete_when_threads_mutate_and_ask() -> None:
    """Numbers have no gaps, and every record follows its predecessor."""
    machine = machine_of()
    history = MemoryHistory(machine, HistoryConfig(tracked_states=["M"], max_records=None))
    asked: list[bool] = []

    def work() -> None:
        for _ in range(100):
            machine.add("M")
            records = history.find_latest(3)
            asked.append([r.id for r in records] == list(range(records[0].id, records[0].id - len(records), -1)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    machine.when_queue_ends().wait(10)
    records = history.find_latest()
    assert all(asked)
    assert [record.id for record in reversed(records)] == list(range(1, len(records) + 1))
    assert records[0].mtime_sum == machine.time().sum()
    assert sum(record.mtime_record_diff_sum for record in records) == machine.time().sum()


# The short way


def test_recent_activations_are_known() -> None:
    """Four mutations that match are four entries; what is not tracked was not activated."""
    machine = machine_of()
    recent = track(machine, ["A", "B"])
    machine.add("A")
    machine.add(["B", "D"])
    machine.add("D")
    machine.remove("B")
    machine.remove("A")
    assert recent.entries == [
        Entry(MutationType.ADD, (0,), False),
        Entry(MutationType.ADD, (1, 4), False),
        Entry(MutationType.REMOVE, (1,), False),
        Entry(MutationType.REMOVE, (0,), False),
    ]
    assert recent.activated_recently("A", 60)
    assert recent.activated_recently("B", timedelta(minutes=1))
    assert not recent.activated_recently("D", 60)
    assert not recent.activated_recently("A", -1)


def test_what_is_active_counts_as_activated_when_recording_begins() -> None:
    """Refusals and checks do not count, old entries are forgotten."""
    machine = machine_of()
    machine.add(["A", "D"])
    machine.bind({"BEnter": lambda e: False})
    with track(machine, ["A", "B"], max_entries=2) as recent:
        assert recent.activated_recently("A", 60)
        assert not recent.activated_recently("D", 60)
        machine.add("B")
        machine.can_add("A")
        assert recent.entries == []
        for _ in range(3):
            machine.toggle("A")
        assert [entry.type for entry in recent.entries] == [MutationType.ADD, MutationType.REMOVE]
    machine.add("A")
    assert len(recent.entries) == 2
    with pytest.raises(UnknownStateError):
        track(machine, ["X"])
    with pytest.raises(ValueError, match="max_entries is 0"):
        track(machine, ["A"], max_entries=0)
