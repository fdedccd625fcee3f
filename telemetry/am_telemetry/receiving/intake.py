"""One stream after another: checks frames, hands batches to the sink, and acknowledges what is durable.

Everything here runs on the collector's event loop, except the sink's callbacks, which only post to it.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import DecodeError

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch
from am_telemetry.errors import TelemetryError
from am_telemetry.facts import ProcessFact
from am_telemetry.receiving import answers
from am_telemetry.receiving.admission import Limits, Pace, Refusals
from am_telemetry.receiving.complaints import Complaints
from am_telemetry.receiving.connection import Connection, Post
from am_telemetry.receiving.credit import Budget, cost_of
from am_telemetry.receiving.introduction import PATH_KEY, process_of
from am_telemetry.receiving.limiting import limited
from am_telemetry.sink import Sink
from am_telemetry.wire import PROTO_VERSION, WireError

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]

Message = TypeVar("Message", pb.ClientFrame, pb.PushRequest)

logger = logging.getLogger("am_telemetry.receiving.collector")

ACK_INTERVAL: Final = 0.02
"""Seconds between acknowledgements to one program, when few are connected."""
ACK_INTERVAL_EACH: Final = 0.0001
"""Seconds by which every connected program makes that longer, up to the next."""
MAX_ACK_INTERVAL: Final = 0.1
MAX_BACKLOG: Final = 512
"""Batches that wait for the sink, of all programs. Programs that speak foreign protocols get some more."""
HELD_BESIDE: Final = 3 * 1024 * 1024
"""Cost of the batches of one program that wait for the sink while others are connected, which queue behind them."""
LOOK_AGAIN_S: Final = 0.05
"""The sink is also filled and emptied by others, of which nobody tells."""
HELLO_S: Final = 10.0
"""Seconds within which a stream must say whose it is."""
OPENING_S: Final = 4.0
"""Seconds that a program waits to be let in before it is asked to come back; it would not wait much longer anyway."""
SINK_THREADS: Final = 16
COME_BACK_MS: Final = 2_000
TROUBLE_PAUSE_MS: Final = 1_000
PUSH_TIMEOUT: Final = 30.0
FAREWELL_TIMEOUT: Final = 5.0


class Superseded(Exception):  # noqa: N818  # not an error: another connection goes on with the session
    """The same session has connected again."""


class CircleError(WireError):
    """The records came from here."""


class FullError(Exception):
    """There is no room at the moment."""


class Intake:
    """The two methods of the service.

    Args:
        sink: where batches go.
        limits: how much is taken.
        refusals: counts what is not.
        hub_id: of this hub, as it stands in the path of records that were forwarded.
        budget: bytes that may be under way.
    """

    def __init__(
        self, sink: Sink, limits: Limits, refusals: Refusals, hub_id: str = "", budget: Budget | None = None
    ) -> None:
        self.complaints = Complaints()
        self._sink = sink
        self.budget = budget if budget is not None else Budget()
        self._limits = limits
        self._refusals = refusals
        self._hub_id = hub_id
        self._opening: set[str] = set()
        self._connections: dict[str, Connection] = {}
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._ending: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        """Held by the program whose batch is the next to be handed over. First come, first served."""
        self._post: Post | None = None
        # Of its own, because they wait for the disk, and others must not wait with them.
        self._threads = ThreadPoolExecutor(SINK_THREADS, "am-collector-sink")

    @property
    def clients(self) -> int:
        """Number of connected programs. Any thread."""
        return len(self._connections)

    def request_detail(self, machine: str, level: int, seconds: int) -> int:
        """Ask the programs that have a machine to tell more of it, or less again, for some seconds.

        They decide whether they do. To be called on the event loop.

        Args:
            machine: its id; empty for all machines.
            level: of detail, 0 to 3.
            seconds: after which it is as before; 0 ends an earlier request.

        Returns:
            How many programs were asked.
        """
        asked = 0
        for connection in self._connections.values():
            handles = [0] if not machine else [h for h, name in connection.names.items() if name == machine]
            for handle in handles:
                connection.say(answers.detail(handle, level, seconds))
            asked += bool(handles)
        return asked

    def machine_names(self) -> set[str]:
        """Ids of the machines that are connected. To be called on the event loop."""
        return {name for connection in self._connections.values() for name in connection.names.values()}

    async def drained(self) -> None:
        """Wait until the sessions of ended streams are closed in the sink."""
        while self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def stream(self, requests: AsyncIterator[bytes], context: Context) -> None:
        """One program's stream, from Hello to its end."""
        connection: Connection | None = None
        reader: asyncio.Task[None] | None = None
        try:
            first = await self._first_frame(requests)
            if not first:
                return
            connection = await self._open(first)
            await context.write(answers.welcome(connection.put_seq, connection.account.grant(), self._limits))
            reader = asyncio.create_task(self._read(connection, requests))
            await self._acknowledge_until_done(connection, reader, context)
        except WireError as error:
            self._complain(connection, error)
            await context.write(answers.go_away(str(error), final=True))
        except FullError as error:
            await context.write(answers.go_away(str(error), final=False, after_ms=COME_BACK_MS))
        except Superseded:
            await context.write(answers.go_away("superseded by another connection of the same session", final=False))
        finally:
            if reader is not None:
                reader.cancel()
            if connection is not None:
                # In a task of its own, because this one may have been cancelled.
                ending = asyncio.create_task(self._close(connection))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)

    async def push(self, request: bytes, context: Context) -> bytes:
        """A whole short session in one call."""
        reply = pb.PushReply()
        connection: Connection | None = None
        try:
            frames = _parse(pb.PushRequest, request).frames
            if not frames:  # asked by people who look for what is wrong
                reply.frames.append(pb.HubFrame.FromString(answers.introduction(self._limits)))
                return reply.SerializeToString()
            connection = await self._open(frames[0].SerializeToString() if frames else b"")
            reply.frames.append(
                pb.HubFrame.FromString(answers.welcome(connection.put_seq, connection.account.grant(), self._limits))
            )
            for frame in frames[1:]:
                await self._take(connection, frame, frame.ByteSize())
            deadline = time.monotonic() + PUSH_TIMEOUT
            while connection.durable_seq < connection.put_seq and time.monotonic() < deadline:
                await _wait(connection.progress, deadline - time.monotonic())
            reply.frames.add().ack.upto_seq = connection.durable_seq
        except WireError as error:
            self._complain(connection, error)
            reply.frames.append(pb.HubFrame.FromString(answers.go_away(str(error), final=True)))
        except FullError as error:
            reply.frames.append(pb.HubFrame.FromString(answers.go_away(str(error), final=False, after_ms=COME_BACK_MS)))
        finally:
            if connection is not None:
                await self._close(connection)
        return reply.SerializeToString()

    async def _first_frame(self, requests: AsyncIterator[bytes]) -> bytes:
        """Empty when the program has left without a word."""
        try:
            return await asyncio.wait_for(anext(requests, b""), HELLO_S)
        except TimeoutError as error:
            raise WireError(f"no Hello within {HELLO_S:.0f} s") from error

    def _complain(self, connection: Connection | None, error: WireError) -> None:
        if not isinstance(error, CircleError):
            self._refusals.count("programs that broke the protocol")
        who = connection.name if connection is not None else "a gRPC client"
        self.complaints.about(who, str(error))

    # -- sessions -------------------------------------------------------------------------------------------------

    async def _open(self, data: bytes) -> Connection:
        frame = _parse(pb.ClientFrame, data)
        if frame.WhichOneof("frame") != "hello":
            raise WireError("the first frame is not Hello")
        hello = frame.hello
        if not hello.proto_min <= PROTO_VERSION <= hello.proto_max:
            raise WireError(
                f"protocol revisions {hello.proto_min} to {hello.proto_max} are not spoken here, only {PROTO_VERSION}"
            )
        process = process_of(hello)
        if self._hub_id and self._hub_id in process.resource.get(PATH_KEY, "").split(","):
            self._refusals.count("sessions forwarded in a circle")
            raise CircleError("these records came from here; hubs forward to each other in a circle")
        self._opening.add(process.session)
        try:
            connection = await self._admit(process)
            connection.compare_clocks(hello.anchor)
            return connection
        finally:
            self._opening.discard(process.session)

    async def _admit(self, process: ProcessFact) -> Connection:
        if len(self._opening | self._connections.keys()) > self._limits.clients:
            self._refusals.count("programs too many")
            raise FullError(f"this hub records {self._limits.clients:,} programs at the same time, and that many do")
        lock = self._locks.setdefault(process.session, asyncio.Lock())
        async with lock:
            earlier = self._connections.get(process.session)
            if earlier is not None:
                earlier.supersede()
            have = await self._open_session(process)
            pace = Pace(self._limits.rate, time.monotonic())
            post = self._post = self._post or Post()
            connection = Connection(process.session, f"{process.name} ({process.pid})", have, pace, self.budget, post)
            self._connections[process.session] = connection
        logger.info("%s connected, %s records are known", connection.name, have)
        return connection

    async def _open_session(self, process: ProcessFact) -> int:
        opening = asyncio.get_running_loop().run_in_executor(
            self._threads, self._sink.open_session, process, time.time_ns()
        )
        try:
            return await asyncio.wait_for(opening, OPENING_S)
        except TelemetryError as error:
            failure: object = error.message
        except TimeoutError:
            failure = self._sink.failure or "nothing is stored in time at present"
        self._refusals.count("programs that could not be recorded at once")
        raise FullError(f"this hub cannot record anything now: {failure}")

    async def _close(self, connection: Connection) -> None:
        try:
            await self._close_session(connection)
        finally:
            connection.account.close()

    async def _close_session(self, connection: Connection) -> None:
        session = connection.session
        lock = self._locks.setdefault(session, asyncio.Lock())
        async with lock:
            if self._connections.get(session) is not connection:
                return  # a later connection goes on with the session
            reason = "closed" if connection.said_goodbye else "disconnected"
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, self._sink.close_session, session, time.time_ns(), reason
                )
            except Exception:
                logger.exception("the session of %s could not be closed", connection.name)
            del self._connections[session]
        logger.info("%s %s", connection.name, reason)

    # -- frames ---------------------------------------------------------------------------------------------------

    async def _read(self, connection: Connection, requests: AsyncIterator[bytes]) -> None:
        async for data in requests:
            await self._take(connection, _parse(pb.ClientFrame, data), len(data))
            if connection.said_goodbye:
                return

    async def _take(self, connection: Connection, frame: pb.ClientFrame, size: int) -> None:
        kind = frame.WhichOneof("frame")
        if kind == "batch":
            await self._take_batch(connection, frame.batch, size)
        elif kind == "pulse":
            connection.compare_clocks(frame.pulse.anchor)
        elif kind == "farewell":
            connection.said_goodbye = True
        elif kind == "hello":
            raise WireError("Hello was sent twice")

    async def _take_batch(self, connection: Connection, message: pb.Batch, size: int) -> None:
        cost = cost_of(size, len(message.machine))
        account = connection.account
        while account.held and account.held + cost > HELD_BESIDE and len(self._connections) > 1:
            await self._wait_for(connection.room)
        async with self._turn:
            while self._sink.backlog >= MAX_BACKLOG or not self.budget.has_room(cost):
                assert self._post is not None
                await self._wait_for(self._post.stored)
            pause = self._put(connection, connection.decoder.decode(message), size)
        if pause > 0:
            self._refusals.count("batches slowed down")
            connection.say(answers.throttle(max(1, round(pause * 1000)), "too many transitions per second"))
            await asyncio.sleep(pause)

    async def _wait_for(self, room: asyncio.Event) -> None:
        """Wait for a while, and tell everybody if there is a reason other than that much is to be done."""
        failure = self._sink.failure
        if failure is not None:
            for connection in self._connections.values():
                connection.say_once("trouble", answers.throttle(TROUBLE_PAUSE_MS, str(failure)))
        room.clear()
        await _wait(room, LOOK_AGAIN_S)

    def _put(self, connection: Connection, batch: Batch, size: int) -> float:
        """Hand over a batch; returns the seconds to wait until the next."""
        if connection.superseded:
            raise Superseded
        if batch.first_seq <= connection.put_seq:
            raise WireError(f"records {batch.first_seq} to {batch.last_seq} begin before {connection.put_seq + 1}")
        rows = len(batch)
        connection.note_names(batch)
        batch, complaints = limited(batch, connection.machines, self._limits, self._refusals)
        for code, text in complaints:
            if code not in connection.told:
                logger.warning("%s: %s", connection.name, text)
            connection.say_once(code, answers.notice(code, text))
        batch.skew_ns, connection.skew_ns = connection.skew_ns, None
        connection.account.take(batch.last_seq, size, rows)
        connection.put_seq = batch.last_seq
        self._sink.put(connection.session, batch, connection.committed)
        return connection.pace.take(rows, time.monotonic())

    async def _acknowledge_until_done(
        self, connection: Connection, reader: asyncio.Task[None], context: Context
    ) -> None:
        """Send cumulative acknowledgements, with pauses in between, until the program has gone."""
        reader.add_done_callback(lambda _: connection.progress.set())
        deadline: float | None = None
        while True:
            if deadline is None:
                await connection.progress.wait()
            else:
                await _wait(connection.progress, deadline - time.monotonic())
            connection.progress.clear()
            if connection.superseded:
                raise Superseded
            if reader.done() and deadline is None:
                reader.result()
                if not connection.said_goodbye:
                    return
                deadline = time.monotonic() + FAREWELL_TIMEOUT
            if connection.durable_seq > connection.acked_seq:
                connection.acked_seq = connection.durable_seq
                await context.write(answers.ack(connection.acked_seq))
            if deadline is None and (credit := connection.account.grant()):
                await context.write(answers.more_credit(credit))
            while connection.outbox:
                await context.write(connection.outbox.popleft())
            if deadline is None:
                await asyncio.sleep(self._ack_interval)
            elif connection.acked_seq >= connection.put_seq or time.monotonic() >= deadline:
                return

    @property
    def _ack_interval(self) -> float:
        return min(MAX_ACK_INTERVAL, max(ACK_INTERVAL, ACK_INTERVAL_EACH * len(self._connections)))


async def _wait(event: asyncio.Event, timeout: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(0.0, timeout))
    except TimeoutError:
        return
    event.clear()


def _parse(kind: type[Message], data: bytes) -> Message:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise WireError("not a telemetry frame") from error
