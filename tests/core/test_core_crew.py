"""The threads that work in the background uses."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_setups import fail, machine_of, until

from am_core import (
    Machine,
)
from am_core.background.crew import Crew


def test_threads_are_used_again_and_end_when_idle() -> None:
    """One after the other needs one thread only."""
    crew = Crew()
    crew.IDLE = 0.05  # type: ignore[misc]  # shorter than a person would wait
    names: list[str] = []
    threads: list[threading.Thread] = []

    def work(done: threading.Event) -> Callable[[], None]:
        def run() -> None:
            threads.append(threading.current_thread())
            names.append(threading.current_thread().name)
            done.set()

        return run

    for _ in range(5):
        done = threading.Event()
        crew.run(work(done))
        assert done.wait(10)
        until(lambda: crew._idle)
    assert len(set(threads)) == 1
    until(lambda: not threads[0].is_alive())
    assert crew._idle == []


def test_work_is_garbage_once_it_is_over() -> None:
    """Idle threads keep nothing of it."""

    class Big:
        def work(self) -> None: ...

    machine = machine_of()
    big = Big()
    job = machine.fork(big.work)
    assert job.wait(10)
    gone = weakref.ref(big)
    del big
    until(lambda: gc.collect() >= 0 and gone() is None)


HANGING = """
import threading
from am_core import Machine
machine = Machine({"A": {}})
started = threading.Event()
def hang():
    started.set()
    threading.Event().wait()
machine.fork(hang)
machine.go_after(None, 3600, hang)
machine.pool(2).submit(hang)
assert started.wait(10)
print("end")
"""


def test_a_program_ends_in_spite_of_what_runs_in_the_background(project: Path) -> None:
    """Nobody has to be waited for."""
    ran = subprocess.run(
        [sys.executable, "-c", HANGING], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "end\n", "")


FORKED = """
import os, threading, warnings
warnings.simplefilter("ignore")
from am_core import Machine
machine = Machine({"A": {}})
assert machine.fork(int).wait(10)
assert machine.go_after(None, 0.001, int).wait(10)
pid = os.fork()
if not pid:
    ok = machine.fork(int).wait(10) and machine.go_after(None, 0.001, int).wait(10)
    os._exit(0 if ok else 1)
print(os.waitpid(pid, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes")
def test_a_forked_process_has_threads_of_its_own(project: Path) -> None:
    """Those of its parent do not exist there."""
    ran = subprocess.run(
        [sys.executable, "-c", FORKED], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr) == ("0\n", "")


def test_forks_work_on_every_runner() -> None:
    """The worker of a machine is not kept busy by them."""
    machine = machine_of(runner="thread")
    machine.bind({"AState": lambda e: machine.fork(machine.add, "B") and None, "BState": fail})
    machine.add("A")
    until(machine.is_err)
    assert machine.add("C").executed
    machine.dispose_force()


def test_a_machine_without_background_work_has_no_threads() -> None:
    """Creating pools and looking at them starts none either."""
    before = threading.active_count()
    machine = Machine({"A": {}})
    assert machine.pool(8).join(0)
    assert threading.active_count() == before
