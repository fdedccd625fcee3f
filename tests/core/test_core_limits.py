"""Time limits of handlers, on every runner. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from engine_setups import machine_of, noted, record, ticks, until, veto
from stages import Stage

from am_core import Check, Event, HandlerTimeout, Machine, MutationType, current_event

BOTH = pytest.mark.parametrize("runner", ["inline", "thread"])


def sleeper(seconds: float) -> Any:
    """A handler that takes its time."""
    return lambda e: threading.Event().wait(seconds) and None


def test_scenario_69_a_late_handler_cancels_without_an_exception(stage: Stage) -> None:
    """Its state and the later ones are switched off; its event is not valid any more while it still runs.

    The time-out is reported beside.
    """
    machine = stage.machine(handler_timeout=0.03, handler_deadline=30)
    valid: list[bool] = []

    def slow(e: Event) -> None:
        valid.append(e.is_valid())
        until(lambda: e.transition.is_timed_out)
        valid.append(e.is_valid())

    order = record(machine, {"BState": slow})
    notes = noted(machine)
    binding = machine.handlers()[0]
    assert stage.call(lambda: machine.add(["A", "B", "C"])).canceled
    assert valid == [True, False]
    assert ticks(machine, "ABC") == [1, 2, 2]
    assert (machine.tick("Exception"), machine.err()) == (0, None)
    assert [str(error) for error in machine.internal_errors] == [f"handler timeout: BState from {binding}"]
    assert isinstance(machine.internal_errors[0], HandlerTimeout)
    assert "CState" not in order
    assert (notes.all[0].canceled_by, notes.all[0].is_broken) == ("timeout", True)
    assert stage.call(lambda: machine.add("D")).executed


def test_scenario_70_a_deadline_drops_the_queue_and_starts_the_backoff(stage: Stage) -> None:
    """Who waits for what was dropped is released; mutations are refused for a while; then everything works again."""
    machine = stage.machine(handler_timeout=0.02, handler_deadline=0.05, handler_backoff=0.4, eval_timeout=20)
    release = threading.Event()
    answer = Check()
    waiters: list[Any] = []
    told: list[BaseException] = []
    machine.on_error = lambda _, error: told.append(error)

    def first(e: Event) -> None:
        waiters.append(machine.when_queue(machine.add("D")))
        machine.can_add("D", answer=answer)

    machine.bind({"AState": first, "BState": lambda e: release.wait(20) and None})
    call = stage.begin(lambda: machine.add(["A", "B", "C"]))
    until(machine.backoff)
    until(lambda: machine.tick("C") == 2)
    assert machine.last_handler_deadline is not None
    assert answer.wait(10)
    assert not answer.accepted
    assert waiters[0].wait(10)
    assert ticks(machine) == [1, 2, 2, 0]
    assert isinstance(machine.err(), HandlerTimeout)
    assert told == [machine.err()]
    assert machine.add("D").canceled
    assert machine.set("D").canceled
    assert machine.can_add("D").canceled
    assert machine.prepend_mut(machine.mutation(MutationType.ADD, "D")).canceled
    if stage.runner == "thread":
        assert call.result(10).canceled
    if stage.runner == "loop":
        # Its handlers could not be called anywhere else.
        assert not machine.is_err()
    else:
        until(machine.is_err)
    release.set()
    assert call.result(10).canceled
    until(machine.is_err)
    until(lambda: not machine.backoff())
    assert stage.call(lambda: machine.add("D")).executed


@pytest.mark.parametrize("handler", ["AEnter", "AState"])
def test_a_leaked_handler_that_comes_back_is_an_error(stage: Stage, handler: str) -> None:
    """When the backoff is over by then; what it returns counts for nothing."""
    machine = stage.machine(handler_timeout=0.02, handler_deadline=0.03, handler_backoff=0.0)
    release = threading.Event()
    machine.bind({handler: lambda e: release.wait(20) and False})
    call = stage.begin(lambda: machine.add("A"))
    until(lambda: machine.last_handler_deadline is not None and machine.transition_count > 0)
    until(lambda: isinstance(machine.err(), HandlerTimeout))
    release.set()
    assert call.result(10).canceled
    until(lambda: "after its deadline" in str(machine.err()) and machine.is_err())
    assert stage.call(lambda: machine.add("B")).executed


@BOTH
def test_a_late_negotiation_handler_cancels(runner: str) -> None:
    """Nothing changes, whatever it answers."""
    machine = machine_of(runner=runner, handler_timeout=0.03, handler_deadline=30)

    def slow(e: Event) -> bool:
        until(lambda: e.transition.is_timed_out)
        return True

    machine.bind({"AEnter": slow})
    assert machine.add("A").canceled
    assert ticks(machine) == [0, 0, 0, 0]
    machine.dispose_force()


@BOTH
def test_who_waits_for_discarded_work_is_released(runner: str) -> None:
    """Dry runs answer no, evaluations return False."""
    machine = machine_of(
        runner=runner, handler_timeout=0.02, handler_deadline=0.1, handler_backoff=0.0, eval_timeout=20
    )
    release = threading.Event()
    started = threading.Event()

    def stuck(_: Event) -> None:
        started.set()
        release.wait(20)

    machine.bind({"AState": stuck})
    thread = threading.Thread(target=lambda: machine.add("A"), daemon=True)
    thread.start()
    assert started.wait(10)
    answer = Check()
    assert machine.can_add("B", answer=answer).queued
    begun = time.monotonic()
    assert not machine.eval(lambda: None, "too late")
    assert time.monotonic() - begun < 15
    assert answer.wait(10)
    assert not answer.accepted
    release.set()
    thread.join(10)
    machine.dispose_force()


def test_a_deadline_in_a_machine_called_by_a_handler_frees_both() -> None:
    """Each machine has its own limits, though one thread is stuck in both."""
    inner = machine_of(handler_timeout=0.02, handler_deadline=0.03, handler_backoff=0.0)
    outer = machine_of(handler_timeout=0.02, handler_deadline=0.2, handler_backoff=0.0)
    release = threading.Event()
    inner.bind({"AState": lambda e: release.wait(20) and None})
    outer.bind({"BState": lambda e: inner.add("A") and None})
    thread = threading.Thread(target=lambda: outer.add("B"), daemon=True)
    thread.start()
    until(inner.is_err)
    until(outer.is_err)
    until(lambda: inner.transition is None and outer.transition is None)
    assert inner.add("C").executed
    assert outer.add("C").executed
    release.set()
    thread.join(10)
    assert not thread.is_alive()
    assert inner.add("D").executed
    assert outer.add("D").executed


def test_the_worker_thread_has_the_callers_context_and_event() -> None:
    """Mutations in handlers are traced on every runner."""
    machine = machine_of(runner="thread")
    seen: list[object] = []

    def look(e: Event) -> None:
        seen.append(current_event.get() is e)
        seen.append(threading.current_thread().name)
        e.machine.add("B")

    machine.bind({"AState": look, "CEnter": veto})
    notes = noted(machine)
    machine.add("A")
    assert seen == [True, f"am-{machine.id}"]
    assert notes.all[1].mutation.source is not None
    assert machine.add("C").canceled
    machine.dispose_force()


def test_a_forgotten_machine_takes_its_worker_along() -> None:
    """The thread ends when nobody refers to the machine any more."""
    import gc

    machine: Machine | None = Machine({"A": {}}, runner="thread", handler_timeout=60)
    assert machine is not None
    machine.bind({"AState": lambda e: None})
    machine.add("A")
    name = f"am-{machine.id}"
    assert any(thread.name == name for thread in threading.enumerate())
    machine = None

    def gone() -> bool:
        gc.collect()
        return all(thread.name != name for thread in threading.enumerate())

    until(gone)
