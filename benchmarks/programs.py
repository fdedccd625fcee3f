"""Hundreds of programs that report to one hub: how long records take, what it costs the hub, and who has to wait."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, Skipped, SkippedError, duration, rate, size
from benchmarks.timing import percentile

PROCESSES = 5
RATE = 2.0
"""Messages per second of each program."""
ROWS = 2
"""Transitions per message."""
FRAME_S = 1 / 30


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Quiet programs only, then the same beside one that sends as much as it can."""
    if not Path("/proc/self/stat").exists():
        raise SkippedError("needs /proc to see what the hub takes")
    count, seconds = (10, 0.5) if quick else (500, 10.0)
    with tempfile.TemporaryDirectory() as folder:
        quiet = _run(Path(folder) / "quiet.db", count, seconds, flood=False)
        beside = _run(Path(folder) / "beside.db", count, seconds, flood=True)
    what = f"{count} programs"
    yield Row(f"{what}: all are connected after", duration(quiet.connecting))
    yield Row(f"{what}: memory of the hub for each", size(quiet.memory // count))
    yield Row(f"{what}: threads of the hub", str(quiet.threads))
    yield Row(f"{what}: CPU of the hub per message of {ROWS} transitions", duration(quiet.cpu_per_message))
    for run, name in ((quiet, what), (beside, f"{what} beside one that floods")):
        yield Row(f"{name}: from sending to stored, median", duration(percentile(run.delays, 0.5)))
        yield Row(f"{name}: from sending to stored, 99 %", duration(percentile(run.delays, 0.99)))
        yield Row(f"{name}: from a transition to what a viewer shows, 99 %", duration(percentile(run.visible, 0.99)))
        yield Row(f"{name}: the last one of them got", f"{run.worst:.0%} of what it sent")
    yield Row(f"{what} beside one that floods: that one gets", rate(beside.flood))


@dataclass
class _Run:
    connecting: float = 0.0
    memory: int = 0
    threads: int = 0
    cpu_per_message: float = 0.0
    delays: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    worst: float = 0.0
    flood: float = 0.0


def _run(path: Path, count: int, seconds: float, flood: bool) -> _Run:
    found = _Run()
    with _started("benchmarks.hub_process", str(path), "1") as hub:
        port = _line(hub)
        before = _memory(hub.pid)
        began = time.perf_counter()
        shares = [count // PROCESSES] * PROCESSES
        with contextlib.ExitStack() as stack:
            fleets = [
                stack.enter_context(_fleet(port, share, RATE, seconds, ROWS, 1 + 1000 * number))
                for number, share in enumerate(shares)
            ]
            if flood:
                fleets.append(stack.enter_context(_fleet(port, 1, 0, seconds, 512, 900_000)))
            for fleet in fleets:
                if _line(fleet) != "connected":
                    raise SkippedError("the programs could not connect")
            found.connecting = time.perf_counter() - began
            found.memory, found.threads = _memory(hub.pid) - before, _threads(hub.pid)
            spent = _cpu(hub.pid)
            for fleet in fleets:
                assert fleet.stdin is not None
                fleet.stdin.write("\n")
                fleet.stdin.flush()
            found.visible = _visible(path, port, seconds)
            answers = [json.loads(fleet.communicate(timeout=120)[0]) for fleet in fleets]
            spent = _cpu(hub.pid) - spent
    if flood:
        (flooder,) = answers.pop()
        found.flood = flooder["stored"] / seconds
    programs = [program for answer in answers for program in answer]
    found.delays = [delay for program in programs for delay in program["delays"]]
    found.worst = min(program["stored"] / max(1, program["sent"]) for program in programs)
    found.cpu_per_message = spent / max(1, len(found.delays))
    return found


def _visible(path: Path, port: str, seconds: float) -> list[float]:
    """Delays until a viewer that looks 30 times a second sees the transitions of a traced program."""
    from am_core import Machine
    from am_telemetry.sending.client import Client
    from am_telemetry.settings import read_settings
    from am_telemetry.store.session_file import SessionFile

    client = Client(read_settings(f"localhost:{port}", machines="probe", environ={}))
    client.start()
    machine = Machine({"A": {"multi": True}}, id="probe")
    client.flush(10)
    made: list[float] = []
    seen: list[float] = []
    with SessionFile.open(path) as session:
        until = time.perf_counter() + seconds
        while (now := time.perf_counter()) < until or (len(seen) < len(made) and now < until + 10):
            if now < until and now >= (made[-1] if made else 0.0) + 0.1:
                made.append(now)
                machine.add("A")
            session.catch_up()
            shown = [entry for entry in session.machines if entry.name == "probe"]
            total = session.timeline(shown[0].id).count if shown else 0
            seen += [time.perf_counter() - made[number] for number in range(len(seen), min(total, len(made)))]
            time.sleep(FRAME_S)
    client.close(5)
    return seen


@contextlib.contextmanager
def _started(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
            process.wait(60)


def _fleet(port: str, *arguments: Any) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    return _started("benchmarks.fleet", port, *map(str, arguments))


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _memory(pid: int) -> int:
    return _status(pid, "VmRSS") * 1024


def _threads(pid: int) -> int:
    return _status(pid, "Threads")


def _cpu(pid: int) -> float:
    """Seconds spent so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
