"""Handlers that do to their machine whatever can be done during a transition."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from engine_setups import PATIENT, machine_of, noted, ticks, until

from am_core import Event, Machine, NestedEvalError, SchemaError, Tracer, Transition
from am_core.resolution.mutation import Check

RUNNERS = ("inline", "thread")
MOMENTS = ("AEnter", "AState", "BExit", "BEnd", "AnyEnter", "AnyState", "BA")
"""Handlers of ``set A`` with B active, from every phase."""


def rebellion(moment: str, act: Callable[[Event], object], runner: Any = "inline") -> Machine:
    """A machine that goes from B to A, with something happening at one moment."""
    machine = machine_of(active="B", runner=runner)
    done: list[str] = []

    def once(e: Event) -> object:
        if done:
            return None
        done.append(e.name)
        return act(e)

    machine.bind({moment: once}, id="rebel")
    machine.set("A")
    assert done == [moment]
    return machine


def usable(machine: Machine) -> None:
    """Whatever has happened, it works as on the first day."""
    until(lambda: machine.transition is None and not machine.queue_len())
    assert machine.set("D").executed
    assert machine.active == ("D",)
    assert all(machine.tick(name) % 2 == (name in machine) for name in machine.states)
    assert machine.eval(lambda: None, "the test")


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_evaluation_in_a_handler_is_refused_at_once(moment: str, runner: str) -> None:
    """It would wait for itself; the machine notes who asked."""
    answers: list[bool] = []
    machine = rebellion(moment, lambda e: answers.append(e.machine.eval(lambda: None, "the rebel")), runner)
    assert answers == [False]
    assert isinstance(machine.internal_errors.popleft(), NestedEvalError)
    assert machine.active == ("A",)
    usable(machine)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("force", [True, False])
def test_a_machine_disposed_in_a_handler_ends_empty(moment: str, runner: str, force: bool) -> None:
    """Nothing of the transition remains, waiters are released, later requests are refused."""
    waiters: list[Any] = []

    def act(e: Event) -> None:
        waiters.append(e.machine.when("C"))
        e.machine.add("C")
        if force:
            e.machine.dispose_force()
        else:
            e.machine.dispose()

    machine = rebellion(moment, act, runner)
    assert machine.wait_disposed(10)
    assert waiters[0].wait(10)
    until(lambda: machine.transition is None)
    assert (machine.active, machine.clock(), machine.queue_len(), machine.handlers()) == ((), {}, 0, [])
    assert machine.add("A").canceled


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_disposed_machine_calls_no_further_handlers(moment: str) -> None:
    """The rest of the transition is silent."""
    machine = machine_of(active="B")
    later: list[str] = []
    machine.bind({moment: lambda e: e.machine.dispose_force()})
    names = ("AEnter", "BExit", "BA", "AnyEnter", "AState", "BEnd", "AnyState")
    machine.bind(dict.fromkeys(names, lambda e: later.append(e.name)))
    machine.set("A")
    order = ["BExit", "AEnter", "BA", "AnyEnter", "BEnd", "AState", "AnyState"]
    # The second binding is called for what came before, and at most for the same event.
    assert later in (order[: order.index(moment)], order[: order.index(moment) + 1])


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_schema_stays_as_it_is_during_a_transition(moment: str) -> None:
    """Neither a larger schema nor another order is taken; both are afterwards."""
    larger: dict[str, Any] = {name: {} for name in "ABCDE"}
    names = ["Exception", *"ABCDE"]
    refused: list[str] = []

    def act(e: Event) -> None:
        for change in (
            lambda: e.machine.set_schema(larger, names),
            lambda: e.machine.verify_states([*"DCBA", "Exception"]),
        ):
            with pytest.raises(SchemaError, match="during a transition") as caught:
                change()
            refused.append(str(caught.value))

    machine = rebellion(moment, act)
    assert len(refused) == 2
    assert machine.states == ("A", "B", "C", "D", "Exception")
    machine.set_schema(larger, names)
    assert machine.active == ("A",)
    assert ticks(machine, "ABCDE") == [1, 2, 0, 0, 0]
    usable(machine)


@pytest.mark.parametrize("moment", MOMENTS)
def test_bindings_may_change_during_a_transition(moment: str) -> None:
    """What is bound or detached counts from the next transition on; the running one goes on as it began."""
    calls: list[str] = []
    machine = machine_of(active="B")

    def rebel(e: Event) -> None:
        if "late" not in e.machine.handlers():
            e.machine.bind(
                dict.fromkeys(("AState", "AnyState", "CState"), lambda e: calls.append(f"late {e.name}")), id="late"
            )
            e.machine.detach("early")

    machine.bind({moment: rebel}, id="rebel")
    machine.bind(
        dict.fromkeys(("AnyEnter", "AState", "AnyState"), lambda e: calls.append(f"early {e.name}")), id="early"
    )
    machine.set("A")
    assert calls == ["early AnyEnter", "early AState", "early AnyState"]
    calls.clear()
    machine.add("C")
    assert calls == ["late CState", "late AnyState"]
    assert machine.handlers() == ["rebel", "late"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_handler_may_detach_itself(moment: str) -> None:
    """It is called once."""
    machine = machine_of(active="B")
    calls: list[str] = []

    def act(e: Event) -> None:
        calls.append(e.name)
        e.machine.detach("me")

    machine.bind({moment: act}, id="me")
    machine.set("A")
    machine.set("B")
    machine.set("A")
    assert calls == [moment]


@pytest.mark.parametrize("moment", MOMENTS)
def test_tracers_may_come_and_go_during_a_transition(moment: str) -> None:
    """A tracer that is bound in a handler sees the end of the transition, one that is detached does not."""
    machine = machine_of(active="B")
    old, new = noted(machine), Noted()

    def act(e: Event) -> None:
        e.machine.bind_tracer(new)
        e.machine.detach_tracer(old)

    machine.bind({moment: act})
    machine.set("A")
    assert (len(old.all), len(new.all)) == (0, 1)
    assert new.all[0].is_completed
    usable(machine)


class Noted(Tracer):
    def __init__(self) -> None:
        self.all: list[Transition] = []

    def transition_end(self, tx: Transition) -> None:
        self.all.append(tx)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_ends_a_program_passes_through(moment: str, kind: type[BaseException], runner: str) -> None:
    """Exceptions that are no errors reach the caller, whose machine is not in Exception and can be used again."""
    machine = machine_of(active="B", runner=runner)
    fail = [True]

    def act(e: Event) -> None:
        if fail.pop():
            raise kind

    fail.insert(0, False)
    machine.bind({moment: act})
    with pytest.raises(kind):
        machine.set("A")
    assert not machine.is_err()
    machine.detach(machine.handlers()[0])
    assert not machine.queue_len()
    usable(machine)


@pytest.mark.parametrize("moment", ["AEnter", "AState", "AnyState"])
def test_mutations_of_an_interrupted_handler_are_not_lost(moment: str) -> None:
    """What was queued before the interrupt is executed with the next request at the latest."""
    machine = machine_of(active="B")

    def act(e: Event) -> None:
        e.machine.add("C")
        raise KeyboardInterrupt

    machine.bind({moment: act}, id="rebel")
    with pytest.raises(KeyboardInterrupt):
        machine.set("A")
    machine.detach("rebel")
    machine.drain_queue()
    assert "C" in machine
    assert machine.queue_len() == 0


@pytest.mark.parametrize("runner", RUNNERS)
def test_handlers_that_ask_for_themselves_again_do_not_recurse(runner: str) -> None:
    """A thousand nested requests are a thousand transitions one after the other, at the same depth of the stack."""
    machine = Machine({"A": {"multi": True}}, runner=runner, handler_timeout=PATIENT)
    count = [0]
    depths: set[int] = set()

    def again(e: Event) -> None:
        count[0] += 1
        depths.add(depth())
        if count[0] < 2000:
            assert e.machine.add("A").queued

    machine.bind({"AState": again})
    machine.add("A")
    assert count == [2000]
    assert len(depths) <= 2
    assert machine.tick("A") == 3999


def depth() -> int:
    import sys

    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count


def test_a_handler_that_recurses_for_ever_is_an_error_like_any_other() -> None:
    """The recursion limit is an exception of the handler; the machine has it and goes on."""
    machine = machine_of(active="B")

    def act(e: Event) -> None:
        act(e)

    machine.bind({"AEnter": act}, id="rebel")
    assert machine.set("A").canceled
    assert isinstance(machine.err(), RecursionError)
    assert machine.active == ("Exception", "B")
    machine.detach("rebel")
    usable(machine)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_handler_may_use_every_kind_of_request(moment: str, runner: str) -> None:
    """All are queued; errors and dry runs as well; they happen in their order afterwards."""
    answer = Check()

    def act(e: Event) -> None:
        machine = e.machine
        assert machine.add("C").queued
        assert machine.can_add("D", answer=answer).queued
        assert machine.toggle("D").queued
        assert machine.add_err(RuntimeError("by the rebel")).queued
        assert machine.set(["C", "Exception"]).queued
        assert machine.active in (("B",), ("A",))

    machine = rebellion(moment, act, runner)
    assert answer.wait(10)
    assert answer.accepted
    assert machine.active == ("C", "Exception")
    assert ticks(machine) == [2, 2, 1, 2]
    usable(machine)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_handler_may_wait_for_another_machine(moment: str) -> None:
    """Two machines in each other's handlers do not lock up: who asks the busy one is told Queued."""
    other = machine_of()
    results: list[bool] = []

    def back(e: Event) -> None:
        results.append(first[0].add("C").queued)

    first: list[Machine] = []
    other.bind({"AState": back})

    def act(e: Event) -> None:
        first.append(e.machine)
        results.append(other.add("A").executed)

    machine = rebellion(moment, act)
    assert results == [True, True]
    assert machine.active == ("C", "A")
    usable(machine)


def test_a_handler_that_starts_a_thread_and_waits_for_it_is_not_locked_up() -> None:
    """The thread's mutation is queued, since the machine is busy with the one who waits."""
    machine = machine_of()
    results: list[bool] = []

    def act(e: Event) -> None:
        thread = threading.Thread(target=lambda: results.append(e.machine.add("C").queued), daemon=True)
        thread.start()
        thread.join(10)

    machine.bind({"AState": act})
    assert machine.add("A").executed
    assert results == [True]
    assert machine.active == ("C", "A")
