"""Hubs and programs as real processes, and waiting with a deadline."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PATHS = os.pathsep.join(str(ROOT / part) for part in (".", "telemetry", "proto"))


def until(condition: Callable[[], Any], timeout: float = 10.0) -> Any:
    """The first true value of a condition.

    Raises:
        AssertionError: there was none in time.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class HubProcess:
    """``memory_sink.py`` as a process that can be killed."""

    def __init__(self, port: int = 0, journal: Path | None = None) -> None:
        command = [sys.executable, str(HERE / "memory_sink.py"), str(port), *([str(journal)] if journal else [])]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": PATHS}
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the hub did not start"
        self.port = int(line)

    def summary(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def stop(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.write("stop\n")
            self.process.stdin.flush()
            self.process.wait(20)
        self._reap()

    def _reap(self) -> None:
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> HubProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def run_program(
    source: str, address: object, timeout: float = 30, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program with telemetry and give back what it printed."""
    return subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        check=False,
        text=True,
        timeout=timeout,
        env=environment(address, variables),
    )


def start_program(source: str, address: object, **variables: str) -> subprocess.Popen[str]:
    """Start a program with telemetry."""
    return subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(address, variables),
    )


def environment(address: object, variables: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": PATHS, "AM_DBG_ADDR": str(address), **variables}
