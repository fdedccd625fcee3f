"""A program in another process, watched live on a real terminal: it appears, ends, and survives the debugger."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.pseudo_terminal import DEADLINE, Pty, on_pty

PROGRAM = """
import sys, time
import am_telemetry
am_telemetry.init()
from am_core import Machine
machine = Machine({"On": {}, "Off": {"remove": ["On"]}}, id="lamp")
machine.add("On")
print("switched", time.time_ns(), flush=True)
longest = 0.0
for line in sys.stdin:
    began = time.monotonic()
    for _ in range(int(line)):
        machine.toggle("On")
    longest = max(longest, time.monotonic() - began)
    print("toggled", machine.transition_count, longest, flush=True)
"""


class Program:
    """The instrumented program; it works when told to, and reports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def report(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the program ended"
        return line.split()

    def toggle(self, times: int) -> list[str]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()
        return self.report()


@contextmanager
def program(port: int) -> Iterator[Program]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "AM_DBG_ADDR": f"localhost:{port}"},
    )
    try:
        yield Program(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def sees_line(terminal: Pty, *texts: str) -> None:
    """Wait until one line of the screen holds all the texts."""
    end = time.monotonic() + DEADLINE
    while not any(all(text in line for text in texts) for line in terminal.terminal.lines):
        assert time.monotonic() < end, f"no line has {texts}:\n{terminal.terminal.text}"
        terminal.pump(0.02)


def test_a_program_appears_at_once_and_is_grey_when_it_ends(tmp_path: Path) -> None:
    """The machine is on the screen soon after it exists, and shown as gone after the program was killed."""
    port = free_port()
    with on_pty("-l", f"localhost:{port}", "-o", str(tmp_path / "live.db")) as screen:
        screen.sees("AM_DBG_ADDR")
        with program(port) as app:
            switched = int(app.report()[1])
            sees_line(screen, "●", "lamp")
            delay = (time.time_ns() - switched) / 1e6
            assert delay < 3000, f"{delay:.0f} ms from the first transition to the screen"
            print(f"from the first transition to the screen: {delay:.0f} ms")
            app.toggle(10)
            sees_line(screen, "lamp", "11")
            app.process.send_signal(signal.SIGKILL)
            sees_line(screen, "○", "lamp", "11")
        screen.press("ctrl+q")
        assert screen.ends() == 0


def test_killing_the_debugger_does_not_disturb_the_program(tmp_path: Path) -> None:
    """The program goes on without waiting while there is no debugger, and is shown again by the next one."""
    port = free_port()
    with on_pty("-l", f"localhost:{port}", "-o", str(tmp_path / "first.db")) as screen:
        screen.sees("AM_DBG_ADDR")
        with program(port) as app:
            app.report()
            sees_line(screen, "●", "lamp")
            os.kill(screen.process.pid, signal.SIGKILL)
            screen.process.wait()
            for _ in range(20):
                longest = float(app.toggle(500)[2])
            assert longest < 1.0, f"500 transitions took {longest:.3f} s without a debugger"
            with on_pty("-l", f"localhost:{port}", "-o", str(tmp_path / "second.db")) as again:
                sees_line(again, "●", "lamp")
                sees_line(again, "lamp", "10,000")
                app.toggle(5)
                sees_line(again, "lamp", "10,005")
                assert app.process.poll() is None
