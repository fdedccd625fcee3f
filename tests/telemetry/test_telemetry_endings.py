"""How programs end, and what of their last moments arrives."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hubs import HubProcess, free_port, run_program, start_program, until

START = """
import atexit, logging, os, signal, sys, threading, am_telemetry
handle = am_telemetry.init(service="ending")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
def work(times=100):
    for _ in range(times): machine.add("A")
work()
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def ended(source: str, start: str = START, timeout: float = 30) -> tuple[Any, dict[str, Any]]:
    """Run a program to its end; how it ended, and what the hub knows then."""
    with HubProcess() as hub:
        done = run_program(start + source, f"localhost:{hub.port}", timeout=timeout)
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s["services"] and s)
    assert (summary["lost"], summary["duplicates"]) == (0, 0), done.stderr
    return done, summary


@pytest.mark.parametrize(
    ("source", "code", "count"),
    [
        ("", 0, 100),
        ("sys.exit(7)", 7, 100),
        ("1 / 0", 1, 100),
        ("t = threading.Thread(target=lambda: (work(), sys.exit(3))); t.start(); t.join(); work()", 0, 300),
        ("t = threading.Thread(target=lambda: (work(), 1 / 0)); t.start(); t.join(); work()", 0, 300),
        ("atexit.register(work)", 0, 200),
        pytest.param("os.kill(os.getpid(), signal.SIGINT)", 1, 100, marks=posix),
        pytest.param(
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); os.kill(os.getpid(), signal.SIGTERM)",
            0,
            100,
            marks=posix,
        ),
    ],
    ids=[
        "the last line",
        "sys.exit",
        "an exception nobody catches",
        "sys.exit in a thread ends the thread",
        "an exception in a thread",
        "work in a function for the exit",
        "Ctrl-C",
        "SIGTERM that is handled",
    ],
)
def test_everything_arrives_when_a_program_ends_by(source: str, code: int, count: int) -> None:
    done, summary = ended(source)
    assert done.returncode == code, done.stderr
    assert summary["transitions"] == count
    assert summary["reasons"] == ["closed"]


@posix
@pytest.mark.parametrize(
    ("end", "code"),
    [("os._exit(3)", 3), ("os.kill(os.getpid(), signal.SIGTERM)", -15), ("os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
def test_a_program_that_runs_no_exit_functions_is_disconnected(end: str, code: int) -> None:
    done, summary = ended(f"handle.flush(10); machine.add('A'); {end}")
    assert done.returncode == code
    assert 100 <= summary["transitions"] <= 101
    assert summary["reasons"] == ["disconnected"]


def test_a_program_that_ends_after_fifty_thousand_transitions_delivers_them_all() -> None:
    _, summary = ended("work(50_000)")
    assert summary["transitions"] == 50_100


def test_a_program_ends_while_daemon_threads_go_on_working() -> None:
    """What they did before the exit began arrives; what they do afterwards belongs to nobody."""
    done, summary = ended(
        """
def forever():
    while True: machine.add("A")
for _ in range(2): threading.Thread(target=forever, daemon=True).start()
while machine.transition_count < 5_000: machine.add("A")
print(machine.transition_count)
"""
    )
    assert done.returncode == 0
    assert summary["transitions"] >= int(done.stdout)
    assert summary["reasons"] == ["closed"]


def test_an_interpreter_without_a_main_module_and_arguments() -> None:
    """As when Python is embedded."""
    done, summary = ended("", start="import sys; del sys.modules['__main__'], sys.argv\n" + START.replace("ending", ""))
    assert (done.returncode, done.stderr) == (0, "")
    assert (summary["transitions"], summary["services"]) == (100, ["python"])


def test_a_hub_that_starts_again_while_the_program_ends_gets_everything(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "journal"
    hub = HubProcess(port, journal)
    source = START + "handle.flush(10); print('ready', flush=True); sys.stdin.readline(); work()"
    program = start_program(source, f"localhost:{port}")
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    hub.kill()
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()
    time.sleep(0.5)  # the program is at its end by now
    assert program.poll() is None, "it waits for a hub that was there a moment ago"
    with HubProcess(port, journal) as hub:
        program.communicate(timeout=30)
        summary = hub.summary()
    assert program.returncode == 0
    assert (summary["transitions"], summary["duplicates"], summary["lost"]) == (100, 0, 0), "the rest was stored before"


@pytest.mark.parametrize("present", [True, False], ids=["with a hub", "without a hub"])
def test_nothing_is_printed_at_the_end_of_tests(tmp_path: Path, present: bool) -> None:
    """What pytest captures is closed before the exit functions run, which logs must survive."""
    (tmp_path / "test_it.py").write_text(
        "import am_telemetry\nfrom am_core import Machine\n"
        "def test_it():\n    am_telemetry.init()\n    Machine({'A': {}}).add('A')\n"
    )
    source = f"import pytest; raise SystemExit(pytest.main(['-q', '-p', 'no:cacheprovider', {str(tmp_path)!r}]))"
    with HubProcess() as hub:
        address = hub.port if present else free_port()
        done = run_program(source, f"localhost:{address}", PYTEST_ADDOPTS="")
        assert (done.returncode, done.stderr.count("Error")) == (0, 0), done.stderr
        assert until(lambda: hub.summary()["transitions"] == 1 or not present)


WORKER = """
import os, am_telemetry
from am_core import Machine
def work(number):
    am_telemetry.init(service=f"worker-{number}")
    machine = Machine({"A": {"multi": True}}, id=f"m{number}")
    for _ in range(20): machine.add("A")
    return number
if os.environ.get("EARLY"): am_telemetry.init(service="parent")
"""
PARENT = """
import multiprocessing, os, runpy, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, os.environ["WORKER_PATH"])
import worker
if __name__ == "__main__":
    context = multiprocessing.get_context(os.environ["METHOD"])
    children = [context.Process(target=worker.work, args=(number,)) for number in range(2)]
    for child in children: child.start()
    for child in children: child.join(30)
    codes = [child.exitcode for child in children]
    with context.Pool(2) as pool:
        codes += [pool.apply_async(worker.work, (9,)).get(20) * 0]
        pool.close()
        pool.join()
    print(codes)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize(("method", "early"), [("fork", ""), ("fork", "1"), ("forkserver", "1")])
def test_processes_of_multiprocessing_deliver_what_they_did(tmp_path: Path, method: str, early: str) -> None:
    """Their children run no exit functions of the interpreter unless they were spawned.

    Telemetry is switched on in the children, or before that in the module from which they come.
    """
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "main.py").write_text(PARENT)
    runner = f"import runpy; runpy.run_path({str(tmp_path / 'main.py')!r}, run_name='__main__')"
    with HubProcess() as hub:
        done = run_program(
            runner, f"localhost:{hub.port}", timeout=60, WORKER_PATH=str(tmp_path), METHOD=method, EARLY=early
        )
        assert done.stdout == "[0, 0, 0]\n", done.stderr
        summary = until(lambda: (s := hub.summary())["open"] == 0 and len(s["services"]) >= 3 and s)
    assert summary["transitions"] == 60
    assert (summary["lost"], summary["duplicates"]) == (0, 0)
    assert set(summary["reasons"]) == {"closed"}
