"""Assertions and waiting for tests of programs with machines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from engine_setups import machine_of, veto

from am_core import Event, LogLevel, Machine, UnknownStateError, testing


def _text(fn: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """What a failing assertion says."""
    with pytest.raises(AssertionError) as caught:
        fn(*args, **kwargs)
    return str(caught.value)


def test_states_are_asserted() -> None:
    """Active, not all active, none active."""
    machine = machine_of(active=["A", "B"])
    testing.assert_is(machine, ["A", "B"])
    testing.assert_is1(machine, "A")
    testing.assert_not(machine, ["A", "C"])
    testing.assert_not1(machine, "C")
    testing.assert_none(machine, ["C", "D"])
    assert _text(testing.assert_is, machine, ["A", "C"]).startswith("expected active: A, C; inactive: C\n")
    assert "inactive: D" in _text(testing.assert_is1, machine, "D")
    assert "not all are active: A, B" in _text(testing.assert_not, machine, ["A", "B"])
    assert "active: A" in _text(testing.assert_not1, machine, "A")
    assert "expected inactive: A, C; active: A\n" in _text(testing.assert_none, machine, ["A", "C"])


def test_a_typing_error_is_no_inactive_state() -> None:
    """It is told, with the nearest name."""
    machine = machine_of({"Ready": {}})
    for check in (testing.assert_is, testing.assert_not, testing.assert_none, testing.assert_not1):
        with pytest.raises(UnknownStateError, match="Ready"):
            check(machine, "Raedy")


def test_failures_tell_what_there_is_instead() -> None:
    """States, ticks, the error, the queue, and of watched machines the transitions and who refused them."""
    machine = machine_of({"A": {}, "B": {"require": ["A"]}, "C": {}}, id="mach")
    assert "watch(machine)" in _text(testing.assert_is, machine, "A")
    watched = testing.watch(machine)
    assert testing.watch(machine) is watched
    assert "no transition yet" in _text(testing.assert_is, machine, "A")
    machine.bind({"AEnter": veto})
    machine.add("C")
    machine.add("A")
    machine.add("B")
    machine.can_add("A")
    machine.add_err(ValueError("broken"))
    machine.remove("Exception")
    text = _text(testing.assert_is, machine, ["A"])
    assert "machine mach: (C:1) [A:0 B:0 Exception:2]" in text
    assert "error: was ValueError: broken" in text
    assert "#2 [add] A canceled by AEnter -> no change" in text
    assert "#1 [add] C" not in text
    text = _text(testing.assert_is, machine, ["B"])
    assert "#3 [add] B canceled by relations: [reject] B(-A) -> no change" in text
    assert "[add] Exception -> +Exception" in text
    other = machine_of(id="other", active=["A"])
    testing.watch(other)
    assert "no transition yet" in testing.explain(other, ["A"])
    machine.dispose_force()
    assert _text(testing.assert_is, machine, "A").endswith("machine mach is disposed")


def test_failures_tell_what_is_queued_and_where_it_comes_from() -> None:
    """While the machine is busy."""
    machine = machine_of(id="mach")
    testing.watch(machine)
    texts: list[str] = []

    def busy(e: Event) -> None:
        e.machine.add(["B", "C"])
        texts.append(_text(testing.assert_is, e.machine, "B"))

    machine.bind({"AState": busy, "CState": lambda e: e.machine.remove("C")})
    machine.add("A")
    assert "queued: [add] B C (1 in all)" in texts[0]
    assert "#2 [add] B C from mach#1 -> +B +C" in testing.explain(machine, ["B"])


def test_errors_are_asserted() -> None:
    """Now, ever, queued; and that there is one of some kind."""
    machine = machine_of()
    for check in (testing.assert_no_err_now, testing.assert_no_err_ever, testing.assert_no_err_queued):
        check(machine)
    assert "Exception is inactive" in _text(testing.assert_err, machine)
    error = ValueError("broken pipe")
    machine.add_err(error)
    assert testing.assert_err(machine) is error
    assert testing.assert_err(machine, ValueError, "pipe$") is error
    assert testing.assert_err(machine, (KeyError, ValueError)) is error
    assert "expected KeyError, the error is ValueError: broken pipe" in _text(testing.assert_err, machine, KeyError)
    assert "KeyError or OSError" in _text(testing.assert_err, machine, (KeyError, OSError))
    assert "like 'x', it is ValueError" in _text(testing.assert_err, machine, match="x")
    assert "there is ValueError: broken pipe" in _text(testing.assert_no_err_now, machine)
    machine.remove("Exception")
    testing.assert_no_err_now(machine)
    assert "there were 1: ValueError" in _text(testing.assert_no_err_ever, machine)


def test_queued_errors_count_as_errors() -> None:
    """For those who want none ever."""
    machine = machine_of()
    texts: list[str] = []

    def busy(e: Event) -> None:
        e.machine.add_err(ValueError("later"))
        texts.extend(_text(check, e.machine) for check in (testing.assert_no_err_queued, testing.assert_no_err_ever))
        testing.assert_no_err_now(e.machine)

    machine.bind({"AState": busy})
    machine.add("A")
    assert len(texts) == 2
    assert all("ValueError('later')" in text for text in texts)


def test_all_machines_can_be_watched() -> None:
    """Those that are made within."""
    with testing.watch_all():
        machine = Machine({"A": {}})
        machine.add("A")
    assert "[add] A -> +A" in testing.explain(machine, ["A"])
    assert "watch(machine)" in testing.explain(Machine({"A": {}}))


def test_waiting_fails_the_test() -> None:
    """With everything about the machines that did not come along."""
    machine = machine_of(id="mach")
    testing.watch(machine)
    threading.Timer(0.01, machine.add, (["A", "B"],)).start()
    testing.wait_for_all(machine.when("A"), machine.when("B"))
    assert testing.wait_for_any(machine.when("A"), machine.when("C"))
    testing.wait_for_err_all(machine, machine.when("A"))
    testing.wait_for_err_any(machine, machine.when("A"))
    for wait in (testing.wait_for_all, testing.wait_for_any):
        text = _text(wait, machine.when("C"), timeout=0.01)
        assert "timeout: not within 0.01 s" in text
        assert "machine mach: (A:1 B:1) [C:0 D:0 Exception:0]" in text
    machine.add_err(ValueError("broken"))
    for wait_err in (testing.wait_for_err_all, testing.wait_for_err_any):
        text = _text(wait_err, machine, machine.when("C"))
        assert "Exception of mach: broken" in text
        assert "error: is ValueError: broken" in text


async def test_waiting_in_coroutines_fails_the_test() -> None:
    """In the same way."""
    machine = machine_of(id="mach")
    asyncio.get_running_loop().call_later(0.01, machine.add, "A")
    await testing.await_for_all(machine.when("A"))
    await testing.await_for_any(machine.when("A"))
    await testing.await_for_err_all(machine, machine.when("A"))
    await testing.await_for_err_any(machine, machine.when("A"))
    for wait in (testing.await_for_all, testing.await_for_any):
        with pytest.raises(AssertionError, match="machine mach"):
            await wait(machine.when("B"), timeout=0.01)
    machine.add_err(ValueError("broken"))
    for wait_err in (testing.await_for_err_all, testing.await_for_err_any):
        with pytest.raises(AssertionError, match="broken"):
            await wait_err(machine, machine.when("B"))
    await testing.apause(0.001)
    ctx = machine.state_ctx("B")
    machine.add("B")
    with pytest.raises(AssertionError, match="context expired"):
        await testing.apause(10, ctx)


def test_pauses_and_groups_fail_the_test() -> None:
    """When their context expires, when a machine lacks the state."""
    machine = machine_of()
    testing.pause(0.001)
    ctx = machine.state_ctx("A")
    machine.add("A")
    assert "context expired" in _text(testing.pause, 10, ctx)
    other = machine_of()
    assert [waiter.done for waiter in testing.group_when1([machine, other], "A")] == [True, False]
    assert "Nope" in _text(testing.group_when1, [machine], "Nope")


def test_logs_reach_the_output_of_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    """Which runners show for tests that fail."""
    machine = Machine({"A": {}}, id="mach")
    testing.log_to_test_log(machine, LogLevel.CHANGES)
    machine.add("A")
    assert capsys.readouterr().out == "[mach] [state] +A\n"
