"""What holds for every machine, whatever its schema and handlers do."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from engine_setups import names_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_core_resolution import schemas

from am_core import Event, Machine, Mutation, MutationType, Result, Tracer, Transition

KINDS = ("add", "remove", "set", "toggle", "can_add", "can_remove", "add_err")


class Judge(Tracer):
    """Checks every transition as it ends."""

    wants_steps = True

    def __init__(self) -> None:
        self.previous_auto = False
        self.queued: list[int] = []
        self.started: list[int] = []
        self.calls: Counter[str] = Counter()
        self.problems: list[str] = []
        self.finals: list[str] = []

    def mutation_queued(self, machine: Machine, mutation: Mutation) -> None:
        if mutation.queue_tick:
            self.queued.append(mutation.queue_tick)
        elif not (mutation.is_auto or mutation.is_check or mutation.called == (machine.index1("Exception"),)):
            self.problems.append(f"{mutation} was prepended")

    def transition_start(self, tx: Transition) -> None:
        self.calls.clear()
        self.finals.clear()

    def handler_start(self, tx: Transition, binding: str, handler: str) -> None:
        self.calls[f"{binding} {handler}"] += 1
        if handler.endswith(("State", "End")):
            self.finals.append(handler)

    def transition_finals(self, tx: Transition) -> None:
        called = tx.mutation.called_mask
        active = tx.machine.active
        self.expect(tx, tuple(tx.target_states()) == active, "switched to something else than its target")
        if not tx.is_auto:
            overlap = called & tx.target_mask
            self.expect(tx, overlap == (0 if tx.type is MutationType.REMOVE else called), "P9")

    def transition_end(self, tx: Transition) -> None:
        machine, model = tx.machine, tx.model
        self.expect(tx, all(machine.tick(n) % 2 == machine.is_(n) for n in model.names), "P1 parity")
        self.expect(tx, tuple(tx.time_after) == tuple(machine.time()), "time after")
        if tx.is_accepted and not tx.is_check:
            for i in tx.target:
                self.expect(tx, not model.require_mask[i] & ~tx.target_mask, "P2 requirement")
        for i, (before, after) in enumerate(zip(tx.time_before, tx.time_after, strict=True)):
            called_multi = bool(model.multi_mask >> i & 1 and tx.mutation.called_mask >> i & 1)
            most = 3 if tx.is_broken and called_multi else 2 if tx.is_broken or called_multi else 1
            self.expect(tx, 0 <= after - before <= most, f"P3 {before} to {after}")
        if not tx.is_accepted and not tx.is_broken:
            self.expect(tx, tx.time_after == tx.time_before and not self.finals, "P4 canceled")
        self.expect(tx, all(count == 1 for count in self.calls.values()), "P5 called twice")
        self.expect(tx, not (tx.is_auto and self.previous_auto), "P6 automatic after automatic")
        if tx.is_check:
            self.expect(tx, tx.time_after == tx.time_before and not self.finals, "P8 dry run")
        else:
            self.previous_auto = tx.is_auto
        if tx.mutation.queue_tick:
            self.started.append(tx.mutation.queue_tick)
            self.expect(tx, machine.queue_tick() == tx.mutation.queue_tick, "P7 tick")
        self.expect(tx, tx.is_accepted == (tx.canceled_by == ""), "reason of a refusal")

    def expect(self, tx: Transition, condition: bool, what: str) -> None:
        if not condition:
            self.problems.append(f"{what}: {tx!r} {tx.time_before} {tx.time_after}")


def mutate(machine: Machine, kind: str, states: list[str]) -> Result:
    if kind == "add_err":
        return machine.add_err(RuntimeError("drawn"))
    result: Result = getattr(machine, kind)(states)
    return result


@settings(max_examples=250)
@given(schemas(), st.data())
def test_every_machine_keeps_the_rules(raw: dict[str, dict[str, Any]], data: st.DataObject) -> None:
    """Random relations, refusals, failures and nested mutations; each transition is judged on its own."""
    judge = Judge()
    level = data.draw(st.sampled_from(["nothing", "everything"]), label="log level")
    machine = Machine(raw, strict=False, tracers=[judge], handler_timeout=60, queue_limit=40, log_level=level)
    states = sorted(raw)
    mutations = st.tuples(st.sampled_from(KINDS), st.lists(st.sampled_from(states), max_size=3))
    scripts = data.draw(
        st.dictionaries(
            st.sampled_from(names_of(states)),
            st.one_of(st.just("veto"), st.just("fail"), st.lists(mutations, min_size=1, max_size=2)),
            max_size=5,
        ),
        label="scripts",
    )
    fuel = [60]

    def handler(e: Event) -> bool | None:
        script = scripts.get(e.name)
        if script == "veto":
            return False
        if script == "fail":
            raise RuntimeError(e.name)
        for kind, called in script if isinstance(script, list) else ():
            if fuel[0] > 0:
                fuel[0] -= 1
                mutate(e.machine, kind, called)
        return None

    for _ in range(data.draw(st.integers(0, 2), label="bindings")):
        machine.bind(dict.fromkeys(names_of(states), handler))
    for kind, called in data.draw(st.lists(mutations, max_size=8), label="mutations"):
        before = (machine.time(), machine.active, machine.queue_tick())
        result = mutate(machine, kind, called)
        assert not result.queued, "P10"
        assert machine.transition is None
        assert machine.queue_len() == 0
        if kind.startswith("can_") and not machine.is_err() and not scripts:
            assert (machine.time(), machine.active, machine.queue_tick()) == before
    assert judge.problems == []
    assert not machine.internal_errors
    assert judge.started == judge.queued == list(range(2, 2 + len(judge.queued)))


@settings(max_examples=15)
@given(schemas(), st.data())
def test_every_machine_keeps_the_rules_under_threads(raw: dict[str, dict[str, Any]], data: st.DataObject) -> None:
    """Three threads at once: transitions still happen one after the other, and none is lost."""
    judge = Judge()
    machine = Machine(raw, strict=False, handler_timeout=60, queue_limit=10**6)
    machine.bind_tracer(judge)
    first = machine.queue_tick()
    states = sorted(raw)
    mutations = st.tuples(st.sampled_from(("add", "remove", "set")), st.lists(st.sampled_from(states), max_size=2))
    work = data.draw(st.lists(st.lists(mutations, min_size=5, max_size=10), min_size=3, max_size=3), label="work")
    start = threading.Barrier(len(work))

    def run(mine: list[tuple[str, list[str]]]) -> None:
        start.wait(10)
        for kind, called in mine * 5:
            mutate(machine, kind, called)

    threads = [threading.Thread(target=run, args=(mine,), daemon=True) for mine in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert judge.problems == []
    assert machine.queue_len() == 0
    assert sorted(judge.queued) == judge.started == list(range(first + 1, first + 1 + len(judge.started)))
