"""Ways in which processes begin and end: each delivers what it can, and none hangs."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from hubs import HubProcess, free_port, run_program, until

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

WORKER = """
import am_telemetry
from am_core import Machine
def work(number):
    handle = am_telemetry.init(service=f"worker-{number}")
    machine = Machine({"A": {"multi": True}}, id=f"m{number}")
    for _ in range(20):
        machine.add("A")
"""


def test_spawned_processes_are_sessions_of_their_own(tmp_path: Path) -> None:
    source = """
import multiprocessing, sys, os
sys.path.insert(0, os.environ["WORKER_PATH"])
import worker
if __name__ == "__main__":
    import am_telemetry
    am_telemetry.init(service="parent")
    from am_core import Machine
    machine = Machine({"A": {"multi": True}}, id="m")
    machine.add("A")
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=worker.work, args=(n,)) for n in range(2)]
    for child in children: child.start()
    for child in children: child.join(30)
    print([child.exitcode for child in children])
"""
    folder = str(tmp_path)
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "main.py").write_text(source)
    with HubProcess() as hub:
        runner = f"import runpy; runpy.run_path({str(tmp_path / 'main.py')!r}, run_name='__main__')"
        done = run_program(runner, f"localhost:{hub.port}", timeout=60, WORKER_PATH=folder)
        assert done.stdout == "[0, 0]\n", done.stderr
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert summary["transitions"] == 41
    assert summary["services"] == ["parent", "worker-0", "worker-1"]
    assert summary["reasons"] == ["closed"] * 3


@needs_fork
def test_a_server_that_forks_its_workers_before_they_do_anything() -> None:
    """As application servers do: the master sets everything up and never has a transition itself."""
    source = """
import os, sys, warnings, am_telemetry
warnings.simplefilter("ignore")
am_telemetry.init(service="server")
from am_core import Machine
machine = Machine({"Request": {"multi": True}}, id="app")
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        for _ in range(50): machine.add("Request")
        if number % 2:
            sys.exit(0)
        handle = am_telemetry.init()
        os._exit(0 if handle.close(10) else 1)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", timeout=60)
        assert done.stdout == "[0, 0, 0, 0]\n", done.stderr
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert summary["transitions"] == 200
    assert summary["machines"].count("app") == 5
    assert (summary["duplicates"], summary["lost"]) == (0, 0)


@needs_fork
def test_exec_begins_a_new_session() -> None:
    source = """
import os, sys, am_telemetry
handle = am_telemetry.init(service="before")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
machine.add("A")
assert handle.flush(10)
code = '''
import am_telemetry
am_telemetry.init(service="after")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
machine.add("A")
machine.add("A")
'''
os.execv(sys.executable, [sys.executable, "-c", code])
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", timeout=60)
        assert done.returncode == 0, done.stderr
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert summary["transitions"] == 3
    assert summary["services"] == ["after", "before"]
    assert summary["reasons"] == ["closed", "disconnected"]


def test_a_loop_that_was_closed_takes_nothing_with_it() -> None:
    source = """
import asyncio, am_telemetry
am_telemetry.init(service="loops")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
async def main():
    for _ in range(100):
        machine.add("A")
        if _ % 10 == 0: await asyncio.sleep(0)
asyncio.run(main())
asyncio.run(main())
machine.add("A")
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert (summary["transitions"], summary["lost"]) == (201, 0)


def test_a_program_of_threads_only_delivers_what_all_of_them_did() -> None:
    source = """
import threading, am_telemetry
am_telemetry.init(service="threads")
from am_core import Machine
shared = Machine({"A": {"multi": True}}, id="shared")
def work(number):
    own = Machine({"A": {"multi": True}}, id=f"own-{number}")
    for _ in range(200):
        own.add("A")
        shared.add("A")
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert (summary["transitions"], summary["lost"], summary["duplicates"]) == (1600, 0, 0)


BUSY = """
import sys, threading, time, am_telemetry
handle = am_telemetry.init(service="busy")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
def work():
    while True: machine.add("A")

for _ in range(2): threading.Thread(target=work, daemon=True).start()
for _ in range(100_000): machine.add("A")
import atexit
start = time.monotonic()
atexit.register(lambda: print(time.monotonic() - start, flush=True))
"""


def test_the_end_of_a_program_that_is_still_busy_with_full_buffers_and_no_hub() -> None:
    started = time.monotonic()
    done = run_program(BUSY, f"localhost:{free_port()}", timeout=60)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 40
    assert "Traceback" not in done.stderr


def test_the_end_of_a_program_whose_hub_accepts_and_never_answers() -> None:
    """The port is open and nobody behind it speaks the protocol: exit takes no longer than its time limit."""
    source = """
import time, am_telemetry
handle = am_telemetry.init(service="unheard")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
for _ in range(3000): machine.add("A")
time.sleep(0.5)
start = time.monotonic()
import atexit; atexit._run_exitfuncs()
print(time.monotonic() - start)
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run_program(source, f"127.0.0.1:{silent.getsockname()[1]}", timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 6


def test_a_program_that_leaves_at_once_is_not_kept() -> None:
    """``os._exit`` runs nothing; what the hub has by then is kept, and the session is disconnected."""
    source = """
import os, am_telemetry
handle = am_telemetry.init(service="gone")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
machine.add("A")
handle.flush(10)
machine.add("A")
os._exit(3)
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", timeout=60)
        assert done.returncode == 3
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert 1 <= summary["transitions"] <= 2
    assert summary["reasons"] == ["disconnected"]
