"""Callbacks and threads of waiters, combinations of them, and what waiting costs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from engine_setups import LONG, PLAIN, in_thread, machine_of, noted

from am_core import (
    DeadlockError,
    Event,
    Machine,
    MachineDisposed,
    Waiter,
    all_of,
    any_of,
)
from am_core.waiting.signals import Combination

# Callbacks and threads


def test_callbacks_are_called_once_in_order_and_at_once_when_it_is_over() -> None:
    """Those taken back are not."""
    machine = machine_of()
    calls: list[str] = []
    waiter = machine.when("A")
    waiter.add_done_callback(lambda w: calls.append("one"))
    stop = waiter.add_done_callback(lambda w: calls.append("stopped"))
    waiter.add_done_callback(lambda w: calls.append(w.reason))
    stop()
    stop()
    machine.add("A")
    machine.remove("A")
    machine.add("A")
    waiter.add_done_callback(lambda w: calls.append("late"))
    assert calls == ["one", "match", "late"]


def test_failing_callbacks_keep_nobody_from_being_told() -> None:
    """Their errors are kept by the machine."""
    machine = machine_of()
    calls: list[str] = []

    def broken(_: Waiter) -> None:
        raise RuntimeError("broken callback")

    waiter = machine.when("A")
    waiter.add_done_callback(broken)
    waiter.add_done_callback(lambda w: calls.append("told"))
    machine.when_query(lambda clock: clock["A"]).add_done_callback(lambda w: calls.append("query"))
    assert machine.add("A").executed
    assert calls == ["told", "query"]
    assert [str(error.__cause__) for error in machine.internal_errors] == ["broken callback"]


def test_a_callback_may_mutate_wait_and_cancel() -> None:
    """No lock is held. What it queues comes after the transition it was told of."""
    machine = machine_of()
    others = [machine.when("B"), machine.when_not("C")]
    later: list[Waiter] = []

    def busy(_: Waiter) -> None:
        machine.add("B")
        later.append(machine.when("B"))
        others[1].cancel()

    machine.add("C")
    others[1] = machine.when_not("C")
    machine.when("A").add_done_callback(busy)
    machine.add("A")
    assert (others[0].reason, others[1].reason, later[0].reason) == ("match", "canceled", "match")


def test_a_callback_that_ends_the_program_reaches_the_caller_after_all_were_told() -> None:
    """The machine stays usable."""
    machine = machine_of()
    calls: list[str] = []

    def leave(_: Waiter) -> None:
        raise SystemExit(3)

    waiter = machine.when("A")
    waiter.add_done_callback(leave)
    waiter.add_done_callback(lambda w: calls.append("told"))
    with pytest.raises(SystemExit):
        machine.add("A")
    assert calls == ["told"]
    assert machine.add("B").executed


def test_waiting_on_a_thread_ends_with_the_event_or_the_time() -> None:
    """Strict waiting raises when it was for nothing."""
    machine = machine_of()
    waiter = machine.when("A")
    assert not waiter.wait(0.001)
    in_thread(lambda: machine.add("A"))
    assert waiter.wait(LONG, strict=True)
    gone = machine.when("B")
    in_thread(machine.dispose_force)
    assert gone.wait(LONG)
    with pytest.raises(MachineDisposed):
        gone.wait(LONG, strict=True)
    assert waiter._callbacks is None


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_waiting_in_a_handler_for_what_comes_after_it_is_refused(runner: Any) -> None:
    """It would never end; with a limit, or for something else, it may."""
    machine, other = Machine(PLAIN, runner=runner, handler_timeout=60), machine_of()
    errors: list[str] = []

    def impatient(_: Event) -> None:
        for wait in (
            machine.when("B").wait,
            machine.when_queue_ends().wait,
            machine.state_ctx("B").wait,
            any_of(machine.when("B"), machine.when_not("A")).wait,
            all_of(machine.when("B"), other.when("B")).wait,
        ):
            try:
                wait()
            except DeadlockError as error:
                errors.append(str(error))
        assert not machine.when("B").wait(0.001)
        in_thread(lambda: other.add("B"))
        assert other.when("B").wait()
        assert any_of(machine.when("B"), other.when("B")).wait()

    machine.bind({"AState": impatient})
    machine.add("A")
    assert machine.err() is None
    assert len(errors) == 5
    assert "inside a handler or callback of the same machine" in errors[0]
    assert "state" not in errors[0] or "await" not in errors[0]


# Combinations


def test_any_of_happens_with_the_first_and_all_of_with_the_last() -> None:
    """What has happened can be asked."""
    machine = machine_of()
    one, two, same = machine.when("A"), machine.when("B"), machine.when("A")
    some, every = any_of(one, two), all_of(one, two, same)
    none: Combination[Waiter] = all_of()
    calls: list[str] = []
    some.add_done_callback(lambda c: calls.append("any"))
    every.add_done_callback(lambda c: calls.append("all"))
    stop = some.add_done_callback(lambda c: calls.append("stopped"))
    stop()
    assert (some.done, every.done, none.done, none.wait()) == (False, False, True, True)
    machine.add("A")
    assert (some.fired, some.done, every.done, every.fired, calls) == ((one,), True, False, (one, same), ["any"])
    assert machine.any_of(two, one).wait(LONG)
    machine.add("B")
    assert (every.fired, calls) == ((one, two, same), ["any", "all"])
    every.add_done_callback(lambda c: calls.append("late"))
    assert calls == ["any", "all", "late"]
    assert (one._callbacks, two._callbacks) == (None, None)
    with pytest.raises(ValueError, match="at least one"):
        any_of()


def test_combinations_leave_nothing_behind() -> None:
    """Neither after the first one has happened, nor when nobody waits any more."""
    machine = machine_of()
    one, two = machine.when("A"), machine.when("B")
    assert not any_of(one, two).wait(0)
    machine.any_of(one, two).add_done_callback(lambda c: None)
    assert two._callbacks
    machine.add("A")
    assert not two._callbacks


def test_combinations_of_combinations_and_of_contexts() -> None:
    """They are signals as well."""
    machine = machine_of(active=["C"])
    ctx = machine.state_ctx("C")
    nested = all_of(any_of(machine.when("A"), ctx), machine.when("B"))
    machine.remove("C")
    assert not nested.done
    machine.add("B")
    assert nested.done


# Log


def test_the_log_tells_what_is_waited_for_and_when_it_happens() -> None:
    """In the words of the field."""
    machine = machine_of()
    notes = noted(machine)
    machine.when(["A", "B"])
    machine.when_not("A")
    machine.when_time(["A", "B"], [1, 2])
    machine.when_args("A", y=1, x=2)
    machine.when_query(lambda clock: clock["A"])
    machine.state_ctx("A")
    machine.add("A", x=2, y=1)
    machine.add("B")
    lines = [line for line in notes.log if line.startswith(("[when", "[ctx"))]
    assert lines == [
        "[when:new] A B",
        "[whenTime:new] A,B 1 2",
        "[whenArgs:new] A (x y)",
        "[whenQuery:new] 1",
        "[ctx:new] A",
        "[ctx:match] A",
        "[whenArgs:match] A (x y)",
        "[whenQuery:match] 1",
    ]
    machine.add("D")
    assert "[when:match] A B" in notes.log


# What it costs, and that nothing is lost


def lines_run(fn: Callable[[], object]) -> int:
    """How many lines of Python a call executes."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        fn()
    finally:
        sys.settrace(before)
    return count


def test_ten_thousand_waiters_cost_an_unrelated_transition_nothing() -> None:
    """It executes exactly the same lines as with one of each kind."""
    names = [f"S{i}" for i in range(20)]
    schema = {name: {"multi": True} for name in (*names, "Reply", "Busy")}

    def work(machine: Machine) -> None:
        machine.add("Busy", id=-1)
        machine.remove("Busy")
        machine.add("Reply", id=-1)

    def wait(machine: Machine, count: int) -> list[Waiter]:
        waiters: list[Waiter] = []
        for i in range(count):
            waiters.append(machine.when_time([names[i % 20], "Busy"], [2 + i, 10**9]))
            waiters.append(machine.when_args("Reply", id=i))
        return waiters

    few, many = Machine(schema), Machine(schema)
    wait(few, 1)
    waiters = wait(many, 5000)
    assert len(set(waiters)) == 10_000
    counts = {machine.id: [lines_run(lambda m=machine: work(m)) for _ in range(20)] for machine in (few, many)}  # type: ignore[misc]  # bound at once
    # What the engine learns from the first repetitions is not of interest here.
    assert min(counts[many.id][-5:]) == min(counts[few.id][-5:])
    many.add("Reply", id=77)
    assert [waiter.text for waiter in waiters if waiter.done] == ["Reply (id)"]
    assert waiters[155].done


def test_no_waiting_thread_is_ever_forgotten() -> None:
    """However threads mutate, wait, cancel and give up at the same time."""
    machine = Machine({"A": {}, "B": {}, "C": {"multi": True}}, handler_timeout=60, queue_limit=10**6)
    lost: list[str] = []
    rounds, left = 150, [4]
    guard = threading.Lock()

    def shaker(flip: str) -> None:
        while left[0]:
            for change in (machine.add, machine.remove):
                waiter = machine.when_queue(change(flip, n=1))
                if not waiter.wait(LONG):
                    lost.append(repr(waiter))
                    return
            machine.add("C")

    def sleeper(number: int) -> None:
        makers: tuple[Callable[[], Any], ...] = (
            lambda: machine.when("A"),
            lambda: machine.when_not("A"),
            lambda: machine.when_ticks("B", 3),
            lambda: machine.when_next_active("C"),
            lambda: machine.when_args("B", n=1),
            lambda: machine.when_query(lambda clock: clock["A"] % 2),
            lambda: machine.state_ctx("A"),
            lambda: machine.when("B", machine.state_ctx("A")),
            lambda: any_of(machine.when(["A", "B"]), machine.when_ticks("C", 5)),
            lambda: all_of(machine.when("A"), machine.when_not("A")),
        )
        try:
            for i in range(rounds):
                signal = makers[(i * 7 + number) % len(makers)]()
                if i % 5 == 0 and isinstance(signal, Waiter):
                    signal.cancel()
                if not signal.wait(LONG):
                    lost.append(repr(signal))
        finally:
            with guard:
                left[0] -= 1

    threads = [in_thread(lambda n=n: sleeper(n)) for n in range(4)]  # type: ignore[misc]  # bound at once
    threads += [in_thread(lambda n=n: shaker(n)) for n in "AB"]  # type: ignore[misc]  # bound at once
    for thread in threads:
        thread.join(6 * LONG)
        assert not thread.is_alive()
    assert lost == []
    assert not machine.internal_errors
