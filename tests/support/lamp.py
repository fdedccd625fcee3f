"""A program with one machine, which tells little of it unless it is asked."""

from __future__ import annotations

import subprocess
import sys

from tests.support.hub_process import environment

LAMP = """
import sys, am_telemetry
from am_core import Machine
handle = am_telemetry.init(detail=1)
machine = Machine({"A": {"multi": True}}, id="lamp")
for line in sys.stdin:
    machine.add("A", {"watts": int(line)})
    assert handle.flush(10)
    print("done", flush=True)
"""


class Lamp:
    """A program that does something with its machine when it is told to."""

    def __init__(self, address: str, most: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAMP],
            env=environment(address, AM_DETAIL_MAX=str(most)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def use(self, watts: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{watts}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self) -> None:
        self.process.communicate(timeout=20)
