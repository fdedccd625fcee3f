"""Long lives of one machine, step by step the same as those of a naive one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import naive
import pytest
from engine_setups import PATIENT, names_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from naive_engine import Failed, NaiveMachine, Request
from test_core_resolution import POOL, schemas

from am_core import Event, Machine, MutationType, SchemaError, Tracer, Transition, UnknownStateError
from am_core.schemas.schema import Schema, parse_schema

NESTED_LIMIT = 12
"""Mutations that the handlers of one step may ask for."""
QUEUE_LIMIT = 6

kinds = st.sampled_from(
    ["add", "add", "remove", "set", "toggle", "post", "post_remove", "first", "can_add", "can_remove", "add_err"]
)
positions = st.one_of(st.lists(st.integers(0, 7), min_size=1, max_size=1), st.lists(st.integers(0, 7), max_size=3))
"""States by position, taken modulo their number."""
actions = st.tuples(kinds, positions, st.booleans())
behaviours = st.one_of(st.just("veto"), st.just("fail"), st.just("pass"), st.lists(actions, min_size=1, max_size=3))


def world_of(schema: Schema, names: tuple[str, ...]) -> naive.World:
    add, require, remove, after = (
        {name: getattr(schema[name], relation) or () for name in names}
        for relation in ("add", "require", "remove", "after")
    )
    return naive.World(names, add, require, remove, after, frozenset(name for name in names if schema[name].multi))


def autos_of(schema: Schema) -> frozenset[str]:
    return frozenset(name for name, state in schema.items() if state.auto)


class Record(Tracer):
    """What happened, in the terms of the naive machine."""

    def __init__(self) -> None:
        self.transitions: list[tuple[Any, ...]] = []

    def transition_end(self, tx: Transition) -> None:
        clock = dict(zip(tx.model.names, tx.time_after, strict=True))
        self.transitions.append((str(tx.type), tx.called_states(), tx.is_auto, tx.is_check, tx.is_accepted, clock))


class Lives(RuleBasedStateMachine):
    """Every rule does the same to both machines; the invariants compare them."""

    @initialize(raw=schemas(), plan_cache=st.sampled_from(["auto", "always", "never"]), watched=st.booleans())
    def begin(self, raw: dict[str, dict[str, Any]], plan_cache: Any, watched: bool) -> None:
        parsed = parse_schema(raw)
        self.number = 0
        self.scripts: Mapping[str, Any] = {}
        self.fuel = {"naive": 0, "engine": 0}
        self.results: dict[str, list[int]] = {"naive": [], "engine": []}
        self.calls: list[tuple[str, str]] = []
        self.record = Record()
        # Nothing may depend on what is remembered of earlier mutations, nor on who looks on.
        self.watched = watched
        self.engine = Machine(
            raw,
            strict=False,
            handler_timeout=PATIENT,
            queue_limit=QUEUE_LIMIT,
            plan_cache=plan_cache,
            tracers=[self.record] if watched else [],
        )
        self.naive = NaiveMachine(
            world_of(parsed.schema, self.engine.states), autos_of(parsed.schema), self.naive_script, QUEUE_LIMIT
        )
        self.naive.ticks = dict.fromkeys(self.engine.states, 0)
        if parsed.conflicts:
            self.naive_act("add_err", [], False)
            self.results["naive"].clear()
        self.compare_history()

    # The same act on either machine

    def called(self, positions: Iterable[int]) -> list[str]:
        names = sorted(self.naive.world.names)
        return [names[i % len(names)] for i in positions]

    def naive_act(self, kind: str, states: list[str], args: bool) -> None:
        one = self.naive
        if kind == "add_err":
            one.failed = True
            result = one.mutate("add", [*states[:1], "Exception"], args=True)
        elif kind == "toggle":
            result = one.mutate("remove" if set(states) <= set(one.active) else "add", states, args)
        elif kind in ("can_add", "can_remove"):
            result = one.first(Request(kind.removeprefix("can_"), naive.unique(states), args, check=True))
        elif kind == "first":
            result = one.first(Request("add", naive.unique(states), args))
        elif kind.startswith("post"):
            result = one.mutate("remove" if kind == "post_remove" else "add", states, args, post=True)
        else:
            result = one.mutate(kind, states, args)
        self.results["naive"].append(result)

    def engine_act(self, kind: str, states: list[str], args: bool) -> None:
        one = self.engine
        given = {"x": 1} if args else None
        result: int
        if kind == "add_err":
            result = one.add_err_state((*states, "Exception")[0], RuntimeError("drawn"))
        elif kind == "first":
            result = one.prepend_mut(one.mutation(MutationType.ADD, states, given))
        elif kind.startswith("post"):
            result = one.post(MutationType.REMOVE if kind == "post_remove" else MutationType.ADD, states, given)
        else:
            # A single name takes other ways than a list, and most programs name one state at a time.
            result = getattr(one, kind)(states[0] if len(states) == 1 else states, given)
        self.results["engine"].append(int(result))

    def script(self, side: str, name: str) -> object:
        behaviour = self.scripts.get(name, "pass")
        if behaviour == "fail":
            raise Failed(name)
        if isinstance(behaviour, list):
            for kind, chosen, args in behaviour:
                if self.fuel[side] > 0:
                    self.fuel[side] -= 1
                    act = self.naive_act if side == "naive" else self.engine_act
                    act(kind, self.called(chosen), args)
        return False if behaviour == "veto" else None

    def naive_script(self, _: NaiveMachine, name: str) -> object:
        return self.script("naive", name)

    def engine_script(self, e: Event) -> object:
        self.calls.append((e.binding, e.name))
        return self.script("engine", e.name)

    # Rules

    @rule(several=st.lists(actions, min_size=1, max_size=5), times=st.sampled_from([1, 1, 4]))
    def mutate(self, several: list[tuple[str, list[int], bool]], times: int) -> None:
        """Ask both for the same, possibly again and again, so that the engine may remember what it led to."""
        for kind, chosen, args in several * times:
            self.fuel = dict.fromkeys(self.fuel, NESTED_LIMIT)
            self.naive_act(kind, self.called(chosen), args)
            self.engine_act(kind, self.called(chosen), args)
            assert self.results["engine"] == self.results["naive"]
            self.compare_moments()

    @rule(nested=st.lists(actions, max_size=4))
    def evaluate(self, nested: list[tuple[str, list[int], bool]]) -> None:
        """Mutations of an evaluation come after it."""
        self.fuel = dict.fromkeys(self.fuel, NESTED_LIMIT)

        def in_naive() -> None:
            for kind, chosen, args in nested:
                self.naive_act(kind, self.called(chosen), args)

        def in_engine() -> None:
            for kind, chosen, args in nested:
                self.engine_act(kind, self.called(chosen), args)

        self.naive.queue.insert(0, in_naive)
        self.naive.drain(None)
        assert self.engine.eval(in_engine, "the test")

    @rule(data=st.data(), size=st.integers(0, 6))
    def behave(self, data: st.DataObject, size: int) -> None:
        """Handlers behave otherwise from now on."""
        names = names_of(self.naive.world.names)
        self.scripts = data.draw(
            st.dictionaries(st.sampled_from(names), behaviours, min_size=size, max_size=size), label="scripts"
        )

    @precondition(lambda self: len(self.naive.bindings) < 3)
    @rule(data=st.data(), everything=st.booleans())
    def bind(self, data: st.DataObject, everything: bool) -> None:
        """The first binding hears of an error that was there before."""
        names = names_of(self.naive.world.names)
        chosen = names if everything else data.draw(st.lists(st.sampled_from(names), max_size=20), label="names")
        self.fuel = dict.fromkeys(self.fuel, NESTED_LIMIT)
        first = not self.naive.bindings
        self.number += 1
        name = self.engine.bind(dict.fromkeys(chosen, self.engine_script), id=f"handlers-{self.number}")
        self.naive.bindings[name] = frozenset(chosen)
        if first and self.naive.failed and "Exception" in self.naive.active:
            self.naive.mutate("add", ["Exception"], args=True)

    @precondition(lambda self: self.naive.bindings)
    @rule(data=st.data())
    def detach(self, data: st.DataObject) -> None:
        """Whoever is detached is not called any more."""
        name = data.draw(st.sampled_from(sorted(self.naive.bindings)), label="binding")
        self.engine.detach(name)
        del self.naive.bindings[name]

    @rule(data=st.data())
    def reorder(self, data: st.DataObject) -> None:
        """Another order of the states changes ties only."""
        names = tuple(data.draw(st.permutations(self.naive.world.names), label="order"))
        self.engine.verify_states(names)
        self.use(self.engine.schema(), names)

    @precondition(lambda self: len(self.naive.world.names) < len(POOL))
    @rule(data=st.data())
    def grow(self, data: st.DataObject) -> None:
        """One state more, and any relations between all of them."""
        raw = data.draw(schemas(len(self.naive.world.names)), label="schema")
        names = (*self.naive.world.names, *(name for name in raw if name not in self.naive.world.names))
        parsed = parse_schema(raw)
        if parsed.conflicts:
            before = (self.engine.states, self.engine.schema())
            with pytest.raises(SchemaError, match="conflict"):
                self.engine.set_schema(raw, names)
            assert (self.engine.states, self.engine.schema()) == before
            return
        self.engine.set_schema(raw, names)
        self.use(parsed.schema, names)

    def use(self, schema: Schema, names: tuple[str, ...]) -> None:
        self.naive.world, self.naive.auto = world_of(schema, names), autos_of(schema)
        self.naive.ticks = {name: self.naive.ticks.get(name, 0) for name in names}

    @rule(kind=st.sampled_from(["add", "remove", "set", "toggle", "can_add", "when", "not_", "add_err_state"]))
    def misspell(self, kind: str) -> None:
        """A name that does not exist is refused to the caller and changes nothing."""
        given = ("Nowhere", RuntimeError("drawn")) if kind == "add_err_state" else (["A", "Nowhere"],)
        with pytest.raises(UnknownStateError) as caught:
            getattr(self.engine, kind)(*given)
        assert caught.value.missing == ("Nowhere",)

    # What both have to show after every rule

    @invariant()
    def compare_history(self) -> None:
        if not hasattr(self, "naive"):
            return
        assert self.results["engine"] == self.results["naive"]
        assert self.calls == self.naive.calls
        if self.watched:
            assert self.record.transitions == self.naive.transitions
        for results in self.results.values():
            results.clear()
        self.calls.clear()
        self.record.transitions.clear()
        self.naive.calls.clear()
        self.naive.transitions.clear()

    @invariant()
    def compare_moments(self) -> None:
        if not hasattr(self, "naive"):
            return
        engine, model = self.engine, self.naive
        assert list(engine.active) == model.active
        assert engine.clock() == model.ticks
        assert [name for name in engine.states if engine.tick(name) % 2] == [n for n in engine.states if n in engine]
        assert (engine.queue_tick(), engine.queue_len()) == (model.queue_tick, 0)
        assert (engine.err() is not None) == model.failed
        assert engine.transition is None
        assert not engine.internal_errors


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=120, stateful_step_count=30)
