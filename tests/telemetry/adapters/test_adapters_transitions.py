"""Machines of ``transitions`` are told as states with ticks, without noticing it."""

from __future__ import annotations

import contextlib
import enum
import gc
import threading
from typing import Any

import pytest
from matter import Matter, matter
from story import Make
from transitions import Machine, MachineError
from transitions.extensions import (
    GraphMachine,
    HierarchicalMachine,
    LockedHierarchicalMachine,
    LockedMachine,
)
from transitions.extensions.states import Tags, Timeout, add_state_features


def test_a_model_is_a_machine_whose_states_remove_each_other(tell: Make) -> None:
    story = tell()
    lump = matter()
    life = story.life("Matter")
    assert life.active == {"solid"}
    assert life.fact.tags == ("transitions",)
    states = {state.name: state for state in life.schema.states}
    assert states["liquid"].remove == ("solid", "gas")
    assert "initial" in states["solid"].tags
    assert states["liquid"].multi, "a transition leads from it to itself"
    assert lump.melt()
    assert lump.stir()
    melt, stir = story.life("Matter").rows
    assert (melt.event, melt.called, melt.ticks) == ("melt", ["liquid"], {"solid": 1, "liquid": 1})
    assert (melt.added, melt.removed, melt.outcome) == ({"liquid"}, {"solid"}, "accepted")
    assert (stir.called, stir.ticks) == (["liquid"], {"liquid": 2})
    assert "[state] +liquid -solid" in melt.log


def test_conditions_that_refuse_are_named(tell: Make) -> None:
    story = tell()
    lump = Matter()
    machine = matter(lump) and Machine(lump, states=["a", "b"], initial="a", model_attribute="mood", name="moods")
    machine.add_transition("cheer", "a", "b", conditions="is_hot", unless=[lambda: False])
    lump.hot = False
    assert not lump.cheer()
    lump.hot = True
    assert lump.cheer()
    refused, accepted = story.life("moods").rows
    assert refused.outcome == "canceled by is_hot"
    assert refused.called == ["b"]
    assert refused.pattern.handlers == ("is_hot",)
    assert "[condition] is_hot refused" in refused.log
    assert accepted.pattern.handlers == ("is_hot", "<lambda>")


def test_events_that_lead_nowhere_are_refused_and_still_raise(tell: Make) -> None:
    story = tell()
    lump = matter()
    with pytest.raises(MachineError, match="boil"):
        lump.boil()
    quiet = matter(ignore_invalid_triggers=True)
    assert quiet.boil() is False
    for name in ("Matter", "Matter-2"):
        (row,) = story.life(name).rows
        assert row.outcome == "canceled by no transition"
        assert not story.life(name).in_error


def test_a_failing_callback_is_an_error_until_the_next_success(tell: Make) -> None:
    story = tell()

    class Fragile(Matter):
        def on_enter_liquid(self) -> None:
            raise ValueError("too hot")

        def on_exit_liquid(self) -> None:
            raise KeyError("stuck")

    lump = matter(Fragile())
    with pytest.raises(ValueError, match="too hot"):
        lump.melt()
    with pytest.raises(KeyError):
        lump.boil()
    assert lump.state == "liquid"
    life = story.life("Fragile")
    melt, error, boil, again = life.rows
    assert melt.outcome == "broken, accepted"
    assert error.called == ["Exception"]
    assert error.source == ("Fragile", 1)
    assert error.error is not None
    assert (error.error.type, error.error.message) == ("ValueError", "too hot")
    assert "on_enter_liquid" in error.error.traceback
    assert boil.outcome == "broken, canceled by on_exit_liquid"
    assert again.ticks == {"Exception": 2}
    assert life.in_error
    lump.state = "gas"
    lump.freeze()
    assert not story.life("Fragile").in_error


def test_an_exception_that_the_machine_handles_is_told_as_well(tell: Make) -> None:
    story = tell()
    seen: list[Any] = []

    def boom() -> None:
        raise RuntimeError

    machine = Machine(states=["a", "b"], initial="a", on_exception=lambda e: seen.append(e.error), send_event=True)
    machine.add_transition("go", "a", "b", before=lambda e: boom())
    assert machine.go() is False
    assert isinstance(seen[0], RuntimeError)
    go, error = story.life("Machine").rows
    assert go.outcome.startswith("broken, canceled by <lambda>")
    assert error.called == ["Exception"]


def test_an_event_in_a_callback_is_told_after_its_cause_and_linked_to_it(tell: Make) -> None:
    story = tell()

    class Chain(Matter):
        def on_enter_liquid(self) -> None:
            self.boil()

        def on_enter_gas(self) -> None:
            other.melt()

    other = matter(name="other")
    lump = matter(Chain())
    lump.melt()
    assert lump.state == "gas"
    life = story.life("Chain")
    melt, boil = life.rows
    assert (melt.event, boil.event) == ("melt", "boil")
    assert boil.source == ("Chain", 1)
    assert boil.queue_tick == 0, "it came before the queue"
    assert life.active == {"gas"}
    (consequence,) = story.life("other").rows
    assert consequence.source == ("Chain", 2)
    assert consequence.source_fact is not None
    assert consequence.source_fact.machine_time == 3


def test_an_event_before_the_change_of_its_cause_is_told_in_the_order_of_changes(tell: Make) -> None:
    story = tell()
    machine = Machine(states=["a", "b", "c"], initial="a")
    machine.add_transition("go", "a", "b", before="to_c")
    machine.go()
    assert machine.state == "b"
    life = story.life("Machine")
    assert life.events == ["to_c", "go"]
    assert life.active == {"b"}
    assert life.rows[0].source is None


def test_queued_events_know_their_cause_and_the_length_of_the_queue(tell: Make) -> None:
    story = tell()
    machine = Machine(states=["a", "b", "c"], initial="a", queued=True)
    machine.add_transition("go", "a", "b", before=["to_c", "to_a"])
    machine.go()
    life = story.life("Machine")
    assert life.events == ["go", "to_c", "to_a"]
    assert [row.source for row in life.rows] == [None, ("Machine", 1), ("Machine", 1)]
    assert [row.queue_len for row in life.rows] == [0, 1, 0]
    assert life.active == {machine.state} == {"a"}


def test_every_model_is_a_machine_and_ends_with_its_model(tell: Make) -> None:
    story = tell()
    models = [Matter(), Matter()]
    machine = Machine(models, states=["a", "b"], initial="a", name="herd")
    extra = Matter()
    machine.add_model(extra, initial="b")
    assert machine.dispatch("to_b")
    lives = story.lives()
    assert sorted(lives) == ["herd", "herd-2", "herd-3"]
    assert [len(lives[name].rows) for name in sorted(lives)] == [1, 1, 1]
    machine.remove_model(extra)
    assert story.life("herd-3").closed == "disposed"
    machine.remove_model(models[0])
    del models[0]
    gc.collect()
    assert story.life("herd").closed == "disposed"


def test_models_are_called_by_their_name(tell: Make) -> None:
    story = tell()
    named = Matter()
    named.name = "lump"
    matter(named)
    matter(Machine.self_literal)
    assert set(story.lives()) == {"Matter/lump", "Machine"}


def test_states_added_later_make_a_new_revision(tell: Make) -> None:
    story = tell()
    lump = Matter()
    machine = Machine(lump, states=["a", "b"], initial="a")
    lump.to_b()
    machine.add_states(["c"])
    machine.add_transition("loop", "b", "=")
    lump.to_c()
    life = story.life("Matter")
    assert [schema.names for schema in life.schemas] == [("Exception", "a", "b"), ("Exception", "a", "b", "c")]
    assert life.active == {"c"}
    assert life.schema.states[3].remove == ("a", "b")
    machine.add_transition("loop", "c", "=")
    lump.loop()
    assert story.life("Matter").schema.states[3].multi


def test_a_state_added_by_a_callback_can_be_entered_at_once(tell: Make) -> None:
    story = tell()
    models = [Matter(), Matter()]
    machine = Machine(models, states=["a", "b"], initial="a", name="herd")
    machine.add_transition("grow", "a", "c", before=lambda: machine.add_states("c"))
    for model in models:
        model.grow()
        models[0].to_a()
    models[0].to_c()
    for name, model in zip(("herd", "herd-2"), models, strict=True):
        assert story.life(name).active == {model.state} == {"c"}


def test_states_that_are_assigned_are_noticed_with_the_next_event(tell: Make) -> None:
    story = tell()
    lump = matter()
    lump.state = "gas"
    lump.freeze()
    life = story.life("Matter")
    assert [row.event for row in life.rows] == ["set directly", "freeze"]
    assert life.rows[0].pattern.mutation == "set"
    assert life.active == {"solid"}


def test_nested_states_need_their_parents_and_parallel_regions_are_groups(tell: Make) -> None:
    story = tell()
    region = {
        "name": "x",
        "children": ["1", "2"],
        "initial": "1",
        "transitions": [["step", "1", "2"], ["step", "2", "="]],
    }
    machine = HierarchicalMachine(
        states=["off", {"name": "on", "parallel": [region, {"name": "y", "children": ["1", "2"], "initial": "1"}]}],
        initial="off",
        name="box",
    )
    states = {state.name: state for state in story.life("box").schema.states}
    assert states["on_x_1"].require == ("on_x",)
    assert states["on_x_1"].remove == ("on_x_2",)
    assert states["on_x"].require == ("on",)
    assert states["on_x"].remove == ()
    assert states["on"].add == ("on_x", "on_y")
    assert states["on"].remove == ("off",)
    machine.to_on()
    machine.step()
    machine.step()
    with pytest.raises(MachineError):
        machine.to("off")
    machine.to_off()
    machine.to("on")
    start, first, again, refused, _, end = story.life("box").rows
    assert start.called == ["on"]
    assert start.added == {"on", "on_x", "on_x_1", "on_y", "on_y_1"}
    assert (first.called, first.ticks) == (["on_x_2"], {"on_x_1": 1, "on_x_2": 1})
    assert again.ticks == {"on_x_2": 2}
    assert refused.outcome == "canceled by no transition"
    assert (end.event, end.called) == ("to", ["on"])
    assert story.life("box").active == {"on", "on_x", "on_x_1", "on_y", "on_y_1"}


def test_several_regions_may_follow_one_event(tell: Make) -> None:
    story = tell()
    regions = [
        {"name": n, "children": ["1", "2"], "initial": "1", "transitions": [["tick", "1", "2"]]} for n in ("a", "b")
    ]
    machine = HierarchicalMachine(states=[{"name": "p", "parallel": regions}], initial="p", name="box")
    machine.tick()
    (row,) = story.life("box").rows
    assert sorted(row.called) == ["p_a_2", "p_b_2"]
    assert row.added == {"p_a_2", "p_b_2"}
    with pytest.raises(MachineError):
        machine.tick()
    assert story.life("box").rows[1].outcome == "canceled by no transition"


def test_members_of_enumerations_are_states(tell: Make) -> None:
    story = tell()

    class Inner(enum.Enum):
        LEFT = 1
        RIGHT = 2

    class Outer(enum.Enum):
        IDLE = 0
        BUSY = Inner

    flat = Machine(states=Inner, initial=Inner.LEFT, name="flat")
    flat.to_RIGHT()
    assert story.life("flat").active == {"RIGHT"}
    nested = HierarchicalMachine(states=Outer, initial=Outer.IDLE, name="nested")
    nested.to_BUSY_LEFT()
    assert nested.state is Inner.LEFT
    assert story.life("nested").active == {"BUSY", "BUSY_LEFT"}


def test_graph_and_locked_machines_are_told_like_others(tell: Make) -> None:
    story = tell()
    for kind in (GraphMachine, LockedMachine):
        options = {"graph_engine": "mermaid"} if kind is GraphMachine else {}
        lump = matter(kind=kind, name=kind.__name__, **options)
        lump.melt()
        assert story.life(kind.__name__).active == {"liquid"}


def test_threads_on_a_locked_machine_leave_no_holes(tell: Make) -> None:
    story = tell()
    machine = LockedHierarchicalMachine(states=["a", {"name": "b", "children": ["c"], "initial": "c"}], initial="a")

    def work() -> None:
        for _ in range(40):
            machine.to_b()
            machine.to_a()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    life = story.life("LockedHierarchicalMachine")
    assert len(life.rows) == 320
    assert "set directly" not in life.events
    assert life.active == {"a"}


def test_a_timeout_is_a_consequence_of_entering_the_state(tell: Make) -> None:
    story = tell()

    @add_state_features(Timeout, Tags)
    class Timed(Machine):
        pass

    done = threading.Event()
    states = [
        "a",
        {"name": "b", "timeout": 0.01, "on_timeout": "to_c", "tags": ["slow"]},
        {"name": "c", "on_enter": done.set},
    ]
    machine = Timed(states=states, initial="a")
    machine.to_b()
    assert done.wait(5)
    for _ in range(1000):
        if len(story.life("Timed").rows) == 2:
            break
        threading.Event().wait(0.005)
    life = story.life("Timed")
    assert life.rows[1].source == ("Timed", 1)
    assert "slow" in life.schema.states[life.schema.index["b"]].tags


def test_machines_that_existed_before_are_told_from_their_present_state(tell: Make) -> None:
    lump = matter(name="early")
    lump.melt()
    story = tell(existing=True)
    assert story.life("early").active == {"liquid"}
    with contextlib.suppress(MachineError):
        lump.melt()
    lump.boil()
    assert story.life("early").active == {"gas"}


def test_states_are_not_related_where_that_would_be_too_much(tell: Make) -> None:
    story = tell()
    Machine(states=[f"s{i}" for i in range(500)], initial="s0", auto_transitions=False, name="wide")
    schema = story.life("wide").schema
    assert len(schema.states) == 501
    assert all(state.remove == () and "one-of" in state.tags for state in schema.states[1:])


def test_a_state_called_exception_keeps_its_name(tell: Make) -> None:
    story = tell()
    machine = Machine(states=["Exception", "b"], initial="b", name="odd")
    machine.to_Exception()
    life = story.life("odd")
    assert life.active == {"Exception"}
    assert life.schema.names[0] == "ErrException1"
