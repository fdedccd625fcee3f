"""Forks at unfortunate moments: while telemetry imports something, and while it is connected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hubs import HubProcess, run_program, until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

WATCH = """
import sys, threading, time, warnings
warnings.simplefilter("ignore")
class Watch:
    def __init__(self, met): self.met = met
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread().name.startswith("am-telemetry"): self.met(name)
"""

LOOSE = (
    WATCH
    + """
import am_telemetry
from am_telemetry.sending import forking
sys.meta_path.insert(0, Watch(lambda name: forking._running or print(threading.current_thread().name, name)))
handle = am_telemetry.init(service="imports")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
machine.add("A")
assert handle.flush(10)
assert handle.close(10)
"""
)

SLOW = (
    WATCH
    + """
import os
importing = threading.Event()
def met(name):
    if name == sys.argv[1]:
        importing.set()
        time.sleep(0.3)
sys.meta_path.insert(0, Watch(met))
import am_telemetry
handle = am_telemetry.init(service="server")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
assert importing.wait(10)
child = os.fork()
for _ in range(5): machine.add("A")
if not child:
    os._exit(0 if handle.close(10) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
)


@pytest.mark.parametrize("spool", [False, True])
def test_forks_wait_for_whatever_the_threads_of_telemetry_import(tmp_path: Path, spool: bool) -> None:
    """A module that is imported elsewhere would be a trap for children that are forked at that moment."""
    with HubProcess() as hub:
        done = run_program(LOOSE, f"localhost:{hub.port}", AM_SPOOL=str(tmp_path) if spool else "")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("module", ["am_proto.telemetry_pb2", "encodings.idna", "grpc", "grpc._channel"])
def test_a_fork_in_the_middle_of_an_import_leaves_the_child_able_to_send(module: str) -> None:
    with HubProcess() as hub:
        done = run_program(f"import sys; sys.argv[1:] = [{module!r}]\n{SLOW}", f"localhost:{hub.port}", timeout=60)
        assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert (summary["transitions"], summary["lost"], summary["duplicates"]) == (10, 0, 0)


BUSY = """
import os, threading, time, warnings, am_telemetry
warnings.simplefilter("ignore")
handle = am_telemetry.init(service="server")
from am_core import Machine
machine, busy = (Machine({"A": {"multi": True}}, id=name) for name in ("m", "busy"))
stop = threading.Event()
def work():
    while not stop.is_set():
        for _ in range(100): busy.add("A")
        time.sleep(0.001)
worker = threading.Thread(target=work)
worker.start()
assert handle.flush(10)
codes = set()
for _ in range(10):
    child = os.fork()
    if not child:
        for _ in range(5): machine.add("A")
        os._exit(0 if handle.close(10) else 1)
    codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
worker.join()
assert handle.flush(20)
print(codes, busy.transition_count)
"""


def test_forks_of_a_program_that_is_sending_all_the_time() -> None:
    """gRPC cannot prepare itself for a fork while a channel is open, so there must be none at that moment."""
    with HubProcess() as hub:
        done = run_program(BUSY, f"localhost:{hub.port}", timeout=60, GRPC_TRACE="fork", GRPC_VERBOSITY="INFO")
        codes, count = done.stdout.rsplit(maxsplit=1)
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    assert (done.returncode, codes) == (0, "{0}"), done.stderr
    assert "skipping fork() handlers" not in done.stderr
    assert (summary["transitions"], summary["lost"], summary["duplicates"]) == (int(count) + 50, 0, 0)
    assert summary["machines"].count("m") == 11
