"""Machines in forked processes, whose other threads, and what these held, stay behind in the parent."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")

PROGRAM = """
import os, signal, sys, threading, time, warnings
from am_core import Machine, pipes
warnings.simplefilter("ignore", DeprecationWarning)
runner, handlers = sys.argv[1:]
machine = Machine({"A": {}, "B": {}, "C": {}}, runner=runner, handler_timeout=60)
if handlers == "yes":
    machine.bind({"AState": lambda e: None, "BState": lambda e: e.machine.add("C")})
go_on = True

def hammer():
    while go_on:
        machine.add("A")
        machine.when("B").cancel()
        machine.remove("A")

threading.Thread(target=hammer, daemon=True).start()
ends = []
for _ in range(20):
    time.sleep(0.001)
    child = os.fork()
    if not child:
        signal.alarm(20)
        result = machine.add("B")
        is_done = result.executed and machine.when("B").wait(5) and ("C" in machine) is (handlers == "yes")
        pipes.bind(machine, Machine({"B": {}}), "B")
        os._exit(0 if is_done and machine.queue_len() == 0 else 1)
    ends.append(os.waitpid(child, 0)[1])
go_on = False
print(sum(map(bool, ends)))
"""


@pytest.mark.parametrize("handlers", ["no", "yes"])
@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_a_child_uses_the_machines_that_threads_of_its_parent_were_busy_with(runner: str, handlers: str) -> None:
    """Nothing is locked for ever, no request waits for a thread that does not exist."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, runner, handlers], capture_output=True, text=True, timeout=120, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("0", "")


IN_A_HANDLER = """
import os, warnings
from am_core import Machine
warnings.simplefilter("ignore", DeprecationWarning)
machine = Machine({"A": {}, "B": {}}, handler_timeout=60)

def fork(e):
    global child
    child = os.fork()
    e.machine.add("B")

machine.bind({"AState": fork})
results = machine.add("A").executed, "B" in machine, machine.add("A").executed, machine.queue_len()
os.write(1, (" ".join(map(str, results)) + "\\n").encode())
if child:
    os.waitpid(child, 0)
"""


def test_a_handler_that_forks_goes_on_in_both_processes() -> None:
    """Each has its own copy of the machine, and the rest of the transition is executed in each."""
    done = subprocess.run([sys.executable, "-c", IN_A_HANDLER], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout.splitlines(), done.stderr) == (["True True True 0"] * 2, "")
