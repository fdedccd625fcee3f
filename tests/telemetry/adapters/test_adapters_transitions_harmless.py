"""Machines of ``transitions`` work as before: asynchronous, copied, pickled, and when telemetry ends or fails."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
import transitions
from matter import matter
from story import Make
from transitions import Machine
from transitions.extensions import (
    AsyncGraphMachine,
    AsyncMachine,
    HierarchicalAsyncMachine,
    LockedMachine,
)


async def test_asynchronous_machines_keep_cause_and_order(tell: Make) -> None:
    story = tell()

    class Model:
        async def on_enter_b(self) -> None:
            await asyncio.sleep(0)
            await self.to_c()

        async def allowed(self) -> bool:
            return False

    model: Any = Model()
    machine = AsyncMachine(model, states=["a", "b", "c"], initial="a")
    machine.add_transition("no", "c", "a", conditions="allowed")
    await model.to_b()
    assert await model.no() is False
    life = story.life("Model")
    assert life.events == ["to_b", "to_c", "no"]
    assert life.rows[1].source == ("Model", 1)
    assert life.rows[2].outcome == "canceled by allowed"
    assert life.active == {model.state} == {"c"}


async def test_a_cancelled_transition_is_told_as_far_as_it_came(tell: Make) -> None:
    story = tell()

    class Model:
        async def slow(self) -> None:
            await asyncio.sleep(10)

    model: Any = Model()
    machine = AsyncMachine(model, states=["a", "b", "c"], initial="a")
    machine.add_transition("early", "a", "b", before="slow")
    machine.add_transition("late", "a", "b", after="slow")
    for event in ("early", "late"):
        task = asyncio.create_task(model.trigger(event))
        await asyncio.sleep(0.01)
        await model.to_c()
        assert await task is False
        await model.to_a()
    life = story.life("Model")
    assert {row.event: row.outcome for row in life.rows if row.event in ("early", "late")} == {
        "early": "canceled by cancelled",
        "late": "accepted",
    }
    assert life.events.index("late") < max(i for i, event in enumerate(life.events) if event == "to_c")
    assert life.active == {"a"}
    assert not any(row.pattern.broken for row in life.rows)


async def test_queued_asynchronous_events_know_their_cause(tell: Make) -> None:
    story = tell()
    for mode in (True, "model"):
        machine: Any = HierarchicalAsyncMachine(states=["a", "b", "c"], initial="a", queued=mode, name=f"q{mode}")

        async def follow(machine: Any = machine) -> None:
            await machine.to_c()

        machine.on_enter("b", follow)
        await machine.to_b()
        life = story.life(f"q{mode}")
        assert life.events == ["to_b", "to_c"]
        assert life.rows[1].source == (f"q{mode}", 1)
        assert life.active == {machine.state} == {"c"}


async def test_asynchronous_graph_machines_are_told(tell: Make) -> None:
    story = tell()
    machine: Any = AsyncGraphMachine(states=["a", "b"], initial="a", graph_engine="mermaid")
    await machine.to_b()
    assert story.life("AsyncGraphMachine").active == {"b"}


def test_machines_can_still_be_pickled_and_copied(tell: Make) -> None:
    story = tell()
    machine = LockedMachine(states=["a", "b"], initial="a")
    machine.to_b()
    clone = pickle.loads(pickle.dumps(machine))
    twin = copy.deepcopy(Machine(states=["a", "b"], initial="a"))
    assert clone.state == "b"
    clone.to_a()
    twin.to_b()
    assert story.life("LockedMachine-2").active == {"a"}
    assert story.life("LockedMachine").active == {"b"}
    assert any(life.active == {"b"} and name.startswith("Machine") for name, life in story.lives().items())


def test_events_can_be_pickled_by_callbacks(tell: Make) -> None:
    tell()
    copies: list[Any] = []

    def keep(event: Any) -> None:
        copies.append(copy.deepcopy(event.__dict__.get("kwargs")))
        copy.deepcopy({key: value for key, value in vars(event).items() if key.startswith("_am")})

    machine = Machine(states=["a", "b"], initial="a", queued=True, send_event=True, after_state_change=keep)
    machine.to_b(x=1)
    assert copies == [{"x": 1}]


def test_a_model_with_slots_is_told(tell: Make) -> None:
    story = tell()

    class Tiny:
        __slots__ = ("is_a", "is_b", "may_to_a", "may_to_b", "may_trigger", "state", "to_a", "to_b", "trigger")

    tiny: Any = Tiny()
    machine = Machine(tiny, states=["a", "b"], initial="a")
    tiny.to_b()
    assert story.life("Tiny").active == {"b"}
    machine.remove_model(tiny)
    assert story.life("Tiny").closed == "disposed"


def test_closing_leaves_the_package_as_it_was(tell: Make) -> None:
    from transitions.extensions import asyncio as extension

    def methods() -> list[object]:
        pairs = [
            (transitions.Machine, "callback"),
            (transitions.Event, "_trigger"),
            (transitions.core.Condition, "check"),
        ]
        return [vars(kind)[name] for kind, name in pairs] + ["set_state" in vars(extension.AsyncMachine)]

    before = methods()
    story = tell()
    assert methods() != before
    story.close()
    assert methods() == before
    lump = matter()
    lump.melt()
    assert not story.client.ring.items


def test_what_another_tool_has_replaced_stays(tell: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    story = tell()
    ours = transitions.Machine.callback
    calls: list[object] = []

    def theirs(machine: Any, func: Any, event_data: Any) -> None:
        calls.append(func)
        ours(machine, func, event_data)

    monkeypatch.setattr(transitions.Machine, "callback", theirs)
    story.close()
    machine = Machine(states=["a", "b"], initial="a", after_state_change=lambda: None)
    machine.to_b()
    assert len(calls) == 1


def test_faults_of_telemetry_do_not_reach_the_program(
    tell: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    story = tell()
    lump = matter()
    watch = next(watch for watch in story.adapters.transitions.watches.values() if watch is not None)
    monkeypatch.setattr(watch, "begin", lambda *_: 1 / 0)
    assert lump.melt() is True
    assert lump.boil() is True
    monkeypatch.undo()
    monkeypatch.setattr(watch, "_note", lambda *_: 1 / 0)
    assert lump.freeze() is True
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert not watch.open


def test_only_wanted_machines_are_told(tell: Make) -> None:
    story = tell(machines="herd*")
    matter().melt()
    matter(name="herd").melt()
    assert set(story.lives()) == {"herd"}


def test_values_of_arguments_are_told_when_asked_for(tell: Make) -> None:
    story = tell(detail=3)
    machine = Machine(states=["a", "b"], initial="a", after_state_change=lambda *_, **__: None)
    machine.to_b(1, password="x", size=3)
    (row,) = story.life("Machine").rows
    assert row.arguments == {"event": "to_b", "args": [1], "password": "[hidden]", "size": 3}
    names = tell(detail=2)
    machine.to_a(1, size=3)
    (row,) = names.life("Machine").rows
    assert row.arguments == {"args": None, "size": None}
