"""Machines of ``python-statemachine`` are told as states with ticks, without noticing it."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from typing import Any

import pytest
from statemachine import State, StateChart, StateMachine
from statemachine.exceptions import TransitionNotAllowed
from story import Make


class Light(StateMachine):
    green = State(initial=True)
    yellow = State()
    red = State()
    broken = State(final=True)

    cycle = green.to(yellow) | yellow.to(red) | red.to(green, cond="may_go")
    smash = green.to(broken) | yellow.to(broken) | red.to(broken)
    blink = yellow.to.itself()

    allowed = True

    def may_go(self) -> bool:
        return self.allowed

    def before_cycle(self) -> None: ...

    def on_enter_red(self) -> None: ...


class Box(StateChart):
    class off(State.Compound):
        cold = State(initial=True)
        warm = State()
        heat = cold.to(warm)

    class on(State.Parallel):
        class left(State.Compound):
            l1 = State(initial=True)
            l2 = State(final=True)
            tick = l1.to(l2)

        class right(State.Compound):
            r1 = State(initial=True)
            r2 = State(final=True)
            tick = r1.to(r2)

    start = off.to(on)
    stop = on.to(off)
    done_state_on = on.to(off)


class Counter(StateChart):
    idle = State(initial=True)
    counting = State()
    done = State(final=True)
    go = idle.to(counting)
    counting.to(done, cond="enough")
    counting.to.itself(cond="more", on="count")

    def __init__(self) -> None:
        self.number = 0
        super().__init__()

    def enough(self) -> bool:
        return self.number >= 2

    def more(self) -> bool:
        return self.number < 2

    def count(self) -> None:
        self.number += 1


class Faulty(StateChart):
    a = State(initial=True)
    b = State()
    c = State()
    go = a.to(b, on="boom")
    late = a.to(b, after="boom")
    enter = a.to(c)
    careful = a.to(b, validators="validate")
    back = b.to(a) | c.to(a)

    def boom(self) -> None:
        raise ValueError("boom")

    def on_enter_c(self) -> None:
        raise KeyError("c")

    def validate(self, ok: bool = False) -> None:
        if not ok:
            raise PermissionError("not you")


class StrictFaulty(Faulty):
    catch_errors_as_events = False


class Slow(StateChart):
    a = State(initial=True)
    b = State()
    c = State()
    go = a.to(b)
    follow = b.to(c)
    refuse = c.to(a, cond="never")

    async def on_enter_b(self) -> None:
        await asyncio.sleep(0)
        self.raise_("follow")

    async def never(self) -> bool:
        return False


class Child(StateChart):
    born = State(initial=True)
    grown = State(final=True)
    grow = born.to(grown)


class Parent(StateChart):
    loading = State(initial=True, invoke=Child)
    ready = State(final=True)
    done_invoke_loading = loading.to(ready)


def test_a_machine_begins_with_its_initial_states(tell: Make) -> None:
    story = tell()
    light = Light()
    light.cycle()
    light.blink()
    life = story.life("Light")
    start, cycle, blink = life.rows
    assert life.fact.tags == ("python-statemachine",)
    assert (start.event, start.added) == ("initial", {"green"})
    assert (cycle.event, cycle.called, cycle.added, cycle.removed) == ("cycle", ["yellow"], {"yellow"}, {"green"})
    assert cycle.pattern.handlers == ("before_cycle",)
    assert blink.ticks == {"yellow": 2}
    states = {state.name: state for state in life.schema.states}
    assert states["red"].remove == ("green", "yellow", "broken")
    assert states["yellow"].multi
    assert "final" in states["broken"].tags


def test_conditions_that_refuse_are_named_and_still_raise(tell: Make) -> None:
    story = tell()
    light = Light(start_value="red")
    light.allowed = False
    with pytest.raises(TransitionNotAllowed):
        light.cycle()
    with pytest.raises(TransitionNotAllowed):
        light.send("unheard")
    refused, unheard = story.life("Light").rows[1:]
    assert refused.outcome == "canceled by may_go"
    assert refused.called == ["green"]
    assert unheard.outcome == "canceled by no transition"
    assert not story.life("Light").in_error


def test_a_validator_that_raises_refuses(tell: Make) -> None:
    story = tell()
    machine = StrictFaulty()
    with pytest.raises(PermissionError):
        machine.careful()
    machine.careful(ok=True)
    refused, accepted = story.life("StrictFaulty").rows[1:]
    assert refused.outcome == "canceled by validate"
    assert accepted.added == {"b"}


def test_compound_states_need_their_parents_and_parallel_ones_add_their_regions(tell: Make) -> None:
    story = tell()
    box = Box()
    states = {state.name: state for state in story.life("Box").schema.states}
    assert states["l1"].require == ("left",)
    assert states["l1"].remove == ("l2",)
    assert states["left"].remove == ()
    assert states["on"].add == ("left", "right")
    assert states["on"].remove == ("off",)
    assert story.life("Box").active == {"off", "cold"}
    box.start()
    assert story.life("Box").active == {"on", "left", "l1", "right", "r1"}
    box.tick()
    rows = story.life("Box").rows
    tick = next(row for row in rows if row.event == "tick")
    assert tick.called == ["l2", "r2"]
    done = rows[-1]
    assert done.event.startswith("done.state.on") or done.event == "done_state_on"
    assert done.source == ("Box", tick.number)
    assert story.life("Box").active == {"off", "cold"} == {str(state.id) for state in box.configuration}


def test_steps_without_an_event_are_automatic_and_follow_from_the_one_before(tell: Make) -> None:
    story = tell()
    Counter().go()
    rows = story.life("Counter").rows
    assert [row.event for row in rows] == ["initial", "go", "(eventless)", "(eventless)", "(eventless)"]
    assert [row.pattern.auto for row in rows] == [False, False, True, True, True]
    assert [row.source for row in rows[2:]] == [("Counter", 2), ("Counter", 3), ("Counter", 4)]
    assert rows[2].ticks == {"counting": 2}
    assert story.life("Counter").active == {"done"}


@pytest.mark.parametrize("kind", [Faulty, StrictFaulty])
def test_failing_callbacks_are_errors_whether_they_are_caught_or_not(tell: Make, kind: type[Faulty]) -> None:
    story = tell()
    strict = kind is StrictFaulty
    machine = kind()
    if strict:
        with pytest.raises(ValueError, match="boom"):
            machine.go()
    else:
        machine.go()
    go, error = story.life(kind.__name__).rows[1:3]
    assert go.pattern.broken
    assert error.called == ["Exception"]
    assert error.error is not None
    assert error.error.type == "ValueError"
    assert error.source == (kind.__name__, go.number)
    assert story.life(kind.__name__).active == {str(state.id) for state in machine.configuration}
    if strict:
        assert go.outcome == "broken, canceled by boom"
        assert story.life(kind.__name__).active == {"a"}


def test_an_error_after_the_change_does_not_undo_it(tell: Make) -> None:
    story = tell()
    machine = Faulty()
    machine.late()
    machine.back()
    machine.enter()
    late, _, back, enter, _ = story.life("Faulty").rows[1:]
    assert late.outcome == "broken, accepted"
    assert back.removed == {"b", "Exception"}
    assert enter.outcome == "broken, accepted"
    assert story.life("Faulty").active == {"c"} == {str(state.id) for state in machine.configuration}


def test_events_sent_by_callbacks_know_their_cause(tell: Make) -> None:
    story = tell()

    class Sender(StateChart):
        a = State(initial=True)
        b = State()
        c = State(final=True)
        go = a.to(b)
        on_ = b.to(c)

        def on_enter_b(self) -> None:
            self.send("on_")
            light.cycle()

    light = Light()
    Sender().go()
    rows = story.life("Sender").rows
    assert [row.event for row in rows] == ["initial", "go", "on_"]
    assert rows[2].source == ("Sender", 2)
    assert story.life("Light").rows[1].source == ("Sender", 2)


async def test_asynchronous_machines_keep_cause_and_order(tell: Make) -> None:
    story = tell()
    machine = Slow()
    await machine.go()
    await machine.refuse()
    life = story.life("Slow")
    assert life.events == ["initial", "go", "follow", "refuse"]
    assert life.rows[2].source == ("Slow", 2)
    assert life.rows[3].outcome == "canceled by never"
    assert life.active == {"c"}


async def test_a_cancelled_step_is_told_as_far_as_it_came(tell: Make) -> None:
    story = tell()

    class Stuck(StateChart):
        a = State(initial=True)
        b = State(final=True)
        go = a.to(b, before="wait")

        async def wait(self) -> None:
            await asyncio.sleep(10)

    machine = Stuck()
    await machine.activate_initial_state()
    task = asyncio.create_task(machine.go())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    life = story.life("Stuck")
    assert life.rows[-1].outcome == "canceled by cancelled"
    assert life.active == {"a"}


def test_an_invoked_machine_has_a_parent_and_its_end_a_cause(tell: Make) -> None:
    story = tell()
    machine = Parent()
    for _ in range(1000):
        if machine.is_terminated:
            break
        threading.Event().wait(0.005)
    assert story.life("Child").fact.parent == "Parent"
    done = story.life("Parent").rows[-1]
    assert done.event.startswith("done.invoke")
    assert done.source == ("Parent", 1)
    assert story.life("Parent").active == {"ready"}


def test_machines_can_still_be_pickled_and_copied(tell: Make) -> None:
    story = tell()
    light = Light()
    light.cycle()
    for clone in (pickle.loads(pickle.dumps(light)), copy.deepcopy(light)):
        clone.cycle()
    assert [story.life(name).active for name in ("Light", "Light-2", "Light-3")] == [{"yellow"}, {"red"}, {"red"}]


def test_machines_that_existed_before_are_told_from_their_present_state(tell: Make) -> None:
    light = Light()
    light.model.name = "early"
    light.cycle()
    story = tell(existing=True)
    assert story.life("Light/early").active == {"yellow"}
    light.cycle()
    assert story.life("Light/early").active == {"red"}
    assert len(story.life("Light/early").rows) == 1


def test_closing_leaves_the_package_as_it_was(tell: Make) -> None:
    from statemachine.callbacks import CallbackWrapper
    from statemachine.engines.sync import SyncEngine

    def methods() -> list[Any]:
        return [SyncEngine.microstep, CallbackWrapper.call, StateChart.__init__, SyncEngine.select_transitions]

    before = methods()
    story = tell()
    light = Light()
    assert methods() != before
    story.close()
    assert methods() == before
    assert "select_transitions" in vars(SyncEngine)
    noted = len(story.client.ring.items)
    light.cycle()
    assert len(story.client.ring.items) == noted
