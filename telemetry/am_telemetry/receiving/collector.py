"""Receives the telemetry of programs over gRPC and passes it to a sink."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import grpc

from am_telemetry.receiving.foreign import ForeignProtocol
from am_telemetry.receiving.front import Front
from am_telemetry.receiving.intake import Intake
from am_telemetry.receiving.listening import CollectorError, allow_many_connections, bind, check_address
from am_telemetry.receiving.relay import Dial
from am_telemetry.settings import DEFAULT_ADDRESS
from am_telemetry.sink import Sink
from am_telemetry.wire import MAX_MESSAGE_BYTES

__all__ = ["Collector", "CollectorError"]

logger = logging.getLogger("am_telemetry.receiving.collector")

SERVICE: Final = "amdbg.v1.Collector"
START_TIMEOUT: Final = 10.0
STOP_GRACE: Final = 0.5

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class Collector:
    """One port for every program, in a daemon thread with an event loop of its own.

    Start and stop it from one thread; the properties may be read by any.

    Args:
        sink: takes the batches; called from the collector's thread and from helper threads.
        address: ``host:port`` of this computer; port 0 picks a free one. ``localhost`` listens on IPv4 and IPv6.
        foreign: readers of what programs send that do not speak gRPC.
    """

    def __init__(self, sink: Sink, address: str = DEFAULT_ADDRESS, foreign: Sequence[ForeignProtocol] = ()) -> None:
        self.address = address
        self.port = 0
        """The port listened on, once started."""
        self._sink = sink
        self._foreign = tuple(foreign)
        self._intake = Intake(sink)
        self._front: Front | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: CollectorError | None = None
        self._stop: asyncio.Event | None = None

    @property
    def clients(self) -> int:
        """Number of connected programs."""
        front = self._front
        return self._intake.clients + (front.programs if front is not None else 0)

    def start(self) -> None:
        """Listen. Returns when programs can connect.

        Raises:
            CollectorError: the address is taken, foreign or malformed.
        """
        check_address(self.address)
        self._thread = threading.Thread(target=self._run, name="am-collector", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT):
            raise CollectorError(f"the collector did not start on {self.address}", "look into the log for the reason")
        if self._failure is not None:
            self._thread.join(START_TIMEOUT)
            raise self._failure

    def stop(self) -> None:
        """End all streams, as disconnected, and the thread. May be called twice, or without :meth:`start`."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None or loop is None or stop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop ended by itself
            loop.call_soon_threadsafe(stop.set)
        thread.join(START_TIMEOUT)
        self._thread = None

    # -- start-up -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            logger.exception("the collector ended")
            self._failure = CollectorError(f"the collector failed: {error}")
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = grpc.aio.server(options=_OPTIONS)
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Stream": grpc.stream_stream_rpc_method_handler(self._intake.stream),
            "Push": grpc.unary_unary_rpc_method_handler(self._intake.push),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        try:
            sockets = bind(self.address)
        except CollectorError as error:
            self._failure = error
            return
        self.port = sockets[0].getsockname()[1]
        allow_many_connections()
        with _private_address(server) as dial:
            await server.start()
            front = self._front = Front(dial, self._foreign, self._sink)
            await front.listen(sockets)
            logger.info("collecting on port %s", self.port)
            self._started.set()
            try:
                await self._stop.wait()
            finally:
                await front.close()
                await server.stop(STOP_GRACE)
                front.cut()
                await self._intake.drained()


@contextlib.contextmanager
def _private_address(server: grpc.aio.Server) -> Iterator[Dial]:
    """Have the gRPC server listen where nobody but this process calls; yields how to call it there."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        port = server.add_insecure_port("127.0.0.1:0")
        yield partial(loop.create_connection, host="127.0.0.1", port=port)
        return
    if platform.system() == "Linux":  # an abstract socket leaves no file behind, even when this process is killed
        name = f"am-dbg-{uuid.uuid4().hex}"
        server.add_insecure_port(f"unix-abstract:{name}")
        yield partial(loop.create_unix_connection, path=f"\0{name}")
        return
    folder = Path(tempfile.mkdtemp(prefix="am-dbg-"))  # readable for this user only
    try:
        path = folder / "grpc"
        server.add_insecure_port(f"unix:{path}")
        yield partial(loop.create_unix_connection, path=str(path))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
