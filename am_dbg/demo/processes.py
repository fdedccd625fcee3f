"""Starts the demo's two processes, connects them, and makes sure that they end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import IO, Self


class DemoProcesses:
    """The running demo system: ``shop`` feeding ``warehouse`` through a pipe.

    Both end when the first one's input is closed, so they cannot outlive the debugger, however that ends.

    Args:
        address: ``host:port`` of the collector.
        speed: factor on the pace of events.
        seed: makes the sequence of events repeatable.
    """

    def __init__(self, address: str, speed: float = 1.0, seed: int = 1) -> None:
        environment = {**os.environ, "AM_DBG_ADDR": address, "PYTHONUNBUFFERED": "1"}
        environment.pop("AM_LOG", None)

        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop, after the processes

        def start(module: str, number: int, stdin: int | IO[bytes] | None, stdout: int) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", module, "--seed", str(seed + number), "--speed", str(speed)]
            return subprocess.Popen(  # noqa: S603  # our own modules, arguments are numbers
                command, stdin=stdin, stdout=stdout, stderr=self._complaints, env=environment, start_new_session=True
            )

        self._shop = start("am_dbg.demo.shop", 0, subprocess.PIPE, subprocess.PIPE)
        self._warehouse = start("am_dbg.demo.warehouse", 1, self._shop.stdout, subprocess.DEVNULL)
        if self._shop.stdout is not None:
            self._shop.stdout.close()

    def check(self) -> str:
        """Why the demo is not complete any more; empty while both processes run."""
        for name, process in (("shop", self._shop), ("warehouse", self._warehouse)):
            code = process.poll()
            if code is not None:
                return f"the demo's {name} process ended with exit code {code}{self._last_complaint()}"
        return ""

    def _last_complaint(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""

    def stop(self, timeout: float = 3.0) -> None:
        """Ask both to end, and kill what has not ended after ``timeout`` seconds."""
        if self._shop.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._shop.stdin.close()
        for process in (self._shop, self._warehouse):
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._complaints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
