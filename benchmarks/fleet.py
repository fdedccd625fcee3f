"""Many programs at once, in one process: ``python -m benchmarks.fleet PORT COUNT RATE SECONDS ROWS FIRST``.

Each has a connection, a session and a machine of its own, and sends ``RATE`` batches per second of ``ROWS`` transitions
each, as its credit permits; with a rate of 0 as fast as that. Says "connected" when all are, begins with the next line
of its input, and prints what it saw as JSON in the end.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch, PatternDef, TransitionColumns
from am_telemetry.facts import Flag, MachineFact, PatternFact, SchemaFact, StateFact
from am_telemetry.sending.link import CHANNEL_OPTIONS, STREAM
from am_telemetry.wire import encode

if TYPE_CHECKING:
    Call = grpc.aio.StreamStreamCall[bytes, pb.HubFrame]

SCHEMA = SchemaFact(tuple(StateFact(f"State{i:02}", multi=True) for i in range(12)))
PATTERNS = [PatternDef(i + 1, 1, PatternFact("add", (i,), Flag.ACCEPTED, ((i, 2),))) for i in range(12)]
ENDING_S = 20.0
"""Within which the last acknowledgements must come."""


@dataclass
class Seen:
    """What became of the records of one program."""

    connecting: float = 0.0
    sent: int = 0
    stored: int = 0
    delays: list[float] = field(default_factory=list)
    """Seconds from handing over a batch to its acknowledgement."""
    pauses: int = 0
    reason: str = ""


class Program:
    """One of them."""

    def __init__(self, number: int, rows: int) -> None:
        self.seen = Seen()
        self._number = number
        self._rows = rows
        self._next = 1
        self._row = 0
        self._credit = 0
        self._limited = False
        self._under_way: dict[int, float] = {}
        self._moved = asyncio.Event()

    async def run(self, port: int, rate: float, began: asyncio.Event, ready: asyncio.Semaphore, seconds: float) -> None:
        """Connect, report for some seconds, and leave."""
        await ready.acquire()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS) as channel:
            start = time.perf_counter()
            call: Call = channel.stream_stream(STREAM, None, pb.HubFrame.FromString)()
            session = self._number.to_bytes(16, "big")
            hello = pb.Hello(proto_min=1, proto_max=1, session=session, service=f"program-{self._number}")
            await call.write(pb.ClientFrame(hello=hello).SerializeToString())
            answer: Any = await call.read()
            if not isinstance(answer, pb.HubFrame) or answer.WhichOneof("frame") != "welcome":
                self.seen.reason = str(answer)
                return
            self.seen.connecting = time.perf_counter() - start
            self._credit, self._limited = answer.welcome.credit, answer.welcome.credit > 0
            listener = asyncio.create_task(self._listen(call))
            await self._send(call, self._opening())
            ready.release()  # somebody else may connect
            try:
                await began.wait()
                await self._report(call, rate, time.perf_counter() + seconds)
                await call.write(pb.ClientFrame(farewell=pb.Farewell(last_seq=self._next - 1)).SerializeToString())
                await call.done_writing()
                await asyncio.wait_for(listener, ENDING_S)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError) as error:
                self.seen.reason = self.seen.reason or type(error).__name__
            finally:
                listener.cancel()

    def _opening(self) -> bytes:
        batch = Batch(1, 1, schemas=[(1, SCHEMA)], patterns=PATTERNS)
        batch.opened = [(1, 1, MachineFact(f"machine-{self._number}", SCHEMA))]
        self._next = 2
        return encode(batch)

    def _batch(self) -> bytes:
        rows, row = self._rows, self._row
        columns = TransitionColumns(
            [1] * rows,
            list(range(row + 1, row + rows + 1)),
            [time.time_ns()] * rows,
            [20_000] * rows,
            [1 + (row + n) % len(PATTERNS) for n in range(rows)],
            [0] * rows,
            [0] * rows,
        )
        batch = Batch(self._next, self._next + rows - 1, transitions=columns)
        self._next += rows
        self._row += rows
        return encode(batch)

    async def _report(self, call: Call, rate: float, until: float) -> None:
        due = time.perf_counter() + (random.random() / rate if rate else 0.0)
        while (now := time.perf_counter()) < until:
            if due > now:
                await asyncio.sleep(due - now)
            frame = self._batch()
            while self._limited and self._credit < len(frame) and self._under_way:
                self._moved.clear()
                await self._moved.wait()
            await self._send(call, frame)
            self.seen.sent += self._rows
            due = max(due + 1 / rate, time.perf_counter()) if rate else 0.0

    async def _send(self, call: Call, frame: bytes) -> None:
        self._credit -= len(frame)
        self._under_way[self._next - 1] = time.perf_counter()
        await call.write(frame)

    async def _listen(self, call: Call) -> None:
        while isinstance(frame := await call.read(), pb.HubFrame):
            kind = frame.WhichOneof("frame")
            if kind == "ack":
                now = time.perf_counter()
                for seq in [seq for seq in self._under_way if seq <= frame.ack.upto_seq]:
                    self.seen.delays.append(now - self._under_way.pop(seq))
                self.seen.stored = frame.ack.upto_seq - 1
            elif kind == "credit":
                self._credit += frame.credit.bytes
            elif kind == "throttle":
                self.seen.pauses += 1
            elif kind == "go_away":
                self.seen.reason = frame.go_away.reason
            self._moved.set()


async def _main(port: int, count: int, rate: float, seconds: float, rows: int, first: int) -> None:
    programs = [Program(first + n, rows) for n in range(count)]
    began, ready = asyncio.Event(), asyncio.Semaphore(32)
    running = [asyncio.create_task(one.run(port, rate, began, ready, seconds)) for one in programs]
    while not all(one.seen.connecting or one.seen.reason for one in programs):
        await asyncio.sleep(0.01)
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began.set()
    await asyncio.gather(*running)
    print(json.dumps([vars(one.seen) for one in programs]))


if __name__ == "__main__":
    asyncio.run(
        _main(
            int(sys.argv[1]),
            int(sys.argv[2]),
            float(sys.argv[3]),
            float(sys.argv[4]),
            int(sys.argv[5]),
            int(sys.argv[6]),
        )
    )
