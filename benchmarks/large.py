"""Long sessions and large machines in the debugger: opening, looking, moving, and being recorded into meanwhile.

How long the sessions are is told by ``AM_DBG_BENCH_TRANSITIONS``; making one of 5,000,000 takes about a minute.
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import walks
from benchmarks.rows import Row, Skipped, SkippedError, duration
from benchmarks.terminal import LEFT, RIGHT, Debugger
from benchmarks.timing import percentile

if TYPE_CHECKING:
    from am_dbg.session import Session

_SIZE: Final = "AM_DBG_BENCH_TRANSITIONS"
_USUAL: Final = 300_000
_MACHINES: Final = 107
_MIB: Final = 1 << 20
_HELD: Final = 60
_WIDTHS: Final = (118, 40, 36)
"""Cells of the strip, cells and rows of a list, as on a screen of 120×40."""
_NEXT_STEP: Final = b">"
_LEVELS: Final = ((b"3", b"ops"), (b"1", b"external"))
"""Keys that change the level of the log, and what is told then."""


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Wall time on a pseudo-terminal; work of commands and of the panes they change is CPU time of this process."""
    count = 2_000 if quick else int(os.environ.get(_SIZE, _USUAL))
    rounds = 3 if quick else 50
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = _empty(folder)
        yield from _session(folder / "many.db", count, _MACHINES, walks.KINDS, empty, rounds)
        yield from _session(folder / "one.db", count, 1, (40,), empty, rounds)
        yield from _keys(
            folder / "wide.db", "with 5,000 machines", 40_000, 300 if quick else 5_000, walks.KINDS, rounds
        )
        yield from _keys(folder / "states.db", "with 500 states", 5_000, 3, (50 if quick else 500,), rounds)
        yield from _steps(folder / "steps.db", 40 if quick else 4_000, rounds)
        try:
            yield from _arriving(folder / "live.db", rounds)
        except SkippedError as error:
            yield Skipped("keys while transitions arrive", str(error))


def _empty(folder: Path) -> int:
    """Memory of the debugger with next to nothing to show."""
    path = folder / "empty.db"
    walks.write(path, 4, 1)
    with Debugger(str(path)) as debugger:
        debugger.first_paint()
        return debugger.memory()


def _session(
    path: Path, count: int, machines: int, kinds: tuple[int, ...], empty: int, rounds: int
) -> Iterator[Row | Skipped]:
    walks.write(path, count, machines, kinds)
    what = f"{count:,} transitions of {machines} machine{'s' if machines > 1 else ''}"
    with Debugger(str(path)) as debugger:
        seconds = debugger.first_paint()
        yield Row(f"opening {what}, to the first paint", f"{duration(seconds)} ({duration(debugger.cpu_s())} CPU)")
        debugger.press(RIGHT)
        yield Row(f"the same, a key held, {_HELD} times per second: behind", _lag(debugger, 2 if rounds > 3 else 0.2))
        if rounds > 3:
            yield Row("the same, idle, share of a core", f"{_idle(debugger, 4.0):.1f} %")
        yield Row("the same, memory beyond an empty session", f"{(debugger.memory() - empty) / _MIB:.0f} MiB")
    for name, seconds in _work(path, rounds).items():
        yield Row(f"the same, {name}: work of the slowest", duration(seconds))
    path.unlink()


def _work(path: Path, rounds: int) -> dict[str, float]:
    """CPU seconds of the slowest of several commands of a kind, each with the panes that it changes."""
    from am_dbg.session import Session
    from am_dbg.session.filters import Filter
    from am_telemetry.store.session_file import SessionFile

    source = random.Random(3)  # the same moves in every run, no secret
    spent: dict[str, list[float]] = {}
    with SessionFile.open(path) as recording:
        session = Session(recording)
        _draw(session)
        commands: dict[str, Callable[[], None]] = {
            "a jump": lambda: session.go_to_number(source.randrange(1, session.count)),
            "a step": session.next,
            "a problem": session.previous_problem,
            "a filter": lambda: session.toggle_filter(source.choice(list(Filter))),
            "another machine": lambda: session.next_machine(source.choice((1, -1, 5, -5))),
            "a machine time": lambda: session.go_to_machine_time(source.randrange(2 * session.count)),
        }
        for name, command in commands.items():
            for _ in range(rounds):
                began = time.process_time()
                command()
                _draw(session)
                spent.setdefault(name, []).append(time.process_time() - began)
    return {name: max(times) for name, times in spent.items()}


def _draw(session: Session) -> None:
    """What is asked for to draw machines, schema, strip and the log."""
    from am_dbg.viewmodels import address, machines, strip, tree

    columns, width, rows = _WIDTHS
    address.line(session, columns)
    machines.title(session)
    machines.rows(session, 0, rows, width)
    nodes = tree.nodes(session)
    tree.rows(session, 0, rows, width, nodes)
    strip.build(session, columns).line(session.number)
    number, machine_id = session.number, session.machine_id
    if session.current is not None and machine_id is not None:
        session.recording.log_lines(machine_id, max(1, number - rows), number)


def _keys(
    path: Path, what: str, count: int, machines: int, kinds: tuple[int, ...], rounds: int
) -> Iterator[Row | Skipped]:
    walks.write(path, count, machines, kinds)
    with Debugger(str(path)) as debugger:
        debugger.first_paint()
        yield from _frames(debugger, f"a key's frame {what}", (RIGHT, LEFT), rounds)


def _steps(path: Path, count: int, rounds: int) -> Iterator[Row | Skipped]:
    walks.write_steps(path, count)
    with Debugger(str(path), "-t", "1") as debugger:
        debugger.first_paint()
        yield from _frames(debugger, f"a key's frame among {count:,} steps of a transition", (_NEXT_STEP,), rounds)


def _arriving(path: Path, rounds: int) -> Iterator[Row | Skipped]:
    """Ten programs, each with twenty batches of fifty transitions per second."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    with Debugger("--listen", f"localhost:{port}", "--output", str(path)) as debugger:
        debugger.first_paint()
        quiet = [debugger.answer(key, text) for _ in range(rounds) for key, text in _LEVELS]
        seconds = 2 + rounds / 5
        command = [sys.executable, "-m", "benchmarks.fleet", str(port), "10", "20", str(seconds), "50", "1"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as fleet:
            if fleet.stdout is None or fleet.stdin is None or "connected" not in fleet.stdout.readline():
                raise SkippedError("the programs did not connect")
            fleet.stdin.write("begin\n")
            fleet.stdin.flush()
            until = time.perf_counter() + seconds - 1
            debugger.press(RIGHT)  # until something was drawn
            times: list[float] = []
            while not times or time.perf_counter() < until:
                times += [debugger.answer(key, text) for key, text in _LEVELS]
            fleet.stdin.close()
            fleet.wait(30)
    what = "the answer to a key, 10,000 transitions per second arriving"
    for name, busy_s, quiet_s in (
        ("median", statistics.median(times), statistics.median(quiet)),
        ("95 of 100 within", percentile(times, 0.95), percentile(quiet, 0.95)),
    ):
        yield Row(f"{what}, {name}", duration(busy_s), "nothing arriving", duration(quiet_s), quiet_s / busy_s)


def _frames(debugger: Debugger, what: str, keys: tuple[bytes, ...], rounds: int) -> Iterator[Row | Skipped]:
    drawn = [seconds for seconds, size in (debugger.press(key) for key in keys * rounds) if size]
    if len(drawn) < rounds / 2:
        raise SkippedError(f"only {len(drawn)} keys were answered by a frame")
    yield Row(f"{what}, median", duration(statistics.median(drawn)))
    yield Row(f"{what}, 95 of 100 within", duration(percentile(drawn, 0.95)))


def _lag(debugger: Debugger, seconds: float) -> str:
    return duration(debugger.hold(RIGHT, _HELD, seconds))


def _idle(debugger: Debugger, seconds: float) -> float:
    before = debugger.cpu_s()
    debugger.drain(seconds, first_s=seconds)
    return (debugger.cpu_s() - before) / seconds * 100
