"""What hammering machines from many threads takes: an inviting lock, a crew of threads, handlers that count."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from engine_setups import PATIENT, until
from test_core_properties import Judge

from am_core import Event, Machine, MutationType, Result

RUNNERS = ("inline", "thread")
LONG = 20.0
"""Seconds after which a wait counts as one that never ends."""

SCHEMA: dict[str, dict[str, Any]] = {
    "A": {"remove": ["B"], "add": ["C"]},
    "B": {"remove": ["A"]},
    "C": {"multi": True},
    "D": {"require": ["A"]},
    "E": {"auto": True, "require": ["B"]},
    "F": {"after": ["A"]},
}


class Inviting:
    """A lock that lets other threads in whenever it has been released, since that is where they may do harm."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        self._turn += 1
        pause = self._turn % 3 == 0
        self._lock.release()
        if pause:
            time.sleep(0)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Crew:
    """Threads that start together. What one of them raises is raised again by :meth:`finish`."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []
        self.go = threading.Event()

    def hire(self, work: Callable[[random.Random], object]) -> None:
        dice = random.Random(len(self.threads))

        def run() -> None:
            self.go.wait(LONG)
            try:
                work(dice)
            except BaseException as error:
                self.errors.append(error)

        self.threads.append(threading.Thread(target=run, daemon=True))

    def finish(self) -> None:
        for thread in self.threads:
            thread.start()
        self.go.set()
        for thread in self.threads:
            thread.join(2 * LONG)
            assert not thread.is_alive(), "a thread is stuck"
        if self.errors:
            raise self.errors[0]


class Alone:
    """Handlers of which only one may run at a time."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.calls = 0

    def enter(self, e: Event) -> bool:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.calls += 1
        e.machine.is_("A")
        self.inside -= 1
        return self.calls % 7 != 0

    def handlers(self) -> dict[str, Callable[[Event], bool]]:
        names = [state + suffix for state in "ABCDEF" for suffix in ("Enter", "State", "Exit", "End")]
        return dict.fromkeys([*names, "AnyEnter", "AC", "BF"], self.enter)


def hammered(runner: Any) -> tuple[Machine, Judge, Alone]:
    machine = Machine(SCHEMA, runner=runner, handler_timeout=PATIENT, eval_timeout=LONG, queue_limit=10**6)
    judge, alone = Judge(), Alone()
    machine.bind(alone.handlers(), id="alone")
    machine.bind_tracer(judge)
    return machine, judge, alone


def shake(machine: Machine, dice: random.Random) -> Result:
    """One random mutation."""
    kind = dice.choice(("add", "remove", "set", "toggle", "post"))
    states = dice.choices("ABCDF", k=dice.randint(0, 2))
    if kind == "post":
        return machine.post(MutationType.ADD, states)
    result: Result = getattr(machine, kind)(states, {"n": dice.random()} if dice.random() < 0.5 else None)
    return result


def settled(machine: Machine, judge: Judge) -> None:
    """Nothing is left, and nothing went wrong on the way."""
    until(lambda: not machine.queue_len() and machine.transition is None, LONG)
    assert judge.problems == []
    assert judge.started == sorted(judge.started), "executed out of order"
    assert sorted(judge.queued) == judge.started, "queued and executed differ"
    assert judge.started == list(range(judge.started[0], judge.started[0] + len(judge.started)))
    assert not machine.internal_errors
