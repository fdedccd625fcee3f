"""Signals of the operating system that ask a machine for something."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from engine_setups import until

from am_core import Machine
from am_core.helpers import on_signal


def test_a_signal_interrupts_the_machine_it_is_for_without_harm() -> None:
    """Hundreds of them, at any moment of the machine's work on the main thread."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("the system has no timer signals")
    machine = Machine({"A": {}, "Told": {"multi": True}}, handler_timeout=60)
    machine.bind({"AState": lambda _: None})
    stop = on_signal(signal.SIGVTALRM, machine.add, "Told")
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005, 0.0005)
        while machine.tick("Told") < 200:
            machine.add("A")
            machine.remove("A")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        stop()
    assert machine.add("A").executed


def test_the_former_handler_comes_back_unless_somebody_else_came_after() -> None:
    """Errors are shown as those of any thread, and the next signal is served as well."""
    before = signal.getsignal(signal.SIGINT)
    shown: list[type[BaseException] | None] = []
    calls: list[int] = []
    hook, threading.excepthook = threading.excepthook, lambda args: shown.append(args.exc_type)

    def fail() -> None:
        calls.append(1)
        raise ValueError("mine")

    try:
        stop = on_signal(signal.SIGINT, fail)
        for count in (1, 2):
            signal.raise_signal(signal.SIGINT)
            until(lambda count=count: len(shown) == count)
        stop()
        assert signal.getsignal(signal.SIGINT) is before
        stop = on_signal(signal.SIGINT, fail)
        other = signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert other is not before
    finally:
        threading.excepthook = hook
        signal.signal(signal.SIGINT, before)
    assert (calls, shown) == ([1, 1], [ValueError, ValueError])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_children_are_told_of_their_own_signals() -> None:
    """In a program that ends in order when it is told to, and so does its child."""
    program = """
import os, signal
from am_core import Machine
from am_core.helpers import on_signal
machine = Machine({"Start": {}})
machine.add("Start")
on_signal(signal.SIGTERM, machine.remove, "Start")
child = os.fork()
os.kill(os.getpid(), signal.SIGTERM)
print(machine.when_not("Start").wait(30), flush=True)
if child:
    os.waitpid(child, 0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]
    assert done.stderr == ""


def test_signals_are_for_the_main_thread() -> None:
    """As with the standard library's own function."""
    problems: list[str] = []

    def register() -> None:
        with pytest.raises(ValueError, match="main thread"):
            on_signal(signal.SIGTERM, print)
        problems.append("refused")

    thread = threading.Thread(target=register)
    thread.start()
    thread.join(60)
    assert problems == ["refused"]
