"""``am-dbg collect`` as a process, and programs that report to it."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PROGRAM = """
import logging, sys
import am_telemetry
from am_core import Machine
handle = am_telemetry.init()
machine = Machine({"A": {"multi": True}}, id=sys.argv[1])
for _ in range(int(sys.argv[2])):
    machine.add("A")
print("delivered" if handle.close(float(sys.argv[3]) if len(sys.argv) > 3 else 5) else "left behind")
"""


def until(condition: Callable[[], Any], timeout: float = 15.0) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)
    return value


def environment(address: str, **variables: str) -> dict[str, str]:
    """Of a program that reports to an address."""
    return {**os.environ, "AM_DBG_ADDR": address, **variables}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(address: str, name: str = "lamp", count: int = 5, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that makes ``count`` transitions."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, name, str(count)],
        env=environment(address, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stored(path: Path) -> dict[str, int]:
    """Transitions by machine."""
    with sqlite3.connect(path) as db:
        return dict(
            db.execute(
                "SELECT machines.name, count(transitions.id) FROM machines"
                " LEFT JOIN transitions ON transitions.machine_id = machines.id GROUP BY machines.name"
            ).fetchall()
        )


class HubProcess:
    """Started and ready, from ``with`` to its end."""

    def __init__(self, folder: Path, *arguments: str, listen: str = "localhost:0", session: str = "hub.db") -> None:
        self.folder = folder
        self.path = folder / session
        self.log = folder / f"{session}.log"
        self._arguments = arguments
        self._listen = listen
        # The path of a Unix socket has to be short.
        self._notices = tempfile.TemporaryDirectory(prefix="amn-")

    def __enter__(self) -> Self:
        notify = f"{self._notices.name}/s"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox, self.log.open("w") as log:
            inbox.bind(notify)
            inbox.settimeout(0.1)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "am_dbg", "collect", "-l", self._listen, "-s", str(self.path), *self._arguments],
                cwd=self.folder,
                env={**os.environ, "NOTIFY_SOCKET": notify},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            self.ready = until(lambda: self._hear(inbox) or (self.process.poll() is not None and "ended"))
        return self

    @staticmethod
    def _hear(inbox: socket.socket) -> str:
        try:
            return inbox.recv(4096).decode()
        except TimeoutError:
            return ""

    @property
    def text(self) -> str:
        return self.log.read_text()

    @property
    def addresses(self) -> list[str]:
        (line,) = [line for line in self.text.splitlines() if line.startswith("listening on ")]
        return line.removeprefix("listening on ").split(", ")

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._notices.cleanup()
