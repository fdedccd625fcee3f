"""Functions that run while no transition does."""

from __future__ import annotations

import threading

import pytest
from engine_setups import in_thread, machine_of, until

from am_core import AmError, Event


def test_evaluations_run_between_transitions_and_return_true() -> None:
    """They are no transitions."""
    machine = machine_of(active="A")
    count = machine.transition_count
    seen: list[object] = []
    assert machine.eval(lambda: seen.append(machine.active), "look")
    assert seen == [("A",)]
    assert machine.transition_count == count
    with pytest.raises(AmError, match="needs a source"):
        machine.eval(lambda: None, "")


def test_evaluations_of_other_threads_go_first() -> None:
    """Before everything that was queued; the caller waits."""
    machine = machine_of(eval_timeout=10)
    started, go_on = threading.Event(), threading.Event()

    def slow(e: Event) -> None:
        e.machine.add("B")
        started.set()
        assert go_on.wait(10)

    machine.bind({"AState": slow})
    thread = in_thread(lambda: machine.add("A"))
    assert started.wait(10)
    seen: list[object] = []
    results: list[bool] = []
    waiting = in_thread(lambda: results.append(machine.eval(lambda: seen.append(machine.active), "look")))
    until(lambda: machine.queue_len() == 2)
    go_on.set()
    waiting.join(10)
    thread.join(10)
    assert (results, seen) == ([True], [("A",)])


def test_an_evaluation_that_does_not_get_its_turn_is_given_up() -> None:
    """It never runs, and the machine goes on."""
    machine = machine_of(eval_timeout=0.02)
    started, go_on = threading.Event(), threading.Event()

    def slow(_: Event) -> None:
        started.set()
        assert go_on.wait(10)

    machine.bind({"AState": slow})
    thread = in_thread(lambda: machine.add("A"))
    assert started.wait(10)
    ran: list[int] = []
    assert not machine.eval(lambda: ran.append(1), "late")
    go_on.set()
    thread.join(10)
    assert ran == []
    assert "eval timeout: eval:late" in str(machine.internal_errors[0])
    assert machine.eval(lambda: ran.append(2), "later")
    assert ran == [2]


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_nested_evaluations_return_false_at_once(runner: str) -> None:
    """In handlers and in evaluations."""
    machine = machine_of(runner=runner, eval_timeout=30)
    results: list[bool] = []
    machine.bind({"AState": lambda e: results.append(e.machine.eval(lambda: None, "inner"))})
    machine.add("A")
    machine.eval(lambda: results.append(machine.eval(lambda: None, "inner")), "outer")
    assert results == [False, False]
    assert "eval nested in handler or eval" in str(machine.internal_errors[0])
    machine.dispose_force()


def test_exceptions_of_evaluations_reach_their_caller_only() -> None:
    """Also when another thread drains."""
    machine = machine_of(eval_timeout=10)
    with pytest.raises(ZeroDivisionError):
        machine.eval(lambda: 1 / 0, "divide")
    assert machine.add("A").executed
    started, go_on = threading.Event(), threading.Event()

    def slow(_: Event) -> None:
        started.set()
        assert go_on.wait(10)

    machine.bind({"BState": slow})
    results: list[object] = []
    thread = in_thread(lambda: results.append(str(machine.add("B"))))
    assert started.wait(10)

    def divide() -> None:
        try:
            machine.eval(lambda: 1 / 0, "divide")
        except ZeroDivisionError:
            results.append("caught")

    other = in_thread(divide)
    until(lambda: machine.queue_len() == 1)
    go_on.set()
    other.join(10)
    thread.join(10)
    assert sorted(map(str, results)) == ["caught", "executed"]
    assert not machine.is_err()
