"""Records that people and tools look at: times, transitions, steps, and how all of them are shown."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from engine_setups import machine_of, noted, record, until

from am_core import (
    CanceledError,
    Event,
    LogLevel,
    Machine,
    MutationType,
    Result,
    S,
    SchemaError,
    Time,
    TimeIndex,
    pipes,
)
from am_core.clock import is_active_tick, is_time_after, next_active, next_inactive


@pytest.mark.parametrize(("tick", "active", "inactive"), [(0, 1, 2), (1, 3, 2), (2, 3, 4), (5, 7, 6)])
def test_the_next_activation_does_not_count_the_present_one(tick: int, active: int, inactive: int) -> None:
    """The same holds for the end."""
    assert (next_active(tick), next_inactive(tick)) == (active, inactive)
    assert is_active_tick(next_active(tick))
    assert not is_active_tick(next_inactive(tick))


def test_a_time_is_after_another_when_none_is_smaller_and_one_greater() -> None:
    """Unlike ``Time.after``, which wants every tick to be greater."""
    assert is_time_after([1, 2], [1, 1])
    assert not is_time_after([1, 1], [1, 1])
    assert not is_time_after([3, 0], [1, 1])
    assert not Time([1, 2]).after(False, [1, 1])
    assert Time([1, 2]).after(True, [1, 1])
    assert Time([0, 1]).before(True, [1, 1])
    assert not Time([0, 1]).before(False, [1, 1])


def test_times_answer_by_index() -> None:
    """Unknown indexes are inactive at tick 0."""
    time = Time([3, 0, 2, 1])
    assert time.any([0, 1], [0, 3])
    assert not time.any([0, 1], [1, 3])
    assert not time.any([])
    assert time.any1(1, 3)
    assert not time.any1(1, 2, 9)
    assert not time.any1()
    assert time.non_zero_states() == [0, 2, 3]
    assert time.active_states([3, 1, 0]) == [3, 0]
    assert repr(time) == "Time([3, 0, 2, 1])"
    assert time.to_index("ABCD") == TimeIndex([3, 0, 2, 1], "ABCD")


def test_times_with_names_answer_by_name() -> None:
    """Unknown names are inactive at tick 0; equal ones are found in sets."""
    time = Time([3, 0, 2, 1]).to_index(["A", "B", "C", "D"])
    assert time.is1("A")
    assert not time.is1("Nowhere")
    assert time.is_(["A", "D"])
    assert not time.is_(["A", "B"])
    assert time.not_(["B", "C", "Nowhere"])
    assert not time.not_(["B", "A"])
    assert time.any1("B", "D")
    assert not time.any1("B", "Nowhere")
    assert (time.sum(), time.sum(["A", "C", "Nowhere"])) == (6, 5)
    assert time.filter(["D", "Nowhere"]) == TimeIndex([1, 0], ["D", "Nowhere"])
    assert time.non_zero_states() == ["A", "C", "D"]
    assert time.active_states() == ["A", "D"]
    assert time.active_states(["D", "C"]) == ["D"]
    assert str(time) == "A D"
    same, other = TimeIndex([3, 0, 2, 1], "ABCD"), TimeIndex([3, 0, 2, 1], "ABCE")
    assert len({time, same, other}) == 2
    assert time != [3, 0, 2, 1]


def test_lists_of_names_have_an_algebra() -> None:
    """Order is kept, and the names of another list do not matter twice."""
    names = S(["B", "A"])
    assert names.prefix("My") == S(["MyB", "MyA"])
    assert (names.index_of("A"), names.index_of("C")) == (1, -1)
    assert names.hash() == S(["B", "A"]).hash() != S(["A", "B"]).hash()
    assert len(names.hash()) == 4
    assert repr(names) == "S(['B', 'A'])"


def test_a_transition_tells_what_it_did() -> None:
    """By name and by index, before and after."""
    machine = machine_of({"A": {"remove": ["B"]}, "B": {}, "C": {"multi": True}}, active="BC")
    notes = noted(machine)
    machine.add(["A", "C"])
    tx = notes.all[0]
    assert tx.clock_before() == {"A": 0, "B": 1, "C": 1, "Exception": 0}
    assert tx.clock_after() == {"A": 1, "B": 2, "C": 3, "Exception": 0}
    assert tx.time_index_before().active_states() == ["B", "C"]
    assert tx.time_index_after().active_states() == ["A", "C"]
    assert tx.target_indexes == (0, 2)
    assert tx.diff() == (["A", "C"], ["B"])
    assert tx.changed_states() == ["A", "B", "C"]
    assert (tx.is_health, tx.error, tx.type) == (False, None, MutationType.ADD)
    assert repr(tx).startswith(f"<Transition {machine.id}#3 [add] A C")


def test_health_and_error_transitions_are_known_as_such() -> None:
    """Health checks are those that call nothing else."""
    machine = machine_of({"Heartbeat": {"multi": True}, "A": {}})
    notes = noted(machine)
    error = RuntimeError("drawn")
    machine.add("Heartbeat")
    machine.add(["Heartbeat", "A"])
    machine.add_err(error)
    assert [tx.is_health for tx in notes.all] == [True, False, False]
    assert [tx.error for tx in notes.all] == [None, None, error]


def test_steps_are_told_in_words() -> None:
    """Relations between two states, and the handlers of every kind by their names."""
    machine = machine_of({"A": {"remove": ["B"], "add": ["C"]}, "B": {}, "C": {"require": ["A"]}, "D": {}}, active="BD")
    order = record(machine)
    notes = noted(machine)
    machine.add("A")
    lines = str(notes.all[0]).splitlines()
    assert lines[:2] == [f"tx#{notes.all[0].id}", "[add] A"]
    handlers = [line for line in lines if line.startswith("- handler ")]
    assert [line.removeprefix("- handler ").replace("*", "") for line in handlers] == order
    assert {"- **A** add **C**", "- **A** remove **B**", "- **C** require **A**", "- called **A**"} <= set(lines)
    assert "- handler AnyEnter" in lines
    assert "- handler **D****D**" in lines


def test_the_text_of_a_transition_names_its_source() -> None:
    """A link to the transition whose handler asked for it."""
    source, target = machine_of(), machine_of()
    pipes.bind(source, target, "A")
    began, followed = noted(source), noted(target)
    source.add("A")
    mine, theirs = began.all[0], followed.all[0]
    assert str(theirs).splitlines()[2] == f"source: [{mine.id}]({source.id}/{mine.id}/t0)"
    assert theirs.mutation.source is not None
    assert theirs.mutation.source.transition_number == mine.number


def test_what_is_shown_of_objects() -> None:
    """Enough to recognise them."""
    machine = Machine({"A": {}}, id="m", handler_timeout=60)
    shown: list[str] = []
    machine.bind({"AState": lambda e: shown.append(repr(e))})
    machine.add("A")
    assert shown == ["<Event AState of <Transition m#1 [add] A>>"]
    assert repr(machine) == "<Machine m (A:1)>"
    assert repr(machine.mutation(MutationType.REMOVE, "A")) == "<Mutation remove (0,)>"
    assert repr(Result.EXECUTED) == "<Result executed>"
    assert repr(Result(7)) == "<Result queued 7>"
    assert repr(machine.when("A")) == "<Waiter when of m: match>"
    machine.dispose_force()
    assert repr(machine) == "<Machine m disposed>"


def test_introspection_shows_what_machines_are_created_with() -> None:
    """Also for subclasses, whether they have a constructor of their own or not."""

    class Named(Machine):
        pass

    class Sized(Machine):
        def __init__(self, size: int) -> None:
            super().__init__({f"S{i}": {} for i in range(size)})

    for kind in (Machine, Named):
        assert list(inspect.signature(kind).parameters)[:3] == ["schema", "id", "parent"]
    assert list(inspect.signature(Sized).parameters) == ["size"]
    assert str(inspect.signature(Machine.add)).count("<that of the running handler>") == 1


def test_a_refusal_can_be_made_an_error() -> None:
    """For scripts, which have nothing else to do."""
    machine = machine_of({"A": {}, "B": {"require": ["A"]}})
    with pytest.raises(CanceledError, match="a relation or a handler refused"):
        machine.must_add("B")
    with pytest.raises(CanceledError):
        machine.add("B").raise_if_canceled()
    assert machine.must_add("A").executed
    assert machine.must_add("B").executed


def test_machines_compare_times_with_their_own() -> None:
    """Equal for ``is_time``, reached for ``was_time``, of all states or some."""
    machine = machine_of({"A": {}, "B": {}}, active="AB")
    machine.remove("A")
    now = machine.time()
    assert machine.is_time(now)
    assert machine.was_time([1, 1])
    assert not machine.is_time([1, 1])
    assert machine.was_time([1], ["B"])
    assert not machine.was_time([3], ["B"])
    assert machine.is_time([2], ["A"])


def test_callbacks_and_limits_may_be_set_later() -> None:
    """They count from the next request on, and can be read."""
    machine = machine_of(log_level=0)
    seen: list[str] = []
    assert machine.on_change is None
    machine.on_change = lambda _, tx: seen.append(str(tx.mutation.text(tx.model.names)))
    machine.add("A")
    assert machine.on_change is not None
    machine.on_change = None
    machine.add("B")
    assert seen == ["[add] A"]
    assert machine.queue_limit == 1000
    machine.queue_limit = 1
    results: list[bool] = []
    machine.bind({"CState": lambda e: results.extend(machine.add(name).canceled for name in "DAB")})
    machine.add("C")
    assert machine.queue_limit == 1
    assert results == [False, True, True]
    with pytest.raises(SchemaError):
        machine.set_schema({}, [])
    assert machine.auto_states() == []


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_the_log_tells_of_limits_that_were_exceeded(runner: Any) -> None:
    """At the levels that ask for details."""
    machine = machine_of(
        log_level=LogLevel.EVERYTHING,
        runner=runner,
        handler_timeout=0.01,
        handler_deadline=30.0,
        panic_to_exception=True,
    )
    machine.bind({"AEnter": late}, id="slow")
    notes = noted(machine)
    assert machine.add("A").canceled
    log = notes.log
    assert "[handler:timeout] AEnter from slow" in log
    assert "[handler:ack-timeout] AEnter" in log
    assert machine.is_("Nowhere") is False
    machine.eval(lambda: None, "the test")
    machine.add("B")
    log = notes.log
    assert {"[is] state Nowhere not found", "[eval] the test", "[eval:end] the test"} <= set(log)


def late(e: Event) -> None:
    """A handler that takes as long as it is allowed, and a bit more."""
    until(lambda: e.transition.is_timed_out)


def after_steps(machine: Machine, act: Any) -> list[tuple[str, str]]:
    """Predecessor and follower of every ``after`` step of the one transition that something causes."""
    notes = noted(machine)
    act()
    (tx,) = notes.all
    machine.detach_tracer(notes)
    names = tx.model.names
    return sorted((names[step.source], names[step.target]) for step in tx.steps if step.relation == "after")


def test_order_is_explained_by_one_step_per_pair_that_is_present() -> None:
    """From the predecessor to the one that follows; of what is entered, and of what ends, unless nothing does."""
    schema = {"A": {"after": ["B", "C"]}, "B": {"after": ["D"]}, "C": {}, "D": {}, "E": {"require": ["F"]}, "F": {}}
    machine = machine_of(schema)
    assert after_steps(machine, lambda: machine.add(["A", "B"])) == [("B", "A")]
    assert after_steps(machine, lambda: machine.add("C")) == [("B", "A"), ("C", "A")]
    assert after_steps(machine, lambda: machine.set("E")) == []
    assert machine.active == ("C", "B", "A")
    assert after_steps(machine, lambda: machine.set("D")) == [("B", "A"), ("C", "A")]
    assert machine.active == ("D",)


def test_the_log_names_what_is_implied() -> None:
    """Called and already active states are not."""
    machine = machine_of({"A": {"add": ["B", "C"]}, "B": {"add": ["D"]}, "C": {}, "D": {}}, active="C")
    notes = noted(machine)
    machine.add("A")
    assert "[implied] D B" in notes.log or "[implied] B D" in notes.log
    machine.add("A")
    assert sum(line.startswith("[implied]") for line in notes.log) == 1


def test_a_resolution_that_had_to_be_repeated_leaves_one_trail() -> None:
    """An automatic state drags in one that was refused; only the attempt without it is recorded."""
    machine = machine_of({"A": {"auto": True, "add": ["B"]}, "B": {"auto": True}, "C": {}})
    machine.bind({"BEnter": lambda e: False})
    notes = noted(machine)
    machine.add("C")
    auto = notes.all[1]
    assert auto.is_auto
    assert set(machine.active) == {"A", "C"}
    lines = str(auto).splitlines()
    assert lines[lines.index("- handler **B**Enter") + 1 :] == ["- activate **A**"]
