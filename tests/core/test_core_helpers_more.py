"""Evaluations with retries, signs of life, ready-made handlers, fan-out with coroutines, and what importing costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from engine_setups import in_thread, machine_of, noted, until

from am_core import EvalTimeout, Event, Machine, MachineDisposed, StateExpired, UnknownStateError, helpers
from am_core.background.timers import timers


class Hold:
    """Keeps a machine busy on another thread."""

    def __init__(self, machine: Machine) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        self.binding = machine.bind({"DState": self.hold})
        self.machine = machine
        self.thread = in_thread(lambda: machine.add("D"))
        assert self.inside.wait(30)

    def hold(self, _: Event) -> None:
        self.inside.set()
        assert self.go.wait(30)

    def end(self) -> None:
        self.go.set()
        self.thread.join(30)
        self.machine.detach(self.binding)


def test_values_are_got_while_no_transition_runs() -> None:
    """At once from an idle machine, and as soon as a busy one has time."""
    machine = machine_of(active=["A"])
    assert helpers.eval_getter(machine, lambda: machine.active) == ("A",)
    hold = Hold(machine)
    threading.Timer(0.05, hold.go.set).start()
    assert helpers.eval_getter(machine, lambda: machine.active, "who", tries=300, timeout=0.02) == ("D", "A")
    hold.end()
    values: list[int] = []
    assert helpers.eval_setter(machine, lambda: values.append(1)) is None  # type: ignore[func-returns-value]  # that is tested
    assert values == [1]


def test_evaluations_give_up() -> None:
    """After all tries, one at least; with their context, with the machine; and at once when the function fails."""
    machine = machine_of()
    hold = Hold(machine)
    calls: list[int] = []
    for tries, asked in ((0, 1), (1, 1), (3, 3)):
        machine.internal_errors.clear()
        with pytest.raises(EvalTimeout, match=f"asked {asked} times"):
            helpers.eval_getter(machine, lambda: calls.append(1), tries=tries, timeout=0.001)
        assert len(machine.internal_errors) == asked
    ctx = machine.state_ctx("D")
    hold.end()
    machine.remove("D")
    with pytest.raises(StateExpired):
        helpers.eval_getter(machine, lambda: calls.append(1), ctx=ctx)
    assert calls == []

    def fail() -> None:
        calls.append(1)
        raise KeyError("x")

    with pytest.raises(KeyError):
        helpers.eval_setter(machine, fail)
    assert calls == [1]
    machine.dispose_force()
    with pytest.raises(MachineDisposed):
        helpers.eval_setter(machine, fail)


async def test_coroutines_evaluate_with_retries() -> None:
    """In the same way."""
    machine = machine_of(active=["A"])
    assert await helpers.aeval_getter(machine, lambda: machine.active) == ("A",)
    hold = Hold(machine)
    asyncio.get_running_loop().call_later(0.05, hold.go.set)
    assert "D" in await helpers.aeval_getter(machine, lambda: machine.active, tries=300, timeout=0.02)
    hold.end()
    machine.remove("D")
    values: list[int] = []
    await helpers.aeval_setter(machine, lambda: values.append(1))
    assert values == [1]
    ctx = machine.state_ctx("D")
    hold = Hold(machine)
    with pytest.raises(EvalTimeout, match="asked 2 times"):
        await helpers.aeval_setter(machine, lambda: values.append(2), tries=2, timeout=0.001)
    hold.end()
    with pytest.raises(StateExpired):
        await helpers.aeval_setter(machine, lambda: values.append(2), ctx=ctx)
    machine.dispose_force()
    with pytest.raises(MachineDisposed):
        await helpers.aeval_setter(machine, lambda: values.append(2))
    assert values == [1]


def test_signs_of_life_come_until_they_are_stopped_or_the_machine_ends() -> None:
    """They are caused by nothing, and wake no automatic state."""
    machine = machine_of({"A": {}, "Healthcheck": {"multi": True}, "Auto": {"auto": True}})
    before = len(timers)
    stops: list[Callable[[], None]] = []
    machine.bind({"HealthcheckEnd": lambda _: stops.append(helpers.healthcheck(machine, 0.002))})
    stop = helpers.healthcheck(machine, 0.002)
    notes = noted(machine)
    until(lambda: machine.tick("Healthcheck") >= 5)
    assert not machine.is_("Auto")
    stop()
    machine.remove("Healthcheck")
    until(lambda: len([tx for tx in notes.all if tx.called_states() == ["Healthcheck"]]) > 12)
    assert not any(tx.mutation.source for tx in notes.all if not tx.is_auto)
    stops[0]()
    until(lambda: len(timers) <= before)
    other = machine_of({"Healthcheck": {"multi": True}})
    helpers.healthcheck(other, 0.002)
    until(lambda: other.is_("Healthcheck"))
    other.dispose_force()
    until(lambda: len(timers) <= before)


def test_signs_of_life_are_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For machines that have the state."""
    machine = machine_of({"Healthcheck": {"multi": True}})
    monkeypatch.setenv("AM_HEALTHCHECK", "")
    assert helpers.healthcheck_env(machine, 60) is None
    monkeypatch.setenv("AM_HEALTHCHECK", "1")
    assert helpers.healthcheck_env(machine_of(), 60) is None
    stop = helpers.healthcheck_env(machine, 60)
    assert stop is not None
    stop()
    with pytest.raises(UnknownStateError):
        helpers.healthcheck(machine_of())
    with pytest.raises(ValueError, match="positive"):
        helpers.healthcheck(machine, 0)


def test_events_remove_their_own_state() -> None:
    """So that the state is never seen active between transitions."""
    machine = machine_of({"Event": {"multi": True}})
    machine.bind({"EventState": helpers.remove_multi(machine, "Event")})
    machine.add("Event")
    machine.add("Event")
    assert machine.tick("Event") == 4
    with pytest.raises(UnknownStateError):
        helpers.remove_multi(machine, "Nope")


async def test_tasks_of_a_fan_out_can_be_coroutines() -> None:
    """Which end with their states; what they raise becomes an error of the machine."""
    machine = machine_of({"Fetch": {"multi": True}, "FetchDone": {}})
    running: list[int] = []
    most: list[int] = []
    stuck = {3}
    canceled: list[int] = []

    async def work(number: int, state: str, done: str) -> None:
        running.append(number)
        most.append(len(running))
        try:
            await asyncio.sleep(0.001 if number not in stuck else 60)
        except asyncio.CancelledError:
            canceled.append(number)
            raise
        finally:
            running.remove(number)
        if number == 1:
            raise ValueError("task 1")
        machine.add(done)

    fan = helpers.fan_out_in(machine, "Fetch", 8, 3, work, random=Random(1))
    machine.add("Fetch")
    await asyncio.wait_for(machine.when([fan.done_states[i] for i in (0, 2, 4, 5, 6, 7)]), 30)
    assert max(most) <= 3
    assert str(machine.err()) == "task 1"
    assert fan.remaining() == []
    machine.remove("Fetch3")
    while not canceled:
        await asyncio.sleep(0)
    machine.add(["Fetch1Done", "Fetch3Done"])
    assert machine.is_("FetchDone")


SCRIPT = """
import sys
import am_core
plain = set(sys.modules)
import am_core.helpers, am_core.testing, am_core.experimental
loaded = {name.partition(".")[0] for name in set(sys.modules) - plain}
print(sorted(name for name in plain if name.startswith(("am_core.helpers", "am_core.testing", "am_core.experimental"))))
print(sorted({"asyncio", "sqlite3", "logging", "concurrent"} & loaded), sorted(loaded - set(sys.stdlib_module_names)))
"""


def test_helpers_are_loaded_when_they_are_imported_and_not_before(project: Path) -> None:
    """Nor do they bring anything heavy along."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[]\n[] ['am_core']\n", "")
