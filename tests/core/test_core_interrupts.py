"""Interrupts that come at any moment, not only within handlers: Ctrl-C in a loop of mutations."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from am_core import Event, Machine
from am_core.engine.watchdog import watchdog
from am_core.handling.handlers import current_event

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGVTALRM"), reason="the system has no timer signals"),
    pytest.mark.skipif(sys.gettrace() is not None, reason="interrupts within coverage leave its own lock behind"),
]


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    """The timer's signal does what Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGVTALRM, interrupt)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def mutate_for(machine: Machine, seconds: float) -> None:
    """Mutate a machine until the timer interrupts, after so much computing time."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    while True:
        machine.add("A")
        machine.remove("A")


@pytest.mark.parametrize("handlers", [{}, {"AState": lambda _: None}], ids=["alone", "handlers"])
@pytest.mark.parametrize("options", [{}, {"plan_cache": "never"}, {"log_level": "ops"}], ids=["known", "new", "logged"])
def test_an_interrupt_at_any_moment_leaves_a_machine_usable(handlers: dict[str, Any], options: dict[str, Any]) -> None:
    """It holds no lock, executes what it is asked for, and has nothing left over."""
    for attempt in range(60):
        machine = Machine({"A": {}, "B": {}}, handler_timeout=60, **options)
        machine.bind(handlers)
        with pytest.raises(KeyboardInterrupt):
            mutate_for(machine, 0.001 + attempt * 0.000_013)
        assert machine._lock.acquire(timeout=0)
        machine._lock.release()
        assert machine.add("B").executed
        machine.remove("A")
        assert machine.add("A").executed
        assert set(machine.active) == {"A", "B"}
        assert machine.queue_len() == 0
        assert current_event.get() is None
        assert not watchdog.running


def test_what_an_interrupted_handler_has_asked_for_comes_first() -> None:
    """Also before a request whose outcome is known, which would otherwise take a short way."""
    machine = Machine({"A": {"multi": True}, "B": {}, "C": {}, "D": {}})
    machine.add("A")
    for _ in range(5):
        machine.add("D")
        machine.remove("D")
    seen: list[str] = []
    armed = True

    def stay(e: Event) -> None:
        nonlocal armed
        if armed:
            armed = False
            e.machine.add("B")
            e.machine.add("C")
            raise KeyboardInterrupt

    machine.bind({"AA": stay, "AnyState": lambda e: seen.extend(e.transition.called_states())})
    for _ in range(5):
        armed = False
        machine.add("D")
        machine.remove("D")
    seen.clear()
    armed = True
    with pytest.raises(KeyboardInterrupt):
        machine.add("A")
    assert machine.queue_len() == 2
    assert machine.add("D").executed
    assert seen == ["B", "C", "D"]


def test_a_thread_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the system has no more of them for a moment."""
    called: list[str] = []
    machine = Machine({"A": {"multi": True}}, runner="thread", handler_timeout=60)
    machine.bind({"AState": lambda e: called.append(e.name)})
    with monkeypatch.context() as patch:

        def fail(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", fail)
        assert machine.add("A").canceled
    assert "start new thread" in str(machine.err())
    machine.remove("Exception")
    assert machine.add("A").executed
    assert called == ["AState"]
    machine.dispose_force()
