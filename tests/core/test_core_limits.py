"""Time limits of handlers, on both runners. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from engine_setups import machine_of, noted, record, ticks, until, veto

from am_core import Check, Event, HandlerTimeout, Machine, MutationType, current_event

BOTH = pytest.mark.parametrize("runner", ["inline", "thread"])


def sleeper(seconds: float) -> Any:
    """A handler that takes its time."""
    return lambda e: threading.Event().wait(seconds) and None


@BOTH
def test_scenario_69_a_late_handler_cancels_without_an_exception(runner: str) -> None:
    """Its state and the later ones are switched off; the time-out is reported beside."""
    machine = machine_of(runner=runner, handler_timeout=0.03, handler_deadline=30)
    valid: list[bool] = []

    def slow(e: Event) -> None:
        valid.append(e.is_valid())
        until(lambda: e.transition.is_timed_out)
        valid.append(e.is_valid())

    order = record(machine, {"BState": slow})
    notes = noted(machine)
    binding = machine.handlers()[0]
    assert machine.add(["A", "B", "C"]).canceled
    assert valid == [True, False]
    assert ticks(machine, "ABC") == [1, 2, 2]
    assert (machine.tick("Exception"), machine.err()) == (0, None)
    assert [str(error) for error in machine.internal_errors] == [f"handler timeout: BState from {binding}"]
    assert isinstance(machine.internal_errors[0], HandlerTimeout)
    assert "CState" not in order
    assert (notes.all[0].canceled_by, notes.all[0].is_broken) == ("timeout", True)
    assert machine.add("D").executed
    machine.dispose_force()


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
def test_scenario_70_a_deadline_drops_the_queue_and_starts_the_backoff(runner: str) -> None:
    """Exception is added; for a while every mutation is refused; then everything works again."""
    machine = machine_of(runner=runner, handler_timeout=0.02, handler_deadline=0.05, handler_backoff=0.3)
    release = threading.Event()
    results: list[object] = []
    machine.bind({"AState": lambda e: e.machine.add("D") and None, "BState": lambda e: release.wait(20) and None})
    thread = threading.Thread(target=lambda: results.append(machine.add(["A", "B", "C"])), daemon=True)
    thread.start()
    until(machine.is_err)
    until(lambda: machine.transition is None)
    if runner == "thread":
        thread.join(10)
        assert not thread.is_alive()
    assert machine.backoff()
    assert machine.last_handler_deadline is not None
    assert ticks(machine) == [1, 2, 2, 0]
    assert isinstance(machine.err(), HandlerTimeout)
    assert machine.add("D").canceled
    assert machine.set("D").canceled
    assert machine.can_add("D").canceled
    assert machine.prepend_mut(machine.mutation(MutationType.ADD, "D")).canceled
    release.set()
    thread.join(10)
    assert [bool(result) for result in results] == [False]
    until(lambda: not machine.backoff())
    assert machine.add("D").executed
    machine.dispose_force()


@BOTH
def test_a_leaked_handler_that_comes_back_is_an_error(runner: str) -> None:
    """When the backoff is over by then."""
    machine = machine_of(runner=runner, handler_timeout=0.02, handler_deadline=0.03, handler_backoff=0.0)
    release = threading.Event()
    machine.bind({"AState": lambda e: release.wait(20) and None})
    thread = threading.Thread(target=lambda: machine.add("A"), daemon=True)
    thread.start()
    until(machine.is_err)
    until(lambda: machine.transition is None)
    assert machine.add("B").executed
    tick = machine.tick("Exception")
    release.set()
    until(lambda: machine.tick("Exception") > tick)
    assert "after its deadline" in str(machine.err())
    thread.join(10)
    assert machine.add("C").executed
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
