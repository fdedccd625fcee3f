"""One process's stream to the other hub."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from am_proto import telemetry_pb2 as pb
from am_telemetry.forwarding.composing import Composed
from am_telemetry.sending.link import STREAM
from am_telemetry.sending.route import LinkError, Route
from am_telemetry.wire import PROTO_VERSION, clean, encode

if TYPE_CHECKING:
    import grpc

PATH_KEY: Final = "amdbg.path"
SESSION_KEY: Final = "amdbg.session"
WINDOW: Final = 16
"""Batches under way."""
WELCOME_TIMEOUT_S: Final = 10.0


class RefusedError(Exception):
    """The other hub does not want this process.

    Args:
        reason: as the other hub puts it.
        final: whether it will never want it.
    """

    def __init__(self, reason: str, final: bool) -> None:
        super().__init__(reason)
        self.final = final


def hello(process: dict[str, Any], hub_id: str) -> bytes:
    """The first frame for a process, serialised.

    Its session is another one than the program's, because the program, or a third hub, may report to the same hub.
    """
    resource = json.loads(process["resource_json"])
    path = ",".join(part for part in (str(resource.get(PATH_KEY, "")), hub_id) if part)
    resource[PATH_KEY] = path
    resource.setdefault(SESSION_KEY, process["session"])
    identity = f"{process['session']}\0{hub_id}".encode("utf-8", "replace")
    frame = pb.ClientFrame()
    message = frame.hello
    message.proto_min = message.proto_max = PROTO_VERSION
    message.session = hashlib.blake2b(identity, digest_size=16).digest()
    message.service = clean(process["name"])
    message.host = clean(process["host"])
    message.pid = max(0, process["pid"])
    message.language = clean(process["language"])
    message.library = clean(process["library"])
    for key, value in resource.items():
        message.resource[clean(str(key))] = clean(str(value))
    return frame.SerializeToString()


class Stream:
    """Open from :meth:`open` to :meth:`close`. Everything runs on one event loop.

    Args:
        channel: to the other hub.
        route: how it was reached.
    """

    def __init__(self, channel: grpc.aio.Channel, route: Route) -> None:
        method: Any = channel.stream_stream(STREAM, None, pb.HubFrame.FromString)
        self._call: Any = method(metadata=route.metadata)
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._failure: Exception | None = None
        self._credit: int | None = None
        """Bytes that may be sent before more are allowed; None for any."""
        self._pause_until = 0.0
        self.sent = 0
        """Number of the last batch that was sent."""
        self.acked = 0

    async def open(self, first: bytes) -> int:
        """Say hello; returns the number of the last batch that the other hub has.

        Raises:
            RefusedError: the other hub does not want this process.
            LinkError: the connection is gone.
        """
        import grpc

        await self._write(first)
        try:
            frame: Any = await asyncio.wait_for(self._call.read(), WELCOME_TIMEOUT_S)
        except grpc.RpcError as error:
            raise LinkError(await self._reason()) from error
        kind = frame.WhichOneof("frame") if isinstance(frame, pb.HubFrame) else None
        if kind == "go_away":
            raise RefusedError(frame.go_away.reason, frame.go_away.final)
        if kind != "welcome":
            raise LinkError(await self._reason())
        self.sent = self.acked = frame.welcome.have_seq
        self._credit = frame.welcome.credit or None
        self._reader = asyncio.create_task(self._read())
        return self.acked

    async def send(self, composed: Composed) -> None:
        """Send a batch as the next one, when few enough are under way.

        Raises:
            RefusedError: the other hub does not want any more of this process.
            LinkError: the connection is gone.
        """
        await self._until(self._may_send)
        await asyncio.sleep(max(0.0, self._pause_until - asyncio.get_running_loop().time()))
        self.sent += 1
        batch = composed.batch
        batch.first_seq = batch.last_seq = self.sent
        data = encode(batch, composed.schemas)
        if self._credit is not None:
            self._credit -= len(data)
        await self._write(data)

    def _may_send(self) -> bool:
        under_way = self.sent - self.acked
        return under_way < WINDOW and (not under_way or self._credit is None or self._credit > 0)

    async def settled(self) -> None:
        """Wait until everything that was sent is durable.

        Raises:
            RefusedError, LinkError: as :meth:`send`.
        """
        await self._until(lambda: self.acked >= self.sent)

    def check(self) -> None:
        """Raise what :meth:`send` would raise."""
        if self._failure is not None:
            raise self._failure

    async def farewell(self) -> None:
        """End the stream on purpose: all machines have ended."""
        await self._write(pb.ClientFrame(farewell=pb.Farewell(last_seq=self.sent)).SerializeToString())
        await self._call.done_writing()
        self.close()

    def close(self) -> None:
        """Let go of everything at once."""
        if self._reader is not None:
            self._reader.cancel()
        self._call.cancel()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            self.check()
            if condition():
                return
            self._news.clear()
            await self._news.wait()

    async def _write(self, data: bytes) -> None:
        import grpc

        try:
            await self._call.write(data)
        except (grpc.RpcError, asyncio.InvalidStateError) as error:
            self.check()
            raise LinkError(await self._reason()) from error

    async def _read(self) -> None:
        import grpc

        failure: Exception | None = None
        try:
            while isinstance(frame := await self._call.read(), pb.HubFrame):
                kind = frame.WhichOneof("frame")
                if kind == "ack":
                    self.acked = max(self.acked, frame.ack.upto_seq)
                    self._news.set()
                elif kind == "credit" and self._credit is not None:
                    self._credit += frame.credit.bytes
                    self._news.set()
                elif kind == "throttle":
                    self._pause_until = asyncio.get_running_loop().time() + frame.throttle.pause_ms / 1000
                elif kind == "go_away":
                    failure = RefusedError(frame.go_away.reason, frame.go_away.final)
                    break
            failure = failure or LinkError(await self._reason())
        except grpc.RpcError:
            failure = LinkError(await self._reason())
        finally:
            self._failure = failure or LinkError("the stream was ended")
            self._news.set()

    async def _reason(self) -> str:
        code, details = await self._call.code(), await self._call.details()
        return f"{code.name}: {details}" if details else str(code.name)
