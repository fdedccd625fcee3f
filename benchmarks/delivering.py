"""The way from a program to a recording: what it costs the program, and how much gets through."""

from __future__ import annotations

import contextlib
import gc
import logging
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import synthetic
from benchmarks.rows import Row, Skipped, duration, rate
from benchmarks.timing import percentile

if TYPE_CHECKING:
    from am_core import Machine, Tracer, Transition
    from am_telemetry.sending.client import Client

_STATES = 10


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """Costs of being traced by a hub that listens, and by none; then a hub that is sent as much as it can take."""
    count = 500 if quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        with _hub(Path(folder) / "a.db") as port:
            address, rounds = f"localhost:{port}", 1 if quick else 5
            thread, process = _cost(address, count, rounds, handlers=False)
            thread_busy, process_busy = _cost(address, count // 2, rounds, handlers=True)
        yield Row("tracing to a hub, CPU of the program's thread per transition", duration(thread))
        yield Row("tracing to a hub, CPU of the whole program per transition", duration(process))
        yield Row("the same with two handlers, CPU of the program's thread", duration(thread_busy))
        yield Row("the same with two handlers, CPU of the whole program", duration(process_busy))
        worst, floor = _slowest_hooks(count)
        what = "tracing without a hub, 99.9 % of hooks are quicker than"
        yield Row(what, duration(worst), "a hook that does nothing", duration(floor))
        seconds, total = _ingest(Path(folder) / "b.db", 20_000 if quick else 1_000_000)
        yield Row(f"ingesting {total:,} transitions, two viewers attached, until acknowledged", rate(total / seconds))


@contextlib.contextmanager
def _hub(path: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.hub_process", str(path), "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdin is not None
        assert hub.stdout is not None
        try:
            yield int(hub.stdout.readline())
        finally:
            hub.stdin.close()
            hub.wait(60)


class _Handlers:
    """Called in every second transition each."""

    def AState(self, event: Any) -> None:
        pass

    def BState(self, event: Any) -> None:
        pass

    def AExit(self, event: Any) -> bool:
        return True

    def BExit(self, event: Any) -> bool:
        return True


def _machine(name: str) -> Machine:
    from am_core import Machine

    schema: dict[str, Any] = {f"S{i}": {} for i in range(_STATES)}
    schema["A"] = {"remove": ["B"]}
    schema["B"] = {"remove": ["A"]}
    return Machine(schema, id=name)


def _client(address: str) -> Client:
    from am_telemetry.sending.client import Client
    from am_telemetry.settings import read_settings

    return Client(read_settings(address, detail=1, log="nothing", machines="traced*", environ={}))


def _cost(address: str, count: int, rounds: int, *, handlers: bool) -> tuple[float, float]:
    """(thread, process) CPU seconds per transition on top of an untraced machine; medians."""
    client = _client(address)
    client.start()
    plain, traced = _machine("plain"), _machine("traced")
    if handlers:
        plain.bind(_Handlers())
        traced.bind(_Handlers())
    client.flush(10)
    found: dict[str, list[tuple[float, float]]] = {"plain": [], "traced": []}
    for turn in range(rounds + 1):
        for machine in (plain, traced):
            gc.collect()
            thread, process = time.thread_time(), time.process_time()
            # In portions, as a program that is not a benchmark would: the sender gets to its share in between.
            for _ in range(10):
                for _ in range(count // 20):
                    machine.add("A")
                    machine.add("B")
                time.sleep(0.02)
            thread = time.thread_time() - thread
            client.flush(30)
            if turn:
                found[str(machine.id)].append((thread / count, (time.process_time() - process) / count))
    client.close(10)
    plain_costs, traced_costs = found["plain"], found["traced"]
    return (
        max(1e-9, statistics.median(t for t, _ in traced_costs) - statistics.median(t for t, _ in plain_costs)),
        max(1e-9, statistics.median(p for _, p in traced_costs) - statistics.median(p for _, p in plain_costs)),
    )


def _slowest_hooks(count: int) -> tuple[float, float]:
    """The 99.9th percentile of what the tracer's hook takes, wall time, while the hub is away, and of one that does
    nothing, which is what the computer itself contributes."""
    from am_core import Tracer

    class Nothing(Tracer):
        def transition_end(self, tx: Transition) -> None:
            pass

    idle = _machine("plain")
    floor = _timed_hooks(idle, Nothing(), count)
    logger = logging.getLogger("am_telemetry")
    level = logger.level
    logger.setLevel(logging.ERROR)  # that the hub is away is no news here
    client = _client("localhost:9")  # the discard port, where nobody listens
    client.start()
    machine = _machine("traced")
    (tracer,) = machine.tracers()
    machine.detach_tracer(tracer)
    tracer.express_sink = None
    try:
        worst = _timed_hooks(machine, tracer, count)
        client.close(1)
    finally:
        logger.setLevel(level)
    return worst, floor


def _timed_hooks(machine: Machine, tracer: Tracer, count: int) -> float:
    """The 99.9th percentile of what a tracer's hook takes, seconds."""
    spent: list[float] = []
    hook, clock, note = tracer.transition_end, time.perf_counter, spent.append

    def timed(tx: Transition) -> None:
        began = clock()
        hook(tx)
        note(clock() - began)

    tracer.transition_end = timed  # type: ignore[method-assign]  # the very function that is to be timed
    machine.bind_tracer(tracer)
    for _ in range(10):
        for _ in range(count // 20):
            machine.add("A")
            machine.add("B")
        time.sleep(0.02)
    return percentile(spent, 0.999)


def _ingest(path: Path, count: int) -> tuple[float, int]:
    """Wall seconds from the first frame to the last acknowledgement, and the number of transitions."""
    import grpc

    from am_proto import telemetry_pb2 as pb
    from am_telemetry.sending.link import STREAM
    from am_telemetry.wire import encode

    prepared = list(synthetic.batches(count))
    schemas = {fact.digest: handle for handle, fact in prepared[0].schemas}
    frames = [encode(batch, schemas) for batch in prepared]
    hello = pb.Hello(proto_min=1, proto_max=1, session=b"b" * 16, service="benchmark")
    last = prepared[-1].last_seq
    del prepared
    with _hub(path) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        outbox.put(pb.ClientFrame(hello=hello).SerializeToString())
        stream: Any = channel.stream_stream(STREAM, None, pb.HubFrame.FromString)
        answers = stream(iter(outbox.get, None))
        credit = next(answers).welcome.credit
        began = time.perf_counter()
        waiting = iter(frames)
        frame: bytes | None = next(waiting)
        while True:
            while frame is not None and credit >= len(frame):
                credit -= len(frame)
                outbox.put(frame)
                frame = next(waiting, None)
            answer = next(answers)
            credit += answer.credit.bytes
            if answer.ack.upto_seq >= last:
                break
        seconds = time.perf_counter() - began
        outbox.put(None)
    return seconds, count
